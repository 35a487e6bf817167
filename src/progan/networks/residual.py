"""The residual networks of SNGAN, SAGAN and BigGAN.

    generator       z → dense → [double, …] → batch norm, relu, 3×3, tanh
    discriminator   [halve, …], [keep, …] → relu, sum over places → dense 1, + ⟨V y, sum⟩

A generator is told a label in its norms: by a vector for each class, or by maps, without
constants, of a vector common to all norms. That is the label's own shared one, beside a piece of
the latent for each block (skip-z), or all of the latent.

Source:  Miyato et al. 2018 (SNGAN), Miyato & Koyama 2018 (projection), Zhang et al. 2019 (SAGAN),
         Brock et al. 2019 (BigGAN), with the code published with them.
Departs: channels at 8 and 16 pixels are ours, as are those of the discriminator for 512.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from progan.core.errors import ConfigError
from progan.layers.attention import AttentionForm, SelfAttention
from progan.layers.labels import ConditionalBatchNorm2d
from progan.layers.residual import DeepDownBlock, DeepUpBlock, DownBlock, MakeNorm, UpBlock
from progan.layers.spectral import with_spectral_norm
from progan.layers.start import Start, start

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Blocks", "Family", "ResidualDiscriminator", "ResidualGenerator", "Shape", "shape_of"]

Blocks = Literal["thin", "wide", "deep"]
Family = Literal["sngan", "biggan"]


@dataclass(frozen=True)
class Shape:
    """Blocks of both networks, channels in multiples of the width."""

    first: int
    """Side of the smallest features."""
    up: tuple[int, ...]
    """Channels at that side, then behind each doubling block."""
    down: tuple[int, ...]
    """Channels behind each block of the discriminator."""
    halvings: int
    """The first so many blocks of the discriminator halve."""

    @property
    def resolution(self) -> int:
        """Side of the pictures."""
        return self.first * 2 ** (len(self.up) - 1)

    @property
    def slots(self) -> int:
        """Places where a piece of the latent enters: the first layer, and each doubling."""
        return len(self.up)


_SHAPES = {
    8: Shape(2, (2, 2, 1), (1, 2, 2), 2),
    16: Shape(4, (2, 2, 1), (1, 2, 2), 2),
    32: Shape(4, (4, 4, 4, 4), (4, 4, 4, 4), 2),
    64: Shape(4, (16, 16, 8, 4, 2), (1, 2, 4, 8, 16), 4),
    128: Shape(4, (16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), 5),
    256: Shape(4, (16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16), 6),
    512: Shape(4, (16, 16, 8, 8, 4, 2, 1, 1), (1, 1, 2, 4, 8, 8, 16, 16), 7),
}


def shape_of(resolution: int, family: Family = "biggan") -> Shape:
    """The blocks for pictures of this side.

    At 32 pixels SNGAN's discriminator has half the channels of BigGAN's.

    Raises: ConfigError for a side that no network is made for.
    """
    if resolution not in _SHAPES:
        nearest = min(_SHAPES, key=lambda side: abs(side - resolution))
        raise ConfigError(
            f"resolution is {resolution}; these networks are made for "
            f"{', '.join(map(str, _SHAPES))}: --set data.resolution={nearest}"
        )
    if resolution == 32 and family == "sngan":
        return Shape(4, (4, 4, 4, 4), (2, 2, 2, 2), 2)
    return _SHAPES[resolution]


class ResidualGenerator(nn.Module):
    """Latents, and labels if there are any, to pictures."""

    def __init__(
        self,
        shape: Shape,
        *,
        channels: int,
        latent_size: int,
        width: int,
        labels: int = 0,
        shared: int = 0,
        split: bool = False,
        deep: bool = False,
        attention: Collection[int] = (),
        attention_form: AttentionForm = "pooled",
        first_weights: Start = "glorot",
        spectral: bool = False,
        spectral_eps: float = 1e-12,
        norm_eps: float = 1e-5,
    ) -> None:
        """`labels`: numbers of a label's row; 0: none. `shared`: width of the labels' common
        vector; 0: each norm has a vector of its own for each class. `split`: each block gets a
        piece of the latent of its own; `deep`: bottlenecks, which all get all of the latent."""
        super().__init__()
        if split and latent_size % shape.slots:
            raise ConfigError(
                f"latent_size is {latent_size}, which cannot be split into {shape.slots} equal "
                f"pieces: --set latent_size={20 * shape.slots}"
            )
        self.deep, self.first = deep, shape.first
        self.chunk = latent_size // shape.slots if split and not deep else 0
        label = shared if labels and shared else labels  # numbers that tell it
        bottom = label + latent_size if deep else self.chunk or latent_size
        told = bottom if deep else label + self.chunk

        self.shared = nn.Linear(labels, shared, bias=False) if labels and shared else None
        sizes = [width * multiple for multiple in shape.up]
        self.dense = nn.Linear(bottom, sizes[0] * shape.first**2)
        norm: MakeNorm = partial(nn.BatchNorm2d, eps=norm_eps)
        if told:
            norm = partial(_told_norm, told=told, eps=norm_eps)
        self.blocks, self.attentions = nn.ModuleList(), nn.ModuleDict()
        side = shape.first
        for number, (before, after) in enumerate(pairwise(sizes)):
            self.blocks.append(
                nn.ModuleList(
                    [
                        DeepUpBlock(before, before, norm, doubles=False),
                        DeepUpBlock(before, after, norm, doubles=True),
                    ]
                    if deep
                    else [UpBlock(before, after, norm)]
                )
            )
            side *= 2
            if side in attention:
                self.attentions[str(number)] = SelfAttention(
                    after, form=attention_form, spectral_norm=False
                )
        self.norm = nn.BatchNorm2d(sizes[-1], eps=norm_eps)
        self.last = nn.Conv2d(sizes[-1], channels, 3, padding=1)

        self.by_vectors = bool(shared or self.chunk or deep)
        own = [] if self.by_vectors else self.vectors()  # a class's own, which start at 0
        start(self, first_weights, plain=(self.last,), but=own)
        if spectral:  # which cripples the labels' vectors, by the word of BigGAN's first author
            with_spectral_norm(self, eps=spectral_eps, but=[*self.vectors(), *_full(self)])

    def vectors(self) -> list[nn.Module]:
        """What holds the labels' own vectors: the shared ones, or those of each norm."""
        if self.shared is not None:
            return [self.shared]
        if self.by_vectors:
            return []
        return [m for m in self.modules() if isinstance(m, ConditionalBatchNorm2d)]

    def forward(
        self, z: Float[Tensor, "n z"], y: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z` that the rows of labels `y` ask for."""
        vector = self.shared(y) if self.shared is not None else y
        pieces = torch.split(z, self.chunk, dim=1) if self.chunk else (z,)
        bottom = pieces[0]
        if self.deep:
            bottom = vector = z if vector is None else torch.cat([vector, z], dim=1)
        x = self.dense(bottom).view(len(z), -1, self.first, self.first)
        for number, group in enumerate(self.blocks):
            told = vector
            if self.chunk:
                piece = pieces[number + 1]
                told = piece if vector is None else torch.cat([vector, piece], dim=1)
            assert isinstance(group, nn.ModuleList)
            for block in group:
                x = block(x, told)
            if str(number) in self.attentions:
                x = self.attentions[str(number)](x)
        return self.last(relu(self.norm(x))).tanh().float()


def _told_norm(channels: int, *, told: int, eps: float) -> nn.Module:
    return ConditionalBatchNorm2d(channels, told, common=False, eps=eps)


def _full(network: nn.Module) -> list[nn.Module]:
    """The attentions of a network that are published without spectral norm."""
    found = [m for m in network.modules() if isinstance(m, SelfAttention)]
    return [m for m in found if not m.pools]


class ResidualDiscriminator(nn.Module):
    """Pictures, and labels if there are any, to scores.

        s(x, y) = w · h + b + ⟨V y, h⟩,   h the sum over places of relu(features)

    Source: Miyato & Koyama 2018, equation 3 and figure 14.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        channels: int,
        width: int,
        labels: int = 0,
        blocks: Blocks = "wide",
        constant: bool = True,
        attention: Collection[int] = (),
        attention_form: AttentionForm = "pooled",
        first_weights: Start = "glorot",
        spectral: bool = True,
        spectral_eps: float = 1e-12,
    ) -> None:
        """`constant`: whether there is b."""
        super().__init__()
        sizes = [width * multiple for multiple in shape.down]
        self.blocks, self.attentions = nn.ModuleList(), nn.ModuleDict()
        self.stem: nn.Module
        if blocks == "deep":
            self.stem = nn.Conv2d(channels, sizes[0], 3, padding=1)
        else:
            self.stem = nn.Identity()
        side = shape.resolution
        for number, (before, after) in enumerate(pairwise([channels, *sizes])):
            if blocks == "deep" and number == 0:
                continue
            place = number - (blocks == "deep")
            halves = place < shape.halvings
            group: list[nn.Module]
            if blocks == "deep":
                group = [
                    DeepDownBlock(before, after, halves=halves),
                    DeepDownBlock(after, after, halves=False),
                ]
            else:
                wide = blocks == "wide"
                group = [DownBlock(before, after, halves=halves, first=number == 0, wide=wide)]
            self.blocks.append(nn.ModuleList(group))
            side //= 2 if halves else 1
            if halves and side in attention:
                self.attentions[str(place)] = SelfAttention(
                    after, form=attention_form, spectral_norm=False
                )
        self.verdict = nn.Linear(sizes[-1], 1, bias=constant)
        self.embedding = nn.Linear(labels, sizes[-1], bias=False) if labels else None
        start(self, first_weights)
        if spectral:
            with_spectral_norm(self, eps=spectral_eps, but=_full(self))

    def features(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n f"]:
        """h: the rectified features, summed over all places."""
        x = self.stem(image)
        for number, group in enumerate(self.blocks):
            assert isinstance(group, nn.ModuleList)
            for block in group:
                x = block(x)
            if str(number) in self.attentions:
                x = self.attentions[str(number)](x)
        return relu(x.float()).sum(dim=(2, 3))

    def forward(
        self, image: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, " n"]:
        """Judge whether `image` is real and, where the network knows labels, belongs to `y`."""
        h = self.features(image)
        score = self.verdict(h).float().squeeze(1)
        if self.embedding is None:
            return score
        assert y is not None
        return score + (self.embedding(y).float() * h).sum(dim=1)
