from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from progan.core.config import DataSettings
from progan.core.errors import DataError
from progan.data.build import build, check
from progan.data.faces import align, crop_of
from progan.data.packaged import packaged
from progan.data.sources import open_source
from progan.data.sources.faces import read_landmarks

CELEBA_1 = [[69, 109], [106, 113], [77, 142], [73, 152], [108, 154]]
"""Landmarks of the first picture of CelebA, as the specification's check 12 has them."""


def test_the_crop_has_the_official_geometry() -> None:
    crop = crop_of(CELEBA_1)
    assert crop.centre == pytest.approx([88.3, 115.7], abs=1e-9)
    assert crop.half == pytest.approx(75.7926, abs=1e-4)
    assert crop.zoom == pytest.approx(6.75528, abs=1e-5)
    assert crop.corners[0] == pytest.approx([13.4728, 38.9541], abs=1e-4)
    # the other form, in the paper's text: side s = max(4 |x'|, 3.6 |y'|), centre = eyes − 0.1 y'
    points = np.array(CELEBA_1, float)
    eyes, mouth = points[:2].mean(0) + 0.5, points[3:].mean(0) + 0.5
    assert crop.centre == pytest.approx(eyes - 0.1 * (eyes - mouth))
    side = max(4 * np.hypot(*(points[1] - points[0])), 3.6 * np.hypot(*(eyes - mouth)))
    assert 2 * crop.half == pytest.approx(side)


@pytest.mark.parametrize("points", [[[5, 5]] * 5, [[np.nan, 1]] * 5, [[1, 2]] * 4])
def test_landmarks_that_are_no_face_are_refused(points: list[list[float]]) -> None:
    # five equal points: the mouth's middle is the eyes' middle, and nothing has a direction
    with pytest.raises(ValueError, match=r"landmarks|one point"):
        crop_of(points)


def marked(points: np.ndarray, size: tuple[int, int], radius: float) -> Image.Image:
    """A grey picture with a white disc at each landmark."""
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.full((size[1], size[0]), 90, np.uint8)
    for px, py in points:
        pixels[(x - px) ** 2 + (y - py) ** 2 <= radius**2] = 255
    return Image.fromarray(pixels).convert("RGB")


def bright(pixels: np.ndarray, near: np.ndarray, reach: float) -> np.ndarray:
    """Centroid of what is white around a place."""
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    weight = np.clip(pixels[..., 0].astype(float) - 100, 0, None)
    weight[(x - near[0]) ** 2 + (y - near[1]) ** 2 > reach**2] = 0
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


FACE = np.array([[-20, -20], [20, -20], [0, 0], [-16, 24], [16, 24]], float)


@pytest.mark.parametrize("size", [1.0, 6.0], ids=["small", "shrunk first"])
@pytest.mark.parametrize("degrees", [0.0, 35.0, -100.0])
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.25, 0.3)], ids=["inside", "over the edge"])
def test_faces_come_out_upright_and_in_place(
    size: float, degrees: float, place: tuple[float, float]
) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    side = int(400 * size)
    points = FACE @ turn * size + np.array(place) * side
    made = align(marked(points, (side, side), 4 * size), points, 128)
    assert made.shape == (128, 128, 3)
    upright = crop_of(FACE, 128)
    expected = (FACE + 0.5 - upright.corners[0]) * upright.zoom - 0.5
    for number in (0, 1, 3, 4):
        found = bright(made, expected[number], reach=8)
        assert found == pytest.approx(expected[number], abs=1.2), number


