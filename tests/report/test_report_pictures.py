from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from progan.report.pictures import Album, Picture


def opened(picture: Picture | None) -> Image.Image:
    assert picture is not None
    kind, _, content = picture.address.partition(",")
    assert kind in ("data:image/webp;base64", "data:image/gif;base64")
    return Image.open(io.BytesIO(base64.b64decode(content)))


def size_of(picture: Picture | None) -> int:
    assert picture is not None
    return len(base64.b64decode(picture.address.partition(",")[2]))


def test_a_small_picture_keeps_every_pixel(tmp_path: Path) -> None:
    noise = Image.effect_noise((32, 24), 60).convert("RGB")
    noise.save(tmp_path / "a.png")
    picture = Album(tmp_path).still("a.png", 100_000)
    assert picture is not None
    assert (picture.width, picture.height) == (32, 24)
    assert opened(picture).convert("RGB").tobytes() == noise.tobytes()


def test_a_large_picture_fits_its_room_and_keeps_its_shape(tmp_path: Path) -> None:
    Image.effect_noise((512, 256), 90).save(tmp_path / "a.png")
    for room in (60_000, 20_000, 4_000, 300):
        picture = Album(tmp_path).still("a.png", room)
        assert size_of(picture) <= room
        assert picture is not None
        assert (picture.width, picture.height) == (512, 256)


def test_a_row_of_pictures_fits_its_room(tmp_path: Path) -> None:
    Image.effect_noise((128, 128), 90).save(tmp_path / "large.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "small.png")
    exact = size_of(Album(tmp_path).still("large.png", 1_000_000))
    # Room for five exact ones, but not for eight: the small ones leave their part to the large.
    room = 5 * exact + 500
    places = ["small.png"] * 3 + ["large.png"] * 5
    sizes = [size_of(picture) for picture in Album(tmp_path).series(places, room)]
    assert sum(sizes) <= room
    assert sizes[3:] == [exact] * 5
    halved = [size_of(picture) for picture in Album(tmp_path).series(places, room // 2)]
    assert sum(halved) <= room // 2


def test_an_animation_that_fits_is_kept_as_it_is(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), (index * 60, 0, 0)) for index in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    found = Album(tmp_path).moving("a.gif", 100_000)
    assert found is not None
    kept = base64.b64decode(found.moving.address.partition(",")[2])
    assert kept == (tmp_path / "a.gif").read_bytes()
    assert getattr(opened(found.still), "n_frames", 1) == 1


def test_a_large_animation_is_made_smaller_and_still_moves(tmp_path: Path) -> None:
    frames = [Image.effect_noise((96, 96), 50 + index).convert("RGB") for index in range(8)]
    frames[0].save(
        tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True
    )
    room = (tmp_path / "a.webp").stat().st_size // 6
    found = Album(tmp_path).moving("a.webp", room)
    assert found is not None
    assert size_of(found.moving) <= room
    assert getattr(opened(found.moving), "n_frames", 1) > 1


def test_what_cannot_be_shown_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "drawing.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    Image.effect_noise((64, 64), 60).save(tmp_path / "cut.png")
    cut = tmp_path / "cut.png"
    cut.write_bytes(cut.read_bytes()[:1000])
    album = Album(tmp_path)
    places = ["text.png", "drawing.png", "cut.png", "absent.png", "../x.png", 7, None, "a\0b"]
    assert album.series(places, 1000) == [None] * 8
    assert [problem.partition(" ")[0] for problem in album.problems[:5]] == [
        *("text.png", "drawing.png", "cut.png", "absent.png", "x.png")
    ]


def test_a_picture_bomb_is_not_opened(tmp_path: Path) -> None:
    Image.new("1", (12_000, 12_000)).save(tmp_path / "bomb.png")
    album = Album(tmp_path)
    assert album.still("bomb.png", 1000) is None
    assert album.problems
