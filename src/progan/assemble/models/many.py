"""Many pictures of a model: whole batches, through the fastest backend that is here.

A picture is still that of its seed, but no longer to the last bit: values may be rounded to
another of the 256 levels, within the `Tolerance` of the backend's precision. What stays exact is
repetition: the same seeds, in the same order, by the same backend, give the same pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from progan.assemble.models.labels import Asked, told
from progan.core.latents import Latents
from progan.core.plan import Progress
from progan.core.system import Samples, System
from progan.engine.backends import Backend
from progan.engine.choice import Choice, choose
from progan.engine.preview import draw_seeds

__all__ = ["EXACT", "Exact", "Frame", "choose_for", "draw"]

Frame = np.ndarray[Any, np.dtype[np.uint8]]
"""A picture h w c, or pictures n h w c."""

EXACT = "exact"
"""The backend that makes each picture alone, as `Model.sample` does."""


class Pictured(Protocol):
    """What of a model is needed here."""

    system: System[Any]
    moment: Progress
    z_std: float

    def picture(self, row: Latents) -> Frame:
        """The picture of one latent, h w c."""
        ...


class Exact:
    """One picture at a time on one thread: each a function of its seed, to the last bit."""

    name = EXACT
    batch = 16

    def __init__(self, model: Pictured) -> None:
        self.model = model

    def __call__(self, latents: Latents) -> Frame:
        """The pictures of `latents`, n c h w."""
        count = len(next(iter(latents.values())))
        rows = ({name: value[i : i + 1] for name, value in latents.items()} for i in range(count))
        return np.stack([self.model.picture(row) for row in rows]).transpose(0, 3, 1, 2)


def choose_for(model: Pictured, images: int, name: str | None = None) -> Choice:
    """The backend for `images` pictures of `model`: the fastest here, or the one `name`d.

    Raises ConfigError when the one named cannot be had.
    """
    if name == EXACT:
        return Choice(Exact(model))
    return choose(model.system, model.moment, images, name=name)


def draw(
    model: Pictured,
    backend: Backend,
    seeds: Sequence[int],
    truncation: float | None = None,
    labels: Sequence[Asked] | None = None,
) -> Frame:
    """The pictures of at most one batch of seeds, n h w c; `labels` are one for all or one each."""
    assert isinstance(model.system, Samples)
    count = len(seeds)
    missing = 0 if isinstance(backend, Exact) else backend.batch - count
    # A batch is always whole: other sizes add up in another order, and compile anew.
    given_seeds = [*seeds, *[seeds[-1]] * missing]
    latents = draw_seeds(model.system, given_seeds, truncation, model.z_std)
    if labels is not None:
        given = list(labels) * count if len(labels) == 1 else list(labels)
        given += [given[-1]] * missing
        latents = told(model.system.latent_fields, latents, given, model.system)
    return np.ascontiguousarray(backend(latents)[:count].transpose(0, 2, 3, 1))
