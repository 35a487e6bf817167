"""Runs that measure the machine in a step or two, and are reviewed from few images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["brief", "measure_in_a_step"]

LITTLE = {"CPU_SECONDS": 1.0, "LOOKED_AT": 64, "FRAMES": 8, "FEW_FRAMES": 8}
"""Of the review."""


def measure_in_a_step(patch: pytest.MonkeyPatch) -> None:
    """Measure every stage in one step, and no threads or precisions: the first of them is taken."""
    from progan.assemble.training import budget, machine

    measure = budget.measure_stage

    def once(*given: Any, seconds: float) -> float:
        return measure(*given, most_steps=1)

    patch.setattr(budget, "measure_stage", once)
    patch.setattr(machine, "_rate", lambda trainer, threads, precision: 1.0)


@contextmanager
def brief() -> Iterator[None]:
    """Within, runs take little time beside their training."""
    from progan.assemble.training import review

    with pytest.MonkeyPatch.context() as patch:
        for name, little in LITTLE.items():
            patch.setattr(review, name, little)
        measure_in_a_step(patch)
        yield
