"""Training with labels of every kind, from a folder to pictures that are asked for by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from progan.assemble.models.build import build_system
from progan.assemble.models.model import load
from progan.assemble.training.ask import Asked, prepare
from progan.assemble.training.train import resume_run, train_run
from progan.core.config import apply_sets
from progan.core.recipe import DataSettings, Recipe
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.pyramid import Pyramid
from progan.engine.loop import Trainer
from quiet import Quiet
from small_world import weights

LABELS: dict[str, str | tuple[str, ...]] = {
    "class": "who",
    "multi-label": ("glasses", "hat"),
    "continuous": ("age", "glasses"),
}
SYSTEMS = {
    "progan": ("fmap_max=4", "latent_size=8", "batch={4: 8}"),
    "cgan": ("width=4", "latent_size=8", "batch=8"),
}
CONDITIONS = [
    *(("progan", condition) for condition in ("ac-gan", "projection", "concat")),
    *(
        ("cgan", condition)
        for condition in ("concat", "matching-aware", "two-head", "ac-gan", "projection")
    ),
]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 pictures with a table of what is in them."""
    folder = tmp_path_factory.mktemp("labels") / "faces"
    folder.mkdir()
    lines = ["file_name,who,glasses,hat,age"]
    for number in range(24):
        pixels = np.random.default_rng(number).integers(256, size=(8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        glasses, hat = number % 2, number // 2 % 2
        lines.append(f"{number:02}.png,{'abc'[number % 3]},{glasses},{hat},{20 + 2.5 * number}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def stores(faces: Path) -> dict[str, Pyramid]:
    """The folder, built with each kind of label."""
    cache = faces.parent / "cache"
    return {
        kind: open_or_build(str(faces), DataSettings(labels=labels, resolution=8), cache, workers=1)
        for kind, labels in LABELS.items()
    }


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize(("name", "condition"), CONDITIONS)
def test_every_form_trains_with_every_kind_of_label(
    stores: dict[str, Pyramid], name: str, condition: str, kind: str
) -> None:
    recipe = apply_sets(Recipe(system=name), [*SYSTEMS[name], f"condition={condition}"])
    pyramid = stores[kind]
    system = build_system(recipe, pyramid.spec, torch.device("cpu"))
    loader = Loader(pyramid, seed=0, batch_type=system.batch_type)
    plan = system.plan()
    plan = plan.with_lengths([8] * len(plan.stages))
    trainer = Trainer(system, loader, plan=plan)
    before = {key: value.clone() for key, value in system.state_dict().items()}
    while not trainer.done:
        trainer.step()
    after = system.state_dict()
    assert all(bool(value.isfinite().all()) for value in after.values())
    moved = {key.split(".")[0] for key in after if not torch.equal(after[key], before[key])}
    assert len(moved) == 2  # both players
    drawn = system.draw(64)["label"]
    own = torch.from_numpy(
        pyramid.labels(range(24))
        if kind == "class"
        else pyramid.label_rows(range(24)).round(decimals=4)
    )
    assert set(map(str, drawn.tolist())) <= set(map(str, own.tolist()))  # rows of the data


def test_a_session_with_several_labels_resumes_to_the_bit(tmp_path: Path) -> None:
    sets = (
        *("fmap_max=8", "latent_size=8", "data.images=200", "train.previews=4"),
        *("train.log_every=5", "train.threads=1", "train.precision=fp32"),
        *("condition=projection", "data.labels=[glasses, hat]", "batch={4: 8}"),
    )

    def train(name: str, screen: Quiet) -> Path:
        asked = Asked(
            **{"words": "portraits", "resolution": 8, "sets": sets, "images": 96},
            **{"name": name, "runs": tmp_path / "runs"},
        )
        return train_run(prepare(asked), screen).path

    whole = train("whole", Quiet())
    model = load(whole)
    assert model.label_names == ("glasses", "hat")
    with_hat, without = model.sample([1, 1], labels=["hat=1", "hat=0"])
    assert with_hat.shape == (8, 8, 3)
    assert not np.array_equal(with_hat, without)
    half = train("half", Quiet(stop_at=4))
    assert load(half).trained_images < model.trained_images
    resume_run(half, Quiet())
    assert weights(half) == weights(whole)
