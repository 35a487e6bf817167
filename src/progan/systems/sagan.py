"""SAGAN: places of a picture that look at all others, in both networks.

    β_ij            softmax over j of ⟨θ(x_i), φ(x_j)⟩
    y_i             x_i + γ W(Σ_j β_ij g(x_j)),  γ starting at 0
    discriminator   E[max(0, 1 − D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
    generator       −E[D(G(z, y), y)]

Convolutions bring far places together only through many layers; attention does it in one. Spectral
norm holds for the generator's weights too, and the discriminator learns four times as fast.

Source:  Zhang et al. 2019, "Self-Attention Generative Adversarial Networks", equations 1 to 4,
         section 4; the pooling, and the places of attention, from the code published with it.
Departs: a class's own gains and biases in batch norm have no spectral norm. First weights are
         uniform (Glorot & Bengio), with SNGAN's gains. Reals and fakes pass the discriminator
         together. The generator is shown by its running average.
"""

from __future__ import annotations

from progan.systems.configs.sagan import SAGANConfig
from progan.systems.residual import Residual

__all__ = ["SAGAN"]


class SAGAN(Residual):
    """The game of residual networks with attention; see `layers/attention.py`."""

    family = "sngan"
    config: SAGANConfig
