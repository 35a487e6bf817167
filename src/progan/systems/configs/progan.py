"""Settings of ProGAN, its plan, and its presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from progan.core import specs
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Average, Optimizer
from progan.systems.configs.progan_presets import PRESET_HELP, PRESETS

__all__ = ["Penalty", "ProGANConfig"]

N = TypeVar("N", int, float)


def at_resolution(table: Mapping[int, N], resolution: int) -> N:
    """Read a table by resolution: a size not listed takes the entry of the next smaller one."""
    return table[max((r for r in table if r <= resolution), default=min(table))]


@dataclass(frozen=True, kw_only=True)
class Penalty(specs.Penalty):
    """What keeps the critic's slope in check, and in which unit it is measured."""

    norm: Literal["full", "native"] = "full"
    """full: slope with respect to pictures enlarged to the final size, as in the original code,
    which is 2^k times smaller than at the native size, k doublings below the end."""


@dataclass(frozen=True, kw_only=True)
class ProGANConfig:
    """Progressive growing of GANs (Karras et al. 2018); the defaults are the paper's."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    PRESET_HELP: ClassVar[Mapping[str, str]] = PRESET_HELP
    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu", "cuda": "v2"}

    # networks
    network: Literal["progressive", "modes"] = "progressive"
    """progressive: the paper's networks; modes: the tiny ones of its stacked-MNIST test."""
    latent_size: int | None = None
    """Width of the latent; null: as wide as the 4×4 layers."""
    normalize_latent: bool = True
    """Whether latents are scaled to the sphere of radius √latent_size."""
    normalize_label: bool = False
    """Whether the label joins the latent before that (the TensorFlow code) or after (Theano)."""
    fmap_base: int = 8192
    """Channels at resolution 2^s are fmap_base / 2^((s − 1) · fmap_decay), at most fmap_max."""
    fmap_decay: float = 1.0
    """How fast channels fall as the resolution doubles."""
    fmap_max: int = 512
    """Most channels of any layer."""
    fused: bool = False
    """Whether resizing and convolution are one layer: faster, and in the critic another
    function (bias and activation after halving)."""
    equalized: bool = True
    """Whether He's constant is applied at run time."""
    pixelnorm: bool = True
    """Whether the generator normalises every pixel's features."""
    generator_norm: Literal["none", "batch", "conditional"] = "none"
    """Normalisation in the generator. batch: between convolution and activation; conditional: a
    gain and bias of each channel that depend on the label, after the pixel norm."""
    critic_norm: Literal["none", "layer"] = "none"
    """The same in the critic; in the `modes` network, layer stands for its batch norm."""
    activation: Literal["lrelu", "relu"] = "lrelu"
    """The generator's rectifier; the critic's is always leaky."""
    tanh: bool = False
    """Whether pictures pass through tanh, or leave the generator linear."""
    stddev_group: int | Literal["all"] = "all"
    """Samples compared by the minibatch standard deviation; 0 or 1 leaves the layer out."""
    minibatch_discrimination: bool = False
    """Whether the critic compares samples as Salimans et al. 2016 do (row e* of table 1)."""
    attention: tuple[int, ...] = ()
    """Resolutions at which both networks look at all places at once: 16. None: nowhere."""
    attention_form: Literal["pooled", "full"] = "pooled"
    """pooled: over 2x2 maxima, as in the authors' code; full: over all places."""
    spectral_norm: Literal["none", "critic", "both"] = "none"
    """Whose weights are divided by their largest singular value, in place of He's constant."""
    critic_shrink: int = 4
    """Divides the critic's channels in the `modes` network (X in the paper's K/X)."""

    # losses
    objective: str = "wasserstein"
    """Name of the objective: wasserstein, non-saturating, hinge, fgan:kl, …"""
    penalty: Penalty = Penalty()
    """What keeps the critic's slope in check."""
    clip: float = 0.0
    """Largest size of a weight of the critic, as it is multiplied with (WGAN: 0.01); 0: any."""
    drift: float = 0.001
    """Weight of the mean squared score of reals (ε)."""
    condition: Literal["none", "ac-gan", "projection", "concat"] = "none"
    """How labels are used, which the generator then takes beside its latent. none: not at all;
    ac-gan: the critic tells them, as in the original code; projection: its score is moved by the
    inner product of its last features with the label's vector; concat: it sees them as planes."""
    label_weight: float = 1.0
    """ac-gan: weight of telling labels, for both players."""
    noise: float = 0.0
    """Strength of the critic's multiplicative noise, for the least-squares objective: 0.2."""

    # training
    critic_steps: int = 1
    """Critic updates for each generator update."""
    simultaneous: bool = False
    """Whether both players move at once, on one evaluation."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=0.001, betas=(0.0, 0.99)))
    """Of both players."""
    batch: Mapping[int, int] = field(default_factory=lambda: {4: 16, 256: 14, 512: 6, 1024: 3})
    """Real images per critic update by resolution; one not listed takes the next smaller's."""
    rate: Mapping[int, float] = field(default_factory=lambda: {4: 1.0})
    """Factor on the learning rate by resolution; one not listed takes the next smaller's."""
    ramp_up_images: int = 40_000
    """Images over which the learning rate rises from almost nothing; 0: none."""
    average: Average = field(default_factory=lambda: Average(half_life_images=None, decay=0.999))
    """How the generator's running average forgets."""

    # growth
    first_resolution: int | None = 4
    """Where growing starts; null: train at the full size from the start."""
    stable_images: int = 800_000
    """Images between two fades."""
    fade_images: int = 800_000
    """Images over which a new resolution fades in."""
    total_images: int | None = 19_000_000
    """Length of the run; null: the last resolution settles for `final_images`."""
    final_images: int | None = None
    """Images at the last resolution once it has faded in, where `total_images` is null; null:
    `stable_images`."""
    fresh_optimizers: bool = True
    """Whether optimizers forget their moments at both ends of each fade."""

    def __post_init__(self) -> None:
        first = self.first_resolution
        if first is not None and (first < 4 or first.bit_count() != 1):
            raise ConfigError(
                f"first_resolution is {first}; growing starts at a power of two from 4 up, or "
                "null for no growing: --set first_resolution=4"
            )
        if not self.batch or not self.rate:
            raise ConfigError(
                "batch and rate need at least one entry each, such as --set batch.4=16"
            )
        if self.simultaneous:
            self.penalty.refuse_at_once(self.critic_steps)
        if self.condition != "none" and self.network == "modes":
            raise ConfigError(
                f"condition is {self.condition}, but the networks that count modes know no labels: "
                "--set condition=none"
            )
        if self.generator_norm == "conditional" and (
            self.condition == "none" or not self.pixelnorm or self.network == "modes"
        ):
            raise ConfigError(
                "generator_norm is conditional, which scales what pixel norm gives by the label; "
                "it needs pixelnorm=true and a condition: --set condition=projection, or "
                "--set generator_norm=none"
            )
        self._check_options()
        if not 0 <= self.label_weight < math.inf:
            raise ConfigError(
                f"label_weight is {self.label_weight}; it must be a number from 0 up: "
                "--set label_weight=1"
            )
        if not 0 <= self.clip < math.inf:
            raise ConfigError(f"clip is {self.clip}; it must be above 0, or 0 for no clipping.")
        if self.stddev_group != "all" and self.stddev_group < 0:
            raise ConfigError(f"stddev_group is {self.stddev_group}; it is 'all', 0, or more.")

    def _check_options(self) -> None:
        """Attention and spectral norm: refuse what cannot be."""
        if any(r < 8 or r.bit_count() != 1 for r in self.attention):
            raise ConfigError(
                f"attention is {list(self.attention)}; it stands at powers of two from 8 up: "
                "--set attention=[16]"
            )
        if self.network == "modes" and (self.attention or self.spectral_norm != "none"):
            raise ConfigError(
                "The networks that count modes have neither attention nor spectral norm: "
                "--set attention=[] spectral_norm=none"
            )
        if self.clip and self.spectral_norm != "none":
            raise ConfigError(
                f"clip is {self.clip} and spectral_norm {self.spectral_norm}, which both bound the "
                "critic's weights; take one: --set clip=0"
            )

    def width(self, level: int) -> int:
        """Channels of level s = log2(resolution) − 1; level 0 is the latent's."""
        return max(1, min(int(self.fmap_base / 2 ** (level * self.fmap_decay)), self.fmap_max))

    def widths(self, resolution: int) -> dict[int, int]:
        """Channels at every resolution up to the last."""
        return {2 ** (s + 1): self.width(s) for s in range(1, resolution.bit_length() - 1)}

    @property
    def latent(self) -> int:
        """Width of the latent, resolved."""
        return self.latent_size or self.width(0)

    def factor(self, resolution: int, images: int) -> float:
        """Factor on the learning rate when `images` have been drawn.

        rate(resolution) · exp(−5 (1 − images / ramp_up_images)²) during the ramp
        """
        factor = float(at_resolution(self.rate, resolution))
        if images < self.ramp_up_images:
            factor *= math.exp(-5 * (1 - images / self.ramp_up_images) ** 2)
        return factor

    def plan(self, resolution: int) -> Plan:
        """Settle at the first resolution; each doubling fades in, then settles.

        The last stage is as long as `total_images` leaves; without it, `final_images`.
        """
        first = min(self.first_resolution or resolution, resolution)
        stages: list[Stage] = []

        def add(name: str, images: int, fade: bool = False) -> None:
            fresh = self.fresh_optimizers and bool(stages)
            stages.append(
                Stage(
                    name=name,
                    images=images,
                    resolution=r,
                    batch=at_resolution(self.batch, r),
                    fade=fade,
                    fresh_optimizers=fresh,
                )
            )

        r = first
        while r <= resolution:
            if r > first and self.fade_images:
                add(f"{r} fade", self.fade_images, fade=True)
            if r == resolution and self.total_images is not None:
                start = sum(stage.images for stage in stages)
                if self.total_images <= start:
                    raise ConfigError(
                        f"total_images is {self.total_images}, but the pictures reach their full "
                        f"size of {r} pixels only after {start}; set total_images above that, or "
                        "null, or shorten stable_images and fade_images."
                    )
                add(f"{r}", self.total_images - start)
            elif r == resolution and self.final_images is not None:
                add(f"{r}", self.final_images)
            elif self.stable_images:
                add(f"{r}", self.stable_images)
            r *= 2
        return Plan(tuple(stages))
