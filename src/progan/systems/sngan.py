"""SNGAN: every weight of the discriminator divided by its largest singular value.

    W̄               W / σ(W),  σ by one step of the power method at each pass in training
    discriminator   E[max(0, 1 − D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
    generator       −E[D(G(z, y), y)]
    D(x, y)         w · h(x) + ⟨V y, h(x)⟩,  h the rectified features summed over places

A layer of rectified units then stretches nothing more than once, and D, a row of such layers, has
a slope of at most about 1. Where labels are used, the generator's batch norm has a gain and a bias
for each class.

Source:  Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks",
         algorithm 1, equations 16 and 17, tables 3 and 4; Miyato & Koyama 2018, "cGANs with
         Projection Discriminator", equation 3; rates and first weights from the code published with
         them.
Departs: a 3×3 convolution's σ is that of its weight as a matrix, as in the paper, which bounds the
         layer's own only within a factor of 3. Reals and fakes pass the discriminator together. The
         generator is shown by its running average.
"""

from __future__ import annotations

from progan.systems.configs.sngan import SNGANConfig
from progan.systems.residual import Residual

__all__ = ["SNGAN"]


class SNGAN(Residual):
    """The game of residual networks, the discriminator's weights normalised."""

    family = "sngan"
    config: SNGANConfig
