"""Generated pictures for metrics to look at; and quality in passing, while a run goes on.

In passing, a small, repeatable SWD tells whether a run gets better, and which of its checkpoints
is best. It is no figure to publish: with so few images the value stands well above the one of the
full protocol, so compare it with itself only. `progan evaluate` measures properly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from progan.core.errors import ConfigError
from progan.core.grids import to_uint8
from progan.core.randomness import seed_of
from progan.core.system import Samples
from progan.engine.backends import batch_for, fixed
from progan.engine.precision import float32_products
from progan.engine.preview import seeded
from progan.engine.run import Quality
from progan.metrics.sliced import sliced_wasserstein

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from progan.core.plan import Progress
    from progan.core.system import System
    from progan.data.feeding import Feed
    from progan.engine.loop import Trainer

__all__ = ["FEWEST", "MOST", "SHARE", "SMALLEST", "Generated", "QualityInPassing", "images_for"]

FEWEST, MOST = 64, 1024
"""Images of each kind, at least and at most; never more than there are real ones.

A stage that cannot afford the fewest at each quarter is measured at its end alone, and a fade
then not at all."""
SHARE = 128
"""A stage of so many images affords one image to be measured, at each of its quarters.

Four images measured then cost about 1 % of the 128 trained: measuring one takes about as long as
training on a third of one (32 pixels, two CPU cores)."""
SMALLEST = 16
"""Resolution below which nothing is measured: the smallest level of SWD's pyramid."""
BLOCK = 64
"""Pictures generated at once."""


class Generated:
    """Generated pictures by number, as metrics ask for them: uint8, n c h w.

    Picture i is a function of the weights, of `words` and of i: latents are drawn in blocks, each
    from a seed of its own, and a block is always generated whole, in float32. That is much faster
    than one at a time, and the pictures are others than those of `sample` with the same numbers.
    torch's own generator is left as it was. The weights are those at the time this is made.
    """

    def __init__(
        self,
        system: System[Any],
        at: Progress,
        *words: int | str,
        truncation: float | None = None,
    ) -> None:
        self.system, self.words, self.truncation = system, words, truncation
        self.network = fixed(system, at)
        self.chunk = min(BLOCK, batch_for(self.network, next(system.parameters()).device))
        self._last: tuple[int, NDArray[np.uint8]] | None = None

    def __call__(self, start: int, count: int) -> NDArray[np.uint8]:
        """Pictures start … start + count − 1."""
        first, end = start // BLOCK, (start + count - 1) // BLOCK + 1
        blocks = np.concatenate([self._block(number) for number in range(first, end)])
        return blocks[start - first * BLOCK :][:count]

    def labels(self, start: int, count: int) -> NDArray[np.int64]:
        """The classes that pictures start … start + count − 1 were asked for.

        Raises: ConfigError where the generator is not told classes.
        """
        assert isinstance(self.system, Samples)
        field = next((f for f in self.system.latent_fields if f.role == "class"), None)
        if field is None or field.prior != "categorical":
            raise ConfigError(
                "The generator is not told classes, so there is nothing to agree with. Measure "
                "something else, or train with labels: progan train FOLDER --system cgan"
            )
        first, end = start // BLOCK, (start + count - 1) // BLOCK + 1
        drawn = []
        for number in range(first, end):
            with seeded(*self.words, number):
                drawn.append(self.system.draw(BLOCK, self.truncation)[field.name].numpy())
        return np.concatenate(drawn)[start - first * BLOCK :][:count]

    @torch.no_grad()
    def _block(self, number: int) -> NDArray[np.uint8]:
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        assert isinstance(self.system, Samples)
        with seeded(*self.words, number), float32_products():
            inputs = self.network.inputs(self.system.draw(BLOCK, self.truncation))
            pieces = zip(*(torch.split(value, self.chunk) for value in inputs), strict=True)
            made = np.concatenate([to_uint8(self.network(*piece)) for piece in pieces])
        self._last = number, made
        return made


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

    It measures nothing before the end of a fade, below 16 pixels, of pictures that are not square,
    and for systems that make nothing from noise.
    """

    def __init__(self, loader: Feed, images: int | None = None) -> None:
        """`images` measured of each kind; None: as the length of the stage affords."""
        self.loader = loader
        self.images = images

    def __call__(self, trainer: Trainer, at: Progress) -> list[Quality]:
        """One `Quality` per level of the pyramid, finest first, then their mean."""
        resolution, system = at.resolution, trainer.system
        if not isinstance(system, Samples) or not isinstance(resolution, int):
            return []
        short = at.stage.images < SHARE * FEWEST
        if self.images is None and short and (at.stage.fade or at.fraction < 1):
            return []
        images = self.images or images_for(at.stage.images, self.loader.spec.images)
        if at.alpha < 1 or resolution < SMALLEST or images < 2:
            return []
        made = Generated(system, at, "in passing")(0, images)

        def real(start: int, count: int) -> Any:
            return self.loader.real(start, count, resolution, mirror=self.loader.mirror)

        def fake(start: int, count: int) -> NDArray[np.uint8]:
            return made[start : start + count]

        found = sliced_wasserstein(real, fake, images, seed=seed_of("in passing"))
        return [Quality("swd", level, value, n) for level, value, _, n in found.rows()]
