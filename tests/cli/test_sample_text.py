"""`progan sample --text`: what a model draws from words, alone, in rows, on the way, and again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from progan.assemble.models.labels import Caption, asked_from_plain, plain
from progan.assemble.models.model import Model, load
from progan.core.recipe import DataSettings
from small_world import Cli
from tiny_run import tiny_run

NARROW = (
    *("ratio=2", "width=2", "critic_width=2", "second_width=4", "second_critic_width=2"),
    *("features=8", "buckets=64", "code=4", "latent_size=4", "batch=8"),
    *("optimizer.lr=0.1", "average.half_life_images=0"),  # so that no picture is plain grey
)
PEOPLE = DataSettings(source="portraits", resolution=16, images=32, labels="none", captions="found")
RED, GREY = "a person with red hair", "grey hair, smiling"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that draws from captions, and one that does not."""
    folder = tmp_path_factory.mktemp("runs")
    tiny_run(folder, "people", system="stackgan", sets=NARROW, data=PEOPLE)
    tiny_run(folder, "clothes")
    return folder


@pytest.fixture(scope="module")
def model(runs: Path) -> Model:
    return load(runs / "people")


def cells(path: Path, side: int = 16) -> np.ndarray:
    """A sheet's cells: rows, columns, h, w, c."""
    with Image.open(path) as opened:
        sheet = np.asarray(opened)
    rows, columns = sheet.shape[0] // side, sheet.shape[1] // side
    return sheet.reshape(rows, side, columns, side, 3).swapaxes(1, 2)


def test_a_text_is_drawn_for_each_seed(runs: Path, model: Model, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "red.png"
    done = cli("sample", runs / "people", "--text", RED, "--seeds", "3,5", path)
    assert done.code == 0
    assert np.array_equal(cells(path)[0], model.sample([3, 5], labels=RED))
    assert not np.array_equal(cells(path)[0], model.sample([3, 5], labels=GREY))


def test_several_texts_make_rows_and_come_again(
    runs: Path, model: Model, tmp_path: Path, cli: Cli
) -> None:
    path, again = tmp_path / "rows.png", tmp_path / "again.png"
    words = ("--text", RED, "--text", GREY, "--seeds", "0-2")
    assert cli("sample", runs / "people", *words, path).code == 0
    for row, text in zip(cells(path), (RED, GREY), strict=True):
        assert np.array_equal(row, model.sample(range(3), labels=text))
    assert cli("sample", runs / "people", "--like", path, again).code == 0
    assert path.read_bytes() == again.read_bytes()


def test_the_way_from_one_text_to_another_begins_and_ends_there(
    runs: Path, model: Model, tmp_path: Path, cli: Cli
) -> None:
    path = tmp_path / "way.png"
    words = ("--text", RED, "--to-text", GREY, "--seeds", "4")
    assert cli("sample", runs / "people", *words, path).code == 0
    (row,) = cells(path)
    assert len(row) == 10
    assert np.array_equal(row[0], model.sample(4, labels=RED)[0])
    assert np.array_equal(row[-1], model.sample(4, labels=GREY)[0])
    film = tmp_path / "way.gif"
    assert cli("sample", runs / "people", *words, "--seconds", "0.2", film).code == 0
    with Image.open(film) as moving:
        assert getattr(moving, "n_frames", 1) > 1


def test_the_exported_model_reads_texts_without_the_run(model: Model, tmp_path: Path) -> None:
    saved = load(model.save_pretrained(tmp_path / "given-away"))
    assert saved.identity == model.identity
    assert np.array_equal(saved.sample(2, labels=RED), model.sample(2, labels=RED))
    card = (saved.path.parent / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: text-to-image" in card
    assert "progan sample given-away --text TEXT" in card
    assert not any("discriminators" in name for name in load_names(saved.path))


def load_names(path: Path) -> list[str]:
    from progan.engine.checkpoint import load_checkpoint

    return list(load_checkpoint(path)[0])


def test_without_a_text_captions_of_the_data_are_drawn(model: Model) -> None:
    texts = model.stored.spec.caption_texts
    assert len(set(texts)) == 32
    latents = model.latents(7)
    number = int(latents["caption"])
    assert np.array_equal(model.sample(7)[0], model.sample(7, labels=texts[number])[0])
    assert len({int(model.latents(seed)["caption"]) for seed in range(20)}) > 5


def test_many_pictures_agree_with_single_ones(model: Model) -> None:
    (block,) = model.many(range(5), labels=RED, backend="exact")
    assert np.array_equal(block, model.sample(range(5), labels=RED))


def test_walks_mix_captions_or_keep_the_one_that_is_asked_for(model: Model) -> None:
    for labels in (None, RED, [RED, GREY]):
        frames = list(model.walk([1, 2], 4, labels=labels))
        assert np.array_equal(frames[0], model.sample([1, 2], labels=labels)[0])
        assert np.array_equal(frames[2], model.sample([1, 2], labels=labels)[1])
        assert not np.array_equal(frames[1], frames[0])


def test_a_caption_survives_its_note_and_nothing_else_does() -> None:
    assert asked_from_plain(plain(Caption(RED))) == Caption(RED)
    for wrong in ({"text": ""}, {"text": 3}, {"texts": "a"}, {"text": "a", "b": 1}):
        with pytest.raises(ValueError, match="not what it must be"):
            asked_from_plain(wrong)


@pytest.mark.parametrize(
    ("run", "words", "message"),
    [
        ("clothes", "--text cat", "takes no text"),
        ("people", "--text a --label b", "do not go together"),
        ("people", "--to-text a", "--to-text needs one --text"),
        ("people", "--text a --text b --grid 2x2", "Several --text"),
        ("people", "--text a --to-text b --n 5", "do not go together"),
        ("people", "--text " + "a" * 1_001, "a caption may have 1,000"),
        ("people", "--grid-by-class", "has no classes"),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_a_line(
    runs: Path, cli: Cli, run: str, words: str, message: str
) -> None:
    done = cli("sample", runs / run, *words.split())
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_noise_changes_what_is_drawn_from_one_text(model: Model) -> None:
    one = dict(model.latents(0, label=Caption(RED)))
    other = {**one, "second noise": -one["second noise"]}
    assert one["caption"].is_floating_point()
    assert not torch.equal(
        model.system.generate(one, model.moment),  # type: ignore[operator]
        model.system.generate(other, model.moment),  # type: ignore[operator]
    )
