"""The same picture again: the model and settings behind a picture that was drawn before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from progan.assemble.models.model import Model, load
from progan.assemble.models.notes import Settings, read_note
from progan.assemble.models.stored import MODEL_FILE
from progan.assemble.sampling.sheets import view_of
from progan.core.errors import CheckpointError, ConfigError
from progan.engine.checkpoint import checkpoints, read_header

__all__ = ["model_of", "picture_like"]


def picture_like(
    picture: Path, run: Path | None = None, device: str | None = None
) -> tuple[Model, Settings]:
    """The model and settings that made a picture, so that `sheet` gives the same pixels.

    The model is looked for in `run` if given, else where the note says, and in the folders the
    picture lies in. Raises ConfigError when none there has the same weights.
    """
    settings = read_note(picture)
    if device is None:
        device = settings.device if settings.device == "cpu" or torch.cuda.is_available() else "cpu"
    model = model_of(settings, _places(settings, picture, run), device)
    if model is None:
        searched = run or Path(settings.run)
        raise ConfigError(
            f"The model that made {picture} ({settings.run} at {settings.images:,} images) is not "
            f"in {searched}: moved, changed, or no longer kept. Name the run that holds it: "
            f"progan sample RUN --like {picture}"
        )
    view_of(model, settings)
    asked = (*(settings.labels or ()), *([settings.to_label] if settings.to_label else []))
    if not all(map(model.words.fits, asked)):
        raise ConfigError(f"The note in {picture} has a label that its model does not know.")
    return model, settings


def _places(settings: Settings, picture: Path, run: Path | None) -> Iterator[Path]:
    if run is not None:
        yield run
        return
    said = settings.run
    if not said.startswith(("//", "\\\\")):  # never a server that a stranger names
        place = Path(said).expanduser() if said[:2] == "~/" else Path(said)
        yield place
        if not place.is_absolute():
            yield picture.absolute().parent / place
    yield from list(picture.absolute().parents)[:3]


def model_of(settings: Settings, places: Iterable[Path], device: str = "cpu") -> Model | None:
    """The first model with the weights that `settings` name, or None."""
    for file in dict.fromkeys(file for place in places for file in _files(place, settings.images)):
        try:
            if read_header(file)["counters"]["images"] != settings.images:
                continue
            model = load(file, weights=settings.weights, device=device)
        except (CheckpointError, ConfigError, KeyError, TypeError):
            continue
        if model.identity == settings.model:
            return model
    return None


def _files(place: Path, images: int) -> Iterator[Path]:
    """Files of a place that may hold a model, the likeliest first."""
    if place.is_file() and place.suffix == ".safetensors":
        yield place
    likely = f"checkpoints/{images:09d}.safetensors"
    for name in (likely, f"model/{MODEL_FILE}", MODEL_FILE):
        if (place / name).is_file():
            yield place / name
    yield from checkpoints(place / "checkpoints")
