"""LSGAN: a discriminator that aims at numbers, so that samples far from the mark still teach.

    discriminator   ½ E[(s(x) − b)²] + ½ E[(s(G(z)) − a)²]
    generator       ½ E[(s(G(z)) − c)²]

The best discriminator is s = (b p + a q) / (p + q). With b − c = 1 and b − a = 2 the generator
lowers half of Pearson's χ² between p + q and 2q.

Source:  Mao et al. 2017, "Least Squares Generative Adversarial Networks", equations 2, 8 and 9.
Departs: the networks are DCGAN's at any power of two, the paper's for 112 pixels are not built;
         the rate is DCGAN's 2e-4 but in preset `lsun`. The generator is shown by its running
         average.
"""

from __future__ import annotations

from progan.core.specs import DataSpec
from progan.objectives.table import least_squares
from progan.systems.configs.lsgan import LSGANConfig
from progan.systems.duel import Duel

__all__ = ["LSGAN"]


class LSGAN(Duel):
    """The least-squares game."""

    opponent = "discriminator"

    def __init__(self, config: LSGANConfig, data: DataSpec) -> None:
        super().__init__(
            config, data, least_squares(config.fake_target, config.real_target, config.aim)
        )
