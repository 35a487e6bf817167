"""What the tasks on users' folders are made of: emoji of two vendors, photographs and a filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from progan.acceptance import filtered, vendors
from progan.acceptance.user_pictures import TwoSets, as_images, read_pictures
from progan.core.batch import Unpaired
from progan.core.errors import ConfigError, DataError


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_emoji_of_one_code_without_tone_that_both_drew_are_taken() -> None:
    google = {
        "1f600",
        "1f9d1-1f3fb",
        "1f1e9-1f1ea",
        "1f469-200d-1f680",
        "2764-fe0f",
        "1f3f4",
        "1f4a9",
    }
    assert vendors.chosen_names(google, google - {"1f4a9"}) == ["1f600", "2764-fe0f"]


def test_folders_of_emoji_are_found_as_packages_lay_them_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendors, "HELD_OUT", 1)
    random = np.random.default_rng(0)
    codes = [f"1f6{k:02x}" for k in range(6)]
    for place, ending in (("google/64", "png"), ("twitter/64", "png"), ("microsoft", "webp")):
        for code in codes:
            pixels = random.integers(256, size=(64, 64, 4), dtype=np.uint8)
            write(tmp_path / place / f"{code}.{ending}", pixels)
    write(tmp_path / "google" / "64" / "1f6ff.png", pixels)
    write(tmp_path / "google" / "64" / "sheet.png", pixels)
    flat = np.full((64, 64, 3), 255, np.uint8)
    write(tmp_path / "twitter" / "64" / f"{codes[0]}.png", flat)
    a, b = vendors.emoji(tmp_path, "twitter")
    assert a.shape == b.shape == (5, 3, 32, 32)
    a, b = vendors.emoji(tmp_path, "microsoft")
    assert a.shape == b.shape == (6, 3, 32, 32)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:32] = (255, 0, 0, 255)
    write(tmp_path / "x.png", pixels)
    made = read_pictures({"x": tmp_path / "x.png"}, 32)["x"]
    assert made[:, 4, 4].tolist() == [255, 0, 0]
    assert made[:, 28, 4].tolist() == [255, 255, 255]


def test_folders_that_are_others_are_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"google has no emoji.*docs/cyclegan.md"):
        vendors.emoji(tmp_path, "twitter")
    with pytest.raises(ConfigError, match="has 0 photographs; 6 or more"):
        filtered.photographs(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="Take it out of the folder"):
        read_pictures({"broken": tmp_path / "broken.png"}, 32)


def test_retrieval_asks_for_the_nearest_by_squares() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(256, size=(10, 3, 8, 8), dtype=np.uint8)
    assert vendors.nearest_is_own(truth, truth) == 1.0
    swapped = truth.copy()
    swapped[[0, 1]] = truth[[1, 0]]
    assert vendors.nearest_is_own(swapped, truth) == 0.8


def test_two_sets_go_round_each_in_its_order() -> None:
    a, b = (np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(3, 1) for n in (4, 6))
    draws = TwoSets(a, b, 0)
    batch = draws.batch(range(12), 1)
    assert isinstance(batch, Unpaired)
    for image, pixels in ((batch.a, a), (batch.b, b)):
        times = [
            int((image == as_images(pixels)[k]).all(dim=(1, 2, 3)).sum())
            for k in range(len(pixels))
        ]
        assert times == [12 // len(pixels)] * len(pixels)
    assert (draws.spec.images, draws.spec.second_images) == (4, 6)


def test_the_filter_leaves_few_colours_and_draws_dark_edges() -> None:
    random = np.random.default_rng(0)
    tile = np.full((3, 64, 64), 60.0)
    tile[:, :, 32:] = 200
    tile += random.normal(0, 4, tile.shape)
    made = filtered.drawn_by_hand(tile.clip(0, 255).astype(np.uint8))
    colours = {tuple(one) for one in made.transpose(1, 2, 0).reshape(-1, 3)}
    assert len(colours) <= 2 * filtered.COLOURS  # with and without a line upon them
    assert made[:, :, 31:33].mean() < 70  # a line where dark and light meet
    assert made[:, :, 50].mean() > 150


def where(pixels: np.ndarray) -> set[int]:
    """The places that tiles show, of a photograph whose every pixel is another."""
    return set((pixels[:, 0].astype(int) * 256 + pixels[:, 1]).ravel().tolist())


def test_blocks_are_shared_out_once_and_tiles_of_two_uses_share_no_pixel() -> None:
    places = np.arange(300 * 200).reshape(300, 200)
    pixels = np.zeros((3, 512, 512), np.uint8)
    pixels[:2, :300, :200] = places // 256, places % 256
    made = filtered.tiles_of([pixels, pixels.copy()], [(300, 200), (256, 128)], 0)
    assert made.learnt.shape[1:] == (3, 64, 64)
    assert len(made.judged_source) == len(made.judged)
    assert set(made.held_source.tolist()) <= {0, 1}
    alone = filtered.tiles_of([pixels], [(300, 200)], 0)
    shown = [where(one) for one in (alone.learnt, alone.drawn, alone.judged, alone.held)]
    assert all(shown)
    assert sum(len(one) for one in shown) == len(set().union(*shown)) <= 300 * 200


def test_held_out_tiles_do_not_overlap_and_others_do() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(256, size=(3, 512, 512), dtype=np.uint8)
    made = filtered.tiles_of([pixels], [(512, 512)], 0)
    assert [len(one) // 25 for one in (made.learnt, made.drawn, made.judged)] == [5, 5, 3]
    assert len(made.held) == 3 * 4


def test_photographs_too_small_to_share_out_are_refused_in_a_line() -> None:
    pixels = np.random.default_rng(0).integers(256, size=(3, 512, 512), dtype=np.uint8)
    with pytest.raises(ConfigError, match=r"give 0, 50, 0, 0 tiles.*512 pixels or more"):
        filtered.tiles_of([pixels] * 2, [(128, 128)] * 2, 0)


def test_flat_tiles_are_left_out() -> None:
    pixels = np.full((3, 512, 512), 90, np.uint8)
    pixels[:, :64, ::2] = 0
    pixels[:, 256:320, ::2] = 0
    assert len(filtered._cut(pixels, 64)) == 2 * 8
