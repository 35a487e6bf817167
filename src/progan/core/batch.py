"""What a turn is given: tensors with one row per example."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

__all__ = ["Batch", "Captioned", "Images", "Labelled", "Layout", "Paired", "Unpaired"]


@dataclass(frozen=True)
class Batch:
    """Base of all batches: every field is a tensor whose first axis counts examples."""

    def tensors(self) -> dict[str, Tensor]:
        """Fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __len__(self) -> int:
        return len(next(iter(self.tensors().values())))

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(**{name: tensor[rows] for name, tensor in self.tensors().items()})

    def split(self, parts: int) -> list[Self]:
        """Cut into `parts` equal runs of neighbours."""
        size = len(self) // parts
        return [self[start : start + size] for start in range(0, size * parts, size)]

    def to(self, device: torch.device) -> Self:
        """The same batch on `device`."""
        moved = {
            name: tensor.to(device, non_blocking=True) for name, tensor in self.tensors().items()
        }
        return type(self)(**moved)


@dataclass(frozen=True)
class Images(Batch):
    """Pictures alone."""

    image: Tensor
    """n c h w, in [-1, 1]."""


@dataclass(frozen=True)
class Labelled(Images):
    """Pictures and their labels."""

    label: Tensor
    """Classes: n, integers from 0. Labels that are vectors: n k, floats."""


@dataclass(frozen=True)
class Captioned(Batch):
    """Pictures and their captions."""

    image: Tensor
    """n c h w, in [-1, 1]."""
    caption: Tensor
    """Of each picture some captions: n m g, their words as numbers (`core.text`), 0 for none; or
    n m f, floats, where the data bring vectors."""
    kind: Tensor
    """n, integers: of pictures with the same one, a caption of either may suit the other."""


@dataclass(frozen=True)
class Layout(Batch):
    """Pictures and the class of every pixel."""

    image: Tensor
    """n c h w, in [-1, 1]."""
    layout: Tensor
    """n l h w, one-hot."""


@dataclass(frozen=True)
class Paired(Batch):
    """The same scenes in two domains."""

    a: Tensor
    """n c h w, in [-1, 1]."""
    b: Tensor
    """n c h w, in [-1, 1]."""


@dataclass(frozen=True)
class Unpaired(Batch):
    """Different scenes of two domains."""

    a: Tensor
    """n c h w, in [-1, 1]."""
    b: Tensor
    """n c h w, in [-1, 1]."""
