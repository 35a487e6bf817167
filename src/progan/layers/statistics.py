"""Batch norm whose statistics are those of all processes together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from progan.core import distributed

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["JointBatchNorm2d", "with_joint_statistics"]


class _Joint(torch.autograd.Function):
    """y = (x − m) r with m and r over all processes, and its gradient.

    ∂L/∂x = r (g − mean g − y mean(g y)),   g = ∂L/∂y, means over all processes, L the sum of their
    losses.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        """Also the means, and the unbiased variances."""
        exact = x.double()
        count = torch.full((1,), x.numel() / x.shape[1], dtype=exact.dtype, device=x.device)
        sums = torch.cat([exact.sum((0, 2, 3)), exact.square().sum((0, 2, 3)), count])
        sums = distributed.sum_shards([sums])
        total = sums[-1:].clone()
        mean, square = (sums[:-1] / total).chunk(2)
        variance = (square - mean.square()).clamp_min(0)
        r = (variance + eps).rsqrt()
        y = ((exact - mean[:, None, None]) * r[:, None, None]).to(x.dtype)
        unbiased = variance * total / (total - 1)
        ctx.save_for_backward(y, r, total)
        ctx.mark_non_differentiable(mean, unbiased)
        return y, mean, unbiased

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        y, r, total = ctx.saved_tensors
        g, exact = gradients[0].double(), y.double()
        sums = torch.cat([g.sum((0, 2, 3)), (g * exact).sum((0, 2, 3))])
        mean, along = (distributed.sum_shards([sums]) / total)[:, None, None].chunk(2)
        return (r[:, None, None] * (g - mean - exact * along)).to(y.dtype), None


class JointBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the batches of all processes, which hold a shard each.

        y = (x − mean) / sqrt(variance + eps) · gain + bias

    with mean and variance over all places of all pictures of all shards, added in shard order in
    float64, so that every process finds the same bits. Its gradient crosses processes too. All of
    them must pass at once. With one process, in evaluation, and where it has no momentum, as when a
    process measures statistics for itself, it is plain batch norm.

    Source: Brock et al. 2019 (BigGAN), section 3, where statistics are those of all devices.
    """

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalise `input`, and move the running statistics in training."""
        if not self.training or self.momentum is None or distributed.world() == 1:
            return super().forward(input)
        y, mean, unbiased = _Joint.apply(input.float(), self.eps)  # type: ignore[no-untyped-call]
        if self.track_running_stats:
            self._remember(mean, unbiased, self.momentum)
        if self.affine:
            y = y * self.weight[:, None, None] + self.bias[:, None, None]
        return y.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, unbiased: Tensor, momentum: float) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)


def with_joint_statistics(network: nn.Module) -> nn.Module:
    """Let every batch norm of `network` look at all processes; names stay. The same network."""
    for name, module in list(network.named_modules()):
        if type(module) is nn.BatchNorm2d:
            joint = JointBatchNorm2d(
                module.num_features, eps=module.eps, momentum=module.momentum, affine=module.affine
            )
            joint.load_state_dict(module.state_dict())
            network.set_submodule(name, joint)
    return network
