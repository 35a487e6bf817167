"""Loading what a path holds, whatever it makes its pictures of."""

from __future__ import annotations

from pathlib import Path

from progan.assemble.models.model import Model
from progan.assemble.models.stored import Weights, is_translator, open_stored
from progan.assemble.models.translator import Translator
from progan.engine.precision import choose_device

__all__ = ["load_any"]


def load_any(
    path: str | Path,
    *,
    at_images: int | None = None,
    weights: Weights = "average",
    device: str = "auto",
) -> Model:
    """The model at a path: a `Translator` where pictures are made of other ones.

    Raises ConfigError when there is no model at `path`, CheckpointError when it is damaged.
    """
    chosen = choose_device(device)
    stored = open_stored(Path(path).expanduser(), at_images)
    if is_translator(stored):
        return Translator(stored, weights, chosen)
    return Model(stored, weights, chosen)
