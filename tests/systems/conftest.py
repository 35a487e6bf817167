"""Small systems, built as a recipe would build them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from progan.core.config import system_config
from progan.core.plan import Progress, Stage
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.systems.registry import load_config_class, load_system_class


def build_config(preset: str | None = None, *, system: str = "progan", **settings: Any) -> Any:
    recipe = Recipe(system=system, preset=preset, set=settings)
    return system_config(recipe, load_config_class(system))


def build_system(
    preset: str | None = None,
    *,
    resolution: int = 16,
    channels: int = 3,
    classes: int = 0,
    system: str = "progan",
    data: DataSpec | None = None,
    **settings: Any,
) -> Any:
    data = data or DataSpec(resolution=resolution, channels=channels, classes=classes)
    if classes and system == "progan":
        settings.setdefault("condition", "ac-gan")
    config = build_config(preset, system=system, **settings)
    torch.manual_seed(0)
    return load_system_class(system)(config, data)


def moment(resolution: int, alpha: float = 1.0, *, step: int = 0, batch: int = 4) -> Progress:
    """The moment at which `resolution` has faded in as far as `alpha`."""
    stage = Stage(name="test", images=100, resolution=resolution, batch=batch, fade=alpha < 1)
    return Progress(images=0, step=step, index=0, stage=stage, fraction=alpha)


@pytest.fixture
def config_of() -> Callable[..., Any]:
    """Settings of a system: preset, then settings."""
    return build_config


@pytest.fixture
def make() -> Callable[..., Any]:
    """A system of its settings and the shape of its data."""
    return build_system


@pytest.fixture
def at() -> Callable[..., Progress]:
    """A moment of training."""
    return moment
