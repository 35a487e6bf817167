"""BigGAN: SAGAN wider and in large batches, label and latent at every block.

    discriminator   E[max(0, 1 − D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
    generator       −E[D(G(z, y), y)] + β Σ ‖(W Wᵀ) ⊙ (1 − I)‖²
    norm of block k BN(x) (1 + U_k c_k) + V_k c_k,   c_k = (S y, z_k)
    truncation      z drawn again wherever |z_i| > τ

One vector S y of the label serves all norms, and the latent is cut into a piece for the first layer
and one for each block. A generator whose weights are nearly orthogonal draws well from latents that
are cut off: fewer kinds of pictures, each better. Batch norm's statistics belong to the latents
they were measured with, so they are measured anew for each τ.

Source:  Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis",
         equation 3, sections 3.1 and 3.2, appendices B and C; details from the PyTorch code
         published by its first author.
Departs: at 512 pixels the discriminator mirrors the generator. Data without labels keep the pieces
         of the latent in the norms. Reals and fakes pass the discriminator together. The run ends
         where the published code's log does, and does not watch for collapse. The paper's gradient
         of β's term is autograd's; the published code has half of it.
"""

from __future__ import annotations

from typing import Any

from progan.systems.configs.biggan import BigGANConfig
from progan.systems.residual import Residual

__all__ = ["BigGAN"]


class BigGAN(Residual):
    """The game of residual networks, told label and latent everywhere; or BigGAN-deep."""

    config: BigGANConfig

    def for_generator(self) -> dict[str, Any]:
        """The common vector of labels, and how the latent enters."""
        config = self.config
        deep = config.variant == "deep"
        return {"shared": config.shared, "split": config.split and not deep, "deep": deep}

    def for_critic(self) -> dict[str, Any]:
        """Bottlenecks in BigGAN-deep."""
        return {"blocks": "deep"} if self.config.variant == "deep" else super().for_critic()
