"""Class maps: what a pixel's value or colour means, and that no class is ever averaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from progan.core.errors import DataError
from progan.data.layouts import (
    UNKNOWN,
    Palette,
    class_map,
    colours_for,
    edges_of,
    framed,
    read_palette,
)
from progan.data.levels import class_levels
from progan.data.records import Frame, UnfitError

SKY = Palette((0, 7), ("sky", "sea"), ((10, 20, 30), (200, 100, 0)))


def grey(values: list[list[int]]) -> Image.Image:
    return Image.fromarray(np.array(values, np.uint8))


def test_without_a_palette_the_value_is_the_class() -> None:
    np.testing.assert_array_equal(class_map(grey([[0, 3], [255, 1]]), None), [[0, 3], [255, 1]])


def test_with_a_palette_ids_are_numbered_in_their_order_and_255_is_unknown() -> None:
    found = class_map(grey([[0, 7], [255, 7]]), SKY)
    np.testing.assert_array_equal(found, [[0, 1], [UNKNOWN, 1]])


def test_ids_that_the_palette_lacks_are_named() -> None:
    with pytest.raises(UnfitError, match=r"3, 9 are not in palette\.json"):
        class_map(grey([[0, 3], [9, 7]]), SKY)


def test_colours_are_exact() -> None:
    pixels = np.array([[[10, 20, 30], [200, 100, 0]]], np.uint8)
    np.testing.assert_array_equal(class_map(Image.fromarray(pixels), SKY), [[0, 1]])
    pixels[0, 0, 2] += 1
    with pytest.raises(UnfitError, match=r"#0a141f is not in palette\.json"):
        class_map(Image.fromarray(pixels), SKY)


def test_colours_without_a_palette_cannot_be_read_but_grey_saved_as_colour_can() -> None:
    same = np.repeat(np.array([[[1], [2]]], np.uint8), 3, axis=2)
    np.testing.assert_array_equal(class_map(Image.fromarray(same), None), [[1, 2]])
    same[0, 0, 0] = 9
    with pytest.raises(UnfitError, match="no palette"):
        class_map(Image.fromarray(same), None)


def test_of_a_picture_with_a_colour_table_the_place_in_it_is_the_id() -> None:
    image = grey([[0, 1], [1, 0]]).convert("P")
    image.putpalette([250, 0, 0, 0, 250, 0])
    np.testing.assert_array_equal(class_map(image, None), [[0, 1], [1, 0]])


def test_sixteen_bits_hold_ids_beyond_a_byte() -> None:
    palette = Palette((0, 700), ("a", "b"), ((0, 0, 0), (1, 1, 1)))
    image = Image.fromarray(np.array([[0, 700]], np.uint16))
    np.testing.assert_array_equal(class_map(image, palette), [[0, 1]])
    with pytest.raises(UnfitError, match="holds the number 700"):
        class_map(image, None)


def test_the_most_common_class_of_four_stays_and_marks_are_never_lost() -> None:
    top = np.zeros((1, 2, 8, 8), np.uint8)
    top[0, 0, :2, :2] = [[5, 9], [9, 200]]  # 9 twice
    top[0, 0, :2, 2:4] = [[7, 3], [1, 2]]  # all once: the first
    top[0, 1, 1, 1] = 1
    half = class_levels(top)[4]
    assert half[0, 0, 0, :2].tolist() == [9, 7]
    assert half[0, 1].sum() == 1


def test_no_level_holds_a_class_that_the_map_had_not() -> None:
    top = np.random.default_rng(0).choice([0, 100, 255], (3, 1, 32, 32)).astype(np.uint8)
    for level in class_levels(top).values():
        assert set(np.unique(level)) <= {0, 100, 255}


def test_maps_are_cut_as_pictures_are_and_padding_is_unknown() -> None:
    classes = np.arange(8, dtype=np.uint8)[None].repeat(4, 0)  # 4 high, 8 wide
    centre = framed(classes, Frame(resolution=4))
    assert centre[0].tolist() == [2, 3, 4, 5]
    padded = framed(classes, Frame(resolution=8, crop="pad"))
    assert (padded[:2] == UNKNOWN).all()
    assert padded[3].tolist() == list(range(8))


def test_edges_lie_on_both_sides_of_a_border() -> None:
    assert edges_of(np.array([[1, 1, 2, 2]])).tolist() == [[0, 1, 1, 0]]
    assert edges_of(np.array([[1], [1], [2]])).tolist() == [[0], [1], [1]]
    assert not edges_of(np.full((3, 3), 4)).any()


def test_colours_differ() -> None:
    assert len(set(colours_for(255))) == 255


def test_a_palette_is_read_in_the_order_of_ids(tmp_path: Path) -> None:
    path = tmp_path / "palette.json"
    path.write_text(json.dumps({"7": ["sea", 200, 100, 0], "0": ["sky", 10, 20, 30]}))
    assert read_palette(path) == SKY
    assert Palette.of(SKY.plain()) == SKY


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "no",
        '{"a": ["sky", 1, 2, 3]}',
        '{"1": ["sky", 1, 2]}',
        '{"1": ["sky", 1, 2, 256]}',
        '{"1": ["", 1, 2, 3]}',
        '{"1": ["sky", 1, 2, true]}',
        '{"1": ["sky", 1, 2, 3], "2": ["sky", 4, 5, 6]}',
        '{"1": ["sky", 1, 2, 3], "2": ["sea", 1, 2, 3]}',
        "[" * 100_000,
    ],
)
def test_a_palette_that_is_none_is_one_clear_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "palette.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"palette\.json"):
        read_palette(path)
