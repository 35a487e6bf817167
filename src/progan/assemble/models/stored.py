"""From a path to a model's parts: which file, what its header says, weights into the system."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from progan.assemble.models.build import build_system, spec_from_plain
from progan.assemble.models.texts import recall
from progan.core.config import parse_recipe
from progan.core.errors import CheckpointError, ConfigError, ProganError, RoomError
from progan.core.plan import Plan, Progress, Size, height_width
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.core.spelling import nearest
from progan.core.system import Samples, System
from progan.core.words import typed
from progan.engine.checkpoint import checkpoints, load_checkpoint, newest_valid
from progan.engine.loop import stage_from_plain
from progan.systems.registry import load_system_class

__all__ = [
    "MODEL_FILE",
    "Filled",
    "Stored",
    "Weights",
    "fill",
    "is_translator",
    "makes_from_noise",
    "open_stored",
    "used_names",
]

Weights = Literal["average", "live"]

MODEL_FILE = "model.safetensors"
LARGEST_SIDE = 8192


@dataclass(frozen=True)
class Stored:
    """A checkpoint as read: tensors, and its header made into records."""

    path: Path
    tensors: Mapping[str, Tensor]
    meta: Mapping[str, Any]
    recipe: Recipe
    spec: DataSpec
    plan: Plan
    trained: Progress
    """How far training had come: at a border, the end of the stage before it."""
    class_names: tuple[str, ...]
    passed: tuple[str, ...] = ()
    """A line for each damaged checkpoint that was passed over."""

    @property
    def resolutions(self) -> tuple[Size, ...]:
        """Every resolution trained so far, in order."""
        seen = dict.fromkeys(s.resolution for s in self.plan.stages[: self.trained.index + 1])
        return tuple(seen)

    def moment(self, resolution: Size, alpha: float | None) -> Progress:
        """A moment of the growth; raises ConfigError for one that was never trained."""
        trained = self.trained
        resolution = tuple(resolution) if isinstance(resolution, list) else resolution
        if resolution not in self.resolutions:
            levels = ", ".join(_size(level) for level in self.resolutions)
            raise ConfigError(
                f"resolution is {_size(resolution)}; this model was trained at {levels}. "
                f"For example: --resolution {_size(self.resolutions[-1])}"
            )
        if alpha is None:
            alpha = trained.alpha if resolution == trained.resolution else 1.0
        if not 0 <= alpha <= 1:
            raise ConfigError(f"alpha is {alpha}; it must be from 0 to 1.")
        if (resolution, alpha) == (trained.resolution, trained.alpha):
            return trained
        reached = list(enumerate(self.plan.stages[: trained.index + 1]))
        here = [(index, s) for index, s in reached if s.resolution == resolution]
        fades = [(index, s) for index, s in here if s.fade]
        settled = [(index, s) for index, s in here if not s.fade]
        if alpha < 1 and not fades:
            raise ConfigError(
                f"alpha is {alpha:g}, but nothing fades in at {_size(resolution)} px in this "
                "model. Leave alpha out, or choose a higher resolution."
            )
        index, stage = fades[-1] if alpha < 1 or not settled else settled[-1]
        return replace(trained, index=index, stage=stage, fraction=alpha)


def _size(size: Size) -> str:
    height, width = height_width(size)
    return str(height) if height == width else f"{height}x{width}"


def open_stored(path: Path, at_images: int | None = None) -> Stored:
    """Read the model at `path`: a run folder, a checkpoint file or an exported folder."""
    folder = path / "checkpoints"
    if path.is_dir() and checkpoints(folder):
        if at_images is None:
            file, tensors, meta, passed = newest_valid(folder)
            return _records(file, tensors, meta, tuple(passed))
        file = folder / f"{at_images:09d}.safetensors"
        if not file.is_file():
            kept = ", ".join(f"{int(p.stem):,}" for p in checkpoints(folder) if p.stem.isdecimal())
            raise ConfigError(
                f"{path} keeps no checkpoint at {at_images:,} images; it keeps {kept}. "
                "For example: --at-images " + kept.rsplit(", ", 1)[-1].replace(",", "")
            )
    else:
        file = _lone_file(path)
        if at_images is not None:
            raise ConfigError(
                f"{path} holds one model, so a number of images chooses nothing. "
                "Leave it out, or name a run folder."
            )
    return _records(file, *load_checkpoint(file))


def _lone_file(path: Path) -> Path:
    if path.is_file():
        return path
    for file in (path / MODEL_FILE, path / "model" / MODEL_FILE):
        if file.is_file():
            return file
    if path.is_dir():
        if (path / "recipe.lock.yaml").exists():
            raise ConfigError(
                f"{path} has saved nothing yet. Go on with it: {typed('progan', 'resume', path)}"
            )
        raise ConfigError(
            f"{path} is neither a run nor an exported model: it holds no checkpoints and no "
            f"{MODEL_FILE}. Name a run, such as runs/NAME, or a .safetensors file."
        )
    if path.exists():
        raise ConfigError(f"{path} is neither a file nor a folder. Name a run, such as runs/NAME.")
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    meant = nearest(path.name, sorted(beside))
    hint = f" Did you mean {path.parent / meant}?" if meant else ""
    raise ConfigError(f"There is no run or model at {path}.{hint} Runs: ls {path.parent}")


def _records(
    path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any], passed: tuple[str, ...] = ()
) -> Stored:
    try:
        recipe = parse_recipe(meta["recipe"], f"{path.name} recipe")
        spec = spec_from_plain(meta["spec"])
        numbers = (spec.resolution, spec.channels, spec.classes, spec.images)
        if not all(isinstance(n, int) for n in numbers) or not 0 < spec.resolution <= LARGEST_SIDE:
            raise ValueError("spec")
        counters = meta["counters"]
        plan = Plan(tuple(stage_from_plain(stage) for stage in counters["plan"]))
        trained = _moment(plan, *(int(counters[k]) for k in ("images", "steps", "entered")))
        names = tuple(str(name) for name in meta.get("class_names") or ())
    except ProganError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CheckpointError(
            f"{path} does not say what model it holds ({type(error).__name__}: {error}). "
            "Name a checkpoint of a run, or a folder that save_pretrained made."
        ) from error
    return Stored(path, tensors, meta, recipe, spec, plan, trained, names, passed)


def _moment(plan: Plan, images: int, step: int, entered: int) -> Progress:
    """Where `images` stand in the plan; at a border nobody has crossed yet, the end before it."""
    at = plan.at(images, step)
    if 0 <= entered < at.index:
        return Progress(
            images=images, step=step, index=entered, stage=plan.stages[entered], fraction=1.0
        )
    return at


@dataclass(frozen=True)
class Filled:
    """A system with a model's weights in it."""

    system: System[Any]
    identity: str


