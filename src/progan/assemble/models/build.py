"""From words to objects: the system of a recipe, and everything a checkpoint must remember."""

from __future__ import annotations

import dataclasses
import platform
from typing import TYPE_CHECKING, Any

import torch

from progan.assemble.models.recipes import resolve
from progan.core.errors import ConfigError
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.engine.functional import Functional
from progan.engine.preview import seeded
from progan.systems.registry import load_system_class

if TYPE_CHECKING:
    from progan.core.recipe import Recipe

__all__ = ["build_system", "spec_from_plain", "spec_to_plain", "versions"]


def build_system(recipe: Recipe, spec: DataSpec, device: torch.device) -> System[Any]:
    """The system of `recipe` for pictures like `spec`, with its first weights.

    First weights are a function of the recipe's seed alone, and are drawn on the CPU, so that
    they are the same on every device.
    """
    entry, config = resolve(recipe)
    if recipe.data.jitter and getattr(config, "jitter", 1.0) > 1:
        raise ConfigError(
            f"data.jitter is true, and {entry.name} cuts pictures too, "
            f"jitter={config.jitter:.4g}: it would be done twice. Leave one out: --set jitter=1"
        )
    cls = load_system_class(entry.name)
    with seeded(recipe.train.seed, "weights"):
        system: System[Any] = cls(config, spec)
    if recipe.train.checkpoint_activations:
        _checkpoint(system, entry.name)
    if recipe.train.compile:
        _refuse_to_compile(system, recipe)
    return system.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def _checkpoint(system: System[Any], name: str) -> None:
    """Let the blocks that can do so be computed again for the gradient."""
    able: list[Any] = [module for module in system.modules() if hasattr(module, "checkpointed")]
    if not able:
        raise ConfigError(
            f"train.checkpoint_activations is true, but the networks of {name} as set have no "
            "blocks that can be computed again. Leave it out: "
            "--set train.checkpoint_activations=false"
        )
    for module in able:
        module.checkpointed = True


def _refuse_to_compile(system: System[Any], recipe: Recipe) -> None:
    """Raise ConfigError for what `train.compile` cannot have."""
    if recipe.train.checkpoint_activations:
        raise ConfigError(
            "train.compile and train.checkpoint_activations are both true; compiled code chooses "
            "for itself what to keep. Leave one out: --set train.checkpoint_activations=false"
        )
    Functional(system)


def spec_to_plain(spec: DataSpec) -> dict[str, Any]:
    """A data spec as JSON holds it."""
    return dataclasses.asdict(spec)


def spec_from_plain(plain: dict[str, Any]) -> DataSpec:
    """Read what `spec_to_plain` wrote."""
    told = {
        field.name: _as_tuple(plain[field.name])
        for field in dataclasses.fields(DataSpec)
        if field.name in plain
    }
    return DataSpec(**{**plain, **told})


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value


def versions() -> dict[str, str]:
    """Versions that can change bits."""
    from importlib.metadata import version

    return {
        "progan": version("progan"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
