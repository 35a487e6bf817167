"""Points on a ring: eight narrow clusters in the plane, as pictures of one pixel."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from progan.core.batch import Images
from progan.core.specs import DataSpec

__all__ = ["CENTRES", "RING", "SIGMA", "Ring", "modes_of"]

RING = DataSpec(resolution=1, channels=2, images=1 << 16)
MODES, RADIUS, SIGMA = 8, 1.0, 0.02
ANGLES = torch.arange(MODES) * (2 * math.pi / MODES)  # the last is not the first again
CENTRES = RADIUS * torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)


class Ring:
    """65,536 points, by number."""

    def __init__(self) -> None:
        dice = torch.Generator().manual_seed(0)
        mode = torch.randint(MODES, (RING.images,), generator=dice)
        self.points = CENTRES[mode] + SIGMA * torch.randn(RING.images, 2, generator=dice)

    def batch(self, numbers: range, resolution: int) -> Images:
        """The points with these numbers."""
        rows = torch.arange(numbers.start, numbers.stop) % RING.images
        return Images(self.points[rows, :, None, None])


def modes_of(image: Tensor, *, share: float = 0.1) -> set[int]:
    """The modes that have at least `share` of their fair share of all points within 3 sigma."""
    apart = torch.cdist(image.flatten(1), CENTRES)
    distance, mode = apart.min(dim=1)
    counts = torch.bincount(mode[distance < 3 * SIGMA], minlength=MODES)
    return {k for k in range(MODES) if counts[k] >= share * len(image) / MODES}
