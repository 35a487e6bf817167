from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from progan.core.errors import CheckpointError, RoomError
from progan.core.faults import Faults
from progan.engine.checkpoint import (
    FORMAT,
    load_checkpoint,
    newest_valid,
    read_header,
    save_checkpoint,
)


def tensors() -> dict[str, torch.Tensor]:
    shared = torch.arange(6.0)
    return {
        "system/weight": torch.arange(24.0).view(2, 3, 2, 2).to(memory_format=torch.channels_last),
        "system/half": torch.arange(4).bfloat16(),
        "system/count": torch.tensor(7),
        "optimizer/a": shared,
        "optimizer/b": shared,
        "average/empty": torch.zeros(0, 3),
    }


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "000000001.safetensors"
    save_checkpoint(path, tensors(), {"counters": {"images": 1}})
    loaded, meta = load_checkpoint(path)
    assert meta == {"counters": {"images": 1}, "format": FORMAT}
    assert loaded.keys() == tensors().keys()
    for name, value in tensors().items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value), name


def test_every_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "000000001.safetensors"
    save_checkpoint(path, tensors(), {"counters": {"images": 1}})
    whole = path.read_bytes()
    dice = random.Random(0)
    bad = tmp_path / "bad.safetensors"
    undetected = []
    for trial in range(200):
        data = bytearray(whole)
        kind = ("flip", "cut", "insert", "overwrite", "header")[trial % 5]
        place = dice.randrange(len(data))
        if kind == "flip":
            data[place] ^= 1 << dice.randrange(8)
        elif kind == "cut":
            del data[place:]
        elif kind == "insert":
            data.insert(place, dice.randrange(256))
        elif kind == "overwrite":
            data[place : place + 8] = dice.randbytes(8)
        else:
            data[:8] = dice.randrange(2**63).to_bytes(8, "little")
        if bytes(data) == whole:
            continue
        bad.write_bytes(data)
        try:
            loaded, meta = load_checkpoint(bad)
        except CheckpointError:
            continue
        # White space of the header may change without changing anything that is read.
        if meta != load_checkpoint(path)[1] or any(
            not torch.equal(loaded[n], v) for n, v in tensors().items()
        ):
            undetected.append((trial, kind, place))
    assert undetected == []


@pytest.mark.parametrize("name", ["x.pt", "x.pkl", "x.npz", "000000001.safetensors"])
def test_a_pickle_is_never_run(tmp_path: Path, name: str) -> None:
    import pickle

    class Canary:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return Path.touch, (tmp_path / "canary",)

    (tmp_path / name).write_bytes(pickle.dumps(Canary()))
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / name)
    assert not (tmp_path / "canary").exists()


def test_the_newest_whole_checkpoint_is_found_and_damaged_ones_are_named(tmp_path: Path) -> None:
    for images in (1, 2, 3):
        save_checkpoint(tmp_path / f"{images:09d}.safetensors", tensors(), {"images": images})
    newest = tmp_path / "000000003.safetensors"
    newest.write_bytes(newest.read_bytes()[:-3])
    path, _, meta, passed = newest_valid(tmp_path)
    assert (path.name, meta["images"]) == ("000000002.safetensors", 2)
    assert len(passed) == 1
    assert "000000003" in passed[0]


def test_going_back_passes_over_unhealthy_saves(tmp_path: Path) -> None:
    for images, healthy in ((1, True), (2, False)):
        path = tmp_path / f"{images:09d}.safetensors"
        save_checkpoint(path, tensors(), {"images": images, "healthy": healthy})
    assert newest_valid(tmp_path, healthy=True)[2]["images"] == 1
    assert newest_valid(tmp_path)[2]["images"] == 2


def test_a_folder_without_a_usable_checkpoint_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no checkpoint that can be used"):
        newest_valid(tmp_path)


def test_a_newer_format_is_refused_by_version(tmp_path: Path) -> None:
    path = tmp_path / "1.safetensors"
    save_checkpoint(path, tensors(), {"format": FORMAT + 1})
    with pytest.raises(CheckpointError, match=f"format {FORMAT + 1}"):
        read_header(path)


class FailAt(Faults):
    def __init__(self, index: int) -> None:
        self.left = index

    def write(self, path: Path) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_full_disk_at_any_write_leaves_the_older_save(tmp_path: Path, index: int) -> None:
    path = tmp_path / "000000001.safetensors"
    save_checkpoint(path, tensors(), {"images": 1})
    before = path.read_bytes()
    with pytest.raises(RoomError, match=r"Disk full while writing 000000001\.safetensors"):
        save_checkpoint(path, tensors(), {"images": 2}, FailAt(index))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
