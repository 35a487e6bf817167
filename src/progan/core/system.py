"""The interface between a paper and the engine: systems, players and turns.

A GAN is a game. A system declares its players, and whose turn it is; the engine plays. One rule
makes it hold: *a turn reads the system, its batch and `at`, and nothing else.* What must survive
a turn is a buffer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from progan.core.batch import Batch, Images
from progan.core.latents import LatentField, Latents
from progan.core.plan import Plan, Progress
from progan.core.specs import Average, Optimizer

__all__ = [
    "Direction",
    "Encodes",
    "Fixed",
    "Folds",
    "JointTurn",
    "Player",
    "Samples",
    "Scores",
    "Styles",
    "System",
    "Terms",
    "Translates",
    "Turn",
    "constant",
]

Terms = Mapping[str, Tensor]
"""Named scalars with their weights applied; their sum is the loss."""

B = TypeVar("B", bound=Batch)


def constant(at: Progress) -> float:
    """The rate that never changes."""
    return 1.0


@dataclass(frozen=True)
class Player:
    """Parameters that move together, and how they move."""

    parameters: tuple[nn.Parameter, ...]
    optimizer: Optimizer
    rate: Callable[[Progress], float] = constant
    """Factor on the learning rate at a moment of training."""
    after_step: Callable[[], None] | None = None
    """Called when the optimizer has stepped, e.g. to clip weights."""

    @classmethod
    def of(cls, *modules: nn.Module, optimizer: Optimizer, **options: Any) -> Self:
        """A player that owns all parameters of `modules`, each once."""
        unique = dict.fromkeys(p for module in modules for p in module.parameters())
        return cls(tuple(unique), optimizer, **options)


@dataclass(frozen=True)
class Turn(Generic[B]):
    """One player's move: the loss it lowers."""

    player: str
    loss: Callable[[B, Progress], Terms]
    repeat: int = 1
    """Moves in a row, each on a batch of its own if it draws."""
    every: int = 1
    """Played in every so many steps."""
    draws: bool = True
    """Whether it draws a fresh real batch, or looks at the one drawn before it."""

    @property
    def players(self) -> tuple[str, ...]:
        """Who moves."""
        return (self.player,)

    def losses(self, batch: B, at: Progress) -> Mapping[str, Terms]:
        """The terms of each player that moves."""
        return {self.player: self.loss(batch, at)}


@dataclass(frozen=True)
class JointTurn(Generic[B]):
    """Several players moving at once, on gradients of one evaluation."""

    players: tuple[str, ...]
    losses: Callable[[B, Progress], Mapping[str, Terms]]
    repeat: int = 1
    every: int = 1
    draws: bool = True


