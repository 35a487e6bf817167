"""How labels enter a network: as rows of numbers, as planes of pixels, and through norms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["ConditionalBatchNorm2d", "LabelledScale", "label_rows", "with_planes"]


def label_rows(label: Int[Tensor, " n"] | Float[Tensor, "n k"], size: int) -> Float[Tensor, "n k"]:
    """Classes as one-hot rows of `size`; rows of numbers (a vector, a mixture) pass as they are."""
    return label if label.is_floating_point() else one_hot(label, size).float()


def with_planes(x: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]) -> Float[Tensor, "n d h w"]:
    """Append a constant plane for each of the k numbers of a label.

    Source: Radford et al. 2016 (DCGAN), the code published with it, where all layers get them.
    """
    planes = y[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes.to(x.dtype)], dim=1)


class LabelledScale(nn.Module):
    """Gain and bias of each channel that depend on the label.

        out = (g + u U y) · x + (b + u V y)

    with y the label's row: a class picks a column of U and V. g starts at 1, all else at 0, so that
    at first all labels are treated alike. `unit`, u, is how fast labels are learned beside g and b.
    Without `common`, g is 1 and b 0 for good.

    Source: Dumoulin et al. 2017, "A Learned Representation for Artistic Style", equation 5, the
            part behind the normalisation; without `common` Brock et al. 2019 (BigGAN), appendix B,
            where y is any vector.
    """

    def __init__(
        self, channels: int, labels: int, *, unit: float = 1.0, common: bool = True
    ) -> None:
        super().__init__()
        self.unit = unit
        self.gain = nn.Linear(labels, channels, bias=common)
        self.bias = nn.Linear(labels, channels, bias=common)
        for layer, start in ((self.gain, 1.0), (self.bias, 0.0)):
            nn.init.zeros_(layer.weight)
            if common:
                nn.init.constant_(layer.bias, start)

    def forward(
        self, x: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, "n c h w"]:
        """Scale and move `x` as the labels `y` ask."""
        y = self.unit * y
        gain, bias = self.gain(y)[:, :, None, None], self.bias(y)[:, :, None, None]
        gain = gain if self.gain.bias is not None else 1 + gain
        return torch.addcmul(bias.to(x.dtype), gain.to(x.dtype), x)


class ConditionalBatchNorm2d(LabelledScale):
    """Batch norm whose gain and bias depend on the label.

        out = (g + U y) · (x − mean) / sqrt(variance + eps) + (b + V y)

    with one number for each channel: see `LabelledScale`.

    Source: Dumoulin et al. 2017, "A Learned Representation for Artistic Style", equation 5;
            Miyato & Koyama 2018, section 5, for generators.
    """

    def __init__(
        self, channels: int, labels: int, *, common: bool = True, eps: float = 1e-5
    ) -> None:
        super().__init__(channels, labels, common=common)
        self.norm = nn.BatchNorm2d(channels, eps=eps, affine=False)

    def forward(
        self, x: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, "n c h w"]:
        """Normalise `x` as the labels `y` ask."""
        return super().forward(self.norm(x), y)
