"""Encoders at work: codes, pictures drawn again, directions, neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from encoded import draw_two_kinds, encoder_run
from progan.assemble.encoding.encode import Coder, direction, flat, moved, neighbours, one_nearest
from progan.assemble.encoding.given import Given, with_column
from progan.assemble.models.model import load
from progan.core.errors import ConfigError, DataError

MakeRun = Callable[..., Path]


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 1, 16, 16), np.uint8)


def test_a_picture_has_the_same_code_alone_and_among_others(make_run: MakeRun) -> None:
    coder = Coder(load(encoder_run(make_run)))
    pixels = noise(70)  # more than one batch
    codes = coder.encode(pixels)
    assert codes["z"].shape == (70, 3)
    torch.testing.assert_close(coder.encode(pixels[66:67])["z"], codes["z"][66:67])
    assert coder.draw(codes).shape == (70, 1, 16, 16)


def test_codes_are_those_of_the_encoder_on_the_scale_of_training(make_run: MakeRun) -> None:
    """x = byte / 127.5 − 1, as the loader has it."""
    model = load(encoder_run(make_run))
    pixels = noise(2)
    image = torch.from_numpy(pixels).float() / 127.5 - 1
    expected = model.system.encode(image, model.moment)["z"]
    torch.testing.assert_close(Coder(model).encode(pixels)["z"], expected)


def test_likeness_is_the_mean_of_each_pictures_root_mean_square(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn again 30 levels too bright, each picture is off by 30; by the other's it is off by
    (200 − 0) ± 30: 230 and 170, on average 200."""
    coder = Coder(load(encoder_run(make_run)))
    pixels = np.stack([np.full((1, 16, 16), level, np.uint8) for level in (0, 200)])
    given = Given(name="two", count=2, pyramid=None, one=pixels, side=16)
    monkeypatch.setattr(coder, "draw", lambda codes: pixels + np.uint8(30))
    found = coder.likeness(given)
    assert found.error == pytest.approx(30.0)
    assert found.ratio == pytest.approx(30 / 200)
    assert "off by 30.0 of 256 levels" in found.text


def test_a_direction_is_the_mean_with_less_the_mean_without() -> None:
    codes = {"z": torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 4.0]])}
    found = direction(codes, np.array([True, True, False]))
    assert found["z"].tolist() == [2.0, -4.0]
    assert moved(codes, found, 0.5)["z"].tolist() == [[2.0, -2.0], [4.0, -2.0], [1.0, 2.0]]


def test_neighbours_are_the_nearest_others_nearest_first() -> None:
    codes = np.array([[0.0], [1.0], [3.0], [3.5]], np.float32)
    own = np.array([0, 2])
    assert neighbours(codes, codes[own], 2, own).tolist() == [[1, 2], [3, 1]]
    assert neighbours(codes, np.array([[3.4]], np.float32), 2).tolist() == [[3, 2]]


def test_codes_that_know_the_class_beat_projections_and_chance() -> None:
    """Pixels are noise, codes the class with a little of it: all right by codes; of 40 and 40,
    half by chance."""
    labels = np.arange(80) % 2
    random = np.random.default_rng(0)
    codes = (labels[:, None] + 0.01 * random.standard_normal((80, 3))).astype(np.float32)
    found = one_nearest(codes, random.integers(0, 256, (80, 1, 8, 8), np.uint8), labels)
    assert found.codes == 1.0
    assert found.chance == 0.5
    assert 0.2 < found.projected < 0.8


def test_a_way_begins_and_ends_at_the_two_pictures_own(make_run: MakeRun) -> None:
    coder = Coder(load(encoder_run(make_run)))
    pixels = noise(2)
    ends = coder.draw(coder.encode(pixels))
    way = coder.way(pixels, 5)
    assert way.shape == (5, 1, 16, 16)
    for place, end in ((0, ends[0]), (-1, ends[1])):
        assert np.abs(way[place].astype(int) - end.astype(int)).max() <= 1


def test_a_model_without_an_encoder_is_refused_with_the_way_on(make_run: MakeRun) -> None:
    with pytest.raises(ConfigError, match=r"progan has no encoder.*progan project") as error:
        Coder(load(make_run()))
    assert "\n" not in str(error.value)


def test_given_pictures_are_cut_and_scaled_as_in_training(
    make_run: MakeRun, tmp_path: Path
) -> None:
    folder = draw_two_kinds(tmp_path / "two")
    run = encoder_run(make_run)
    model = load(run)
    given = Given.open(str(folder), model, run)
    assert (given.count, given.classes) == (8, ("bright", "dark"))
    assert given.names[0] == "bright/0.png"
    assert given.pixels([0, 7]).shape == (2, 1, 16, 16)
    one = Given.open(str(folder / "bright" / "0.png"), model, run)
    assert np.array_equal(one.pixels([0]), given.pixels([0]))


def test_one_picture_that_cannot_be_read_is_told_in_a_line(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = encoder_run(make_run)
    model = load(run)
    for name, content, says in (
        ("a.png", b"\x89PNG\r\n\x1a\n and then nothing", "cannot be used: "),
        ("b.jpg", b"", "0 bytes"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=says) as error:
            Given.open(str(path), model, run)
        assert "\n" not in str(error.value)


def test_who_has_a_label_is_told_by_classes(make_run: MakeRun, tmp_path: Path) -> None:
    folder = draw_two_kinds(tmp_path / "two")
    run = encoder_run(make_run)
    model = load(run)
    given, has = with_column("bright", str(folder), model, run)
    assert has.tolist() == [True] * 4 + [False] * 4
    along = direction(Coder(model).encode_all(given, given.spread(given.count)), has)
    assert flat({"z": along["z"][None]}).shape == (1, 3)
    with pytest.raises(ConfigError, match=r'no class "brihgt".*Did you mean bright'):
        with_column("brihgt", str(folder), model, run)


def test_who_has_a_label_is_told_by_a_column_of_a_table(make_run: MakeRun, tmp_path: Path) -> None:
    """0 and 1; of numbers, those above the mean: 10, 20, 60 have the mean 30."""
    folder = tmp_path / "people"
    (draw_two_kinds(tmp_path / "two", each=3) / "bright").rename(folder)
    rows = ["file_name,hat,age", "0.png,1,10", "1.png,0,20", "2.png,1,60"]
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    run = encoder_run(make_run)
    model = load(run)
    for name, wanted in (("hat", [True, False, True]), ("age", [False, False, True])):
        assert with_column(name, str(folder), model, run)[1].tolist() == wanted
    with pytest.raises(DataError, match="het"):
        with_column("het", str(folder), model, run)
