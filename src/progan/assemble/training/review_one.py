"""The review of a model of one picture: what it draws, at every scale, and how it is measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from progan.assemble.measuring.one_picture import Start, measure_starts
from progan.assemble.training import exhibits
from progan.core.grids import to_uint8
from progan.core.plan import height_width
from progan.systems.singan import SinGAN

if TYPE_CHECKING:
    from progan.assemble.models.model import Model
    from progan.data.feeding import Feed

__all__ = ["record_of_one"]


def record_of_one(
    folder: Path, model: Model, loader: Feed, pictures: int, frames: int
) -> dict[str, Any]:
    """Everything but the head of its review.json, from so many pictures and frames of a walk."""
    system = model.system
    assert isinstance(system, SinGAN)
    batch = loader.batch(range(1), system.sizes[system.scale_of(model.moment)])
    real = to_uint8(next(iter(batch.tensors().values())))[0]
    starts = measure_starts(system, model.moment, real, pictures=pictures)
    return {
        "real": exhibits.real_grid(folder, model, loader),
        "samples": exhibits.sample_grid(folder, model),
        "growth": exhibits.growth(folder, model),
        "walk": exhibits.walk(folder, model, frames),
        "quality": [row for start in starts for row in _rows(start)],
        "verdict": _verdict(starts, height_width(model.resolution)),
    }


def _rows(start: Start) -> list[dict[str, Any]]:
    """SWD7 and diversity as review.json holds them."""
    where = "all noise new" if not start.scale else f"noise from scale {start.scale} on"
    rest = {"interval": None, "floor": None}
    return [
        {
            **{"metric": "swd7", "level": where, "value": start.swd7, "n": start.compared},
            **{**rest, "note": "patches of 7 × 7 pixels, against the training picture"},
        },
        {
            **{"metric": "diversity", "level": where, "value": start.diversity},
            **{**rest, "n": start.pictures},
            "note": "deviation over pictures, over the training picture's own",
        },
    ]


def _verdict(starts: list[Start], size: tuple[int, int]) -> str:
    first = starts[0]
    return (
        f"One picture, learnt at {size[0]} × {size[1]} pixels: patches of new pictures lie "
        f"{first.swd7:.3f} from its own (SWD7), and vary {first.diversity:.2f} times as much from "
        "picture to picture as it does from place to place."
    )
