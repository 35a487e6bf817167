"""A game with labels: the generator is told what to draw, and the discriminator what was meant.

What the forms share: networks that take labels, who gets which label, and how pictures are
asked for. Played as it stands, the discriminator's score is of a picture and a label together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.core.batch import Images, Labelled
from progan.core.errors import ConfigError
from progan.core.latents import LatentField, Latents, draw_fields, label_field
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.layers.labels import label_rows
from progan.layers.spectral import with_spectral_norm
from progan.networks import labelled
from progan.networks.dcgan import ConvDiscriminator, leaky
from progan.networks.heads import ProjectionCritic
from progan.objectives.verdicts import look
from progan.systems.configs.cgan import CGANConfig
from progan.systems.gan import GAN

if TYPE_CHECKING:
    from progan.core.system import Terms

__all__ = ["Conditional", "scores"]


class Conditional(GAN):
    """The game of a score of pairs, a(x, y): labels joined to the input, or by projection.

    In the discriminator's turn fakes carry the labels of the reals beside them, so that no label
    gives a fake away. In the generator's turn labels are drawn anew, as often as the data have
    them; a relative objective compares fakes with reals of the same labels and keeps those.
    """

    batch_type = Labelled
    config: CGANConfig

    def __init__(
        self, config: CGANConfig, data: DataSpec, generator: nn.Module | None = None
    ) -> None:
        """`generator` takes the place of the one that the settings ask for; called with z, y."""
        field = label_field(data)
        if field is None or (data.label_kind == "class" and data.classes < 2):
            raise ConfigError(
                f"system is cgan, which needs labels, but the data have {data.classes} classes. "
                "Put the pictures of each class into a subfolder of its own, at least two, with "
                "data.labels=auto, or name columns of a table beside them, "
                "--set data.labels=[NAME], or take a system without labels: --system gan"
            )
        super().__init__(config, data, generator)
        self.latent_fields += (field,)
        if config.spectral_norm:
            with_spectral_norm(self.adversary)

    # labels

    @property
    def label(self) -> LatentField:
        """The label as an input of the generator."""
        return self.latent_fields[-1]

    @property
    def labels(self) -> int:
        """Numbers of a label's row."""
        return self.data.classes if self.data.label_kind == "class" else self.data.label_size

    def rows(self, label: Tensor) -> Tensor:
        """Labels as rows of numbers, one-hot for classes."""
        return label_rows(label.to(self.device), self.labels)

    def labels_of(self, batch: Images) -> Tensor:
        """The rows of a batch's labels."""
        assert isinstance(batch, Labelled)
        return self.rows(batch.label)

    def new_labels(self, y: Tensor) -> Tensor:
        """As many new labels as `y` has rows: classes as often as the data have them.

        Labels that are vectors are rows of `y`, drawn with replacement.
        """
        if self.label.prior == "categorical":
            drawn = draw_fields((self.label,), len(y), device=self.device)
            return self.rows(drawn[self.label.name])
        return y[torch.randint(len(y), (len(y),), device=y.device)]

    def other_labels(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """A label for each row of `y` that is not its own, and which rows have one.

        Classes are drawn as often as the data have them, but for the row's own. Labels that are
        vectors are those of other rows of `y`; where all are the same there is none.
        """
        if self.label.prior == "categorical":
            shares = torch.tensor(self.shares, device=y.device)
            chances = shares * (1 - y)
        else:
            chances = (y[:, None] != y).any(dim=2).float()
        found = chances.sum(dim=1) > 0
        chances = torch.where(found[:, None], chances, 1.0)
        chosen = torch.multinomial(chances, 1).squeeze(1)
        return self.rows(chosen) if self.label.prior == "categorical" else y[chosen], found

    @property
    def shares(self) -> tuple[float, ...]:
        """How often the data have each class."""
        return self.label.weights or (1 / self.labels,) * self.labels

    # the networks

    def make_generator(self) -> nn.Module:
        """The generator's network, as `config.network` asks; it takes labels."""
        config = self.config
        kinds: Mapping[str, type[nn.Module]] = {
            "toy": labelled.ToyLabelledGenerator,
            "mlp": labelled.DenseLabelledGenerator,
            "dcgan": labelled.ConvLabelledGenerator,
        }
        dcgan = {"width": config.width, "norm": config.generator_norm}
        return kinds[config.network](
            resolution=self.data.resolution,
            channels=self.data.channels,
            latent_size=config.latent_size,
            labels=self.labels,
            **(dcgan if config.network == "dcgan" else {}),
        )

    def make_critic(self) -> nn.Module:
        """The discriminator's network: labels are concatenated to its input, or projected."""
        config = self.config
        if config.condition == "projection":
            return ProjectionCritic(self.plain_critic(), self.labels)
        kinds: Mapping[str, type[nn.Module]] = {
            "toy": labelled.ToyLabelledCritic,
            "mlp": labelled.DenseLabelledDiscriminator,
            "dcgan": labelled.ConvLabelledDiscriminator,
        }
        dcgan = {"width": config.width, "norm": config.critic_norm}
        return kinds[config.network](
            resolution=self.data.resolution,
            channels=self.data.channels,
            labels=self.labels,
            **(dcgan if config.network == "dcgan" else {}),
        )

    def plain_critic(self) -> nn.Module:
        """GAN's discriminator, which takes no label."""
        if not self.config.dropout:
            return super().make_critic()
        return ConvDiscriminator(
            resolution=self.data.resolution,
            channels=self.data.channels,
            width=self.config.width,
            norm=self.config.critic_norm,
            rectifier=lambda: nn.Sequential(leaky(), nn.Dropout(self.config.dropout)),
        )

    # verdicts

    def verdicts(self, image: Tensor, y: Tensor) -> Tensor:
        """Of each pair of picture and label: n scores, or n × k of which the first are those."""
        found: Tensor = self.adversary(image, y)
        return found

    def judge(self, image: Tensor, y: Tensor | None = None) -> Tensor:
        """One score per pair; of a picture without label, what all labels say together."""
        return scores(self.verdicts(image, y)) if y is not None else self.for_any(image)

    def for_any(self, image: Tensor) -> Tensor:
        """log Σ p(y) exp a(x, y) where a is a logit, else the mean of a over labels.

        The former is the logit of being real whatever the label, where the generator draws alike
        for all labels. Labels that are vectors are taken at their mean.
        """
        if self.label.prior != "categorical":
            mean = torch.tensor(self.data.label_means, device=image.device)
            return self.judge(image, mean.expand(len(image), self.labels))
        eye = torch.eye(self.labels, device=image.device)
        each = [self.judge(image, row.expand(len(image), -1)) for row in eye]
        every = torch.stack(each, dim=1)
        shares = torch.tensor(self.shares, device=image.device)
        if self.objective.kind == "logit":
            return torch.logsumexp(every + shares.log(), dim=1)
        return every @ shares

    # the game

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        """What the discriminator lowers."""
        y = self.labels_of(batch)
        with torch.no_grad():
            fake: Tensor = self.generator(self.noise(len(y)), y)
        on_real, on_fake, price = look(
            lambda x: self.verdicts(x, y), batch.image, fake, self.config.penalty, at.step
        )
        return {**self.critic_game(batch.image, y, on_real, on_fake), **price}

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the generator lowers, on fresh latents and labels."""
        y = self.labels_of(batch)
        on_real = None
        if self.objective.relative:
            on_real = self.judge(batch.image, y)
        else:
            y = self.new_labels(y)
        on_fake = self.verdicts(self.generator(self.noise(len(y)), y), y)
        return self.generator_game(y, on_real, on_fake)

    def critic_game(
        self, image: Tensor, y: Tensor, on_real: Tensor, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The discriminator's terms, from its verdicts on pairs; reals are `image` with `y`."""
        return self.objective.critic_terms(scores(on_real), scores(on_fake))

    def generator_game(
        self, y: Tensor, on_real: Tensor | None, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The generator's terms, from verdicts on fakes with `y`; scores of reals if needed."""
        return self.generator_terms(on_real, scores(on_fake))

    def noise(self, n: int) -> Tensor:
        """New latents."""
        return draw_fields(self.latent_fields[:1], n, device=self.device)["z"]

    # what others ask for

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32; rows of weights over classes are labels too."""
        pictures: Tensor = self.generator(latents["z"].to(self.device), self.rows(latents["label"]))
        return pictures

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The discriminator's score of each picture, with its label if it has one."""
        return self.judge(
            batch.image, self.labels_of(batch) if isinstance(batch, Labelled) else None
        )

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, and as many fakes of the same labels."""
        y = self.labels_of(batch)
        samples = self.generator(self.noise(len(y)), y)
        return {"real": batch.image, "samples": samples.clamp(-1, 1)}


def scores(verdicts: Tensor) -> Tensor:
    """The scores among verdicts."""
    return verdicts if verdicts.ndim == 1 else verdicts[:, 0]
