"""Models whose captions' vectors came from a file: what they read with it, and without."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from progan.assemble.models.model import Model, load
from progan.assemble.models.stored import open_stored
from progan.assemble.models.texts import recall
from progan.core.errors import ConfigError
from progan.core.recipe import DataSettings
from progan.data import minilm
from progan.data.sources import open_source
from progan.data.vectors import VectorFile
from small_world import Cli, weights
from tiny_run import tiny_run

NARROW = (
    *("ratio=2", "width=2", "critic_width=2", "second_width=4", "second_critic_width=2"),
    *("code=4", "latent_size=4", "batch=8", "optimizer.lr=0.1", "average.half_life_images=0"),
)
PEOPLE = DataSettings(source="portraits", resolution=16, images=32, labels="none", captions="found")
UNSEEN = "nobody, with a hat"


def vectors_for(path: Path, seed: int = 0) -> Path:
    """Random vectors of every portrait's caption, and of one that no portrait has."""
    table = open_source("portraits", PEOPLE).captions("found")
    assert table is not None
    (cells,) = table.columns.values()
    texts = [*dict.fromkeys(str(cell) for cell in cells), UNSEEN]
    rows = np.random.default_rng(seed).normal(size=(len(texts), 6))
    np.savez(path, texts=np.array(texts), vectors=rows)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vectors_for(tmp_path_factory.mktemp("vectors") / "people.npz")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, file: Path) -> Path:
    data = replace(PEOPLE, vectors=str(file))
    folder = tmp_path_factory.mktemp("runs")
    return tiny_run(folder, "people", system="stackgan", sets=NARROW, data=data)[0]


@pytest.fixture(scope="module")
def model(run: Path) -> Model:
    return load(run)


def test_the_run_trains_two_stages_and_no_captions_network(model: Model) -> None:
    assert [stage.name for stage in model.stored.plan.stages] == ["stage I", "stage II"]
    assert not [name for name in model.system.state_dict() if name.startswith(("text", "look"))]
    assert model.stored.spec.caption_width == 6


def test_captions_of_the_data_need_no_file(model: Model, file: Path) -> None:
    texts = model.stored.spec.caption_texts
    rows = VectorFile(file).encode(texts)
    expected = np.sqrt(6) * rows / rows.norm(dim=1, keepdim=True)
    torch.testing.assert_close(model.system.phrased(texts), expected)  # type: ignore[operator]
    number = int(model.latents(7)["caption"])
    assert np.array_equal(model.sample(7), model.sample(7, labels=texts[number]))
    assert not np.array_equal(model.sample(7), model.sample(7, labels=texts[number - 1]))


def test_other_texts_of_the_file_are_drawn_and_strange_ones_told(
    run: Path, model: Model, tmp_path: Path, cli: Cli
) -> None:
    assert cli("sample", run, "--text", UNSEEN, "--seeds", "0-3", tmp_path / "a.png").code == 0
    assert not np.array_equal(model.sample(1, labels=UNSEEN), model.sample(1))
    done = cli("sample", run, "--text", "a thing", tmp_path / "b.png")
    assert done.code == 2
    assert 'people.npz has no vector for 1 of 1 texts, such as "a thing"' in done.err
    assert "Traceback" not in done.err


def test_a_model_given_away_finds_its_file_beside_it_or_says_which(
    model: Model, file: Path, tmp_path: Path, cli: Cli
) -> None:
    folder = tmp_path / "given-away"
    saved = model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    assert config["caption_encoder"] == f"people.npz:{VectorFile(file).sha256}"
    assert "people.npz" in (folder / "README.md").read_text(encoding="utf-8")
    assert str(file.parent) not in (folder / "README.md").read_text(encoding="utf-8")
    assert "system/examples" in load_file(saved / "model.safetensors")
    known = model.stored.spec.caption_texts[3]
    assert np.array_equal(load(saved).sample(2, labels=known), model.sample(2, labels=known))

    words = ("sample", folder, "--text", UNSEEN, "--seeds", "2", tmp_path / "x.png")
    done = cli(*words)
    assert done.code == 2
    assert "the file of vectors that it was trained with is not here: people.npz" in done.err
    vectors_for(folder / "people.npz", seed=1)
    done = cli(*words)
    assert done.code == 2
    assert "is another one" in done.err
    shutil.copy(file, folder / "people.npz")
    assert cli(*words).code == 0
    assert np.array_equal(load(saved).sample(2, labels=UNSEEN), model.sample(2, labels=UNSEEN))


def test_without_minilm_its_models_read_known_captions_only(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = open_stored(run)
    ours = f"minilm:{minilm.MiniLM.sha256}"
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    for identity, message in ((ours, r"progan\[text\]"), ("minilm:" + "0" * 64, "has another")):
        system = load(run).system
        recall(system, identity, "minilm", stored.path)
        assert system.phrased([stored.spec.caption_texts[0]]).shape == (1, 6)  # type: ignore[operator]
        with pytest.raises(ConfigError, match=message):
            system.phrased(["a thing"])  # type: ignore[operator]


@pytest.mark.slow
def test_training_stops_and_goes_on_in_the_same_bits(file: Path, tmp_path: Path, cli: Cli) -> None:
    sets = [word for one in NARROW for word in ("--set", one)]
    words = ("train", "portraits", "--system", "stackgan", "--preset", "cpu", "--images", "96")
    data = ("--resolution", "16", "--set", f"data.vectors={file}", "--set", "data.images=32")
    sets += ["--set", "train.threads=1", "--set", "train.micro_batch=8"]
    runs = ("--runs", tmp_path, "--name")
    whole = cli(*words, *data, *sets, *runs, "whole")
    assert whole.code == 0, whole.err
    part = cli(*words, *data, *sets, *runs, "part", "--set", "train.until=48")
    assert part.code == 0, part.err
    assert cli("resume", tmp_path / "part", "--images", "48").code == 0
    told = weights(tmp_path / "whole")
    assert told == weights(tmp_path / "part")
    assert np.frombuffer(told["system/examples"], np.float32).std() > 0.1
