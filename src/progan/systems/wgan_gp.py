"""WGAN-GP: a critic held near slope one by a penalty, instead of by clipping its weights.

    critic      E[s(G(z))] − E[s(x)] + λ E[(‖∇s(x̂)‖ − 1)²],  x̂ between a real and a fake
    generator   −E[s(G(z))]

The penalty lets the slope be more than one where that pays: for reals and fakes a distance Δ
apart it settles at 1 + Δ/2λ, so E[s(x)] − E[s(G(z))] is Δ (1 + Δ/2λ); divided by the mean slope
it is the distance. `penalty.side` chooses among the published penalties.

Source:  Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", algorithm 1; one-sided:
         Petzka et al. 2018, "On the Regularization of Wasserstein GANs".
Departs: the networks are DCGAN's, with layer norm in the critic; the paper has residual ones
         too. The generator is shown by its running average.
"""

from __future__ import annotations

from progan.core.specs import DataSpec
from progan.objectives.table import objective
from progan.systems.configs.wgan_gp import WGANGPConfig
from progan.systems.duel import Duel

__all__ = ["WGANGP"]


class WGANGP(Duel):
    """The game of the critic whose slope is priced."""

    def __init__(self, config: WGANGPConfig, data: DataSpec) -> None:
        super().__init__(config, data, objective("wasserstein"))