class System(nn.Module, Generic[B]):
    """A paper: its networks, its players, its turns, its plan.

    Built as `System(config, data)`. Names of players and submodules are the file format of
    checkpoints: renaming one breaks old files.
    """

    batch_type: ClassVar[type[Batch]] = Images
    averaged: tuple[str, ...] = ("generator",)
    """Submodules that get a running average, by dotted name."""
    kept: tuple[str, ...] = ()
    """Submodules that pictures are made with besides, by dotted name, whoever trains them."""
    memories: tuple[str, ...] = ()
    """Submodules whose buffers remember what was, and are no statistics, by dotted name: a pool of
    old pictures. Of several shards' they end as the first leaves them; all others by their mean."""
    average: Average = Average()
    """How that average forgets."""
    settles: bool = False
    """Whether players who rest in a stage take their averages when it begins: later stages then
    build upon what is shown of earlier ones."""
    group: int = 1
    """Pictures of a batch that a loss compares with each other: where it can be, micro-batches are
    multiples of it."""
    least: int = 1
    """Fewest pictures that its networks can be trained on at a time: no micro-batch is smaller."""
    standing: int = 0
    """Batches from which the generator's batch norm is measured anew whenever pictures are made of
    it, with the latents asked for; 0: its running statistics serve."""
    joint_statistics: bool = False
    """Whether shards look at each other's statistics: then each is a process's only one."""
    functional: bool = False
    """Whether a turn is one player's, changes no buffer, and reads of `at` only the stage, alpha,
    and whether `step` is a multiple of `period`. Such turns can be compiled."""

    def plan(self) -> Plan:
        """The stages this system trains through."""
        raise NotImplementedError(f"{type(self).__name__} must say its plan")

    def players(self) -> Mapping[str, Player]:
        """Who plays, by name."""
        raise NotImplementedError(f"{type(self).__name__} must name its players")

    def turns(self, at: Progress) -> Sequence[Turn[B] | JointTurn[B]]:
        """Whose turn it is, in order, within one step at this moment."""
        raise NotImplementedError(f"{type(self).__name__} must say whose turn it is")

    def period(self, at: Progress) -> int:
        """Steps after which the same work comes round again, at this moment."""
        return math.lcm(*(turn.every for turn in self.turns(at)))

    def preview(self, batch: B, at: Progress) -> Mapping[str, Tensor]:
        """Named panels of pictures in [-1, 1], n c h w, at the resolution of `at`."""
        raise NotImplementedError(f"{type(self).__name__} must show a preview")

    def begin_stage(self, batch: B, at: Progress) -> None:
        """Called once on entering a stage; what it measures belongs in buffers."""


@runtime_checkable
class Samples(Protocol):
    """Turns noise into pictures."""

    latent_fields: tuple[LatentField, ...]

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures from torch's generator."""
        ...

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, n c h w, nominally in [-1, 1]."""
        ...


class Fixed(nn.Module):
    """A generator at one moment of its growth, made for many pictures; called with `*inputs`."""

    values: int
    """Numbers of a picture in the largest layer's output: what a batch costs in memory."""

    def inputs(self, latents: Latents) -> tuple[Tensor, ...]:
        """`latents` as the network takes them, on its device."""
        raise NotImplementedError(f"{type(self).__name__} must say what it takes")


@runtime_checkable
class Folds(Protocol):
    """Makes its pictures by a simpler network, once it is known that only pictures are wanted."""

    def folded(self, at: Progress, dtype: torch.dtype) -> Fixed | None:
        """The network that draws as `generate` does at `at`, computed in `dtype`; or None."""
        ...


@dataclass(frozen=True)
class Direction:
    """From which pictures of a batch which others are made."""

    name: str
    """As people type it: ab."""
    source: str
    """Field of the batch that is translated: a, or layout."""
    target: str
    """Field whose like comes out: b, or image."""


@runtime_checkable
class Translates(Protocol):
    """Turns pictures of one domain, or layouts, into pictures of another."""

    directions: tuple[Direction, ...]
    multiple: int
    """Height and width that it takes are multiples of this."""
    fixed: bool
    """Whether they must be those of training."""

    def translate(self, image: Tensor, direction: str, at: Progress) -> Tensor:
        """Translate `image`, n c h w in [-1, 1] or a layout n l h w, to n c h w in [-1, 1]."""
        ...


@runtime_checkable
class Styles(Translates, Protocol):
    """Translates one picture in many ways: a style says which."""

    style_size: int
    """Numbers of a style; each standard normal."""

    def style(self, image: Tensor, at: Progress) -> Tensor:
        """The style, n k, of pictures n c h w of the target domain."""
        ...

    def styled(self, image: Tensor, direction: str, style: Tensor, at: Progress) -> Tensor:
        """Translate `image` in a style, n k."""
        ...


@runtime_checkable
class Encodes(Protocol):
    """Finds the latents of a picture."""

    def encode(self, image: Tensor, at: Progress) -> Latents:
        """Latents of `image`, n c h w in [-1, 1]."""
        ...


@runtime_checkable
class Scores(Protocol):
    """Tells how real a picture looks."""

    higher_is_real: bool

    def score(self, batch: Any, at: Progress) -> Tensor:
        """One score per example."""
        ...
