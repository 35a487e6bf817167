"""A generator whose noise is moved by hand, for metrics of its latent space."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from progan.core.errors import ConfigError
from progan.core.system import Samples
from progan.engine.backends import fixed
from progan.engine.precision import float32_products
from progan.engine.preview import draw_seeds, seeded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from progan.core.plan import Progress
    from progan.core.system import System

__all__ = ["Moved"]


class Moved:
    """Pictures of given noise: n width → float n c h w in [-1, 1], in float32 and not rounded.

    What moves are all fields of noise, one behind the other. Labels and codes of number i are
    those that seed i draws, and what the network draws itself depends on the batch's first number:
    both ends of a pair see the same.
    """

    def __init__(self, system: System[Any], at: Progress) -> None:
        assert isinstance(system, Samples)
        self.system = system
        self.network = fixed(system, at)
        fields = [field for field in system.latent_fields if field.role == "noise"]
        priors = {field.prior for field in fields}
        if len(priors) != 1 or not priors <= {"normal", "uniform"}:
            raise ConfigError(
                f"ppl moves noise of one prior, normal or uniform, and this generator has "
                f"{', '.join(sorted(priors)) or 'none'}. Leave it out of --metrics"
            )
        self.fields = {field.name: field.shape for field in fields}
        self.prior: Literal["normal", "uniform"] = "normal" if priors == {"normal"} else "uniform"
        self.width = sum(math.prod(shape) for shape in self.fields.values())

    def __call__(self, latents: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        """The pictures of `latents`; where two halves have one number, noise alone differs."""
        halves = 2 if len(numbers) % 2 == 0 and _twice(numbers) else 1
        size = len(numbers) // halves
        made = [
            self._made(latents[start : start + size], numbers[start : start + size])
            for start in range(0, len(numbers), size)
        ]
        return torch.cat(made)

    def _made(self, latents: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        sizes = [math.prod(shape) for shape in self.fields.values()]
        parts = torch.split(latents, sizes, dim=1)
        rows = {
            name: part.reshape(len(part), *shape)
            for (name, shape), part in zip(self.fields.items(), parts, strict=True)
        }
        if len(rows) < len(self.system.latent_fields):
            rows = {**draw_seeds(self.system, numbers.tolist()), **rows}
        first = int(numbers[0])
        with torch.no_grad(), seeded("path length", "picture", first), float32_products():
            made: Tensor = self.network(*self.network.inputs(rows))
        return made


def _twice(numbers: NDArray[np.int64]) -> bool:
    half = len(numbers) // 2
    return bool(np.array_equal(numbers[:half], numbers[half:]))
