"""A painter of layouts in a few weights, with styles: for tests of what is around such systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from progan.core.batch import Layout
from progan.core.plan import Plan, Progress, Stage
from progan.core.specs import Adam, DataSpec
from progan.core.system import Direction, Player, System, Terms, Turn
from progan.systems.registry import Entry

__all__ = ["ENTRY", "Painter", "PainterConfig"]

ENTRY = Entry(
    name="painter",
    summary="a colour for each class",
    paper="none",
    system="small_painter:Painter",
    config="small_painter:PainterConfig",
    domains="layouts",
)


@dataclass(frozen=True, kw_only=True)
class PainterConfig:
    """Its settings."""

    images: int = 16
    """Length of the run."""


class Painter(System[Layout]):
    """Each class has a colour, which the style makes lighter or darker."""

    batch_type = Layout
    averaged = ()
    kept = ("colours",)
    directions = (Direction("paint", "layout", "image"),)
    multiple = 4
    fixed = False
    style_size = 1

    def __init__(self, config: PainterConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        self.colours = nn.Conv2d(data.layouts, data.channels, 1)

    def plan(self) -> Plan:
        return Plan(
            (
                Stage(
                    name="train",
                    images=self.config.images,
                    resolution=self.data.resolution,
                    batch=4,
                ),
            )
        )

    def players(self) -> Mapping[str, Player]:
        return {"painter": Player.of(self.colours, optimizer=Adam(lr=0.1))}

    def turns(self, at: Progress) -> Sequence[Turn[Layout]]:
        return (Turn("painter", self.loss),)

    def loss(self, batch: Layout, at: Progress) -> Terms:
        return {"distance": (self.colours(batch.layout) - batch.image).square().mean()}

    def preview(self, batch: Layout, at: Progress) -> Mapping[str, Tensor]:
        return {"painted": self.translate(batch.layout, "paint", at).clamp(-1, 1)}

    def translate(self, image: Tensor, direction: str, at: Progress) -> Tensor:
        assert image.shape[2] % self.multiple == image.shape[3] % self.multiple == 0
        made: Tensor = self.colours(image)
        return made

    def style(self, image: Tensor, at: Progress) -> Tensor:
        return image.mean(dim=(1, 2, 3), keepdim=True)[..., 0, 0]

    def styled(self, image: Tensor, direction: str, style: Tensor, at: Progress) -> Tensor:
        return self.translate(image, direction, at) + torch.tanh(style)[:, :, None, None]