def used_names(system: System[Any]) -> dict[str, tuple[str, str]]:
    """What generating may read: name in the system → (name in `average/`, name in `system/`).

    All averaged and kept submodules, and beside them everything but the submodules of players who
    own nothing of those: a critic is left out, a buffer of the system is not. Without an average,
    the first name is empty.
    """
    averaged = {
        f"{module}.{name}": f"average/{module}/{name}"
        for module in system.averaged
        for name in system.get_submodule(module).state_dict()
    }
    wanted = {
        id(parameter)
        for module in (*system.averaged, *system.kept)
        for parameter in system.get_submodule(module).parameters()
    }
    rivals: set[int] = set()
    for player in system.players().values():
        owned = {id(parameter) for parameter in player.parameters}
        if not owned & wanted:
            rivals |= owned
    rivals -= wanted
    apart = [
        f"{name}."
        for name, child in system.named_modules()
        if (owned := {id(parameter) for parameter in child.parameters()}) and owned <= rivals
    ]
    return {
        name: (averaged.get(name, ""), f"system/{name}")
        for name in system.state_dict()
        if not name.startswith(tuple(apart))
    }


def weights_in_use(system: System[Any], asked: Weights = "average") -> Weights:
    """The weights a model has: `live` also where its system keeps no average."""
    return asked if system.averaged else "live"


def makes_from_noise(stored: Stored) -> bool:
    """Whether what is stored draws pictures, with no other picture to begin from."""
    return isinstance(build_system(stored.recipe, stored.spec, torch.device("cpu")), Samples)


def is_translator(stored: Stored) -> bool:
    """Whether what is stored makes pictures of other ones."""
    kind = load_system_class(stored.recipe.system)
    return hasattr(kind, "translate") and not hasattr(kind, "generate")


def fill(stored: Stored, weights: Weights, device: torch.device) -> Filled:
    """Build the system a model was trained as, and put its weights in."""
    if weights not in ("average", "live"):
        raise ConfigError(f'weights is "{weights}"; it must be average or live.')
    try:
        system = build_system(stored.recipe, stored.spec, device)
    except (MemoryError, RuntimeError) as error:
        raise RoomError(
            f"{stored.path} describes a network that cannot be built here "
            f"({' '.join(str(error).split())[:120]}). It needs more memory, or is damaged."
        ) from error
    state: dict[str, Tensor] = {}
    for name, (average, live) in used_names(system).items():
        source = average if weights == "average" and average else live
        if source not in stored.tensors:
            if weights == "live" and average in stored.tensors:
                raise CheckpointError(
                    f"{stored.path} holds averaged weights only. Leave weights out, or load a "
                    "checkpoint of the run."
                )
            raise CheckpointError(f"{stored.path} lacks {source}; it does not fit its own recipe.")
        state[name] = stored.tensors[source]
    try:
        system.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise CheckpointError(
            f"{stored.path} does not fit its own recipe: {' '.join(str(error).split())[:200]}"
        ) from error
    system.eval().requires_grad_(False)
    recall(system, stored.spec.caption_encoder, stored.recipe.data.vectors, stored.path)
    return Filled(system, _fingerprint(state))


def _fingerprint(state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].contiguous()
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
