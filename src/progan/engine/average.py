"""Running averages of weights, and the swap that puts them to work."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from itertools import compress
from typing import Any

import torch
from torch import Tensor, nn

from progan.core.system import System

__all__ = ["Averages"]


class Averages:
    """One averaged copy of each submodule that a system names in `averaged`.

        average ← keep · average + (1 − keep) · weights

    Parameters are averaged while their player plays, buffers are copied. Copies are in evaluation
    mode.

    Source: Karras et al. 2018 (ProGAN), appendix A, where keep is 0.999.
    """

    def __init__(self, system: System[Any]) -> None:
        self.system = system
        self.modules: Mapping[str, nn.Module] = {
            name: copy.deepcopy(system.get_submodule(name)).eval().requires_grad_(False)
            for name in system.averaged
        }

    @torch.no_grad()
    def update(
        self, images: int, step: int | None = None, resting: Set[nn.Parameter] = frozenset()
    ) -> None:
        """Move the averages after step number `step`, which drew `images` real images.

        Those of `resting` parameters stay: else an average would, long after its player has
        stopped, become the weights that player ended with.
        """
        keep = self.system.average.keep(images, step)
        for name, average in self.modules.items():
            live = self.system.get_submodule(name)
            old: list[Tensor] = list(average.parameters())
            new: list[Tensor] = list(live.parameters())
            if resting:
                moving = [weight not in resting for weight in new]
                old, new = list(compress(old, moving)), list(compress(new, moving))
            if old:
                torch._foreach_lerp_(old, new, 1.0 - keep)
            for kept, buffer in zip(average.buffers(), live.buffers(), strict=True):
                kept.copy_(buffer)

    @torch.no_grad()
    def settle(self, resting: Set[nn.Parameter]) -> None:
        """Give `resting` parameters the values of their averages."""
        for name, average in self.modules.items():
            live = self.system.get_submodule(name).parameters()
            for weight, kept in zip(live, average.parameters(), strict=True):
                if weight in resting:
                    weight.copy_(kept)

    @contextmanager
    def swapped_in(self) -> Iterator[System[Any]]:
        """The system with averaged submodules in place of the live ones."""
        live = {name: self.system.get_submodule(name) for name in self.modules}
        for name, module in self.modules.items():
            self.system.set_submodule(name, module)
        try:
            yield self.system
        finally:
            for name, module in live.items():
                self.system.set_submodule(name, module)
