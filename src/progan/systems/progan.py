"""ProGAN: both networks grow together, from 4×4 pixels to the full size, one fade at a time.

    critic      E[s(G(z))] − E[s(x)] + 10 · E[(‖∇s(x̂)‖ − 1)²] + 0.001 · E[s(x)²]
    generator   −E[s(G(z))]

By settings the objective, the penalty and every part of the networks change, and how labels are
known: by the critic's logits of them, which both players then earn (AC-GAN), or by a score of
picture and label together (projection, concat). Both networks may look at all places at once at
chosen sizes (attention), and divide weights by their largest singular value (spectral norm).

Source:  Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and
         Variation", and both of its official code bases.
Departs: pictures keep their native size; the penalty's slope is scaled to give the same values
         (`penalty.norm`). In the critic's turn fakes carry the labels of the reals beside them, as
         in the TensorFlow code; in the generator's turn too, for the same batch is looked at.
         Rows a to c of table 1 normalise between convolution and activation, the critic's layer
         norm with a gain and bias per channel: the paper leaves both open. Minibatch
         discrimination is measured on the first batch, not on 500 reals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from progan.core.batch import Images, Labelled
from progan.core.errors import ConfigError
from progan.core.latents import LatentField, Latents, draw_fields, label_field
from progan.core.plan import Plan, Progress, height_width
from progan.core.specs import DataSpec
from progan.core.system import Fixed, JointTurn, Player, System, Terms, Turn
from progan.layers.attention import SelfAttention
from progan.layers.clip import clip_weights
from progan.layers.labels import label_rows
from progan.layers.noise import LeadMeter
from progan.layers.prepared import weights_made_once
from progan.layers.resample import blend
from progan.layers.spectral import SpectralNorm
from progan.layers.spread import MinibatchStddev
from progan.networks.folded import FoldedGenerator
from progan.networks.modes import ModeCritic, ModeGenerator
from progan.networks.progressive import Critic, Generator
from progan.objectives.conditional import label_loss
from progan.objectives.penalty import drift
from progan.objectives.table import objective
from progan.objectives.verdicts import look
from progan.systems.configs.progan import ProGANConfig

__all__ = ["ProGAN"]

Pictures = Images | Labelled


class ProGAN(System[Pictures]):
    """The growing game of a generator and a critic."""

    def __init__(self, config: ProGANConfig, data: DataSpec) -> None:
        super().__init__()
        size = data.resolution
        if size.bit_count() != 1 or not 4 <= size <= 1024:
            nearest = min((2**k for k in range(2, 11)), key=lambda r: abs(r - size))
            raise ConfigError(
                f"resolution is {size}; ProGAN needs a power of two from 4 to 1024: "
                f"--set data.resolution={nearest}"
            )
        self.config, self.data = config, data
        field = None if config.condition == "none" else label_field(data)
        if config.condition != "none" and field is None:
            raise ConfigError(
                f"condition is {config.condition}, which needs labels, but the data have none. Put "
                "the pictures of each class into a subfolder of its own, with data.labels=auto, or "
                "name columns of a table beside them, --set data.labels=[NAME], or leave it out: "
                "--set condition=none"
            )
        self.labels = 0 if field is None else data.classes or data.label_size
        self.batch_type = Labelled if self.labels else Images  # type: ignore[misc]
        self.average = config.average
        self.group = config.stddev_group or 1 if config.stddev_group != "all" else 1
        self.objective = objective(config.objective)
        self.higher_is_real = self.objective.higher_is_real
        self.latent_fields: tuple[LatentField, ...] = (
            LatentField(name="z", shape=(config.latent,)),
        )
        if field is not None:
            self.latent_fields += (field,)
        self.generator, self.critic = build_networks(config, data, self.labels)
        # in every turn, or whenever they are looked at
        moved = (nn.BatchNorm2d, LeadMeter, SpectralNorm)
        self.functional = not config.simultaneous and not any(
            isinstance(module, moved) for module in self.modules()
        )

    def plan(self) -> Plan:
        """Settle, fade, settle, … up to the full size."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """The critic and the generator, on the same optimizer and rate."""
        optimizer = self.config.optimizer
        return {
            "critic": Player.of(
                self.critic,
                optimizer=optimizer,
                rate=self.rate,
                after_step=self.clip if self.config.clip else None,
            ),
            "generator": Player.of(self.generator, optimizer=optimizer, rate=self.rate),
        }

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate: by resolution, and the ramp at the start."""
        return self.config.factor(size_of(at), at.images)

    def clip(self) -> None:
        """Bring the critic's weights back into their box, if there is one."""
        clip_weights(self.critic, self.config.clip)

    def turns(self, at: Progress) -> Sequence[Turn[Pictures] | JointTurn[Pictures]]:
        """The critic's, then the generator's, without drawing anew; or both at once."""
        if self.config.simultaneous:
            return (JointTurn(("critic", "generator"), self.joint_losses),)
        return (
            Turn("critic", self.critic_loss, repeat=self.config.critic_steps),
            Turn("generator", self.generator_loss, draws=False),
        )

    def period(self, at: Progress) -> int:
        """The penalty is due in one step of so many."""
        return self.config.penalty.every if self.config.penalty.kind != "none" else 1

    def begin_stage(self, batch: Pictures, at: Progress) -> None:
        """Let the minibatch discrimination, if there is one, measure real pictures."""
        if at.index == 0:
            self.critic.calibrate(batch.image, size_of(at))

    # the turns

    def critic_loss(self, batch: Pictures, at: Progress) -> Terms:
        """What the critic lowers, on fakes that carry no graph."""
        with torch.no_grad():
            fake = self.fake(batch, at)
        return self.critic_terms(batch, fake, at)[0]

    def generator_loss(self, batch: Pictures, at: Progress) -> Terms:
        """What the generator lowers, on fresh latents."""
        on_real = None
        if self.objective.relative:
            on_real = self.judge(blend(batch.image, at.alpha), at, y=self.rows(batch))
        on_fake = self.judge(self.fake(batch, at), at, y=self.rows(batch))
        return self.generator_terms(batch, on_real, on_fake)

    def joint_losses(self, batch: Pictures, at: Progress) -> Mapping[str, Terms]:
        """Both at once: the critic's verdicts serve both players."""
        critic, on_real, on_fake = self.critic_terms(batch, self.fake(batch, at), at)
        return {"critic": critic, "generator": self.generator_terms(batch, on_real, on_fake)}

    # the formulas

    def critic_terms(
        self, batch: Pictures, fake: Tensor, at: Progress
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The critic's terms, and its verdicts on reals and fakes, which go through it together."""
        y = self.rows(batch)
        twice = None if y is None else torch.cat([y, y])
        with weights_made_once():
            on_real, on_fake, price = look(
                lambda x: self.judge(x, at, y=y),
                blend(batch.image, at.alpha),
                fake,
                self.config.penalty,
                at.step,
                scale=self.scale(at),
                together=lambda both: self.judge(both, at, parts=2, y=twice),
            )
        terms = self.objective.critic_terms(on_real[:, 0], on_fake[:, 0])
        if self.config.drift:
            terms["drift"] = self.config.drift * drift(on_real[:, 0])
        terms |= price
        if y is not None and self.config.condition == "ac-gan":
            terms["label_real"] = self.label_loss(on_real, y)
            terms["label_fake"] = self.label_loss(on_fake, y)
        if self.critic.meter is not None:
            self.critic.meter.watch(on_fake[:, 0].detach())
        return terms, on_real, on_fake

    def generator_terms(
        self, batch: Pictures, on_real: Tensor | None, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The generator's terms, from the critic's verdicts; on reals only if they are needed."""
        real_scores = None if on_real is None else on_real[:, 0]
        terms = self.objective.for_generator(on_fake[:, 0], real_scores)
        if (y := self.rows(batch)) is not None and self.config.condition == "ac-gan":
            terms["label"] = self.label_loss(on_fake, y)
        return terms

    def label_loss(self, verdicts: Tensor, y: Tensor) -> Tensor:
        """How badly the critic tells the labels `y`, weighed."""
        return self.config.label_weight * label_loss(verdicts[:, 1:], y, self.data.label_kind)

    def rows(self, batch: Pictures) -> Tensor | None:
        """The labels of a batch as rows of numbers; None where they are not used."""
        if not self.labels or not isinstance(batch, Labelled):
            return None
        return label_rows(batch.label, self.labels)

    def scale(self, at: Progress) -> float:
        """What turns a slope at the native size into the penalty's: 2^−k, or 1."""
        full = self.config.penalty.norm == "full"
        return size_of(at) / self.data.resolution if full else 1.0

    def judge(self, image: Tensor, at: Progress, parts: int = 1, y: Tensor | None = None) -> Tensor:
        """The critic's verdict, n × s: the score, and with ac-gan the logits of labels.

        `y` are rows of labels, for scores of pairs.
        """
        if y is None:
            return self.critic(image, size_of(at), at.alpha, parts)
        return self.critic(image, size_of(at), at.alpha, parts, y)

    def fake(self, batch: Pictures, at: Progress) -> Tensor:
        """As many pictures as the batch has, of its classes, from new latents."""
        z = torch.randn(len(batch), self.config.latent, device=batch.image.device)
        label = batch.label if isinstance(batch, Labelled) else None
        return self.generator(z, label, size_of(at), at.alpha)

    # what others ask for

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU: a seed is the same picture on every device."""
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, at the resolution and fade of `at`, in float32."""
        device = next(self.generator.parameters()).device
        label = latents["label"].to(device) if "label" in latents else None
        return self.generator(latents["z"].to(device), label, size_of(at), at.alpha)

    def folded(self, at: Progress, dtype: torch.dtype) -> Fixed | None:
        """The generator as plain layers; None for tiny ones, and where labels scale channels, or
        there is attention or spectral norm."""
        if isinstance(self.generator, ModeGenerator) or self.generator.told:
            return None
        if self.config.attention or self.config.spectral_norm == "both":
            return None
        return FoldedGenerator(self.generator, size_of(at), at.alpha, dtype)

    def score(self, batch: Pictures, at: Progress) -> Tensor:
        """The critic's score of each picture."""
        return self.judge(blend(batch.image, at.alpha), at, y=self.rows(batch))[:, 0]

    @torch.no_grad()
    def preview(self, batch: Pictures, at: Progress) -> Mapping[str, Tensor]:
        """Reals as the critic sees them, and as many fakes of the same classes."""
        real = blend(batch.image, at.alpha)
        return {"real": real, "samples": self.fake(batch, at).clamp(-1, 1)}


def size_of(at: Progress) -> int:
    """The side of the square pictures at this moment."""
    return height_width(at.resolution)[0]


def build_networks(
    config: ProGANConfig, data: DataSpec, labels: int
) -> tuple[Generator | ModeGenerator, Critic | ModeCritic]:
    """The two players' networks, whole, as the settings ask."""
    group = None if config.stddev_group == "all" else config.stddev_group
    stddev = None if group in (0, 1) else MinibatchStddev(group)
    if config.network == "modes":
        return (
            ModeGenerator(
                resolution=data.resolution,
                channels=data.channels,
                latent_size=config.latent,
                equalized=config.equalized,
                pixelnorm=config.pixelnorm,
                batch_norm=config.generator_norm == "batch",
                tanh=config.tanh,
            ),
            ModeCritic(
                resolution=data.resolution,
                channels=data.channels,
                shrink=config.critic_shrink,
                equalized=config.equalized,
                batch_norm=config.critic_norm != "none",
                stddev=stddev,
            ),
        )
    widths = config.widths(data.resolution)
    if max(config.attention, default=0) > data.resolution:
        raise ConfigError(
            f"attention is at {max(config.attention)} pixels, but the pictures have "
            f"{data.resolution}: --set attention=[{data.resolution}]"
        )
    normed = {"none": (), "critic": ("critic",), "both": ("generator", "critic")}
    divided = normed[config.spectral_norm]
    generator = Generator(
        resolution=data.resolution,
        channels=data.channels,
        latent_size=config.latent,
        widths=widths,
        classes=labels,
        fused=config.fused,
        equalized=config.equalized,
        pixelnorm=config.pixelnorm,
        batch_norm=config.generator_norm == "batch",
        told=config.generator_norm == "conditional",
        slope=0.0 if config.activation == "relu" else 0.2,
        tanh=config.tanh,
        normalize_latent=config.normalize_latent,
        normalize_label=config.normalize_label,
        attention=attention_at(config, widths, "generator" in divided),
        spectral_norm="generator" in divided,
    )
    critic = Critic(
        resolution=data.resolution,
        channels=data.channels,
        widths=widths,
        head=config.width(0),
        labels=labels,
        condition=config.condition,
        fused=config.fused,
        equalized=config.equalized,
        layer_norm=config.critic_norm == "layer",
        stddev=stddev,
        discrimination=config.minibatch_discrimination,
        noise=config.noise,
        attention=attention_at(config, widths, "critic" in divided),
        spectral_norm="critic" in divided,
    )
    return generator, critic


def attention_at(
    config: ProGANConfig, widths: Mapping[int, int], spectral_norm: bool
) -> dict[int, SelfAttention]:
    """A layer of attention for each resolution that has one."""
    return {
        r: SelfAttention(widths[r], form=config.attention_form, spectral_norm=spectral_norm)
        for r in sorted(config.attention)
    }
