from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from progan.acceptance.layouts import NAMES, scenes
from progan.core.errors import CheckpointError, DataError
from progan.core.grids import to_uint8
from progan.extractors.segmentation import (
    LaidOutPictures,
    LayoutJudge,
    load_judge,
    save_judge,
    train_judge,
)
from progan.metrics.segmentation import confusion, mean_iou


def pictures(count: int, seed: int, side: int = 16) -> LaidOutPictures:
    made = scenes(count, seed, side)
    pixels, classes = to_uint8(made.images), made.classes.numpy()
    return LaidOutPictures(
        gather=lambda rows: (pixels[rows], classes[rows]), count=count, name=f"scenes {seed}"
    )


def trained(images: int = 16 * 60, seed: int = 0) -> LayoutJudge:
    return train_judge(pictures(100, 0), pictures(20, 1), NAMES, images=images, seed=seed, width=8)


@pytest.fixture(scope="module")
def judge() -> LayoutJudge:
    return trained()


def test_a_judge_learns_to_read_layouts_of_pictures_it_has_not_seen(judge: LayoutJudge) -> None:
    assert judge.facts.mean_iou > 0.8
    assert judge.facts.accuracy > 0.9
    pixels, wanted = pictures(20, 1).gather(np.arange(20))
    found = judge.read(pixels)
    assert found.shape == wanted.shape
    assert mean_iou(confusion(found, wanted, 4)) == judge.facts.mean_iou
    assert judge.agreement(pixels, np.roll(wanted, 1, axis=0))[0] < judge.facts.mean_iou - 0.2


def test_the_same_seed_is_the_same_judge_and_another_is_not(judge: LayoutJudge) -> None:
    short = [trained(16, seed) for seed in (0, 0, 1)]
    assert short[0].sha256 == short[1].sha256 != short[2].sha256
    assert judge.name == f"segmenter:{judge.sha256[:12]}"


def test_a_judge_comes_back_from_its_file(judge: LayoutJudge, tmp_path: Path) -> None:
    save_judge(tmp_path / "judge.safetensors", judge)
    again = load_judge(tmp_path / "judge.safetensors")
    assert (again.facts, again.sha256) == (judge.facts, judge.sha256)
    pixels, _ = pictures(20, 1).gather(np.arange(20))
    assert np.array_equal(again.read(pixels), judge.read(pixels))


def test_other_files_are_refused(tmp_path: Path) -> None:
    from progan.engine.checkpoint import save_checkpoint

    save_checkpoint(tmp_path / "other.safetensors", {}, {"kind": "extractor"})
    with pytest.raises(CheckpointError, match="no segmenter"):
        load_judge(tmp_path / "other.safetensors")


def test_what_cannot_be_learned_from_is_told() -> None:
    few, none = pictures(4, 0), replace(pictures(4, 0), count=0)
    with pytest.raises(DataError, match="0 pictures to learn from"):
        train_judge(none, few, NAMES, images=4)
    with pytest.raises(DataError, match="multiples of 4"):
        train_judge(pictures(4, 0, 18), few, NAMES, images=4)
