"""What a generator is fed: named latent fields, each with a shape and a prior."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from progan.core.errors import ConfigError
from progan.core.specs import DataSpec

__all__ = ["LatentField", "Latents", "Prior", "Role", "draw_fields", "label_field", "scaled"]

Latents = Mapping[str, Tensor]
"""Latent tensors by field name, one row per picture."""

Prior = Literal["normal", "uniform", "categorical", "bernoulli"]
Role = Literal["noise", "class", "code", "layout", "caption"]


@dataclass(frozen=True, kw_only=True)
class LatentField:
    """One input of a generator.

    `normal` and `uniform` (on [-1, 1]) give floats of `shape`; `categorical` gives one integer
    below `choices`; `bernoulli` gives floats of `shape` that are 0 or 1.
    """

    name: str
    shape: tuple[int, ...]
    """Shape of one row; empty for a class."""
    prior: Prior = "normal"
    role: Role = "noise"
    choices: int = 0
    """Number of classes of a categorical field."""
    weights: tuple[float, ...] = ()
    """Of its classes, for a draw; none: all the same. Of a bernoulli field, how probable 1 is in
    each number of a row; none: one half."""
    mixes: bool = False
    """Of a categorical field: whether rows of weights over its classes may take its place."""
    rows: tuple[tuple[float, ...], ...] = ()
    """Of a field of floats: one of these is drawn instead, so that what goes together in them stays
    together."""
    row_weights: tuple[float, ...] = ()
    """How often each of them is drawn; none: all the same."""

    @cached_property
    def table(self) -> tuple[Tensor, Tensor]:
        """Those rows, and their weights, as tensors."""
        weights = self.row_weights or (1.0,) * len(self.rows)
        return torch.tensor(self.rows), torch.tensor(weights)


def label_field(data: DataSpec, *, name: str = "label") -> LatentField | None:
    """The label of `data` as an input of a generator, drawn as the data's are; None without."""
    if data.label_kind == "class":
        if not data.classes:
            return None
        return LatentField(
            name=name,
            shape=(),
            prior="categorical",
            role="class",
            choices=data.classes,
            weights=data.label_shares,
            mixes=True,
        )
    on_off = data.label_kind == "multi-label"
    return LatentField(
        name=name,
        shape=(data.label_size,),
        prior="bernoulli" if on_off else "uniform",
        role="class",
        weights=data.label_shares if on_off else (),
        rows=data.label_rows,
        row_weights=data.row_shares,
    )


def draw_fields(
    fields: tuple[LatentField, ...],
    n: int,
    *,
    truncation: float | None = None,
    device: torch.device | None = None,
) -> dict[str, Tensor]:
    """Draw `n` rows of every field from torch's generator.

    `truncation` below 1 draws normal fields from a normal distribution cut at ±2·truncation:
    the smaller, the safer and the more alike the pictures. Values outside are drawn again.

    Source: Brock et al. 2019 (BigGAN), section 3.1, the truncation trick.
    """
    if truncation is not None and not 0 < truncation <= 1:
        raise ConfigError(f"truncation is {truncation}; it must be above 0 and at most 1.")
    drawn: dict[str, Tensor] = {}
    for field in fields:
        shape = (n, *field.shape)
        if field.rows:
            rows, weights = (part.to(device) for part in field.table)
            chosen = torch.multinomial(weights, n, replacement=True)
            drawn[field.name] = rows[chosen].view(shape)
        elif field.prior == "categorical" and field.weights:
            weights = torch.tensor(field.weights, device=device)
            numbers = torch.multinomial(weights, math.prod(shape), replacement=True)
            drawn[field.name] = numbers.view(shape)
        elif field.prior == "categorical":
            drawn[field.name] = torch.randint(field.choices, shape, device=device)
        elif field.prior == "bernoulli":
            rates = torch.tensor(field.weights or (0.5,), device=device)
            drawn[field.name] = (torch.rand(shape, device=device) < rates).float()
        elif field.prior == "uniform":
            drawn[field.name] = torch.rand(shape, device=device) * 2 - 1
        else:
            values = torch.randn(shape, device=device)
            if truncation is not None and truncation < 1:
                limit = 2 * truncation
                while bool((outside := values.abs() > limit).any()):
                    values = torch.where(outside, torch.randn_like(values), values)
            drawn[field.name] = values
    return drawn


def scaled(fields: tuple[LatentField, ...], latents: Latents, std: float) -> dict[str, Tensor]:
    """The same latents with normal noise of standard deviation `std`, where it was 1.

    Source: the PyTorch code published by the first author of Brock et al. 2019 (BigGAN), whose
            `z_var` is this, and no truncation.
    """
    noise = {field.name for field in fields if field.prior == "normal" and field.role == "noise"}
    return {
        name: value if name not in noise or std == 1 else std * value
        for name, value in latents.items()
    }
