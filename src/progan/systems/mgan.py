"""MGAN: generators that share layers, and are kept apart by a classifier that tells them apart.

    discriminator   −E[log D(x)] − E[log(1 − D(G_k(z)))]
    classifier      −E[log C_k(G_k(z))]
    generators      −E[log D(G_k(z))] − β E[log C_k(G_k(z))]

k is drawn with the probabilities π. With the minimax loss and the best D and C, the game lowers
the Jensen-Shannon divergence between data and mixture, less β times that among the generators.
The generators share all layers but the first, the classifier shares all but its last with the
discriminator, and the two are one player. All generators are given the same z.

Source:  Hoang et al. 2018, "MGAN: Training Generative Adversarial Nets with Multiple Generators",
         equation 2; twelve fakes of each of ten generators, all from the same z, from the code
         published with it.
Departs: there are as many reals as fakes, 120, where the published code has 64. The networks are
         DCGAN's, and any objective can take the place of D's. The generators are shown by their
         running average.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from progan.core.batch import Images
from progan.core.latents import Latents, draw_fields
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import Terms
from progan.networks.shared import SharedCritic, SharedGenerators
from progan.objectives.verdicts import look
from progan.systems.configs.ensemble import EnsembleConfig
from progan.systems.gan import GAN
from progan.systems.mixture import Mixture, fields_of, shares

__all__ = ["MGAN"]


class MGAN(Mixture, GAN):
    """One game of several generators."""

    config: EnsembleConfig

    def __init__(self, config: EnsembleConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.group = config.members
        self.latent_fields = fields_of(config)

    def make_generator(self) -> nn.Module:
        """Generators that share all layers but the first."""
        return SharedGenerators([super(MGAN, self).make_generator() for _ in self.members])

    def make_critic(self) -> nn.Module:
        """The discriminator, and the classifier beside its last layer."""
        return SharedCritic(super().make_critic(), self.config.members)

    @property
    def members(self) -> range:
        """The generators by number."""
        return range(self.config.members)

    def verdicts(self, image: Tensor) -> Tensor:
        """Of each picture: its score, then a logit for each generator that may have made it."""
        critic = self.adversary
        assert isinstance(critic, SharedCritic)
        return critic.verdicts(image)

    def fakes(self, n: int) -> tuple[Tensor, Tensor]:
        """`n` fakes, and which generator made each: π_k · n of generator k, on average exactly.

        What is left over by rounding falls where one random offset says. Every generator is given
        the first rows of the same latents.
        """
        offset = float(torch.rand(()))
        ends = [int(n * share + offset) for share in accumulate(shares(self.config))]
        counts = [end - start for start, end in pairwise([0, *ends[:-1], n])]
        device = next(self.generator.parameters()).device
        z = draw_fields(self.latent_fields[:1], max(counts), device=device)["z"]
        members = torch.arange(len(counts), device=device)
        member = members.repeat_interleave(torch.tensor(counts, device=device))
        fake: Tensor = self.generator(torch.cat([z[:count] for count in counts]), member)
        return fake, member

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        """What the discriminator and the classifier lower."""
        with torch.no_grad():
            fake, member = self.fakes(len(batch))
        on_real, on_fake, price = look(
            self.verdicts, batch.image, fake, self.config.penalty, at.step
        )
        return {
            **self.objective.critic_terms(on_real[:, 0], on_fake[:, 0]),
            "member": cross_entropy(on_fake[:, 1:], member),
            **price,
        }

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the generators lower together."""
        fake, member = self.fakes(len(batch))
        on_fake = self.verdicts(fake)
        on_real = self.judge(batch.image) if self.objective.relative else None
        return {
            **self.generator_terms(on_real, on_fake[:, 0]),
            "member": self.config.diversity * cross_entropy(on_fake[:, 1:], member),
        }

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32; each generator draws its own rows."""
        device = next(self.generator.parameters()).device
        pictures: Tensor = self.generator(latents["z"].to(device), latents["member"].to(device))
        return pictures
