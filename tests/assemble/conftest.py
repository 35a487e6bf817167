"""A tiny ProGAN that was never trained, saved as a run is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from progan.assemble.models.build import build_system, spec_to_plain
from progan.assemble.models.recipes import resolve
from progan.core.config import lock
from progan.core.plan import Plan, Stage
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.engine.checkpoint import save_checkpoint
from progan.engine.loop import Trainer

STAGES = (
    Stage(name="4", images=100, resolution=4, batch=4),
    Stage(name="8 fade", images=100, resolution=8, batch=4, fade=True),
    Stage(name="8", images=100, resolution=8, batch=4),
    Stage(name="16 fade", images=100, resolution=16, batch=4, fade=True),
    Stage(name="16", images=100, resolution=16, batch=4),
)

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Make a run folder whose checkpoints stand at the given numbers of images."""

    def make(
        *images: int,
        name: str = "toys",
        classes: tuple[str, ...] = (),
        channels: int = 3,
        recipe: Recipe | None = None,
        labels: DataSpec | None = None,
    ) -> Path:
        folder = tmp_path / "runs" / name
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "pictures").mkdir()
        recipe = recipe or Recipe(
            system="progan",
            data=DataSettings(source="/home/somebody/toys", resolution=16),
            train=TrainSettings(seed=5),
            set={
                **{"fmap_base": 64, "fmap_max": 8, "latent_size": 8},
                **({"condition": "ac-gan"} if classes or labels else {}),
            },
        )
        spec = DataSpec(resolution=16, channels=channels, classes=len(classes), images=7)
        spec = replace(labels, resolution=16, channels=channels) if labels else spec
        text = lock(recipe, resolve(recipe)[1], STAGES)
        (folder / "recipe.lock.yaml").write_text(text)
        system = build_system(recipe, spec, torch.device("cpu"))
        trainer = Trainer(system, data=None, plan=Plan(STAGES))  # type: ignore[arg-type]
        for count in images or (450,):
            trainer.images, trainer.steps = count, count // 4
            trainer.entered = max(0, -(-count // 100) - 1)  # borders are crossed by the next step
            torch.manual_seed(count)
            with torch.no_grad():
                for average in trainer.averages.modules.values():
                    for parameter in average.parameters():
                        parameter.add_(torch.randn_like(parameter) * 0.3)
            state = trainer.state()
            meta = {
                **{"counters": state.counters, "seconds": 1.0, "stage_ends": [], "best": None},
                **{"healthy": True, "recipe": text, "spec": spec_to_plain(spec)},
                **{"class_names": list(classes), "data_fingerprint": "0" * 64},
                **{"versions": {}, "threads": 1, "precision": "fp32"},
            }
            save_checkpoint(
                folder / "checkpoints" / f"{count:09d}.safetensors", state.tensors, meta
            )
        return folder

    return make
