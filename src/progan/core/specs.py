"""Small torch-free records: what the data looks like, which optimizer, which running average.

They stand apart from the networks so that recipes can be read and described without torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from typing import Literal

from progan.core.errors import ConfigError

__all__ = ["SGD", "Adam", "Average", "DataSpec", "Optimizer", "Penalty", "RMSprop"]


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """What a system may know about its data before it sees a picture."""

    resolution: int
    """Side of the largest pictures, in pixels; a power of two."""
    channels: int = 3
    """1 for grey, 3 for colour."""
    classes: int = 0
    """Number of classes; 0 when pictures carry no label."""
    images: int = 0
    """Number of different pictures."""
    label_kind: Literal["class", "multi-label", "continuous"] = "class"
    """class: one of `classes`; multi-label: numbers that are 0 or 1; continuous: numbers in
    [-1, 1]."""
    label_size: int = 0
    """Numbers of a label that is no class."""
    label_shares: tuple[float, ...] = ()
    """Share of the pictures in each class, or with each number 1; none: all the same, one half."""
    label_names: tuple[str, ...] = ()
    """Of the numbers of a label that is no class."""
    label_ranges: tuple[tuple[float, float], ...] = ()
    """Of each number of a continuous label: what −1 and 1 stand for, in the data's own units."""
    label_rows: tuple[tuple[float, ...], ...] = ()
    """Rows of numbers that occur in the data, from which labels are drawn; none: each number of a
    label is drawn by itself."""
    row_shares: tuple[float, ...] = ()
    """How often each of those rows is drawn; none: all the same."""
    whole: tuple[int, int] | None = None
    """Height and width of the one picture, where it is kept as it is; `resolution` is then the side
    of the square that holds it."""
    captions: int = 0
    """Most captions that a picture has; 0 when pictures carry none."""
    caption_texts: tuple[str, ...] = ()
    """Captions that occur in the data, for pictures of which nobody says what to draw."""
    caption_width: int = 0
    """Numbers of the vectors that captions come as; 0 where they come as words."""
    caption_encoder: str = ""
    """What made those vectors: a name, a colon, and the SHA-256 of its weights."""
    domains: tuple[str, ...] = ()
    """Names of the two domains of pictures; none where the data are of one kind. All other numbers
    are then of the first, a."""
    second_channels: int = 0
    """Channels of the second domain's pictures, b."""
    second_images: int = 0
    """Different pictures of the second domain."""
    layout_names: tuple[str, ...] = ()
    """Names of the classes that the pixels of a layout have, by number; none without layouts."""
    layout_colours: tuple[tuple[int, int, int], ...] = ()
    """How each of those classes is drawn where a layout is shown: red, green, blue, 0 to 255."""
    layout_ids: tuple[int, ...] = ()
    """What stands for each of those classes in files of class maps; empty: its number."""
    layout_edges: bool = False
    """Whether layouts have one more channel, 1 where two instances meet."""

    @property
    def layouts(self) -> int:
        """Channels of a layout: a class each, and the edges; 0 without layouts."""
        return len(self.layout_names) + self.layout_edges

    @property
    def size(self) -> int | tuple[int, int]:
        """Side of the largest pictures, or (height, width) of one that is kept as it is."""
        if self.whole is None or self.whole[0] == self.whole[1]:
            return self.resolution if self.whole is None else self.whole[0]
        return self.whole

    @property
    def label_means(self) -> tuple[float, ...]:
        """Mean of each number of a label that is no class."""
        if self.label_rows:
            shares = self.row_shares or (1 / len(self.label_rows),) * len(self.label_rows)
            columns = zip(*self.label_rows, strict=True)
            return tuple(sum(map(mul, shares, column)) for column in columns)
        middle = 0.5 if self.label_kind == "multi-label" else 0.0
        return self.label_shares or (middle,) * self.label_size


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam (Kingma & Ba 2015)."""

    lr: float = 0.001
    """Learning rate."""
    betas: tuple[float, float] = (0.0, 0.99)
    """Decay of the running mean and of the running square of gradients."""
    eps: float = 1e-8
    """Added to the root of the running square."""
    weight_decay: float = 0.0
    """Times the weight, added to its gradient before the running mean and square: L2, not AdamW."""


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """RMSprop (Tieleman & Hinton 2012)."""

    lr: float = 5e-5
    """Learning rate."""
    decay: float = 0.99
    """Decay of the running square of gradients."""
    eps: float = 1e-8
    """Added to the root of the running square."""


@dataclass(frozen=True, kw_only=True)
class SGD:
    """Stochastic gradient descent with momentum."""

    lr: float = 0.01
    """Learning rate."""
    momentum: float = 0.0
    """Share of the last update kept in the next."""


Optimizer = Adam | RMSprop | SGD


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """What keeps a critic's slope in check."""

    kind: Literal["gp", "dragan", "r1", "r2", "r1+r2", "none"] = "gp"
    """gp: slope near `target` between reals and fakes; dragan: the same around reals; r1: slope
    near 0 at reals; r2: at fakes."""
    weight: float = 10.0
    """λ of gp and dragan, in λ · (‖∇‖/γ − 1)²; γ of r1 and r2, in γ/2 · ‖∇‖²."""
    target: float = 1.0
    """The slope gp and dragan aim at (γ)."""
    side: Literal["two", "one", "one-linear"] = "two"
    """Whether gp and dragan also charge slopes below `target`; one-linear charges ‖∇‖/γ − 1 itself
    instead of its square."""
    every: int = 1
    """Applied in every so many steps, with the weight multiplied to match."""

    def __post_init__(self) -> None:
        if self.every < 1 or not 0 < self.target < math.inf or not 0 <= self.weight < math.inf:
            raise ConfigError(
                f"penalty has every {self.every}, target {self.target} and weight {self.weight}; "
                "every must be at least 1, target above 0 and weight not below. "
                "To switch the penalty off: --set penalty.kind=none"
            )

    def refuse_at_once(self, critic_steps: int) -> None:
        """Raise ConfigError for what players who move at once, on one evaluation, cannot do."""
        if critic_steps != 1:
            raise ConfigError(
                f"critic_steps is {critic_steps}, but players who move at once move equally "
                "often; set critic_steps=1 or simultaneous=false."
            )
        if self.kind in ("r2", "r1+r2"):
            raise ConfigError(
                f"penalty.kind is {self.kind}, whose slope is taken at fakes that cannot "
                "teach the generator too: set simultaneous=false, or penalty.kind=r1."
            )

    def due(self, step: int) -> bool:
        """Whether it is applied in step number `step`."""
        return self.kind != "none" and step % self.every == 0


