"""Quality in passing: a small, repeatable SWD at every quarter of a settled stage.

It tells whether a run gets better, and which of its checkpoints is best. It is no figure to
publish: with so few images the value stands well above the one of the full protocol, so compare
it with itself only. `progan evaluate` measures properly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from progan.core.randomness import seed_of
from progan.core.system import Samples
from progan.engine.preview import generate, seeded
from progan.engine.run import Quality
from progan.metrics.sliced import sliced_wasserstein

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from progan.core.plan import Progress
    from progan.core.system import System
    from progan.data.loader import Loader
    from progan.engine.loop import Trainer

__all__ = ["FEWEST", "MOST", "SHARE", "SMALLEST", "QualityInPassing", "images_for"]

FEWEST, MOST = 128, 1024
"""Images of each kind, at least and at most; never more than there are real ones."""
SHARE = 128
"""A stage of so many images affords one image to be measured, at each of its quarters.

Four images measured then cost about 1 % of the 128 trained: measuring one takes about as long as
training on a third of one (32 pixels, two CPU cores)."""
SMALLEST = 16
"""Resolution below which nothing is measured: the smallest level of SWD's pyramid."""
TOGETHER = 64
"""Pictures generated at once; the latents do not depend on it."""


def images_for(stage: int, real: int) -> int:
    """Images to measure in a stage `stage` images long, with `real` real ones: a power of two.

    A function of the plan, not of the clock, so that a replayed run measures the same.
    """
    afforded = min(max(stage // SHARE, FEWEST), MOST, real)
    return 1 << afforded.bit_length() - 1 if afforded > 1 else 0


class QualityInPassing:
    """SWD between generated and real pictures at the resolution of the moment.

    Called with the weights to be measured in `trainer.system`. A function of those weights and
    the pictures alone: latents, patches and directions are the same at every call, so that a
    change of the value is a change of the weights. torch's own generator is left as it was.

    During a fade, below 16 pixels, for pictures that are not square, and for systems that make
    nothing from noise, it measures nothing.
    """

    def __init__(self, loader: Loader, images: int | None = None) -> None:
        """`images` measured of each kind; None: as the length of the stage affords."""
        self.loader = loader
        self.images = images

    def __call__(self, trainer: Trainer, at: Progress) -> list[Quality]:
        """One `Quality` per level of the pyramid, finest first, then their mean."""
        resolution, system = at.resolution, trainer.system
        if not isinstance(system, Samples) or not isinstance(resolution, int):
            return []
        images = self.images or images_for(at.stage.images, self.loader.spec.images)
        if at.alpha < 1 or resolution < SMALLEST or images < 2:
            return []
        made = self._made(system, at, images)

        def real(start: int, count: int) -> Any:
            return self.loader.real(start, count, resolution, mirror=self.loader.mirror)

        def fake(start: int, count: int) -> NDArray[np.uint8]:
            return made[start : start + count]

        found = sliced_wasserstein(real, fake, images, seed=seed_of("in passing"))
        return [Quality("swd", level, value, n) for level, value, _, n in found.rows()]

    @torch.no_grad()
    def _made(self, system: System[Any], at: Progress, images: int) -> NDArray[np.uint8]:
        """The pictures to measure: uint8, n c h w, of one seeded block of latents."""
        assert isinstance(system, Samples)
        device = next(system.parameters()).device
        with seeded("in passing", images):
            latents = {name: value.to(device) for name, value in system.draw(images).items()}
            return np.concatenate(list(generate(system, latents, at, chunk=TOGETHER)))
