"""The same pictures from first to last step: latents by seed, one seed a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from progan.core.grids import to_uint8
from progan.core.latents import Latents, scaled
from progan.core.plan import Progress
from progan.core.randomness import seed_of
from progan.core.system import Samples, System
from progan.engine.precision import float32_products

__all__ = ["draw_seeds", "generate", "preview_rows", "seeded"]


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
    with seeded("preview", 0):
        panels = system.preview(draw(range(count), at.resolution), at)
    return {name: to_uint8(panel) for name, panel in panels.items()}
