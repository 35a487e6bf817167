"""What happens when: a plan is a row of stages, and a moment of it is a `Progress`.

`images` always means real images drawn: a critic's extra batches count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Plan", "Progress", "Size", "Stage", "height_width", "size_text"]

Size = int | tuple[int, int]
"""The side of a square picture, or (height, width)."""


def height_width(size: Size) -> tuple[int, int]:
    """Read a size as (height, width), in pixels."""
    return (size, size) if isinstance(size, int) else size


def size_text(size: Size) -> str:
    """A size in words: 64, or 48 × 64."""
    height, width = height_width(size)
    return f"{height}" if height == width else f"{height} × {width}"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of training at one resolution and one batch size."""

    name: str
    images: int
    """Length, in real images drawn."""
    resolution: Size
    batch: int
    """Real images per turn, over all shards."""
    fade: bool = False
    """Whether `Progress.alpha` rises from 0 to 1 over the stage."""
    fresh_optimizers: bool = False
    """Whether optimizers forget their moments on entering."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A moment of training: everything a turn may know about time."""

    images: int
    """Real images drawn so far."""
    step: int
    """Rounds of turns played so far."""
    index: int
    """Which stage of the plan."""
    stage: Stage
    fraction: float
    """How much of the stage is behind us, from 0 to 1."""

    @property
    def resolution(self) -> Size:
        """The resolution of the stage: during a fade, already the higher one."""
        return self.stage.resolution

    @property
    def batch(self) -> int:
        """Real images per turn."""
        return self.stage.batch

    @property
    def alpha(self) -> float:
        """Weight of the newest layers: the fraction of a fading stage, otherwise 1."""
        return self.fraction if self.stage.fade else 1.0


@dataclass(frozen=True)
class Plan:
    """Stages in the order they are played."""

    stages: tuple[Stage, ...]

    @property
    def images(self) -> int:
        """Length of the whole plan, in real images drawn."""
        return sum(stage.images for stage in self.stages)

    def start(self, index: int) -> int:
        """Images drawn before stage `index` begins."""
        return sum(stage.images for stage in self.stages[:index])

    def at(self, images: int, step: int = 0) -> Progress:
        """The moment at which `images` have been drawn; past the end it is the end.

        Stages of no length are never entered. Borders are crossed at whole steps, so a stage
        may run over by less than one step.
        """
        start = 0
        for index, stage in enumerate(self.stages):
            if images < start + stage.images:
                fraction = (images - start) / stage.images
                return Progress(
                    images=images, step=step, index=index, stage=stage, fraction=fraction
                )
            start += stage.images
        last = len(self.stages) - 1
        return Progress(images=images, step=step, index=last, stage=self.stages[last], fraction=1.0)

    def with_lengths(self, lengths: Sequence[int]) -> Plan:
        """The same stages, `lengths` images long."""
        from dataclasses import replace

        pairs = zip(self.stages, lengths, strict=True)
        return Plan(tuple(replace(stage, images=images) for stage, images in pairs))