def test_what_leaves_the_picture_is_continued_softly() -> None:
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 256, (200, 200, 3), np.uint8))
    points = FACE * 1.5 + np.array([60, 100])
    crop = crop_of(points, 256)
    assert crop.bounds[0] < -30
    made = align(photo, points, 256).astype(float)
    outside = int(-crop.corners[0, 0] * crop.zoom)
    assert made[:, : outside // 3].std() < 0.35 * made[:, outside + 40 :].std()  # faded
    seam = np.abs(np.diff(made, axis=1)).mean((0, 2))
    inside = seam[outside + 40 : -1].mean()
    assert seam[outside - 5 : outside + 5].max() < 1.5 * inside  # no edge at the border


def test_own_networks_may_restore_and_enlarge() -> None:
    seen: list[object] = []

    def restore(picture: Image.Image) -> Image.Image:
        seen.append("restored")
        return picture

    def enlarge(picture: Image.Image, factor: int) -> Image.Image:
        seen.append(factor)
        return picture.resize((picture.width * factor, picture.height * factor))

    photo = marked(np.array(CELEBA_1, float), (178, 218), 3)
    made = align(photo, CELEBA_1, 512, restore=restore, enlarge=enlarge)
    assert seen == ["restored", 4]  # 512 / (2 · 75.79) = 3.4, and the next power of two
    assert made.shape == (512, 512, 3)
    with pytest.raises(ValueError, match="enlarge gave"):
        align(photo, CELEBA_1, 512, enlarge=lambda picture, factor: picture)


def photographs(folder: Path, count: int = 6) -> Path:
    """Portraits as photographs with their true landmarks, in CelebA's file."""
    folder.mkdir()
    faces = packaged("portraits", count=count, seed=1)
    pixels = faces.pictures(np.arange(count), 128)
    lines = [str(count), "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y …"]
    for index, points in enumerate(faces.landmarks(np.arange(count))):
        name = f"{index + 1:06d}.png"
        Image.fromarray(pixels[index].transpose(1, 2, 0)).save(folder / name)
        scaled = points * 128 if points.max() <= 1.5 else points
        lines.append(name + "".join(f" {value:6.1f}" for value in scaled.ravel()))
    file = folder / "list_landmarks.txt"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_folder_with_landmarks_builds_faces(tmp_path: Path) -> None:
    file = photographs(tmp_path / "photos")
    Image.new("RGB", (64, 64)).save(tmp_path / "photos" / "nobody.png")
    with file.open("a") as lines:
        lines.write("gone.png 1 2 3 4 5 6 7 8 9 10\n")
    settings = DataSettings(source=str(tmp_path / "photos"), landmarks=str(file), resolution=32)
    built = build(open_source(settings.source, settings), tmp_path / "built", settings)
    assert built.count == 6
    assert [finding.kind for finding in built.report.findings] == ["no landmarks"]
    assert any("without a picture: 1" in remark for remark in built.report.remarks)
    assert "cut out upright" in " ".join(built.report.lines())
    for index, (name, points) in enumerate(list(read_landmarks(file).items())[:6]):
        with Image.open(tmp_path / "photos" / name) as photo:
            expected = align(photo, np.reshape(points, (5, 2)), 32)
        assert np.array_equal(built.gather(np.array([index]), 32)[0].transpose(1, 2, 0), expected)
    plain = DataSettings(source=settings.source, resolution=32)
    whole = build(open_source(plain.source, plain), tmp_path / "plain", plain)
    assert whole.fingerprint != built.fingerprint


def test_the_resolution_follows_the_faces(tmp_path: Path) -> None:
    file = photographs(tmp_path / "photos")
    settings = DataSettings(source=str(tmp_path / "photos"), landmarks=str(file))
    source = open_source(settings.source, settings)
    sides = [2 * crop_of(np.reshape(p, (5, 2))).half for p in read_landmarks(file).values()]
    assert source.native_resolution == 2 ** int(np.log2(sorted(sides)[0]))


def test_faces_too_small_or_outside_are_listed(tmp_path: Path) -> None:
    file = photographs(tmp_path / "photos", 3)
    lines = file.read_text().splitlines()
    lines[3] = "000002.png 1 2 3 4 5 6 7 8 900 10"
    lines[4] = "000003.png 7 7 7 7 7 7 7 7 7 7"
    file.write_text("\n".join(lines))
    settings = DataSettings(source=str(tmp_path / "photos"), landmarks=str(file), resolution=32)
    report = check(open_source(settings.source, settings), settings)
    assert report.used == 1
    assert [str(finding.kind) for finding in report.findings] == ["no landmarks"] * 2
    large = DataSettings(source=settings.source, landmarks=str(file), resolution=1024)
    report = check(open_source(large.source, large), large)
    assert report.findings[0].kind == "too small"
    assert "it must have 512" in report.findings[0].reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no landmarks"),
        ("2\ntitles\na.png 1 2 3\n", "line 3"),
        ("a.png 1 2 3 4 5 6 7 8 9 10\nb.png 1 2 3 4 5 6 7 8 9 x\n", "line 2"),
    ],
)
def test_a_wrong_file_of_landmarks_is_said_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "points.txt").write_text(text)
    with pytest.raises(DataError, match=said):
        read_landmarks(tmp_path / "points.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_landmarks(tmp_path / "missing.txt")


def test_landmarks_may_be_separated_by_commas_and_names_hold_blanks(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("image_id,lefteye_x,…\nmy face 1.jpg,1,2,3,4,5,6,7,8,9,1e1\n")
    assert read_landmarks(file) == {"my face 1.jpg": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)}


def test_landmarks_need_a_folder(tmp_path: Path) -> None:
    settings = DataSettings(source="fashion-mnist", landmarks="points.txt")
    with pytest.raises(DataError, match="no folder of pictures"):
        open_source("fashion-mnist", settings)


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    photographs(tmp_path / "photos", 2)
    Image.new("RGB", (64, 64)).save(tmp_path / "secret.png")
    file = tmp_path / "points.txt"
    file.write_text("../secret.png 20 20 40 20 30 30 22 40 38 40\n")
    settings = DataSettings(source=str(tmp_path / "photos"), landmarks=str(file), resolution=16)
    assert open_source(settings.source, settings).count == 0
