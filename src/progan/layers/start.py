"""First weights, as papers ask for them."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

from torch import nn

__all__ = ["Start", "start", "start_normal"]

Start = Literal["glorot", "orthogonal", "normal"]


def start(
    network: nn.Module,
    how: Start,
    *,
    plain: Collection[nn.Module] = (),
    but: Collection[nn.Module] = (),
) -> None:
    """Give every dense and convolutional layer its first weights; constants are 0.

        orthogonal   rows of the weight, one for each output, at right angles and of length 1; of
                     columns where those are fewer
        glorot       uniform with variance 2 g² / (inputs + outputs): g = √2 for 3×3 convolutions,
                     1 for others and those in `plain`
        normal       N(0, 0.02)

    Layers within those in `but` are left alone.

    Source: Saxe et al. 2014 (orthogonal); Glorot & Bengio 2010, with the gains of the code
            published with Miyato et al. 2018 (SNGAN).
    """
    spared = {inner for module in but for inner in module.modules()}
    for module in network.modules():
        if not isinstance(module, nn.Linear | nn.Conv2d) or module in spared:
            continue
        if how == "orthogonal":
            nn.init.orthogonal_(module.weight)
        elif how == "normal":
            nn.init.normal_(module.weight, 0.0, 0.02)
        else:
            wide = isinstance(module, nn.Conv2d) and module.kernel_size[0] > 1
            gain = math.sqrt(2) if wide and module not in plain else 1.0
            nn.init.xavier_uniform_(module.weight, gain)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def start_normal(network: nn.Module, deviation: float) -> None:
    """Weights of every convolution and dense layer from N(0, deviation), gains of batch norms from
    N(1, deviation); constants are 0.

    Source: Radford et al. 2016 (DCGAN), section 4, and the code published with Zhu et al. 2017
            (CycleGAN), where `deviation` is 0.02.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, deviation)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, deviation)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