@dataclass(frozen=True, kw_only=True)
class Average:
    """A running average of weights, counted in images or in steps: exactly one of the two.

        average ← keep · average + (1 − keep) · weights,  after each step

    with keep = 0.5^(images of the step / half_life_images), or keep = decay; 0 before `start_step`.
    """

    half_life_images: int | None = 10_000
    """Real images after which an old weight counts half."""
    decay: float | None = None
    """Share of the old average kept at each step, whatever the batch."""
    start_step: int = 0
    """Steps of the run before which the average is the weights as they are."""

    def __post_init__(self) -> None:
        if (self.half_life_images is None) == (self.decay is None):
            raise ConfigError(
                f"average has half_life_images {self.half_life_images} and decay {self.decay}; "
                "give exactly one of them and set the other to null."
            )
        if self.start_step < 0:
            raise ConfigError(f"average.start_step is {self.start_step}; it must be 0 or more.")

    def keep(self, images: int, step: int | None = None) -> float:
        """Share of the old average kept after step number `step`, from 0, that drew `images`.

        Without a number, as after `start_step`.
        """
        if step is not None and step < self.start_step:
            return 0.0
        if self.decay is not None:
            return self.decay
        assert self.half_life_images is not None
        return 0.5 ** (images / self.half_life_images) if self.half_life_images else 0.0
