"""Learning rates that change with time."""

from __future__ import annotations

from collections.abc import Callable

from progan.core.plan import Progress

__all__ = ["linear_decay"]


def linear_decay(start: float) -> Callable[[Progress], float]:
    """A factor of 1 until the fraction `start` of the stage, then down to 0 at its end in a line.

        1 − max(0, f − start) / (1 − start)

    The last step is taken at a rate above 0. With `start` 1 it never falls.

    Source: Zhu et al. 2017 (CycleGAN), appendix 7.1: constant for 100 epochs, then to 0 over 100.
    Departs: the published code lowers it once an epoch, here it falls with every step.
    """

    def rate(at: Progress) -> float:
        if at.fraction <= start:
            return 1.0
        return 1.0 - (at.fraction - start) / (1.0 - start)

    return rate
