"""The real pictures that a model is measured against, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from progan.assemble.measuring.feature_cache import FeatureCache
from progan.assemble.models.model import Model
from progan.core.errors import ConfigError
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.metrics.extracted import Extractor
from progan.metrics.run import Trained

__all__ = ["as_real", "cache_of", "channels_of", "learned_by", "pictures_of"]


def pictures_of(
    model: Model, run: Path, against: str | None = None
) -> tuple[Loader, tuple[str, ...]]:
    """The pictures a model was trained on, and a note if they changed since; or those `against`.

    Others are made square and equal by the same settings.
    """
    recipe, meta = model.stored.recipe, model.stored.meta
    data = recipe.data
    if against is not None:
        channels = channels_of(model.stored.spec.channels)
        labels = data.labels if data.labels == "none" else "auto"  # columns are the run's own
        data = replace(
            data,
            source=against,
            channels=channels,
            labels=labels,
            vectors="own",
            images=None,
            landmarks=None,
        )
    source = open_source(data.source, data)
    cache = run.parent / ".data"
    pyramid = open_or_build(source, data, cache, resolution=model.stored.spec.resolution)
    loader = Loader(pyramid, seed=recipe.train.seed, mirror=data.mirror, device=model.device)
    notes: tuple[str, ...] = ()
    if against is not None:
        return loader, (f"Measured against {against}, not the pictures it was trained on.",)
    if meta.get("data_fingerprint") != pyramid.fingerprint:
        notes = (
            f"The pictures changed since training ({model.stored.spec.images:,} then, "
            f"{pyramid.spec.images:,} now): this compares with those of today.",
        )
    return loader, notes


def as_real(loader: Loader, resolution: int) -> Callable[[int, int], Any]:
    """The pictures of a loader as metrics ask for them, mirrored where they are in training."""
    return lambda start, count: loader.real(start, count, resolution, mirror=loader.mirror)


def cache_of(folder: Path, loader: Loader, resolution: int, extractor: Extractor) -> FeatureCache:
    """The kept features of a loader's pictures, in the data cache `folder`."""
    return FeatureCache(
        folder / "features",
        fingerprint=loader.fingerprint,
        resolution=resolution,
        mirror=loader.mirror,
        record=extractor.record(),
    )


def learned_by(
    model: Model, run: Path, held_out: Loader, against: str, resolution: int, extractor: Extractor
) -> Trained:
    """All pictures a model was trained on, beside which `held_out` stand for others.

    Raises: ConfigError where those are the same.
    """
    loader, _ = pictures_of(model, run)
    if loader.fingerprint == held_out.fingerprint:
        raise ConfigError(
            f"{against} are the very pictures that were trained on; memorisation needs others of "
            "their kind. Give some that were held out: --against PICTURES"
        )
    return Trained(
        source=as_real(loader, resolution),
        images=loader.spec.images,
        store=cache_of(run.parent / ".data", loader, resolution, extractor),
    )


def channels_of(number: int) -> Literal[1, 3]:
    """1 for grey, 3 for colour."""
    return 1 if number == 1 else 3
