"""A game of residual networks: what SNGAN, SAGAN and BigGAN share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from progan.core.batch import Images, Labelled
from progan.core.latents import LatentField, Latents, label_field
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import Terms
from progan.layers.statistics import with_joint_statistics
from progan.networks.residual import (
    Family,
    ResidualDiscriminator,
    ResidualGenerator,
    Shape,
    shape_of,
)
from progan.objectives.table import objective
from progan.objectives.verdicts import look
from progan.systems.conditional import Conditional
from progan.systems.configs.duel import DuelConfig
from progan.systems.configs.residual import ResidualConfig
from progan.systems.duel import Duel

__all__ = ["Residual"]


class Residual(Conditional):
    """The game of a score of pairs, a(x, y); of pictures alone where the data have no labels.

    Labels are given to fakes as in `Conditional`. The discriminator sees reals and fakes in one
    pass, so that its singular vectors move once an update.
    """

    batch_type: ClassVar[Any] = Images
    family: ClassVar[Family] = "biggan"
    config: ResidualConfig  # type: ignore[assignment]

    def __init__(self, config: ResidualConfig, data: DataSpec) -> None:
        # Not Conditional's: here labels may be missing. What Duel asks of settings these have too.
        Duel.__init__(self, cast(DuelConfig, config), data, objective(config.objective))
        field = label_field(data) if self.labels else None
        self.latent_fields = (
            LatentField(name="z", shape=(self.inputs,), prior=config.latent_prior),
            *([field] if field is not None else []),
        )
        self.batch_type = Labelled if self.labels else Images  # type: ignore[misc]
        self.standing = config.standing_passes
        self.joint_statistics = config.statistics == "all"
        if self.joint_statistics:
            with_joint_statistics(self.generator)

    @property
    def shape(self) -> Shape:
        """The blocks of both networks."""
        return shape_of(self.data.resolution, self.family)

    @property
    def inputs(self) -> int:
        """Numbers of the latent."""
        size = self.config.latent_size
        return 20 * self.shape.slots if size == "auto" else size

    # labels

    @property
    def labels(self) -> int:
        """Numbers of a label's row; 0 where there is nothing to tell apart, or nobody looks."""
        told = super().labels
        one_class = self.data.label_kind == "class" and told < 2
        return 0 if self.config.condition == "none" or one_class else told

    def known(self, batch: Images) -> Tensor | None:
        """The rows of a batch's labels; None without."""
        return self.labels_of(batch) if self.labels else None

    # the networks

    def for_generator(self) -> dict[str, Any]:
        """What a paper adds to the generator's settings."""
        return {}

    def for_critic(self) -> dict[str, Any]:
        """What a paper adds to the discriminator's settings."""
        return {"blocks": self.config.discriminator_blocks}

    def make_generator(self) -> nn.Module:
        """The residual generator."""
        return ResidualGenerator(
            self.shape,
            latent_size=self.inputs,
            spectral=self.config.generator_spectral_norm,
            norm_eps=self.config.norm_eps,
            **{**self.common(), **self.for_generator()},
        )

    def make_critic(self) -> nn.Module:
        """The residual discriminator, under spectral norm."""
        return ResidualDiscriminator(
            self.shape,
            constant=self.config.constant,
            **{**self.common(), **self.for_critic()},
        )

    def common(self) -> dict[str, Any]:
        """What both networks are told."""
        config = self.config
        return {
            "channels": self.data.channels,
            "width": config.width,
            "labels": self.labels,
            "attention": config.attention,
            "attention_form": config.attention_form,
            "first_weights": config.first_weights,
            "spectral_eps": config.spectral_eps,
        }

    def regular(self) -> Sequence[Tensor]:
        """All weights of the generator but the labels' own vectors.

        Source: Brock et al. 2019 (BigGAN), and the code published with it.
        """
        net = self.generator
        assert isinstance(net, ResidualGenerator)
        apart = {id(weight) for module in net.vectors() for weight in module.parameters()}
        return [w for w in net.parameters() if w.ndim > 1 and id(w) not in apart]

    # verdicts

    def verdicts(self, image: Tensor, y: Tensor | None) -> Tensor:
        """One score for each picture, or pair of picture and label."""
        found: Tensor = self.adversary(image, y)
        return found

    def judge(self, image: Tensor, y: Tensor | None = None) -> Tensor:
        """One score per picture or pair; of a picture without its label, what all labels say."""
        return self.for_any(image) if self.labels and y is None else self.verdicts(image, y)

    # the game

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate."""
        if self.config.decay == "none":
            return 1.0
        begins = self.config.decay_from
        return min(1.0, (1 - at.fraction) / (1 - begins))

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        """What the discriminator lowers; fakes carry the labels of the reals beside them."""
        y = self.known(batch)
        with torch.no_grad():
            fake = self.picture(len(batch), y)
        twice = None if y is None else torch.cat([y, y])
        on_real, on_fake, price = look(
            lambda x: self.verdicts(x, y),
            batch.image,
            fake,
            self.config.penalty,
            at.step,
            together=lambda x: self.verdicts(x, twice),
        )
        return {**self.objective.critic_terms(on_real, on_fake), **price}

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the generator lowers, on fresh latents and labels."""
        y, times = self.known(batch), self.config.generator_batches
        on_real = None
        if self.objective.relative:
            on_real = self.verdicts(batch.image, y)
        elif y is not None:
            y = self.new_labels(y.repeat(times, 1))
        fake = self.picture(times * len(batch), y)
        return self.generator_terms(on_real, self.verdicts(fake, y))

    def picture(self, n: int, y: Tensor | None) -> Tensor:
        """`n` pictures of new latents, with the labels `y`."""
        pictures: Tensor = self.generator(self.noise(n), y)
        return pictures

    # what others ask for

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32; rows of weights over classes are labels too."""
        y = self.rows(latents["label"]) if self.labels else None
        pictures: Tensor = self.generator(latents["z"].to(self.device), y)
        return pictures

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The discriminator's score of each picture, with its label if it has one."""
        y = self.labels_of(batch) if self.labels and isinstance(batch, Labelled) else None
        return self.judge(batch.image, y)

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, and as many fakes, of the same labels if there are any."""
        samples = self.picture(len(batch), self.known(batch))
        return {"real": batch.image, "samples": samples.clamp(-1, 1)}
