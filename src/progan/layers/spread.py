"""Layers that let a critic see how much the samples of a batch differ from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["MinibatchDiscrimination", "MinibatchStddev", "group_size"]


def group_size(n: int, group: int | None) -> int:
    """The largest group not above `group` that divides `n` samples; None is all of them."""
    if group is None or group >= n:
        return n
    return next(size for size in range(group, 0, -1) if n % size == 0)


class MinibatchStddev(nn.Module):
    """Append one channel: how much the samples of a group differ, on average.

        y = mean over c, h, w of sqrt(variance over the group + 1e-8)

    n samples make M = n / group groups; the members of one are the samples i, i + M, i + 2M, …
    (strided, not neighbours). The variance is the biased one, taken in float32. A single sample
    gets the constant sqrt(1e-8).

    `parts` runs of samples that came in together (reals, then fakes) are grouped apart, so that
    one pass gives the same scores as one pass for each.

    Source:  Karras et al. 2018 (ProGAN), section 3; groups from its TensorFlow code.
    Departs: a batch that `group` does not divide takes the largest smaller group that does,
             where the original refuses.
    """

    def __init__(self, group: int | None = None) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Float[Tensor, "n c h w"], parts: int = 1) -> Float[Tensor, "n c+1 h w"]:
        """Append the channel to `x`."""
        n, _, h, w = x.shape
        size = group_size(n // parts, self.group)
        members = x.float().view(parts, size, n // parts // size, *x.shape[1:])
        variance = (members - members.mean(dim=1, keepdim=True)).square().mean(dim=1)
        spread = (variance + 1e-8).sqrt().mean(dim=(2, 3, 4))
        channel = spread.unsqueeze(1).expand(-1, size, -1).reshape(n, 1, 1, 1)
        return torch.cat([x, channel.to(x.dtype).expand(n, 1, h, w)], dim=1)


class MinibatchDiscrimination(nn.Module):
    """Append how close each sample is to the others of its batch, in several learned senses.

        m = x · T,                                n × kernels × dims
        f(i, k) = Σ over j ≠ i of exp(−‖m(i, k) − m(j, k)‖₁)
        y = [x, f + b]

    T is weight-normalised: each of its columns is a direction of length one times exp(s). `s`
    and `b` are set from data before training, by `calibrate`: distances to the nearest other
    sample then average 2, and f averages 0. `parts` as in `MinibatchStddev`.

    Source:  Salimans et al. 2016 (Improved Techniques), section 3.2; as row e* of ProGAN's
             table 1: 100 kernels of 5 dimensions.
    Departs: f excludes the sample itself, as their code does and their text does not.
    """

    calibrated: Tensor

    def __init__(self, features: int, kernels: int = 100, dims: int = 5) -> None:
        super().__init__()
        self.direction = nn.Parameter(0.05 * torch.randn(features, kernels, dims))
        self.log_scale = nn.Parameter(torch.zeros(kernels, dims))
        self.bias = nn.Parameter(torch.zeros(kernels))
        self.register_buffer("calibrated", torch.tensor(False))

    def distances(self, x: Float[Tensor, "n f"], parts: int) -> Float[Tensor, "p m m k"]:
        """L1 distance between any two samples of a part, in every sense; infinite to itself."""
        length = self.direction.square().sum(dim=0).sqrt()
        theta = self.direction * (self.log_scale.exp() / length)
        mine = (x @ theta.flatten(1)).view(parts, -1, *theta.shape[1:])
        apart = (mine.unsqueeze(1) - mine.unsqueeze(2)).abs().sum(dim=-1)
        itself = torch.eye(apart.shape[1], dtype=torch.bool, device=x.device)
        return apart.masked_fill(itself[None, :, :, None], float("inf"))

    @torch.no_grad()
    def calibrate(self, x: Float[Tensor, "n f"]) -> None:
        """Set scale and bias from the features of real samples; later calls do nothing."""
        if bool(self.calibrated) or len(x) < 2:
            return
        nearest = self.distances(x.float(), 1).amin(dim=2).mean(dim=(0, 1))
        self.log_scale.sub_((0.5 * nearest).log().unsqueeze(1))
        closeness = (-self.distances(x.float(), 1)).exp().sum(dim=2)
        self.bias.sub_(closeness.mean(dim=(0, 1)))
        self.calibrated.fill_(True)

    def forward(self, x: Float[Tensor, "n f"], parts: int = 1) -> Float[Tensor, "n g"]:
        """Append the closenesses to `x`."""
        with torch.autocast(x.device.type, enabled=False):
            closeness = (-self.distances(x.float(), parts)).exp().sum(dim=2).flatten(0, 1)
            return torch.cat([x, (closeness + self.bias).to(x.dtype)], dim=1)
