"""Two domains: how folders are laid out, what belongs together, and what training is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from progan.core.batch import Images, Layout, Paired, Unpaired
from progan.core.errors import DataError
from progan.core.recipe import DataSettings
from progan.data.feeding import feed_of
from progan.data.opening import open_data, stored
from progan.data.sources.two import Two, open_two
from progan.data.two import FILE, Domains, build_two, open_or_build_two
from progan.data.two_loader import TwoLoader

Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Make a folder of pictures, each of one colour: its number."""

    def make(
        name: str,
        names: Sequence[str] = ("p0.png", "p1.png", "p2.png"),
        size: tuple[int, int] = (16, 16),
        start: int = 0,
    ) -> Path:
        for number, file in enumerate(names):
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            value = start + number
            Image.new("RGB", size, (value, 2 * value, 255 - value)).save(path)
        return tmp_path / name

    return make


def settings(source: str | Path, second: str | Path | None = None, **more: Any) -> DataSettings:
    known: dict[str, Any] = {"resolution": 8, "held_out": 0.0, **more}
    return DataSettings(source=str(source), second=None if second is None else str(second), **known)


def read(tmp_path: Path, asked: DataSettings) -> Domains:
    return open_or_build_two(open_two(asked), asked, tmp_path / "cache")


def loader(domains: Domains, batch_type: type[Any], **more: Any) -> TwoLoader:
    return TwoLoader(domains, seed=3, batch_type=batch_type, **more)


def titles(two: Two) -> list[list[str]]:
    return [[source.title(i) for i in range(source.count)] for _, source in two.parts()]


def reds(image: torch.Tensor) -> list[int]:
    """The number of each picture, by its red."""
    return [round(float(value)) for value in (image[:, 0, 0, 0] + 1) * 127.5]


# Layouts of folders --------------------------------------------------------------------------


def test_two_words_are_two_domains_with_their_folders_names(folder: Folder) -> None:
    two = open_two(settings(folder("horses"), folder("zebras", ["z.png"])))
    assert (two.kind, two.names) == ("unpaired", ("horses", "zebras"))
    assert (two.a.count, two.b.count, two.test) == (3, 1, None)


def test_one_folder_with_train_and_test_parts(folder: Folder, tmp_path: Path) -> None:
    for name, files in (
        ("x/trainA", ["1.png", "2.png"]),
        ("x/trainB", ["3.png"]),
        ("x/testA", ["4.png"]),
        ("x/testB", ["5.png", "6.png"]),
    ):
        folder(name, files)
    two = open_two(settings(tmp_path / "x"))
    assert two.names == ("A", "B")
    assert titles(two) == [["1.png", "2.png"], ["3.png"], ["4.png"], ["5.png", "6.png"]]


def test_each_domain_may_have_parts_of_its_own(folder: Folder, tmp_path: Path) -> None:
    for domain in ("day", "night"):
        folder(f"{domain}/train", ["1.png", "2.png"])
        folder(f"{domain}/test", ["3.png"])
    two = open_two(settings(tmp_path / "day", tmp_path / "night"))
    assert two.names == ("day", "night")
    assert titles(two) == [["1.png", "2.png"]] * 2 + [["3.png"]] * 2


def test_folders_called_train_are_named_by_what_they_lie_in(folder: Folder) -> None:
    two = open_two(settings(folder("day/train"), folder("night/train")))
    assert two.names == ("day", "night")


def test_one_domain_alone_is_told_how_to_name_the_other(folder: Folder) -> None:
    with pytest.raises(DataError, match=r"one domain of pictures.*trainA and trainB"):
        open_two(settings(folder("cats"), domains="unpaired"))


def test_an_empty_domain_is_named(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="none holds no pictures"):
        open_two(settings(folder("cats"), tmp_path / "none"))


