"""f-GAN: any f-divergence between data and generator, bounded from below and lowered.

    variational function   −E[T(v(x))] + E[f*(T(v(G(z))))]
    generator              −E[f*(T(v(G(z))))]   or, not saturating,   −E[T(v(G(z)))]

v is the network's output, T maps it onto the domain of f*, the conjugate of f. Both players move
at once on one evaluation, which the paper proves to converge near a saddle point.

Source:  Nowozin et al. 2016, "f-GAN: Training Generative Neural Samplers using Variational
         Divergence Minimization", equation 4, algorithm 1, section 3.2.
Departs: v estimates log p/q for every divergence (see `objectives/divergence.py`). The generator
         is shown by its running average. Pictures end in tanh, in the paper in a sigmoid.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from progan.core.batch import Images
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import JointTurn, Turn
from progan.networks.mlp import DenseCritic, DenseGenerator
from progan.objectives.table import objective
from progan.systems.configs.fgan import FGANConfig
from progan.systems.duel import Duel

__all__ = ["FGAN"]


class FGAN(Duel):
    """The game of a divergence."""

    config: FGANConfig

    def __init__(self, config: FGANConfig, data: DataSpec) -> None:
        super().__init__(config, data, objective(config.objective))

    def make_generator(self) -> nn.Module:
        """The paper's dense network has batch norm."""
        if self.config.network != "mlp":
            return super().make_generator()
        return DenseGenerator(
            resolution=self.data.resolution,
            channels=self.data.channels,
            latent_size=self.config.latent_size,
            batch_norm=True,
        )

    def make_critic(self) -> nn.Module:
        """The paper's dense network has three layers with exponential linear units."""
        if self.config.network != "mlp":
            return super().make_critic()
        size, channels = self.data.resolution, self.data.channels
        return DenseCritic(resolution=size, channels=channels, hidden=240, layers=2, elu=True)

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        """Both at once, or one after the other."""
        if self.config.simultaneous:
            return (JointTurn((self.opponent, "generator"), self.joint_losses),)
        return super().turns(at)
