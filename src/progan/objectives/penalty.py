"""Terms that keep a critic gentle: its slope, and how far its scores stray. All without weights.

`critic` maps images, of any shape, to one score each; pass a closure to fix labels, resolution or
fade. `scale`
2^−k measures slopes with respect to pictures enlarged 2^k times: it is what ProGAN's code does by
always training on full-size pictures. A slope of exactly zero passes back zero, not NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn.functional import relu

from progan.core.slopes import verdict_and_slope

if TYPE_CHECKING:
    from jaxtyping import Float

    Images = Float[Tensor, "n *shape"]
    Scores = Float[Tensor, " n"]

__all__ = [
    "Side",
    "dragan",
    "drift",
    "excess",
    "gradient_penalty",
    "norms",
    "one_number_each",
    "orthogonal",
    "pixel_penalty",
    "r1",
    "r2",
]

Side = Literal["two", "one", "one-linear"]


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Images,
    fake: Images,
    target: float = 1.0,
    scale: float = 1.0,
    side: Side = "two",
) -> Float[Tensor, ""]:
    """Pull the critic's slope towards `target` between real and fake images.

        E[excess(scale · ‖∇s(x̂)‖)],        x̂ = x + u (x̃ − x),  u ~ U[0, 1] per pair

    The norm is over all values of an image. See `excess` for the sides.

    Source: Gulrajani et al. 2017 (WGAN-GP), equation 3; the target from Karras et al. 2018
    (ProGAN), appendix A.1, where the whole is also divided by target².
    """
    _, slope = verdict_and_slope(critic, torch.lerp(real, fake, one_number_each(real)))
    return excess(scale * norms(slope), target, side).mean()


def pixel_penalty(
    critic: Callable[[Tensor], Tensor], real: Images, fake: Images
) -> Float[Tensor, ""]:
    """Pull the critic's slope at every pixel towards 1, between real and fake images.

        E[mean over pixels of (‖∇s(x̂)‖ − 1)²],      x̂ = x + u (x̃ − x),  u ~ U[0, 1] per pair

    The norm is over the channels of one pixel, n c h w, where `gradient_penalty` has it over all
    values of an image. For critics of patches, whose score of an image is the sum over its patches.

    Source: the code published with Shaham et al. 2019 (SinGAN), functions.py; its paper names
    Gulrajani et al. 2017 (WGAN-GP), whose norm is the other one.
    """
    _, slope = verdict_and_slope(critic, torch.lerp(real, fake, one_number_each(real)))
    return excess(torch.linalg.vector_norm(slope, dim=1).flatten()).mean()


def dragan(
    critic: Callable[[Tensor], Tensor],
    real: Images,
    target: float = 1.0,
    scale: float = 1.0,
    side: Side = "two",
) -> Float[Tensor, ""]:
    """Pull the critic's slope towards `target` around the real images.

        E[excess(scale · ‖∇s(x̂)‖)],        x̂ = x + u · ½ σ v,  u ~ U[0, 1] per image,
                                            v ~ U[0, 1] per value

    with σ the standard deviation of all values of the batch (the biased one).

    Source: Kodali et al. 2017 (DRAGAN), algorithm 1; the noise, which the paper leaves normal,
    from the code published with it.
    """
    mix = one_number_each(real)
    noise = torch.rand_like(real) * (real.std(correction=0) / 2)
    _, slope = verdict_and_slope(critic, real + mix * noise)
    return excess(scale * norms(slope), target, side).mean()


def one_number_each(image: Images) -> Tensor:
    """A number from U[0, 1] for each image, shaped to multiply images."""
    ones = (1,) * (image.ndim - 1)
    return torch.rand(len(image), *ones, dtype=image.dtype, device=image.device)


def norms(slope: Images) -> Scores:
    """The length of each image's slope, over all its values."""
    return torch.linalg.vector_norm(slope.flatten(1), dim=1)


def excess(norm: Scores, target: float = 1.0, side: Side = "two") -> Scores:
    """What a slope away from `target` costs.

    two          (norm − target)²              Gulrajani et al. 2017 (WGAN-GP), equation 3
    one          max(0, norm − target)²        Petzka et al. 2018 (WGAN-LP), equation 8
    one-linear   max(0, norm − target)
    """
    over = norm - target
    if side == "two":
        return over.square()
    return relu(over).square() if side == "one" else relu(over)


def r1(slope: Images, scale: float = 1.0) -> Float[Tensor, ""]:
    """Pull the critic's slope at real images towards zero.

        ½ E[‖scale · ∇s(x)‖²]

    `slope` is ∇s(x) as `progan.core.slopes.verdict_and_slope` gives it, beside the scores: so one
    forward pass serves this and the loss. `scale` as in `gradient_penalty`.

    Source: Mescheder et al. 2018 (R1), equation 9, without γ.
    """
    return slope.square().sum(dim=tuple(range(1, slope.ndim))).mean() * (scale**2 / 2)


def r2(slope: Images, scale: float = 1.0) -> Float[Tensor, ""]:
    """Pull the critic's slope at fake images towards zero.

        ½ E[‖scale · ∇s(G(z))‖²]

    `slope` and `scale` as in `r1`.

    Source: Mescheder et al. 2018 (R1), equation 10, without γ.
    """
    return r1(slope, scale)


def orthogonal(weight: Tensor) -> Float[Tensor, ""]:
    """How far the rows of a weight, one per output, are from being orthogonal.

        ‖(W Wᵀ) ⊙ (1 − I)‖²        with W of shape outputs × all else

    Lengths of the rows are left alone.

    Source: Brock et al. 2019 (BigGAN), equation 3.
    """
    rows = weight.flatten(1)
    gram = rows @ rows.T
    return (gram - gram.diagonal().diag()).square().sum()


def drift(real_scores: Scores) -> Float[Tensor, ""]:
    """Keep the scores of reals near zero: E[s(x)²].

    Source: Karras et al. 2018 (ProGAN), appendix A.1.
    """
    return real_scores.square().mean()
