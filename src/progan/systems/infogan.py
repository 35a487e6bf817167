"""InfoGAN: a generator with codes among its latents, and a network that must read them off.

    L_I             H(c) + E[log Q(c | G(z, c))] ≤ I(c; G(z, c)),   in nats
    discriminator   −E[log D(x)] − E[log(1 − D(G(z, c)))] − λ L_I
    generator       −E[log D(G(z, c))] − λ L_I

Q shares all layers but the last with D, and is one player with it; both players raise L_I. Codes
are categorical, or uniform on [−1, 1]; of the latter Q tells the mean and the deviation. Nobody
ever sees a label: which code means what is found, not told.

Source:  Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information
         Maximizing Generative Adversarial Nets", equations 5 and 6, appendix C.1; rates, and
         batches of 128, from the code published with it.
Departs: Q's deviations are learned, and a uniform code has its own entropy, log 2; the published
         code has deviations of 1 and the entropy of a normal, whose sum is no bound. λ of
         continuous codes is 0.1. On DCGAN's networks Q's layer has layer norm, in the paper batch
         norm. The generator is shown by its running average.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.latents import LatentField, Latents, draw_fields
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import Terms
from progan.layers.labels import label_rows
from progan.networks.heads import CodeCritic
from progan.networks.infogan import InfoDiscriminator, InfoGenerator
from progan.objectives.information import categorical_information, uniform_information
from progan.objectives.verdicts import look
from progan.systems.configs.infogan import InfoGANConfig
from progan.systems.gan import GAN

__all__ = ["InfoGAN"]


def fields_of(config: InfoGANConfig) -> tuple[LatentField, ...]:
    """The codes: category, category.1, … and one field for all continuous ones."""
    categorical = tuple(
        LatentField(
            name=f"category.{index}" if index else "category",
            shape=(),
            prior="categorical",
            role="code",
            choices=choices,
            mixes=True,
        )
        for index, choices in enumerate(config.categories)
    )
    if not config.continuous:
        return categorical
    uniform = LatentField(
        name="continuous", shape=(config.continuous,), prior="uniform", role="code"
    )
    return (*categorical, uniform)


class InfoGAN(GAN):
    """The game of GAN, and codes that both players want to be readable."""

    plain = False
    config: InfoGANConfig

    def __init__(self, config: InfoGANConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.codes = fields_of(config)
        if config.network == "infogan":
            self.least = 2  # batch norm of dense layers needs company
        self.latent_fields += self.codes

    @property
    def inputs(self) -> int:
        """The noise, with the codes beside it."""
        return self.config.latent_size + self.config.codes

    def make_generator(self) -> nn.Module:
        """The paper's own network, or one of GAN's."""
        if self.config.network != "infogan":
            return super().make_generator()
        size, channels = self.data.resolution, self.data.channels
        return InfoGenerator(
            resolution=size, channels=channels, latent_size=self.inputs, width=self.config.width
        )

    def make_critic(self) -> nn.Module:
        """The paper's own discriminator or GAN's, and Q beside its last layer."""
        config, size, channels = self.config, self.data.resolution, self.data.channels
        plain = (
            InfoDiscriminator(resolution=size, channels=channels, width=config.width)
            if config.network == "infogan"
            else super().make_critic()
        )
        outputs = config.codes + config.continuous  # a mean and a deviation each
        return CodeCritic(plain, outputs, norm=config.critic_norm)

    def verdicts(self, image: Tensor) -> Tensor:
        """Of each picture: its score, then what Q says of its codes."""
        critic = self.adversary
        assert isinstance(critic, CodeCritic)
        return critic.verdicts(image)

    def draw_on_device(self, n: int) -> Latents:
        """New latents and codes, where the networks are."""
        return draw_fields(self.latent_fields, n, device=self.device)

    def picture(self, latents: Latents) -> Tensor:
        """The pictures of latents and codes."""
        codes = [
            label_rows(latents[code.name].to(self.device), code.choices) for code in self.codes
        ]
        pictures: Tensor = self.generator(torch.cat([latents["z"].to(self.device), *codes], dim=1))
        return pictures

    def fake(self, n: int) -> Tensor:
        """`n` pictures from new latents and codes."""
        return self.picture(self.draw_on_device(n))

    # the information

    def information(self, guess: Tensor, latents: Latents) -> dict[str, Tensor]:
        """L_I of categorical and of continuous codes, in nats, from what Q says of pictures."""
        found: dict[str, Tensor] = {}
        parts = torch.split(
            guess, [*self.config.categories, self.config.continuous, self.config.continuous], dim=1
        )
        pairs = zip(parts, self.codes, strict=False)
        each = [
            categorical_information(logits, latents[code.name].to(guess.device))
            for logits, code in pairs
            if code.prior == "categorical"
        ]
        if each:
            found["category"] = torch.stack(each).sum()
        if self.config.continuous:
            code = latents["continuous"].to(guess.device)
            found["continuous"] = uniform_information(parts[-2], parts[-1], code)
        return found

    def weighed(self, guess: Tensor, latents: Latents) -> dict[str, Tensor]:
        """−λ L_I, as both players lower it."""
        config = self.config
        weights = {
            "category": config.information,
            "continuous": config.continuous_information,
        }
        found = self.information(guess, latents)
        return {f"information {name}": -weights[name] * value for name, value in found.items()}

    @torch.no_grad()
    def measured(self, n: int) -> dict[str, float]:
        """L_I in nats over `n` new pictures, by the system's own Q; as the networks are set."""
        latents = self.draw_on_device(n)
        found = self.information(self.verdicts(self.picture(latents))[:, 1:], latents)
        return {name: float(value) for name, value in found.items()}

    # the game

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        """What the discriminator and Q lower."""
        latents = self.draw_on_device(len(batch))
        with torch.no_grad():
            fake = self.picture(latents)
        on_real, on_fake, price = look(
            self.verdicts, batch.image, fake, self.config.penalty, at.step
        )
        return {
            **self.objective.critic_terms(on_real[:, 0], on_fake[:, 0]),
            **self.weighed(on_fake[:, 1:], latents),
            **price,
        }

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the generator lowers, on fresh latents and codes."""
        latents = self.draw_on_device(len(batch))
        on_fake = self.verdicts(self.picture(latents))
        on_real = self.judge(batch.image) if self.objective.relative else None
        return {
            **self.generator_terms(on_real, on_fake[:, 0]),
            **self.weighed(on_fake[:, 1:], latents),
        }

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32; rows of weights over categories are codes too."""
        return self.picture(latents)

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, and as many fakes; the values of the first categorical code go round."""
        latents = dict(self.draw_on_device(len(batch)))
        if self.config.categories:
            numbers = torch.arange(len(batch), device=self.device)
            latents["category"] = numbers % self.config.categories[0]
        return {"real": batch.image, "samples": self.picture(latents).clamp(-1, 1)}
