"""BiGAN and ALI: the discriminator judges pairs of a picture and its code.

    discriminator          −log D(x, E(x)) − log(1 − D(G(z), z))
    encoder and generator  −log(1 − D(x, E(x))) − log D(G(z), z)   or minus the above

Where D cannot tell the pairs apart, E and G are each other's inverse: nobody ever compares E(G(z))
with z, or G(E(x)) with x. Encoder and generator are one player, for the encoder too is taught by
the real pictures. For the best discriminator D/(1 − D) is p(x, E(x)) / p(G(z), z).

BiGAN's encoder gives each picture one code; ALI's draws it, μ(x) + σ(x) ε with ε ~ N(0, 1).

Source:  Donahue et al. 2017, "Adversarial Feature Learning", equation 3 and section 3.4; networks
         and L2 of appendix A; Dumoulin et al. 2017, "Adversarially Learned Inference", algorithm 1.
Departs: encoder and generator are shown by their running averages. What `encode` gives of ALI's
         codes is their mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import JointTurn, Player, Terms, Turn
from progan.networks import ali, pairs
from progan.networks.vae import GaussianEncoder
from progan.objectives.adversarial import minimax_critic, swapped_generator
from progan.systems.configs.bigan import BiGANConfig
from progan.systems.encoding import Encoding

__all__ = ["BiGAN"]


class BiGAN(Encoding):
    """Encoder and generator against a discriminator of pairs."""

    config: BiGANConfig

    def __init__(self, config: BiGANConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        size = {"resolution": data.resolution, "channels": data.channels}
        code = config.latent_size
        outputs = 2 * code if config.encoder == "gaussian" else code
        body: nn.Module
        match config.network:
            case "mlp":
                hidden = 16 * config.width
                body = pairs.dense_encoder(**size, outputs=outputs, hidden=hidden)
                self.generator = pairs.dense_generator(**size, latent_size=code, hidden=hidden)
                self.discriminator = pairs.DenseJoint(**size, latent_size=code, hidden=hidden)
            case "toy":
                body = pairs.toy_encoder(**size, outputs=outputs)
                self.generator = pairs.toy_generator(**size, latent_size=code)
                self.discriminator = pairs.ToyJoint(**size, latent_size=code)
            case "dcgan":
                width = config.width
                body = pairs.conv_encoder(**size, outputs=outputs, width=width)
                self.generator = pairs.conv_generator(**size, latent_size=code, width=width)
                self.discriminator = pairs.ConvJoint(**size, latent_size=code, width=width)
            case "ali":
                width = config.width
                body = ali.encoder(**size, outputs=outputs, width=width)
                self.generator = ali.generator(**size, latent_size=code, width=width)
                self.discriminator = ali.ALIJoint(**size, latent_size=code, width=width)
        self.encoder = GaussianEncoder(body) if config.encoder == "gaussian" else body

    # the game

    def players(self) -> Mapping[str, Player]:
        """The discriminator; generator and encoder, as one."""
        optimizer = self.config.optimizer
        return {
            "discriminator": Player.of(self.discriminator, optimizer=optimizer, rate=self.rate),
            "generator": Player.of(
                self.generator, self.encoder, optimizer=optimizer, rate=self.rate
            ),
        }

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        """Both at once, or one after the other on the same pictures."""
        if self.config.simultaneous:
            return (JointTurn(("discriminator", "generator"), self.joint_losses),)
        return (
            Turn("discriminator", self.discriminator_loss),
            Turn("generator", self.generator_loss, draws=False),
        )

    def joint_losses(self, batch: Images, at: Progress) -> Mapping[str, Terms]:
        """Both at once: the verdicts serve both players."""
        real, fake = self.verdicts(batch.image)
        return {
            "discriminator": {**minimax_critic(real, fake), **self.decayed("discriminator")},
            "generator": {**self.against_it(real, fake), **self.decayed("generator")},
        }

    def discriminator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the discriminator lowers."""
        return self.joint_losses(batch, at)["discriminator"]

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What encoder and generator lower, on fresh latents."""
        return self.joint_losses(batch, at)["generator"]

    def against_it(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """What encoder and generator lower, of the verdicts on both kinds of pairs."""
        if self.config.objective == "swapped":
            return swapped_generator(real, fake)
        return {name: -term for name, term in minimax_critic(real, fake).items()}

    def verdicts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The scores of (x, E(x)), and of as many (G(z), z)."""
        z = self.prior(len(x))
        code = self.coded(x)
        if self.config.encoder_weight != 1:
            code = torch.lerp(code.detach(), code, self.config.encoder_weight)
        (real,), (fake,) = self.seen(
            lambda image, latent: (self.discriminator(image, latent),),
            [(x, code), (self.generator(z), z)],
        )
        return real, fake

    def coded(self, image: Tensor) -> Tensor:
        """The codes of pictures as the game sees them: ALI's are drawn."""
        said = self.encoder(image)
        if isinstance(said, tuple):
            mean, log_variance = said
            drawn: Tensor = mean + (log_variance / 2).exp() * torch.randn_like(mean)
            return drawn
        found: Tensor = said
        return found

    def decayed(self, player: str) -> dict[str, Tensor]:
        """½ λ ‖w‖² over the weight matrices of a player."""
        if not self.config.weight_decay:
            return {}
        weights = [p for p in self.players()[player].parameters if p.ndim > 1]
        squares = torch.stack([weight.square().sum() for weight in weights]).sum()
        return {"weight decay": self.config.weight_decay / 2 * squares}

    # what others ask for

    def code(self, image: Tensor) -> Tensor:
        """E(x), or the mean of its distribution."""
        said = self.encoder(image)
        found: Tensor = said[0] if isinstance(said, tuple) else said.float()
        return found

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The discriminator's score of each picture with its own code."""
        scores: Tensor = self.discriminator(batch.image, self.code(batch.image))
        return scores