def test_packaged_portraits_are_different_people_unless_they_are_pairs(tmp_path: Path) -> None:
    both = {"source": "portraits", "second": "portraits", "images": 12, "crop": "centre"}
    unpaired = read(tmp_path, settings(**both, domains="unpaired"))  # type: ignore[arg-type]
    rows = np.arange(12)
    a, b = (part.gather(rows, 8) for part in (unpaired.a, unpaired.b))
    assert not any((one == other).all() for one in a for other in b)
    paired = read(tmp_path, settings(**both, domains="paired"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(paired.a.gather(rows, 8), paired.b.gather(rows, 8))


# Pairs ---------------------------------------------------------------------------------------


def test_pairs_have_the_same_names_but_for_the_ending(folder: Folder, tmp_path: Path) -> None:
    a = folder("a", ["1.png", "2.jpg", "only.png"])
    b = folder("b", ["2.png", "1.png"], start=100)
    domains = read(tmp_path, settings(a, b, domains="paired"))
    assert domains.a.count == domains.b.count == 2
    batch = loader(domains, Paired).batch(range(4), 8)
    first, second = reds(batch.a), reds(batch.b)
    assert {(f, s) for f, s in zip(first, second, strict=True)} == {(0, 101), (1, 100)}
    (finding,) = domains.report.findings
    assert (finding.name, finding.kind) == ("only.png", "no partner")
    assert "2 pairs used of 3" in domains.report.lines()[0]


def test_without_one_pair_the_rule_is_told(folder: Folder) -> None:
    with pytest.raises(DataError, match="same name but for the ending"):
        open_two(settings(folder("a", ["1.png"]), folder("b", ["2.png"]), domains="paired"))


def test_a_pair_with_a_broken_side_is_left_out_whole(folder: Folder, tmp_path: Path) -> None:
    a, b = folder("a"), folder("b", start=100)
    (b / "p1.png").write_bytes(b"\x89PNG\r\n broken")
    domains = read(tmp_path, settings(a, b, domains="paired"))
    assert domains.a.count == domains.b.count == 2
    assert set(zip(*(reds(x) for x in _both(domains)), strict=True)) == {(0, 100), (2, 102)}
    assert "p1.png" in domains.report.findings[0].line()


def _both(domains: Domains) -> tuple[torch.Tensor, torch.Tensor]:
    batch = loader(domains, Paired).batch(range(2), 8)
    return batch.a, batch.b


def test_a_pair_has_one_shape(folder: Folder, tmp_path: Path) -> None:
    a, b = folder("a", size=(32, 16)), folder("b", ["p0.png", "p1.png"], size=(64, 32))
    folder("b", ["p2.png"], size=(16, 16))
    domains = read(tmp_path, settings(a, b, domains="paired"))
    assert domains.a.count == 2
    assert domains.report.findings[0].kind == "other shape"


def test_side_by_side_the_left_half_is_a(folder: Folder, tmp_path: Path) -> None:
    train = folder("x/train", [])
    train.mkdir(parents=True)
    for number in range(3):
        sheet = np.zeros((16, 32, 3), np.uint8)
        sheet[:, :16], sheet[:, 16:] = number, 100 + number
        Image.fromarray(sheet).save(train / f"{number}.png")
    Image.new("RGB", (33, 16)).save(train / "odd.png")
    (tmp_path / "x/val").mkdir()
    Image.fromarray(sheet).save(tmp_path / "x/val/9.png")
    domains = read(tmp_path, settings(tmp_path / "x", domains="paired"))
    assert (domains.a.count, domains.test is not None) == (3, True)
    a, b = _both(domains)
    assert [second - first for first, second in zip(reds(a), reds(b), strict=True)] == [100, 100]
    assert "twice as wide as high" in domains.report.findings[0].reason


# Layouts -------------------------------------------------------------------------------------


def write_maps(place: Path, names: Sequence[str], classes: Sequence[int] = (0, 2)) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        values = np.full((16, 16), classes[number % len(classes)], np.uint8)
        values[:4] = 255
        Image.fromarray(values).save(place / name)


NAMES = ("p0.png", "p1.png", "p2.png")


def test_pictures_and_class_maps(folder: Folder, tmp_path: Path) -> None:
    folder("x/images")
    write_maps(tmp_path / "x/layouts", NAMES)
    domains = read(tmp_path, settings(tmp_path / "x"))
    spec = domains.spec
    assert (domains.kind, spec.layouts, spec.layout_names[2]) == ("layouts", 3, "class 2")
    batch = loader(domains, Layout).batch(range(3), 8)
    assert batch.layout.shape == (3, 3, 8, 8)
    for red, layout in zip(reds(batch.image), batch.layout, strict=True):
        assert layout[:, :2].sum() == 0  # unknown: no class at all
        assert (layout[0 if red != 1 else 2, 2:] == 1).all()
        assert layout.sum() == 6 * 8


def test_a_palette_names_classes_and_colours(folder: Folder, tmp_path: Path) -> None:
    folder("x/train_img", ["0.png"])
    place = tmp_path / "x/train_label"
    place.mkdir()
    Image.new("RGB", (16, 16), (1, 2, 3)).save(place / "0.png")
    palette = {"5": ["sea", 1, 2, 3], "2": ["sky", 9, 9, 9]}
    (tmp_path / "x/palette.json").write_text(json.dumps(palette))
    domains = read(tmp_path, settings(tmp_path / "x"))
    assert domains.spec.layout_names == ("sky", "sea")
    assert domains.spec.layout_colours == ((9, 9, 9), (1, 2, 3))
    assert domains.spec.layout_ids == (2, 5)
    assert domains.b.gather([0], 4).max() == domains.b.gather([0], 4).min() == 1


def test_unknown_classes_stop_the_build_and_leave_nothing(folder: Folder, tmp_path: Path) -> None:
    folder("x/images")
    write_maps(tmp_path / "x/layouts", NAMES, classes=(0, 8))
    (tmp_path / "x/palette.json").write_text('{"0": ["sky", 9, 9, 9]}')
    with pytest.raises(DataError, match=r"(?s)1 class map holds.*p1\.png: 8 is not in palette"):
        read(tmp_path, settings(tmp_path / "x"))
    assert not [p for p in (tmp_path / "cache").iterdir() if p.is_dir()]


def test_instances_make_edges(folder: Folder, tmp_path: Path) -> None:
    folder("x/train_img", ["0.png"])
    write_maps(tmp_path / "x/train_label", ["0.png"])
    things = np.zeros((16, 16), np.uint8)
    things[:, 8:] = 1
    (tmp_path / "x/train_inst").mkdir()
    Image.fromarray(things).save(tmp_path / "x/train_inst/0.png")
    domains = read(tmp_path, settings(tmp_path / "x", resolution=16))
    assert (domains.spec.layout_edges, domains.spec.layouts) == (True, 2)
    edges = loader(domains, Layout).batch(range(1), 16).layout[0, 1]
    assert edges[:, 7:9].all()
    assert edges.sum() == 32


def test_packaged_maps_fit_the_packaged_pictures(tmp_path: Path) -> None:
    asked = settings("portraits", "portraits-layouts", domains="layouts", images=6, resolution=32)
    domains = read(tmp_path, asked)
    assert domains.spec.layout_names[1] == "skin"
    batch = loader(domains, Layout).batch(range(6), 32)
    assert (batch.layout.sum(dim=1) == 1).all()
    ink = read(tmp_path, settings("portraits", "portraits-ink", domains="paired", images=6))
    assert ink.a.count == 6


# Held out, stores and batches ----------------------------------------------------------------


def test_a_share_is_held_out_and_never_trained_on(folder: Folder, tmp_path: Path) -> None:
    names = [f"{n:02d}.png" for n in range(40)]
    a, b = folder("a", names), folder("b", names[:30], start=100)
    domains = read(tmp_path, settings(a, b, held_out=0.1))
    assert domains.test is not None
    assert [part.count for part in domains.parts.values()] == [36, 27, 4, 3]
    feed = loader(domains, Unpaired)
    batch = feed.batch(range(72), 8)
    held = {int(p[0, 0, 0]) for p in domains.test[0].gather(range(4), 8)}
    assert set(reds(batch.a)).isdisjoint(held)
    assert len(set(reds(batch.a))) == 36
    shown = feed.shown_batch(range(4), 8)
    assert set(reds(shown.a)) == held  # type: ignore[attr-defined]


def test_an_epoch_is_as_long_as_the_first_domain_and_each_has_its_own_order(
    folder: Folder, tmp_path: Path
) -> None:
    names = [f"{n}.png" for n in range(7)]
    domains = read(tmp_path, settings(folder("a", names), folder("b", names[:5], start=100)))
    batch = loader(domains, Unpaired).batch(range(35), 8)
    a, b = reds(batch.a), reds(batch.b)
    assert all(sorted(a[i : i + 7]) == list(range(7)) for i in range(0, 35, 7))
    assert all(sorted(b[i : i + 5]) == list(range(100, 105)) for i in range(0, 35, 5))
    assert len({(x, y) for x, y in zip(a, b, strict=True)}) > 7


def test_a_batch_is_a_function_of_its_numbers(tmp_path: Path) -> None:
    asked = settings("portraits", "portraits-ink", domains="unpaired", images=20, resolution=16)
    domains = read(tmp_path, asked)
    feed = loader(domains, Unpaired, mirror=True, jitter=True)
    whole = feed.batch(range(10), 16)
    part = loader(domains, Unpaired, mirror=True, jitter=True).batch(range(6, 10), 16)
    for name, tensor in part.tensors().items():
        torch.testing.assert_close(tensor, whole.tensors()[name][6:], rtol=0, atol=0)
    again = feed.batch(range(20, 30), 16)
    assert not torch.equal(again.a, whole.a)


def test_pairs_are_mirrored_and_cut_alike(tmp_path: Path) -> None:
    asked = settings("portraits", "portraits", domains="paired", images=20, resolution=16)
    domains = read(tmp_path, asked)
    plain = loader(domains, Paired).batch(range(20), 16)
    moved = loader(domains, Paired, mirror=True, jitter=True).batch(range(20), 16)
    torch.testing.assert_close(moved.a, moved.b, rtol=0, atol=0)
    assert not torch.equal(moved.a, plain.a)


def test_layouts_are_cut_with_their_pictures_and_stay_zeros_and_ones(
    folder: Folder, tmp_path: Path
) -> None:
    place = tmp_path / "x"
    for name in ("images", "layouts"):
        (place / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(4):  # the picture is black where the class is 0, white where it is 1
        classes = np.kron(rng.integers(0, 2, (4, 4)), np.ones((8, 8))).astype(np.uint8)
        Image.fromarray(255 * classes).save(place / "images" / f"{number}.png")
        Image.fromarray(classes).save(place / "layouts" / f"{number}.png")
    domains = read(tmp_path, settings(place, resolution=32))
    batch = loader(domains, Layout, mirror=True, jitter=True).batch(range(16), 32)
    assert set(batch.layout.unique().tolist()) == {0.0, 1.0}
    agree = (batch.image[:, 0] > 0) == (batch.layout[:, 1] > 0)
    assert agree.float().mean() > 0.95  # they differ at most by a pixel at the borders


def test_a_built_store_can_be_moved_and_opened(folder: Folder, tmp_path: Path) -> None:
    asked = settings(folder("a"), folder("b", start=100))
    built = build_two(open_two(asked), tmp_path / "store", asked)
    (tmp_path / "store").rename(tmp_path / "moved")
    found = open_data(settings(tmp_path / "moved", resolution=None))
    assert isinstance(found, Domains)
    assert found.fingerprint == built.fingerprint
    found.verify()
    with pytest.raises(DataError, match="built at 8 pixels"):
        stored(found, settings(tmp_path / "moved", resolution=4), tmp_path / "cache")


def test_a_second_reading_opens_what_the_first_one_made(folder: Folder, tmp_path: Path) -> None:
    asked = settings(folder("a"), folder("b", start=100))
    first = read(tmp_path, asked)
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.u8")}
    assert read(tmp_path, asked).fingerprint == first.fingerprint
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.u8")} == stamps


def test_another_picture_is_another_fingerprint(folder: Folder, tmp_path: Path) -> None:
    a, b = folder("a"), folder("b", start=100)
    first = read(tmp_path, settings(a, b)).fingerprint
    Image.new("RGB", (16, 16), (77, 0, 0)).save(b / "p1.png")
    assert read(tmp_path, settings(a, b)).fingerprint != first


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body["parts"].update(a="../../elsewhere"),
        lambda body: body["parts"].update(a="/etc"),
        lambda body: body.update(kind="both"),
        lambda body: body.pop("names"),
        lambda body: body.update(layout_names=["one"]),
    ],
)
def test_a_store_that_was_tampered_with_is_refused(
    change: Callable[[dict[str, Any]], Any], folder: Folder, tmp_path: Path
) -> None:
    from progan.data.two import _checksum

    asked = settings(folder("a"), folder("b", start=100))
    build_two(open_two(asked), tmp_path / "store", asked)
    path = tmp_path / "store" / FILE
    body = json.loads(path.read_text())
    del body["checksum"]
    change(body)
    path.write_text(json.dumps({**body, "checksum": _checksum(body)}))
    with pytest.raises(DataError, match="damaged"):
        Domains.open(tmp_path / "store")
    path.write_text("{" + path.read_text())
    with pytest.raises(DataError, match="damaged"):
        Domains.open(tmp_path / "store")


def test_what_a_system_cannot_take_is_one_clear_error(folder: Folder, tmp_path: Path) -> None:
    domains = read(tmp_path, settings(folder("a"), folder("b", start=100)))
    with pytest.raises(DataError, match="learns from pairs"):
        loader(domains, Paired)
    with pytest.raises(DataError, match="learns from one kind"):
        loader(domains, Images)
    with pytest.raises(DataError, match="Name the other as well"):
        feed_of(
            domains.a,
            seed=0,
            mirror=False,
            jitter=False,
            batch_type=Unpaired,
            device=torch.device("cpu"),
        )


@pytest.mark.parametrize("batch_type", [Unpaired, Paired, Layout, Images])
def test_noise_stands_in_for_any_kind_of_data(batch_type: type[Any]) -> None:
    from progan.core.specs import DataSpec
    from progan.data.noise import noise_for, spec_for

    spec = spec_for(DataSpec(resolution=8, images=100), batch_type)
    store = noise_for(spec, batch_type)
    feed = feed_of(
        store,
        seed=0,
        mirror=False,
        jitter=False,
        batch_type=batch_type,
        device=torch.device("cpu"),
    )
    batch = feed.batch(range(3), 8)
    assert isinstance(batch, batch_type)
    assert all(tensor.shape[0] == 3 for tensor in batch.tensors().values())
    assert store.spec.layouts == (8 if batch_type is Layout else 0)
