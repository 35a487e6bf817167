"""Watch a system learn a toy world: what its generator makes, and what its critic thinks of it.

The weights are those that play, not their running average: it is the game that is watched.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from progan.core.errors import ConfigError
from progan.core.latents import Latents
from progan.core.plan import Progress
from progan.core.randomness import seed_of
from progan.core.system import Samples, Scores, System
from progan.data.toy import Mixture, World, images_of, points_of
from progan.engine.loop import Trainer
from progan.metrics.modes import Modes, count_modes

__all__ = ["Moment", "Pushes", "Record", "Watch", "lattice", "watch"]

SAMPLES = 2500
"""Fakes that are measured; PacGAN's number."""
SIDE = 64
"""Places in each direction at which a plane of scores is asked for."""
PLACES = 400
"""Places on a line of scores."""
ARROWS = 200
"""Fakes whose push is asked for."""
THREADS = 41
"""Latents whose way to the line is drawn."""
GIVE_UP = 50
"""Steps in a row without a finite gradient after which training is stopped."""


@runtime_checkable
class Pushes(Protocol):
    """Tells where its loss pushes a fake."""

    def push(self, image: Tensor, at: Progress, real: Tensor | None = None) -> Tensor:
        """−∂ loss / ∂ x of the generator's loss for each fake x, n d 1 1, as if it were alone;
        `real` are points to compare with, as many."""
        ...


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What was seen at a moment of training. Tensors lie on the CPU."""

    step: int
    images: int
    fakes: Tensor
    """Points n d, of the same latents at every moment."""
    field: Tensor | None
    """Scores on the world's lattice: rows from low to high of y, columns of x; or along the line.
    Higher is more real. None where the system gives no scores."""
    scores: tuple[float, float] | None
    """Mean score of reals, and of fakes."""
    pushes: Tensor | None
    """Where the first fakes are pushed, m d; None where the system does not tell."""
    threads: tuple[Tensor, Tensor] | None
    """On the line, with one latent number: equally likely latents in order, and where they go."""
    modes: Modes | None
    """How the fakes lie on the modes; None where the world has not at least two."""

    @property
    def mean_push(self) -> float | None:
        """Mean length of the pushes."""
        return None if self.pushes is None else float(self.pushes.norm(dim=1).mean())


@dataclass(frozen=True, kw_only=True)
class Record:
    """A training as it was watched."""

    world: World
    moments: tuple[Moment, ...]
    """At least the first and the last."""
    losses: Mapping[str, Sequence[tuple[float, float]]]
    """(step, loss) of each player."""
    diverged: bool = False
    """Whether training was stopped because its gradients were no numbers any more."""


def lattice(world: World) -> Tensor:
    """Places at the middle of equal cells of the part that is drawn: (cells, d)."""
    cells = SIDE if world.dims == 2 else PLACES
    axes = [
        low + (high - low) * (torch.arange(cells) + 0.5) / cells
        for low, high in zip(world.low, world.high, strict=True)
    ]
    if len(axes) == 1:
        return axes[0][:, None]
    y, x = torch.meshgrid(axes[1], axes[0], indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


class Watch:
    """Looks at a system now and then, without touching its training."""

    def __init__(self, system: System[Any], world: World, seed: int = 0) -> None:
        if not isinstance(system, Samples):
            raise ConfigError(
                f"{type(system).__name__} makes no pictures from noise, so there is nothing to "
                "watch in the lab. Choose a system that does: progan describe"
            )
        self.system, self.world = system, world
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed_of(seed, "lab"))
            self.latents = dict(system.draw(SAMPLES))
        self.real = world.sample(range(SAMPLES), seed_of(seed, "lab", "real"))
        """Points that training does not see."""
        self.places = lattice(world)
        self.threads = self._threads()

    def _threads(self) -> Tensor | None:
        """Equally likely values of the latent, if there is one number of it and one of a point."""
        fields = self.system.latent_fields
        if self.world.dims != 1 or len(fields) != 1 or fields[0].shape != (1,):
            return None
        below = (torch.arange(THREADS) + 0.5) / THREADS
        normal = fields[0].prior == "normal"
        return (torch.special.ndtri(below) if normal else 2 * below - 1)[:, None]

    def look(self, at: Progress) -> Moment:
        """Everything there is to see at `at`."""
        with torch.no_grad(), _resting(self.system):
            fakes = self._generate(self.latents, at)
            field = scores = threads = None
            if isinstance(self.system, Scores):
                field = self._score(self.places, at)
                if self.world.dims == 2:
                    field = field.view(SIDE, SIDE)
                both = self._score(self.real, at), self._score(fakes, at)
                scores = (float(both[0].mean()), float(both[1].mean()))
            if self.threads is not None:
                (name,) = self.latents
                threads = self.threads, self._generate({name: self.threads}, at)
            pushes = self._push(fakes[:ARROWS], at)
        return Moment(
            step=at.step,
            images=at.images,
            fakes=fakes,
            field=field,
            scores=scores,
            pushes=pushes,
            threads=threads,
            modes=self._modes(fakes),
        )

    def _generate(self, latents: Latents, at: Progress) -> Tensor:
        image = self.system.generate(latents, at)
        return points_of(image).detach().float().cpu()

    def _score(self, points: Tensor, at: Progress) -> Tensor:
        """Scores, turned so that higher is more real."""
        assert isinstance(self.system, Scores)
        batch = images_of(points).to(_device(self.system))
        score = self.system.score(batch, at).detach().float().cpu()
        return score if self.system.higher_is_real else -score

    def _push(self, points: Tensor, at: Progress) -> Tensor | None:
        if not isinstance(self.system, Pushes):
            return None
        pictures = images_of(points).image.to(_device(self.system))
        with torch.enable_grad():
            real = images_of(self.real[: len(points)]).image.to(pictures)
            pushed = self.system.push(pictures, at, real)
        return points_of(pushed).detach().float().cpu()

    def _modes(self, fakes: Tensor) -> Modes | None:
        if not isinstance(self.world, Mixture) or len(self.world.centres) < 2:
            return None
        centres = torch.tensor(self.world.centres)
        return count_modes(fakes, centres, self.world.spreads, self.world.shares)


def _device(system: System[Any]) -> torch.device:
    return next(system.parameters()).device


@contextlib.contextmanager
def _resting(system: System[Any]) -> Iterator[None]:
    """Within, every module is in evaluation: looking changes no statistics."""
    training = [module for module in system.modules() if module.training]
    system.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def watch(trainer: Trainer, world: World, *, frames: int = 60, seed: int = 0) -> Record:
    """Train to the end of the plan and look about `frames` times, closer together at first.

    Frame k of n is taken after the (k / (n − 1))^1.5th part of the plan.
    """
    if frames < 2:
        raise ConfigError(f"frames is {frames}; the first and the last need 2: --frames 60")
    watcher = Watch(trainer.system, world, seed)
    whole = trainer.plan.images
    marks = (whole * (k / (frames - 1)) ** 1.5 for k in itertools.count(1))
    moments, mark = [watcher.look(trainer.at)], next(marks)
    losses: dict[str, list[tuple[float, float]]] = {}
    while not trainer.done and trainer.skipped_in_a_row < GIVE_UP:
        result = trainer.step()
        for player, loss in _totals(result.terms).items():
            losses.setdefault(player, []).append((float(trainer.steps), loss))
        if trainer.images >= mark and not trainer.done:
            moments.append(watcher.look(trainer.at))
            while mark <= trainer.images:
                mark = next(marks)
    moments.append(watcher.look(trainer.at))
    return Record(world=world, moments=tuple(moments), losses=losses, diverged=not trainer.done)


def _totals(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """The loss of each player that moved: the sum of its terms."""
    found: dict[str, float] = {}
    for key, value in terms.items():
        player, _, term = key.partition("/")
        if term and term != "gradient_norm":
            found[player] = found.get(player, 0.0) + float(value)
    return {player: loss for player, loss in found.items() if math.isfinite(loss)}
