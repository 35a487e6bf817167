"""A picture in few colours: k-means of its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["palette_of", "recoloured"]

ROUNDS = 30
"""Of Lloyd's iteration, at most; it ends where nothing moves."""


def palette_of(image: Float[Tensor, "1 c h w"], colours: int) -> Float[Tensor, "k c"]:
    """The means of a picture's pixels in `colours` clusters, dark to light where they begin.

    Begins with the pixels that lie at even shares of brightness, so that nothing is drawn.
    """
    pixels = image[0].flatten(1).t().float()
    order = pixels.mean(dim=1).argsort(stable=True)
    shares = (torch.arange(colours, device=image.device) + 0.5) / colours
    return _settled(pixels, pixels[order[(shares * len(order)).long()]])


def recoloured(
    image: Float[Tensor, "n c h w"], palette: Float[Tensor, "k c"]
) -> Float[Tensor, "n c h w"]:
    """Each picture in the colours of `palette`.

    A picture's own clusters are sought from the palette on, and each takes the colour that it
    began with: a sketch need not hit the colours, only keep them apart.
    """
    rows = []
    for one in image:
        pixels = one.flatten(1).t().float()
        nearest = _nearest(pixels, _settled(pixels, palette))
        rows.append(palette[nearest].t().reshape(one.shape))
    return torch.stack(rows).to(image.dtype)


def _nearest(pixels: Tensor, centres: Tensor) -> Tensor:
    apart = (pixels[:, None] - centres[None]).square().sum(dim=2)
    return apart.argmin(dim=1)


def _settled(pixels: Tensor, centres: Tensor) -> Tensor:
    """Lloyd's iteration; a cluster that nothing is near to stays where it is."""
    for _ in range(ROUNDS):
        chosen = torch.nn.functional.one_hot(_nearest(pixels, centres), len(centres)).float()
        count = chosen.sum(dim=0)[:, None]
        moved = torch.where(count > 0, (chosen.t() @ pixels) / count.clamp(min=1), centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres
