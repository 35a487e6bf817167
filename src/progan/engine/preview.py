"""The same pictures from first to last step: latents by seed, one seed a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from progan.core.batch import Layout, Paired
from progan.core.grids import to_uint8
from progan.core.latents import Latents, scaled
from progan.core.plan import Progress
from progan.core.randomness import seed_of
from progan.core.system import Direction, Samples, System, Translates
from progan.engine.precision import float32_products

__all__ = [
    "alone",
    "columns_of",
    "draw_seeds",
    "generate",
    "painted",
    "preview_rows",
    "seeded",
]


FEW = 16
"""Pictures of a domain that are translated for a preview, at most."""


@contextmanager
def alone() -> Iterator[None]:
    """Within, torch computes on one thread: sums then add up in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class seeded:  # noqa: N801 - read as a statement: `with seeded(...)`
    """Within, torch draws from a seed; afterwards its generator is as it was."""

    def __init__(self, *words: int | str) -> None:
        self.seed = seed_of(*words)

    def __enter__(self) -> None:
        # Of several GPUs only the one in use; of none, none is woken.
        own = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        self.fork = torch.random.fork_rng(devices=own)
        self.fork.__enter__()
        torch.manual_seed(self.seed)

    def __exit__(self, *error: Any) -> None:
        self.fork.__exit__(*error)


def draw_seeds(
    system: Samples, seeds: Sequence[int], truncation: float | None = None, z_std: float = 1.0
) -> dict[str, Tensor]:
    """Latents of `seeds`: each is a function of its seed alone, whatever stands beside it.

    Fields of classes go round the classes by seed, so that a grid shows all of them, unless some
    are drawn more often than others. Normal noise has the standard deviation `z_std`.
    """
    rows: list[Latents] = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            # Systems draw on the CPU; seeding every other device as well costs 50 times a row.
            torch.default_generator.manual_seed(seed_of("sample", seed))
            row = scaled(system.latent_fields, system.draw(1, truncation), z_std)
            for field in system.latent_fields:
                if field.role == "class" and field.choices and not field.weights:
                    row[field.name] = torch.full_like(row[field.name], seed % field.choices)
            rows.append(row)
    return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}


@torch.no_grad()
def generate(
    system: System[Any], latents: Latents, at: Progress, *, chunk: int = 64
) -> Iterable[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Pictures of `latents` as uint8, n c h w, in pieces of at most `chunk`."""
    assert isinstance(system, Samples)
    count = len(next(iter(latents.values())))
    for start in range(0, count, chunk):
        piece = {name: value[start : start + chunk] for name, value in latents.items()}
        with float32_products():
            made = to_uint8(system.generate(piece, at))
        yield made


@torch.no_grad()
def preview_rows(
    system: System[Any], draw: Any, at: Progress, count: int
) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Panels of a preview as uint8: pictures of fixed seeds, or what the system shows of itself.

    `draw` gives the batch of fixed real images for systems that need one.
    """
    if isinstance(system, Samples):
        device = next(system.parameters()).device
        latents = {k: v.to(device) for k, v in draw_seeds(system, range(count)).items()}
        return {"samples": np.concatenate(list(generate(system, latents, at)))}
    if isinstance(system, Translates):
        with seeded("preview", 0), _resting(system), float32_products():
            return _translations(system, draw(range(min(count, FEW)), at.resolution), at)
    with seeded("preview", 0):
        panels = system.preview(draw(range(count), at.resolution), at)
    return {name: to_uint8(panel) for name, panel in panels.items()}


def columns_of(system: System[Any], panel: np.ndarray[Any, np.dtype[np.uint8]]) -> int | None:
    """Columns of a grid of a panel; None where it is as square as can be.

    Of translations each row holds whole ones: a picture, what became of it, and what came back or
    should have become of it.
    """
    if isinstance(system, Samples) or not isinstance(system, Translates):
        return None
    one = 3 if _ways_back(system) or system.batch_type in (Layout, Paired) else 2
    return one * max(1, round(math.sqrt(len(panel)) / one))


@contextmanager
def _resting(system: System[Any]) -> Iterator[None]:
    """Within, the system is in evaluation mode, so that nothing it remembers changes."""
    was = [(module, module.training) for module in system.modules()]
    system.eval()
    try:
        yield
    finally:
        for module, training in was:
            module.training = training


def _ways_back(system: Translates) -> dict[str, Direction]:
    """By name, the direction that undoes each; empty where not all have one."""
    found = {
        way.name: back
        for way in system.directions
        for back in system.directions
        if (back.source, back.target) == (way.target, way.source)
    }
    return found if len(found) == len(system.directions) else {}


def _translations(
    system: Translates, batch: Any, at: Progress
) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
    """By direction: each picture, what becomes of it, and what comes back, or the truth where it is
    known."""
    panels, backs, data = {}, _ways_back(system), getattr(system, "data", None)
    for way in system.directions:
        given = batch.tensors()[way.source]
        there = _one_by_one(system, given, way.name, at)
        columns = [given if way.source != "layout" else painted(given, data), there]
        if backs:
            columns.append(_one_by_one(system, there.clamp(-1, 1), backs[way.name].name, at))
        elif isinstance(batch, Layout | Paired):
            columns.append(batch.tensors()[way.target])
        most = max(column.shape[1] for column in columns)
        rows = [to_uint8(c.expand(-1, most, -1, -1)) for c in columns]
        stacked = np.stack(rows, axis=1)
        panels[way.name] = stacked.reshape(-1, *stacked.shape[2:])
    return panels


def _one_by_one(system: Translates, images: Tensor, way: str, at: Progress) -> Tensor:
    """Each picture by itself, as it will be translated when training is over."""
    return torch.cat([system.translate(image[None], way, at) for image in images])


def painted(layout: Tensor, data: Any) -> Tensor:
    """Layouts n l h w as pictures in [-1, 1] in the colours of their classes, else black."""
    colours: Mapping[int, Any] = dict(enumerate(getattr(data, "layout_colours", ())))
    table = [colours.get(k, (0, 0, 0)) for k in range(layout.shape[1])]
    chosen = torch.tensor(table, dtype=layout.dtype, device=layout.device)
    image = torch.einsum("nlhw,lc->nchw", layout, chosen).div(127.5).sub(1.0)
    return image.clamp(-1, 1)
