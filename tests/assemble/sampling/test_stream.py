"""Many pictures: the right ones, to disk, in memory that does not grow."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from progan.assemble.models.model import load
from progan.assemble.sampling import packers, pump, sinks, stream
from progan.assemble.sampling.like import picture_like
from progan.assemble.sampling.sheets import sheet
from progan.assemble.sampling.stream import stream as write
from progan.core.errors import ConfigError, RoomError, TrainingError
from progan.core.launch import LostError
from progan.core.specs import DataSpec
from progan.data.sources import open_source
from progan.engine import choice
from progan.engine.backends import BACKENDS, TOLERANCES
from small_world import environment

MakeRun = Callable[..., Path]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "batch_for", lambda network, device: 8)


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def near(made: np.ndarray, exact: np.ndarray, backend: str) -> bool:
    return TOLERANCES[BACKENDS[backend].precision].accepts(made, exact)


# Which pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["eager-fp32", "eager-bf16"])
@pytest.mark.parametrize("classes", [(), ("cat", "dog", "emu")])
def test_many_are_those_of_sample_within_the_tolerance(
    make_run: MakeRun, backend: str, classes: tuple[str, ...]
) -> None:
    model = load(make_run(classes=classes))
    seeds = [*range(9), 2**63 - 1, 5]  # a batch and a piece; any seeds in any order
    blocks = list(model.many(seeds, 0.7, backend=backend))
    assert [len(block) for block in blocks] == [8, 3]
    made = np.concatenate(blocks)
    assert near(made, model.sample(seeds, 0.7), backend)
    assert np.array_equal(made[5], made[10]) or backend != "eager-fp32"
    assert np.array_equal(np.concatenate(list(model.many(seeds, 0.7, backend=backend))), made)


def test_many_follow_labels_one_for_all_or_one_each(make_run: MakeRun) -> None:
    model = load(make_run(classes=("cat", "dog", "emu")))
    each = ["emu", 0, "dog", "cat", 2, 1, "dog", "dog", "emu", "cat"]
    for labels in ("dog", each):
        made = np.concatenate(list(model.many(range(10), labels=labels, backend="eager-fp32")))
        assert near(made, model.sample(range(10), labels=labels), "eager-fp32")
    with pytest.raises(ConfigError, match="2 labels came for 10 seeds"):
        model.many(range(10), labels=["cat", "dog"])
    with pytest.raises(ConfigError, match="truncation is 3"):
        model.many(range(10), 3)


def test_exactly_means_to_the_last_bit(make_run: MakeRun) -> None:
    model = load(make_run(classes=("cat", "dog"))).at(8, 0.5)
    made = np.concatenate(list(model.many(range(20), backend="exact")))
    assert np.array_equal(made, model.sample(range(20)))


def test_half_grown_networks_are_folded_as_they_stand(make_run: MakeRun) -> None:
    model = load(make_run())
    for size, alpha in ((4, None), (8, 0.25), (16, 0.9)):
        view = model.at(size, alpha)
        made = np.concatenate(list(view.many(range(8), backend="eager-fp32")))
        assert near(made, view.sample(range(8)), "eager-fp32")


# Where they go --------------------------------------------------------------------------------


def test_a_folder_holds_a_file_for_each_seed_and_says_what_they_are(
    make_run: MakeRun, tmp_path: Path
) -> None:
    model = load(make_run())
    heard: list[tuple[int, int, int]] = []
    found = write(
        model, 20, tmp_path / "faces", truncation=0.8, progress=lambda *at: heard.append(at)
    )
    assert (found.there, found.made, found.stopped) == (20, 20, False)
    assert names(tmp_path / "faces") == [
        "sample.json",
        *(f"seed{seed:06d}.png" for seed in range(20)),
    ]
    exact = model.sample(range(20), 0.8)
    made = np.stack([pixels_of(tmp_path / "faces" / f"seed{k:06d}.png") for k in range(20)])
    assert near(made, exact, found.choice.backend.name)
    note = json.loads((tmp_path / "faces" / "sample.json").read_text())
    assert note["model"] == model.identity
    assert (note["images"], note["truncation"], note["resolution"]) == (20, 0.8, 16)
    assert note["backend"] == found.choice.backend.name
    assert [total for _, _, total in heard] == [20, 20, 20]


def test_exact_files_can_be_made_again_from_their_notes(make_run: MakeRun, tmp_path: Path) -> None:
    model = load(make_run(classes=("cat", "dog")))
    write(model, 18, tmp_path / "pets", label="dog", backend="exact")
    path = tmp_path / "pets" / "seed000017.png"
    assert np.array_equal(pixels_of(path), model.sample([17], labels="dog")[0])
    again, note = picture_like(path)
    assert np.array_equal(np.asarray(sheet(again, note)), pixels_of(path))
    # what is nearly exact does not promise that
    write(model, 1, tmp_path / "fast", backend="eager-fp32")
    with pytest.raises(ConfigError, match="carries no note"):
        picture_like(tmp_path / "fast" / "seed000000.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_an_npz_is_read_by_numpy_and_by_train(
    make_run: MakeRun, tmp_path: Path, channels: int
) -> None:
    model = load(make_run(classes=("cat", "dog", "emu"), channels=channels))
    path = tmp_path / "pets.npz"
    found = write(model, 21, path)
    with np.load(path) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    assert images.shape == (21, 16, 16, channels)
    assert labels.tolist() == [seed % 3 for seed in range(21)]
    assert near(images, model.sample(range(21)), found.choice.backend.name)
    assert open_source(str(path)).count == 21
    assert names(tmp_path) == ["pets.npz", "runs"]


def test_classes_that_are_drawn_as_often_as_in_the_data_are_written_as_they_were_drawn(
    make_run: MakeRun, tmp_path: Path
) -> None:
    uneven = DataSpec(resolution=16, classes=3, label_shares=(0.6, 0.3, 0.1), images=7)
    model = load(make_run(labels=uneven))
    write(model, 21, tmp_path / "pets.npz")
    drawn = [int(model.latents(seed)["label"]) for seed in range(21)]
    assert drawn != [seed % 3 for seed in range(21)]  # they do not go round
    with np.load(tmp_path / "pets.npz") as arrays:
        assert arrays["labels"].tolist() == drawn


def test_an_npz_holds_the_label_of_every_picture_by_name_in_the_units_of_the_data(
    make_run: MakeRun, tmp_path: Path
) -> None:
    ages = DataSpec(
        resolution=16,
        **{"label_kind": "continuous", "label_size": 2, "label_names": ("age", "smile")},
        **{"label_ranges": ((20.0, 60.0), (-0.5, 0.5)), "label_rows": ((-1.0, 0.5), (0.5, 0.0))},
    )
    model = load(make_run(labels=ages))
    write(model, 20, tmp_path / "faces.npz", label="smile=0.5")
    with np.load(tmp_path / "faces.npz") as arrays:
        assert set(arrays) == {"images", "label_rows", "label_names"}
        assert arrays["label_names"].tolist() == ["age", "smile"]
        rows = arrays["label_rows"]
    # −1 is the least age, 20, and 0.5 three quarters of the way to 60; smiles are as asked for
    drawn = [float(model.latents(seed)["label"][0, 0]) for seed in range(20)]
    assert rows[:, 0].tolist() == [{-1.0: 20.0, 0.5: 50.0}[value] for value in drawn]
    assert set(rows[:, 0]) == {20.0, 50.0}
    assert set(rows[:, 1]) == {0.5}
    assert open_source(str(tmp_path / "faces.npz")).count == 20


def test_labels_that_are_on_or_off_are_written_as_0_and_1(
    make_run: MakeRun, tmp_path: Path
) -> None:
    hats = DataSpec(
        resolution=16,
        **{"label_kind": "multi-label", "label_size": 2, "label_names": ("hat", "bow")},
        **{"label_ranges": ((0.0, 1.0), (0.0, 1.0)), "label_rows": ((0.0, 1.0), (1.0, 0.0))},
    )
    model = load(make_run(labels=hats))
    write(model, 20, tmp_path / "pets.npz")
    with np.load(tmp_path / "pets.npz") as arrays:
        assert {tuple(row) for row in arrays["label_rows"].tolist()} == {(0.0, 1.0), (1.0, 0.0)}


def test_a_zip_holds_the_same_files_as_a_folder(make_run: MakeRun, tmp_path: Path) -> None:
    model = load(make_run())
    write(model, 17, tmp_path / "faces", backend="eager-fp32")
    write(model, 17, tmp_path / "faces.zip", backend="eager-fp32")
    with zipfile.ZipFile(tmp_path / "faces.zip") as archive:
        assert archive.testzip() is None
        assert sorted([*archive.namelist(), "sample.json"]) == names(tmp_path / "faces")
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "faces" / name).read_bytes()
        assert json.loads(archive.comment)["model"] == model.identity
    # ours, so it may be written again; a stranger's may not
    write(model, 2, tmp_path / "faces.zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "mine")
    with pytest.raises(ConfigError, match="not made by progan"):
        write(model, 2, tmp_path / "other.zip")


# Going on -------------------------------------------------------------------------------------


def test_a_stopped_folder_is_gone_on_with(make_run: MakeRun, tmp_path: Path) -> None:
    model = load(make_run())
    asked = iter([False, False, True])
    folder = tmp_path / "faces"
    found = write(model, 40, folder, backend="eager-bf16", stop=lambda: next(asked))
    assert (found.there, found.stopped) == (16, True)
    whole = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.glob("*.png")}
    assert len(whole) == 16
    # as a crash of the machine would leave it: one cut short, one gone
    (folder / "seed000003.png").write_bytes(whole["seed000003.png"][0][:-5])
    (folder / "seed000009.png").unlink()
    found = write(model, 40, folder)
    assert found.choice.backend.name == "eager-bf16"  # as it was begun
    assert (found.there, found.made) == (40, 40)
    for name, (content, when) in whole.items():
        assert (folder / name).read_bytes() == content
        if name not in ("seed000003.png", "seed000009.png"):
            assert (folder / name).stat().st_mtime_ns == when  # not written again
    assert write(model, 40, folder).made == 0
    uncut = tmp_path / "uncut"
    write(model, 40, uncut, backend="eager-bf16")
    assert all((folder / n).read_bytes() == (uncut / n).read_bytes() for n in names(uncut))


@pytest.mark.parametrize("name", ["faces.npz", "faces.zip"])
def test_a_stopped_archive_leaves_nothing(make_run: MakeRun, tmp_path: Path, name: str) -> None:
    asked = iter([False, True])
    found = write(load(make_run()), 40, tmp_path / name, stop=lambda: next(asked))
    assert found.stopped
    assert names(tmp_path) == ["runs"]


def test_a_folder_of_other_pictures_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    model = load(make_run(150, 450))
    folder = tmp_path / "faces"
    write(model, 9, folder, backend="eager-fp32")
    before = names(folder)
    for change, words in (
        ({"truncation": 0.5}, "another truncation .None, not 0.5.*new folder: faces-2"),
        ({"backend": "exact"}, "made by eager-fp32"),
        ({"images": 8}, "up to 9 pictures, more than 8"),
        ({"model": load(tmp_path / "runs" / "toys", at_images=150)}, "another model"),
        ({"model": model.at(8)}, "another resolution .16, not 8"),
    ):
        given: dict[str, Any] = {"model": model, "images": 9, "path": folder, **change}
        with pytest.raises(ConfigError, match=words):
            write(**given)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match=r"holds other things\. Name a new folder: mine-2"):
        write(model, 9, tmp_path / "mine")
    for text in ("[]", "{", '{"software": "a camera"}', "null"):
        (tmp_path / "mine" / "sample.json").write_text(text)
        with pytest.raises(ConfigError, match="holds other things"):
            write(model, 9, tmp_path / "mine")
    assert names(folder) == before


@pytest.mark.parametrize(
    ("images", "name", "words"),
    [
        (0, "faces", "n is 0"),
        (2_000_000_000, "faces", "n is 2000000000"),
        (3, "faces.jpg", 'cannot be written as "faces.jpg"'),
        (3, "nowhere/faces.npz", "mkdir -p"),
        (900_000_000, "faces.npz", "GB are free"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_made(
    make_run: MakeRun, tmp_path: Path, images: int, name: str, words: str
) -> None:
    with pytest.raises((ConfigError, RoomError), match=words):
        write(load(make_run()), images, tmp_path / name)
    assert names(tmp_path) == ["runs"]


# A full disk ----------------------------------------------------------------------------------


def test_a_full_disk_is_told_in_a_line_and_the_folder_keeps_what_it_has(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder, write_file = load(make_run()), tmp_path / "faces", packers._write

    def full(path: Path, content: bytes) -> None:
        if path.name == "seed000029.png":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write_file(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(packers, "_write", full)
        with pytest.raises(RoomError) as caught:
            write(model, 64, folder)
    told = str(caught.value)
    assert "Disk full at 24 of 64 pictures" in told
    assert "--n 64" in told
    assert "\n" not in told
    assert {f"seed{k:06d}.png" for k in range(29)} <= set(names(folder))
    assert not [name for name in names(folder) if name.startswith(".")]
    assert write(model, 64, folder).there == 64


@pytest.mark.parametrize("name", ["faces.npz", "faces.zip"])
def test_a_full_disk_leaves_no_half_archive(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(self: Any, *given: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for kind in (sinks.NpzSink, sinks.ZipSink):
        monkeypatch.setattr(kind, "keep", full)
    with pytest.raises(RoomError, match=r"Disk full while writing .*; it was given up"):
        write(load(make_run()), 16, tmp_path / name)
    assert names(tmp_path) == ["runs"]


@pytest.mark.parametrize(
    ("name", "way_on"),
    [
        ("faces", "faces keeps the pictures that are there. Go on, with as many processes or one:"),
        ("faces.zip", "faces.zip was given up. Again:"),
    ],
)
def test_a_process_that_is_lost_is_told_with_the_way_on(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way_on: str
) -> None:
    def lost(self: Any, *given: Any) -> None:
        raise LostError("Process 1 of 2 ended without a word.")

    monkeypatch.setattr(stream.Pump, "push", lost)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError) as caught:
        write(load(make_run()), 16, Path(name))
    told = f"Process 1 of 2 ended without a word. {way_on} progan sample RUN {name} --n 16"
    assert str(caught.value) == told
    assert names(tmp_path) == (["faces", "runs"] if name == "faces" else ["runs"])


# Memory and signals ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["faces", "faces.npz"])
def test_memory_does_not_grow_with_the_number_of_pictures(
    make_run: MakeRun, tmp_path: Path, name: str
) -> None:
    model = load(make_run())

    def peak(images: int) -> int:
        tracemalloc.reset_peak()
        write(model, images, tmp_path / f"{images}-{name}", backend="eager-fp32")
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        peak(64)  # what is taken once
        few, many = peak(192), peak(960)
    finally:
        tracemalloc.stop()
    assert many < few + 250_000  # 768 pictures more, which have 589,824 bytes


def test_a_slow_disk_holds_the_generator_up(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[int] = []

    class Watched(stream.Pump):
        def push(self, seeds: Any, pictures: Any) -> None:
            super().push(seeds, pictures)
            waiting.append(len(self.waiting))

    monkeypatch.setattr(stream, "Pump", Watched)
    write(load(make_run()), 80, tmp_path / "faces")
    assert max(waiting) == pump.WAITING


def test_ctrl_c_stops_cleanly_and_the_command_it_prints_goes_on(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    words = ["sample", str(run), "--n", "1000000", "--backend", "eager-fp32", "faces"]
    command = [sys.executable, "-m", "progan", *words]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    )
    folder = tmp_path / "faces"
    while process.poll() is None and len(list(folder.glob("*.png"))) < 20:
        pass
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped at" in printed
    assert f"Go on: progan {' '.join(words)}" in printed
    assert not [name for name in names(folder) if name.startswith(".")]
    assert all(packers._whole(path) for path in folder.glob("*.png"))
    assert os.path.exists(folder / "sample.json")
