"""A labelled set that is learned in a few steps."""

from __future__ import annotations

import numpy as np
import pytest

from progan.extractors.training import LabelledPictures


def make_stripes(count: int = 256, side: int = 8, seed: int = 0) -> LabelledPictures:
    """Stripes that lie (0) or stand (1), in noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=count)
    lying = np.where(np.arange(side) % 4 < 2, 190, 60)[:, None] + np.zeros((side, side))
    pictures = np.where(labels[:, None, None] == 0, lying, lying.T)[:, None]
    noisy = np.clip(pictures + random.normal(0, 40, pictures.shape), 0, 255).astype(np.uint8)
    return LabelledPictures(gather=lambda rows: noisy[rows], labels=labels)


@pytest.fixture(scope="session")
def stripes() -> LabelledPictures:
    return make_stripes()


@pytest.fixture(scope="session")
def other_stripes() -> LabelledPictures:
    return make_stripes(count=64, seed=1)
