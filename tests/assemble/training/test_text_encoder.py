"""Captions' vectors learned once: what is learned, kept, read again, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from progan.assemble.training import text_encoder as making
from progan.assemble.training.text_encoder import EncoderAsked, EncoderMade, train_encoder
from progan.core.errors import ConfigError, DataError
from progan.core.recipe import DataSettings
from progan.data.build import build
from progan.data.encoders import encoder_of
from progan.data.sources import open_source
from progan.data.trained_texts import TrainedTexts
from quiet import Quiet


class Counts(Quiet):
    """A screen that keeps what was counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[tuple[str, int, int]] = []
        self.encoded: list[tuple[int, int]] = []

    def counted(self, head: str, done: int, total: int, what: str) -> None:
        self.counts.append((what, done, total))

    def encoding(self, done: int, total: int) -> None:
        self.encoded.append((done, total))


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


SHADES = 40
"""Grey levels, each with its own word: one in seven of 320 pictures have 20 words and more."""


def pictures(count: int = 320) -> str:
    """A folder of flat grey pictures whose captions name the shade."""
    folder = Path("greys")
    folder.mkdir()
    lines = ["file_name,text"]
    for number in range(count):
        shade = number % SHADES
        Image.fromarray(np.full((8, 8, 3), 6 * shade, np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,a wall of shade{shade}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return str(folder)


def make(data: str, screen: Counts | None = None, **more: Any) -> EncoderMade:
    asked = {"images": 128, "features": 16, **more}
    return train_encoder(EncoderAsked(data=data, **asked), screen or Counts())


def test_what_is_learned_is_kept_read_again_and_the_same_for_the_same_seed() -> None:
    data, screen = pictures(), Counts()
    made = make(data, screen, seed=3)
    assert made.path == Path("encoders/greys.safetensors")
    assert (made.learned.trained_on, made.learned.tested_on) == (275, 45)  # 320 / 7
    assert (made.learned.images, made.learned.seed, made.learned.data) == (128, 3, "greys")
    assert screen.counts == [("pictures", 64, 128), ("pictures", 128, 128)]
    encoder = TrainedTexts(made.path)
    assert (encoder.name, encoder.width, encoder.every_text) == ("greys.safetensors", 16, True)
    found = encoder.encode(["a wall of shade3", "something never said"])
    torch.testing.assert_close(found.norm(dim=1), torch.tensor([4.0, 4.0]))  # √16
    again = make(data, seed=3)
    assert again.path == Path("encoders/greys-2.safetensors")
    assert TrainedTexts(again.path).sha256 == encoder.sha256
    assert TrainedTexts(make(data, seed=4).path).sha256 != encoder.sha256


def test_training_makes_pictures_find_their_captions() -> None:
    data = pictures()
    first, last = make(data, images=64), make(data, images=64 * 150)
    assert first.learned.among == last.learned.among >= making.LEAST
    assert last.learned.found > 3 / last.learned.among
    assert last.learned.found > first.learned.found


def test_data_are_built_with_it_and_captions_that_are_encoded_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from progan.data import task

    monkeypatch.setattr(task, "ENCODED", 16)
    data, screen = pictures(), Counts()
    made = make(data)
    settings = DataSettings(captions="found", vectors=str(made.path), resolution=8)
    built = build(open_source(data, settings), "store", settings, encoding=screen.encoding)
    assert screen.encoded == [(16, 40), (32, 40), (40, 40)]
    text = "a wall of shade7"
    wanted = TrainedTexts(made.path).encode([text]).numpy()
    np.testing.assert_allclose(built.vectors_of([text]), wanted, rtol=1e-5, atol=1e-6)
    assert built.spec.caption_encoder == f"greys.safetensors:{TrainedTexts(made.path).sha256}"
    assert built.spec.caption_width == 16


def test_a_file_that_is_no_encoder_is_told_in_a_line(tmp_path: Path) -> None:
    path = make(pictures()).path
    state = load_file(path)
    said = {"progan": json.dumps({"kind": "text encoder"})}

    def changed(name: str, tensors: Any, meta: dict[str, str] | None) -> str:
        save_file(tensors, name, meta)
        return name

    infinite = {**state, "inner.bias": torch.full((16,), float("inf"))}
    wrong = {
        "is no encoder of texts": changed("a.safetensors", state, None),
        "is no encoder": changed("b.safetensors", state, {"progan": '{"kind": "extractor"}'}),
        "has other tensors": changed(
            "c.safetensors", {**state, "inner.bias": torch.zeros(15)}, said
        ),
        "no finite numbers": changed("d.safetensors", infinite, said),
        "has words of shape": changed("e.safetensors", {"inner.bias": torch.zeros(3)}, said),
    }
    whole = path.read_bytes()
    for name, content in (
        ("cut.safetensors", whole[: len(whole) // 2]),
        ("empty.safetensors", b""),
        ("header.safetensors", (2**40).to_bytes(8, "little") + whole[8:]),
        ("deep.safetensors", (60_000).to_bytes(8, "little") + b"[" * 60_000),
    ):
        Path(name).write_bytes(content)
        with pytest.raises(DataError, match="no whole safetensors file") as caught:
            encoder_of(name)
        assert "\n" not in str(caught.value)
    for message, name in wrong.items():
        with pytest.raises(DataError, match=message) as caught:
            encoder_of(name)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        encoder_of("missing.safetensors")


def test_what_does_not_fit_together_is_refused() -> None:
    data = pictures()
    Path("there.safetensors").touch()
    for more, message in (
        ({"images": 0}, "--images is 0"),
        ({"features": 1}, "--features is 1"),
        ({"resolution": 12}, "--resolution is 12"),
        ({"to": Path("x.npz")}, "must end in .safetensors"),
        ({"to": Path("there.safetensors")}, "never replaced"),
    ):
        with pytest.raises(ConfigError, match=message):
            make(data, **more)


def test_too_few_captions_are_refused() -> None:
    with pytest.raises(DataError, match="20 different captions"):
        make(pictures(100))
