"""VAE-GAN: a variational autoencoder that compares pictures as a discriminator sees them.

    x̃ = Dec(z), z ~ q(z|x) = Enc(x);      x_p = Dec(z_p), z_p ~ N(0, 1)
    L_prior         KL(q(z|x) ‖ N(0, 1))
    L_rec           ½ ‖Dis_l(x) − Dis_l(x̃)‖²,  the sum over all features of layer l
    L_GAN           −log Dis(x) − log(1 − Dis(x̃)) − log(1 − Dis(x_p))
    encoder         L_prior + L_rec
    decoder         γ L_rec − log Dis(x̃) − log Dis(x_p)   or, zero-sum,   γ L_rec − L_GAN
    discriminator   L_GAN

All three move at once on one evaluation, each along the slope of its own loss: the game teaches
the encoder nothing, likeness teaches the discriminator nothing, and reaches the decoder through
layer l. The decoder is the generator.

Source:  Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric",
         algorithm 1, equations 5 to 8; layer l, γ, the balance and half weights of fakes from the
         code published with it. Algorithm 1 prints L_GAN with its sign turned.
Departs: the decoder is taught −log D unless told otherwise. Batch norm takes its statistics from
         all pictures of a step together, in that code L_rec from x and x̃ alone. A player that waits
         for balance is given a slope of 0, so that its running square decays. Decoder and encoder
         are shown by their running averages. First weights are torch's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import JointTurn, Player, Terms
from progan.networks import vae
from progan.objectives.table import objective
from progan.objectives.variational import kl_to_normal, normal_error
from progan.systems.configs.vaegan import VAEGANConfig
from progan.systems.encoding import Encoding

__all__ = ["VAEGAN"]


class VAEGAN(Encoding):
    """Encoder, generator (the decoder) and discriminator."""

    config: VAEGANConfig
    least = 2  # batch norm of dense layers needs company
    encoder: vae.GaussianEncoder
    discriminator: vae.FeatureDiscriminator

    def __init__(self, config: VAEGANConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.objective = objective(config.objective)
        if self.objective.relative:
            raise ConfigError(
                f"objective is {config.objective}, which compares each fake with a real; there are "
                "several kinds of fakes here: --set objective=non-saturating"
            )
        self.higher_is_real = self.objective.higher_is_real
        size = {"resolution": data.resolution, "channels": data.channels}
        code = config.latent_size
        if config.network == "conv":
            width = config.width
            self.generator = vae.VAEGenerator(**size, latent_size=code, width=width)
            self.encoder = vae.GaussianEncoder.convolutional(**size, code_size=code, width=width)
            self.discriminator = vae.FeatureDiscriminator.convolutional(**size, width=width)
        else:
            hidden = 16 * config.width
            self.generator = vae.dense_decoder(**size, latent_size=code, hidden=hidden)
            self.encoder = vae.dense_encoder(**size, code_size=code, hidden=hidden)
            self.discriminator = vae.dense_discriminator(**size, hidden=hidden)

    # the game

    def players(self) -> Mapping[str, Player]:
        """All three, on the same optimizer and rate."""
        optimizer = self.config.optimizer
        return {
            "encoder": Player.of(self.encoder, optimizer=optimizer, rate=self.rate),
            "generator": Player.of(self.generator, optimizer=optimizer, rate=self.rate),
            "discriminator": Player.of(self.discriminator, optimizer=optimizer, rate=self.rate),
        }

    def turns(self, at: Progress) -> Sequence[JointTurn[Images]]:
        """All at once; a discriminator that serves nobody does not play."""
        who = ("encoder", "generator", "discriminator")
        return (JointTurn(who if self.config.plays else who[:2], self.losses),)

    def losses(self, batch: Images, at: Progress) -> Mapping[str, Terms]:
        """What each lowers, from one evaluation."""
        config, x = self.config, batch.image
        mean, log_variance = self.encoder(x)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        pictures = self.pictures(z)
        terms = {"prior": kl_to_normal(mean, log_variance)}
        if not config.plays:
            likeness = normal_error(pictures["reconstruction"], x)
            return {
                "encoder": {**terms, "likeness": likeness},
                "generator": {"likeness": self.weighed(likeness, x)},
            }
        looks = self.seen(self.discriminator.both, [(x,), *((p,) for p in pictures.values())])
        features = {name: look[0] for name, look in zip(("x", *pictures), looks, strict=True)}
        real, *fakes = (score for _, score in looks)
        scores: dict[str, Tensor] = {
            name: score
            for name, score in zip(pictures, fakes, strict=True)
            if name in config.negatives
        }
        if config.likeness == "features":
            likeness = normal_error(features["reconstruction"], features["x"])
            measured = features["x"]
        else:
            likeness, measured = normal_error(pictures["reconstruction"], x), x
        kinds = {name: (score, config.fake_weight) for name, score in scores.items()}
        discriminator = self.objective.against(real, **kinds)
        generator = {
            "likeness": self.weighed(likeness, measured),
            **{
                f"adversarial {name}": config.adversarial * value
                for name, score in scores.items()
                for value in self.objective.for_generator(score).values()
            },
        }
        if config.balance is not None:
            decodes, judges = self.moves(real, scores)
            generator = {name: decodes * value for name, value in generator.items()}
            discriminator = {name: judges * value for name, value in discriminator.items()}
        return {
            "encoder": {**terms, "likeness": likeness},
            "generator": generator,
            "discriminator": discriminator,
        }

    def pictures(self, z: Tensor) -> dict[str, Tensor]:
        """Reconstructions from `z`, and as many pictures of the prior if they are fakes."""
        if "prior" not in self.config.negatives or not self.config.plays:
            return {"reconstruction": self.generator(z)}
        rebuilt, drawn = self.generator(torch.cat([z, self.prior(len(z))])).chunk(2)
        return {"reconstruction": rebuilt, "prior": drawn}

    def weighed(self, likeness: Tensor, measured: Tensor) -> Tensor:
        """γ L_rec; `measured` is what was compared, n · features."""
        gamma = self.config.gamma
        if self.config.gamma_reduction == "mean":
            gamma /= measured[0].numel()
        return gamma * likeness

    @torch.no_grad()
    def moves(self, real: Tensor, fakes: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """1 or 0 for decoder and discriminator: who moves, and who waits for balance.

        The costs are −log D of reals and −log(1 − D) of fakes, the mean over all fakes.
        """
        balance = self.config.balance
        assert balance is not None
        costs = [
            torch.stack(list(self.objective.critic_terms(real, fake).values()))
            for fake in fakes.values()
        ]
        both = torch.stack(costs).mean(dim=0)  # of reals, of fakes
        judges = (both >= self.config.equilibrium - balance).all()
        decodes = (both <= self.config.equilibrium + balance).all()
        nobody = ~(judges | decodes)
        return (decodes | nobody).float(), (judges | nobody).float()

    # what others ask for

    def code(self, image: Tensor) -> Tensor:
        """The mean of q(z|x)."""
        mean: Tensor = self.encoder(image)[0]
        return mean

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The discriminator's score of each picture."""
        scores: Tensor = self.discriminator(batch.image)
        return scores
