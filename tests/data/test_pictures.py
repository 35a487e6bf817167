from __future__ import annotations

import io
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from progan.data.pictures import decode, size_of
from progan.data.png import ends_early
from progan.data.records import Finding, Frame

Pixels = NDArray[np.uint8]


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels_of(data: bytes | Path, side: int = 4, **frame: Any) -> Pixels:
    found = decode(data, Frame(resolution=side, **frame))
    assert not isinstance(found, Finding), found
    return found[0]


def notes_of(data: bytes, side: int = 4, **frame: Any) -> tuple[str, ...]:
    found = decode(data, Frame(resolution=side, **frame))
    assert not isinstance(found, Finding), found
    return found[1]


def finding_of(data: bytes | Path, side: int = 4, **frame: Any) -> Finding:
    found = decode(data, Frame(resolution=side, **frame))
    assert isinstance(found, Finding)
    return found


def plain(mode: str, colour: Any, size: tuple[int, int] = (4, 4)) -> Image.Image:
    return Image.new(mode, size, colour)


def scene(size: tuple[int, int], seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)


# colours


def test_sixteen_bits_are_divided_by_257_and_not_clipped() -> None:
    values = np.array([[0, 257, 128 * 257, 65535]] * 4, np.uint16)
    assert pixels_of(saved(Image.fromarray(values)))[0, :, 0].tolist() == [0, 1, 128, 255]
    assert notes_of(saved(Image.fromarray(values))) == ("16-bit",)
    assert pixels_of(saved(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.25, 0.5, 1.0], [0, 64, 128, 255]),  # fractions: 63.75, and 127.5 to even
        ([0.0, 51.0, 100.4, 255.0], [0, 51, 100, 255]),  # bytes written as floats
        ([0.0, 257.0, 32896.0, 65535.0], [0, 1, 128, 255]),  # 16 bits written as floats
        ([-10.0, 0.0, 0.0, 10.0], [0, 128, 128, 255]),  # none of these: least to greatest
        ([7e9, 7e9, 7e9, 7e9], [0, 0, 0, 0]),  # nothing to stretch
    ],
)
def test_fractions_are_scaled_by_the_range_that_holds_them(
    values: list[float], expected: list[int]
) -> None:
    data = saved(Image.fromarray(np.array([values] * 4, np.float32)), "TIFF")
    assert pixels_of(data)[0, :, 0].tolist() == expected
    assert notes_of(data) == ("wide",)


def test_values_that_are_no_numbers_are_a_finding() -> None:
    data = saved(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF")
    assert "not finite" in finding_of(data).reason


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 128, 255], [0, 1, 128, 255]),
        ([0, 257, 32896, 65535], [0, 1, 128, 255]),
        ([-1000, 0, 0, 1000], [0, 128, 128, 255]),
    ],
)
def test_32_bit_integers_are_scaled_by_the_range_that_holds_them(
    values: list[int], expected: list[int]
) -> None:
    data = saved(Image.fromarray(np.array([values] * 4, np.int32)), "TIFF")
    assert pixels_of(data)[0, :, 0].tolist() == expected


def test_one_bit_is_black_or_white() -> None:
    image = plain("1", 0)
    image.putpixel((2, 1), 1)
    out = pixels_of(saved(image))
    assert out.shape == (4, 4, 1)
    assert (out[1, 2, 0], out.sum()) == (255, 255)


