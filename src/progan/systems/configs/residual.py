"""What the games of residual networks can be told: SNGAN, SAGAN, BigGAN. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Average, Optimizer, Penalty

__all__ = ["DIGITS", "DIGITS_HELP", "MINUTES", "ResidualConfig"]


@dataclass(frozen=True, kw_only=True)
class ResidualConfig:
    """A residual generator against a residual discriminator, at one size."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""

    condition: Literal["projection", "none"] = "projection"
    """What becomes of labels. projection: the generator's norms and an inner product with the
    discriminator's features know them, where the data have any; none: nobody looks at them."""
    objective: str = "hinge"
    """Name of the objective: hinge, non-saturating, wasserstein, …"""
    latent_size: int | Literal["auto"] = 128
    """Width of the latent; auto: 20 for each slot of the generator."""
    latent_prior: Literal["uniform", "normal"] = "normal"
    """Distribution of the latent: uniform on [-1, 1], or normal."""
    width: int = 64
    """Channels of which all layers have multiples (ch in BigGAN's tables)."""
    discriminator_blocks: Literal["thin", "wide"] = "wide"
    """Channels between the two convolutions of its blocks: thin: as many as come in, wide: as go
    out."""
    constant: bool = True
    """Whether the discriminator's last layer adds a constant."""
    attention: tuple[int, ...] = ()
    """Sides of the features behind which both networks have attention, in pixels; a side that a
    network has no block for is passed over."""
    attention_form: Literal["pooled", "full"] = "pooled"
    """pooled: as published by SAGAN and BigGAN; full: every place looks at every place."""
    generator_spectral_norm: bool = True
    """Whether the generator's weights too are divided by their largest singular value."""
    spectral_eps: float = 1e-12
    """Smallest length and divisor of spectral norm."""
    norm_eps: float = 1e-5
    """Added to variances by batch norm."""
    first_weights: Literal["glorot", "orthogonal", "normal"] = "glorot"
    """Their distribution; normal: N(0, 0.02)."""
    statistics: Literal["shard", "all"] = "shard"
    """What batch norm looks at in training. shard: each shard of a batch by itself; all: all
    shards together, one on each process."""
    standing_passes: int = 0
    """Batches from which batch norm's statistics are measured anew whenever pictures are made, for
    the truncation asked for; 0: the running ones of training serve."""
    penalty: Penalty = field(default_factory=lambda: Penalty(kind="none"))
    """What keeps the discriminator's slope in check, beside spectral norm."""
    orthogonal: float = 0.0
    """Weight of the generator's orthogonal regularisation (β)."""
    critic_steps: int = 1
    """Discriminator updates for each generator update."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=1e-4, betas=(0.0, 0.9)))
    """Of both players; the rate is the generator's."""
    critic_rate: float = 1.0
    """Factor on the discriminator's learning rate: above 1, two time scales (TTUR)."""
    decay: Literal["none", "linear"] = "none"
    """Whether the learning rate falls, in a line, to 0 at the end of the run."""
    decay_from: float = 0.0
    """Share of the run after which it begins to fall."""
    batch: int = 64
    """Real images per discriminator update."""
    generator_batches: int = 1
    """Fakes of a generator update, in multiples of the batch."""
    images: int = 16_000_000
    """Length of the run, in real images drawn."""
    average: Average = field(default_factory=Average)
    """How the generator's running average forgets."""

    def __post_init__(self) -> None:
        sizes = (self.batch, self.images, self.critic_steps, self.width, self.generator_batches)
        if min(sizes) < 1:
            raise ConfigError(
                f"batch is {self.batch}, images {self.images}, critic_steps {self.critic_steps}, "
                f"width {self.width} and generator_batches {self.generator_batches}; all must be "
                "at least 1."
            )
        if self.latent_size != "auto" and self.latent_size < 1:
            raise ConfigError(f"latent_size is {self.latent_size}; it must be at least 1, or auto.")
        if not 0 < self.critic_rate < float("inf"):
            raise ConfigError(
                f"critic_rate is {self.critic_rate}; it must be above 0: --set critic_rate=4"
            )
        if not 0 <= self.decay_from < 1 or self.standing_passes < 0:
            raise ConfigError(
                f"decay_from is {self.decay_from} and standing_passes {self.standing_passes}; the "
                "one is a share from 0 to below 1, the other 0 or more."
            )
        if not 0 < self.spectral_eps < 1 or not 0 < self.norm_eps < 1:
            raise ConfigError(
                f"spectral_eps is {self.spectral_eps} and norm_eps {self.norm_eps}; both must be "
                "above 0 and below 1: --set spectral_eps=1e-6 --set norm_eps=1e-5"
            )
        odd = [side for side in self.attention if side < 4 or side.bit_count() != 1]
        if odd:
            raise ConfigError(
                f"attention is {list(self.attention)}, but blocks end at 4, 8, 16, …: "
                "--set attention=[16]"
            )
        if self.generator_batches > 1 and self.objective.startswith("relativistic"):
            raise ConfigError(
                f"objective is {self.objective}, which compares each fake with a real, but "
                f"generator_batches is {self.generator_batches}: --set generator_batches=1"
            )

    def plan(self, resolution: int) -> Plan:
        """One stage at the full size."""
        stage = Stage(name="train", images=self.images, resolution=resolution, batch=self.batch)
        return Plan((stage,))


MINUTES: Mapping[str, Any] = {
    "width": 12,
    "optimizer.lr": 4e-4,
    "optimizer.betas": [0.0, 0.99],
    "critic_rate": 2.0,
    "critic_steps": 1,
    "decay": "linear",
    "batch": 16,
    "images": 800_000,
    "average": {"half_life_images": 3_000, "decay": None, "start_step": 0},
}
"""What minutes of a CPU are enough for, at 32 pixels: small steps are many, and rates high."""

DIGITS: Mapping[str, Any] = {
    "condition": "projection",
    "width": 32,
    "latent_size": 24,
    "first_weights": "orthogonal",
    "spectral_eps": 1e-6,
    "optimizer": {"kind": "Adam", "lr": 2e-4, "betas": [0.0, 0.999], "eps": 1e-6},
    "critic_rate": 2.0,
    "critic_steps": 1,
    "decay": "none",
    "batch": 32,
    "images": 32 * 1_600,
    "standing_passes": 16,
    "average": {"half_life_images": None, "decay": 0.999, "start_step": 200},
}
DIGITS_HELP = "digits of 8 pixels, a minute or two on a CPU: what progan accept trains"
