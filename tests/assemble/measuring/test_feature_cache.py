from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from progan.assemble.measuring import feature_cache
from progan.assemble.measuring.feature_cache import FeatureCache
from progan.core.errors import RoomError
from progan.engine.checkpoint import save_checkpoint
from small_world import damage

RECORD = {"extractor": "trained:c0ffee", "weights": "c0ffee" * 8, "resize": "none"}


def cache(folder: Path, **other: Any) -> FeatureCache:
    facts = {"fingerprint": "f" * 64, "resolution": 16, "mirror": False, "record": RECORD}
    return FeatureCache(folder / "features", **{**facts, **other})


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    first = random.normal(size=(count, 5)).astype(np.float32)
    return first, random.normal(size=(count, 2)).astype(np.float32)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "features").glob("*"))


def test_what_was_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    cache(tmp_path).save(3, *rows(7))
    again = cache(tmp_path)
    found = again.load(3)
    assert found is not None
    for part, expected in zip(found, rows(7), strict=True):
        np.testing.assert_array_equal(part, expected)
    assert again.load(2) is None
    assert again.told == []


@pytest.mark.parametrize(
    "other",
    [
        {"fingerprint": "e" * 64},
        {"resolution": 32},
        {"mirror": True},
        {"record": {**RECORD, "extractor": "trained:beef"}},
        {"record": {**RECORD, "weights": "beef" * 8}},
        {"record": {**RECORD, "resize": "bilinear"}},
    ],
)
def test_other_pictures_or_another_extractor_have_features_of_their_own(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    cache(tmp_path).save(0, *rows(7))
    assert cache(tmp_path, **other).load(0) is None


def test_a_damaged_file_is_told_removed_and_made_anew(tmp_path: Path) -> None:
    cache(tmp_path).save(0, *rows(7))
    damage(files(tmp_path)[0])
    found = cache(tmp_path)
    assert found.load(0) is None
    assert len(found.told) == 1
    assert "is damaged (checksum); its features are extracted again." in found.told[0]
    assert files(tmp_path) == []
    found.save(0, *rows(7))
    assert cache(tmp_path).load(0) is not None


def test_a_file_of_something_else_under_the_name_is_not_believed(tmp_path: Path) -> None:
    found = cache(tmp_path)
    found.save(0, *rows(7))
    (path,) = files(tmp_path)
    save_checkpoint(path, {}, {**found.facts, "pictures": "e" * 64})
    assert found.load(0) is None
    assert len(found.told) == 1


def test_what_was_read_longest_ago_makes_room(tmp_path: Path) -> None:
    room = cache(tmp_path)
    for piece in range(3):
        room.save(piece, *rows(1000, piece))  # 28 kB each
        os.utime(files(tmp_path)[piece], ns=(0, piece))
    room.load(0)  # and so it is younger than the others
    small = cache(tmp_path, limit=100_000)
    small.save(3, *rows(1000, 3))
    assert [path.name[-17:-12] for path in files(tmp_path)] == ["00000", "00002", "00003"]
    assert sum(path.stat().st_size for path in files(tmp_path)) < 100_000


def test_what_is_larger_than_all_there_may_be_is_not_kept(tmp_path: Path) -> None:
    cache(tmp_path, limit=1000).save(0, *rows(1000))
    assert files(tmp_path) == []


def test_a_full_disk_is_told_once_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *rest: object) -> None:
        raise RoomError("Disk full") from OSError(28, "No space left on device")

    monkeypatch.setattr(feature_cache, "save_checkpoint", full)
    found = cache(tmp_path)
    for piece in range(2):
        found.save(piece, *rows(3))
    assert len(found.told) == 1
    assert found.told[0].endswith(
        "could not be kept in " + f"{tmp_path / 'features'} (No space left on device)."
    )