def test_a_palette_gives_its_colours() -> None:
    image = plain("P", 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    assert (pixels_of(saved(image)) == (200, 100, 50)).all()
    assert (pixels_of(saved(image, "GIF")) == (200, 100, 50)).all()


@pytest.mark.parametrize(
    ("background", "expected"),
    # Half red: 255 · 128 / 255 = 128, and (255 - 128) / 255 of the ground: 127, 0 or 64.
    [("white", (255, 127, 127)), ("black", (128, 0, 0)), ("grey", (192, 64, 64))],
)
def test_half_transparent_red_is_laid_on_the_background(
    background: str, expected: tuple[int, ...]
) -> None:
    data = saved(plain("RGBA", (255, 0, 0, 128)))
    assert (pixels_of(data, background=background) == expected).all()
    assert notes_of(data) == ("transparent",)


def test_transparent_grey_and_palette_pictures_are_laid_on_white() -> None:
    assert (pixels_of(saved(plain("LA", (0, 128)))) == 127).all()
    palette = plain("P", 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    palette.paste(0, (0, 0, 2, 4))
    for data in (saved(palette, transparency=0), saved(palette, "GIF", transparency=0)):
        out = pixels_of(data)
        assert (out[:, :2] == 255).all()
        assert (out[:, 2:] == (200, 100, 50)).all()
    half = pixels_of(saved(palette, transparency=b"\xff\x80"))
    assert (half[:, 2:] == (100 + 127, 50 + 127, 25 + 127)).all()
    keyed = saved(plain("RGB", (9, 8, 7)), transparency=(1, 2, 3))
    assert (pixels_of(keyed) == (9, 8, 7)).all()


def test_the_hidden_colour_of_transparent_pixels_never_shows() -> None:
    image = plain("RGBA", (0, 255, 0, 0), (64, 64))  # a green that nobody sees
    image.paste((0, 0, 0, 255), (0, 0, 31, 64))
    out = pixels_of(saved(image))
    assert out.shape[2] == 1  # black, white, and greys between them
    assert out[0, 0, 0] == 0
    assert out[0, 3, 0] == 255


def test_an_opaque_alpha_changes_nothing_and_a_picture_of_nothing_is_listed() -> None:
    colours = scene((4, 4))
    opaque = Image.fromarray(np.dstack([colours, np.full((4, 4), 255, np.uint8)]))
    assert np.array_equal(pixels_of(saved(opaque)), colours)
    assert notes_of(saved(opaque)) == ()
    assert finding_of(saved(plain("RGBA", (1, 2, 3, 0)))).kind == "empty"


@pytest.mark.parametrize(
    ("ink", "expected"),
    # 255 · (1 - C) · (1 - K): with C = 255, K = 0 no red; with K = 51 four fifths of the light.
    [
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 0, 0, 51), (204, 204, 204)),
        ((0, 51, 255, 51), (204, 163, 0)),
    ],
)
def test_printing_colours_follow_the_formula(
    ink: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    data = saved(plain("CMYK", ink), "TIFF")
    assert (pixels_of(data, channels=3) == expected).all()
    assert notes_of(data) == ("cmyk",)
    jpeg = pixels_of(saved(plain("CMYK", ink, (8, 8)), "JPEG", quality=95), 8, channels=3)
    assert np.abs(jpeg.astype(int) - expected).max() <= 3


def swapped_profile() -> bytes:
    """sRGB with the red and blue primaries exchanged, under another name."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = data.replace("sRGB".encode("utf-16-be"), "BGRs".encode("utf-16-be"))
    data = data.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return data.replace(b"sRGB", b"BGRs")


def test_a_colour_profile_is_obeyed() -> None:
    red = saved(plain("RGB", (255, 0, 0)), icc_profile=swapped_profile())
    out = pixels_of(red).astype(int)
    assert np.abs(out - (0, 0, 255)).max() <= 2
    assert notes_of(red) == ("profile",)


def test_srgb_needs_no_conversion_and_a_broken_profile_is_ignored() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colours = scene((4, 4))
    data = saved(Image.fromarray(colours), icc_profile=srgb)
    assert np.array_equal(pixels_of(data), colours)
    assert notes_of(data) == ()
    broken = saved(Image.fromarray(colours), icc_profile=b"no profile at all")
    assert np.array_equal(pixels_of(broken), colours)
    assert notes_of(broken) == ("bad profile",)


def test_lab_comes_out_as_the_srgb_it_means() -> None:
    lab = plain("LAB", (255, 128, 128))  # lightness 100, no colour: white
    assert np.abs(pixels_of(saved(lab, "TIFF")).astype(int) - 255).max() <= 2


def test_grey_stays_grey_and_colour_stays_colour() -> None:
    assert pixels_of(saved(plain("L", 9))).shape == (4, 4, 1)
    assert pixels_of(saved(plain("RGB", (9, 9, 9)))).shape == (4, 4, 1)
    assert pixels_of(saved(plain("RGB", (9, 9, 10)))).shape == (4, 4, 3)
    assert (pixels_of(saved(plain("L", 9)), channels=3) == (9, 9, 9)).all()
    # Luma of pure red: 0.299 · 255 = 76.2.
    assert (pixels_of(saved(plain("RGB", (255, 0, 0))), channels=1) == 76).all()


# shape


def test_a_picture_of_the_right_size_keeps_its_pixels() -> None:
    colours = scene((16, 16))
    for kind in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(pixels_of(saved(Image.fromarray(colours), kind), 16), colours)
    lossless = saved(Image.fromarray(colours), "WEBP", lossless=True, exact=True)
    assert np.array_equal(pixels_of(lossless, 16), colours)


def test_the_middle_is_cut_out() -> None:
    wide, tall = scene((9, 4)), scene((4, 8))
    assert np.array_equal(pixels_of(saved(Image.fromarray(wide))), wide[:, 2:6])  # 2 left, 3 right
    assert np.array_equal(pixels_of(saved(Image.fromarray(tall))), tall[2:6])


def test_padding_keeps_the_whole_picture() -> None:
    wide = scene((4, 2))
    out = pixels_of(saved(Image.fromarray(wide)), crop="pad", background="black")
    assert np.array_equal(out[1:3], wide)
    assert (out[[0, 3]] == 0).all()
    grey = pixels_of(saved(plain("L", 7, (2, 4))), crop="pad")
    assert grey[0, :, 0].tolist() == [255, 7, 7, 255]


def test_shrinking_does_not_alias() -> None:
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    assert np.abs(pixels_of(saved(Image.fromarray(board)), 8).astype(int) - 128).max() <= 1
    assert (pixels_of(saved(plain("RGB", (3, 141, 59), (640, 480)))) == (3, 141, 59)).all()


def test_shrinking_is_the_lanczos_filter_worked_out_by_hand() -> None:
    # 16 columns to 8: output x looks at inputs within three output pixels, weighted by
    # sinc(t) sinc(t / 3) with t counted in output pixels.
    row = np.zeros(16)
    row[8:] = 200.0
    data = saved(Image.fromarray(np.tile(row.astype(np.uint8), (16, 1))))

    def lobe(t: float) -> float:
        return float(np.sinc(t) * np.sinc(t / 3)) if abs(t) < 3 else 0.0

    expected = []
    for x in range(8):
        weights = np.array([lobe((i + 0.5) / 2 - (x + 0.5)) for i in range(16)])
        expected.append((weights * row).sum() / weights.sum())
    out = pixels_of(data, 8)[3, :, 0].astype(float)
    assert np.abs(out - np.clip(expected, 0, 255)).max() <= 1


def test_a_large_jpeg_is_close_to_what_slow_decoding_gives() -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 900), np.linspace(0, 1, 700))
    smooth = np.stack([x * 255, y * 255, (1 - x * y) * 255], -1).astype(np.uint8)
    data = saved(Image.fromarray(smooth), "JPEG", quality=92)
    slow = Image.open(io.BytesIO(data)).crop((100, 0, 800, 700))
    expected = np.asarray(slow.resize((32, 32), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(pixels_of(data, 32) - expected).max() <= 3


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_picture_is_turned_as_exif_says(turn: int, kind: str) -> None:
    upright = np.zeros((16, 16, 3), np.uint8)
    upright[:8, :8], upright[:8, 8:] = (250, 0, 0), (0, 250, 0)
    upright[8:, :8], upright[8:, 8:] = (0, 0, 250), (250, 250, 0)
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[turn]
    stored = Image.fromarray(np.ascontiguousarray(undo(upright)))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    options = {"lossless": True} if kind == "WEBP" else options
    data = saved(stored, kind, exif=exif, **options)
    assert np.abs(pixels_of(data, 16).astype(int) - upright).max() <= 8
    assert notes_of(data, 16) == (("turned",) if turn > 1 else ())


def test_sizes_are_those_of_the_turned_picture() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    assert size_of(saved(plain("RGB", 0, (30, 20)))) == (30, 20)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        assert size_of(saved(plain("RGB", 0, (30, 20)), kind, exif=exif)) == (20, 30)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_of_several_frames_is_used(kind: str) -> None:
    first, second = plain("RGB", (200, 0, 0)), plain("RGB", (0, 0, 200))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(first, kind, save_all=True, append_images=[second], **options)
    assert np.abs(pixels_of(data).astype(int) - (200, 0, 0)).max() <= 1
    assert notes_of(data) == ("animated",)


def test_pictures_are_enlarged_at_most_twofold() -> None:
    assert finding_of(saved(plain("L", 9, (3, 50))), 8).kind == "too small"
    assert notes_of(saved(plain("L", 9, (4, 50))), 8) == ("enlarged",)
    assert notes_of(saved(plain("L", 9, (8, 50))), 8) == ()
    assert notes_of(saved(plain("L", 9, (3, 8))), 8, crop="pad") == ()
    assert finding_of(saved(plain("L", 9, (1, 900))), 8, crop="pad").kind == "too small"


# what cannot be used


def test_more_than_64_million_pixels_are_refused_before_they_are_decoded() -> None:
    for width, height in ((8001, 8000), (10_000, 10_000), (2**31 - 1, 2**31 - 1)):
        found = finding_of(png_that_says(width, height))
        assert (found.kind, "at most 64,000,000" in found.reason) == ("too large", True)
    assert finding_of(png_that_says(8000, 8000)).kind == "unreadable"  # it holds one row
    assert pixels_of(saved(plain("1", 1, (4000, 1000)))).shape == (4, 4, 1)


def png_that_says(width: int, height: int) -> bytes:
    """A PNG of one row under a head that speaks of many."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return png_of(head, bytes(min(width, 10_000) + 1))


def png_of(head: bytes, rows: bytes) -> bytes:
    """A PNG file of a head and rows with their filter bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_only_the_stated_formats_are_opened() -> None:
    for kind in ("PPM", "TGA", "ICO", "PDF"):
        found = finding_of(saved(plain("RGB", 0, (16, 16)), kind))
        assert "no picture in PNG" in found.reason
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"
    assert finding_of(postscript).kind == "unreadable"


def test_the_name_of_a_file_says_nothing_about_its_format(tmp_path: Path) -> None:
    path = tmp_path / "really a png.jpg"
    path.write_bytes(saved(plain("RGB", (1, 2, 3))))
    assert (pixels_of(path) == (1, 2, 3)).all()


def test_missing_and_empty_files_are_findings(tmp_path: Path) -> None:
    assert "vanished" in finding_of(tmp_path / "gone.png").reason
    (tmp_path / "zero.png").write_bytes(b"")
    assert finding_of(tmp_path / "zero.png").kind == "empty"
    assert finding_of(tmp_path).kind in ("unreadable", "not a file")


def test_an_enlarged_float_keeps_its_mean() -> None:
    values = np.full((2, 2), 0.5, np.float32)
    out = pixels_of(saved(Image.fromarray(values), "TIFF"))
    assert math.isclose(float(out.mean()), 128.0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (5, 9), (16, 16)])
def test_a_black_png_is_not_taken_for_a_cut_one(mode: str, size: tuple[int, int]) -> None:
    black = Image.new(mode, size)
    assert not ends_early(io.BytesIO(saved(black)))


def test_a_png_with_too_few_rows_is_found_interlaced_or_not() -> None:
    assert ends_early(io.BytesIO(png_that_says(16, 2)))
    assert not ends_early(io.BytesIO(png_that_says(16, 1)))
    # 3 × 3 in seven passes: 9 pixels, and a filter byte for each of their 6 rows: the corner,
    # the pixel two to its right, row 2 without its middle, the middles of rows 0 and 2, row 1.
    head = struct.pack(">IIBBBBB", 3, 3, 8, 0, 0, 0, 1)
    assert ends_early(io.BytesIO(png_of(head, bytes(14))))
    assert not ends_early(io.BytesIO(png_of(head, bytes(15))))
