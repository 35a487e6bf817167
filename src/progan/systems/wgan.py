"""WGAN: a critic whose weights are clipped, so that its loss tells a distance.

    critic      E[s(G(z))] − E[s(x)],  then every weight back into [−c, c]
    generator   −E[s(G(z))]

Over all functions of slope at most 1 the best E[s(x)] − E[s(G(z))] is the Wasserstein distance.
Clipped weights bound the slope by some number that nobody knows: divided by the mean slope it has,
the difference of the scores is near the distance; as it stands it only rises and falls with it.

Source:  Arjovsky et al. 2017, "Wasserstein Generative Adversarial Networks", algorithm 1; the
         networks and the critic's extra steps from the code published with it.
Departs: weights are clipped after each step, in the published code before each. The published
         critic is low on reals; here high scores are real, as in the paper. The generator is
         shown by its running average.
"""

from __future__ import annotations

from collections.abc import Callable

from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.layers.clip import clip_weights
from progan.objectives.table import objective
from progan.systems.configs.wgan import WGANConfig
from progan.systems.duel import Duel

__all__ = ["WGAN"]


class WGAN(Duel):
    """The game of the clipped critic."""

    config: WGANConfig

    def __init__(self, config: WGANConfig, data: DataSpec) -> None:
        super().__init__(config, data, objective("wasserstein"))

    def constraint(self) -> Callable[[], None]:
        """Bring every weight of the critic back into its box."""
        return self.clip

    def clip(self) -> None:
        """Bring every weight of the critic back into [−c, c]."""
        clip_weights(self.adversary, self.config.clip)

    def critic_steps(self, at: Progress) -> int:
        """Five; a hundred at the start and now and then, so that the critic is near its best."""
        if self.config.warm_up and (at.step < 25 or at.step % 500 == 0):
            return 100
        return self.config.critic_steps
