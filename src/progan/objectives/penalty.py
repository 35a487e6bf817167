"""Terms that keep a critic gentle: its slope, and how far its scores stray. All without weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from progan.core.slopes import verdict_and_slope

if TYPE_CHECKING:
    from jaxtyping import Float

    Images = Float[Tensor, "n c h w"]
    Scores = Float[Tensor, " n"]

__all__ = ["drift", "gradient_penalty", "r1"]


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Images,
    fake: Images,
    target: float = 1.0,
    scale: float = 1.0,
) -> Float[Tensor, ""]:
    """Pull the critic's slope towards `target` between real and fake images.

        E[(scale · ‖∇s(x̂)‖ − target)²],        x̂ = x + u (x̃ − x),  u ~ U[0, 1] per pair

    `critic` maps images to one score each; pass a closure to fix labels, resolution or fade.
    `scale` 2^−k measures the slope with respect to pictures enlarged 2^k times: it is what
    ProGAN's code does by always training on full-size pictures. A slope of exactly zero passes
    back zero, not NaN.

    Source: Gulrajani et al. 2017 (WGAN-GP), equation 3; the target from Karras et al. 2018
    (ProGAN), appendix A.1, where the whole is also divided by target².
    """
    mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    _, gradient = verdict_and_slope(critic, torch.lerp(real, fake, mix))
    slope = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (scale * slope - target).square().mean()


def r1(slope: Images, scale: float = 1.0) -> Float[Tensor, ""]:
    """Pull the critic's slope at real images towards zero.

        ½ E[‖scale · ∇s(x)‖²]

    `slope` is ∇s(x) as `progan.core.slopes.verdict_and_slope` gives it, beside the scores: so one
    forward pass serves this and the loss. `scale` as in `gradient_penalty`.

    Source: Mescheder et al. 2018 (R1), equation 9, without γ.
    """
    return slope.square().sum(dim=(1, 2, 3)).mean() * (scale**2 / 2)


def drift(real_scores: Scores) -> Float[Tensor, ""]:
    """Keep the scores of reals near zero: E[s(x)²].

    Source: Karras et al. 2018 (ProGAN), appendix A.1.
    """
    return real_scores.square().mean()
