"""Settings of StackGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Average, Optimizer

__all__ = ["CAPTIONS", "FIRST", "SECOND", "StackGANConfig"]

CAPTIONS, FIRST, SECOND = "captions", "stage I", "stage II"
"""Names of the stages."""
BIRDS = 8_855
"""Training pictures of CUB in the paper."""


@dataclass(frozen=True, kw_only=True)
class StackGANConfig:
    """Two games on captions: one draws small pictures, the other large ones upon them."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "article": {"kl": "sum", "kl_weight": 1.0, "noise": "normal"},
        "cpu": {
            "width": 16,
            "critic_width": 12,
            "second_width": 32,
            "second_critic_width": 8,
            "blocks": 1,
            "features": 128,
            "buckets": 8_192,
            "code": 64,
            "latent_size": 32,
            "batch": 32,
            "optimizer": {"kind": "Adam", "lr": 5e-4, "betas": [0.5, 0.999]},
            "text_images": 60_000,
            "images": 200_000,
            "second_images": 60_000,
            "halvings": 4,
            "second_halvings": 4,
            "second_rate": 0.4,
            "average": {"half_life_images": 2_000, "decay": None},
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "the published networks and settings of the code, 64 pixels and then 256",
        "article": "the same with the article's weight of the KL term, summed, and uncut noise",
        "cpu": "an eighth of the width and Adam at 5e-4, minutes on a CPU; 16 pixels, then 64",
    }
    CAPTIONED: ClassVar[bool] = True
    """That pictures must have captions: they are looked for where nobody says."""

    ratio: int = 4
    """How many times the second stage's pictures are as wide as the first's."""
    width: int = 128
    """Channels of the first generator at its largest; at 4×4 it has 8 times as many."""
    critic_width: int = 64
    """Channels of the first discriminator at 64 pixels; at 4×4 it has 8 times as many."""
    second_width: int = 128
    """Channels of the second generator at the small pictures' size; inside 4 times as many."""
    second_critic_width: int = 64
    """Of the second discriminator, as of the first."""
    blocks: int = 4
    """Residual blocks of the second generator."""
    inner: int = 16
    """Side of the maps inside the second generator, in pixels: small pictures are halved until they
    have it, at most twice. As published: 64 to 16."""
    latent_size: int = 100
    """Width of the latent z."""
    code: int = 128
    """Width of the condition drawn around a caption's vector; also of what discriminators see."""
    noise: Literal["truncated", "normal"] = "truncated"
    """Around captions' vectors: cut at ±2 as in the code, or not."""
    kl_weight: float = 2.0
    """λ: weight of KL(N(μ, σ²) ‖ N(0, 1)) of the conditions."""
    kl: Literal["mean", "sum"] = "mean"
    """Over the numbers of a condition: their mean as in the code, or their sum."""
    features: int = 1_024
    """Width of a caption's vector, where the captions' network makes it."""
    buckets: int = 65_536
    """Words and pairs of words that the captions' network tells apart, by their hashes."""
    averaged_captions: int = 4
    """Captions of a picture whose vectors are averaged, if it has so many."""
    temperature: float = 0.1
    """Of likeness, where pictures and captions learn to find each other."""
    fine_tune: bool = False
    """Whether the second stage goes on training the first generator."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999)))
    """Of all players of both games."""
    text_optimizer: Optimizer = field(default_factory=lambda: Adam(lr=1e-3, betas=(0.9, 0.999)))
    """Of the captions' network."""
    halvings: int = 12
    """Parts of the first stage, all as long; after each the learning rate is halved."""
    second_halvings: int = 6
    """And of the second."""
    second_rate: float = 1.0
    """Factor on the learning rate in the second stage."""
    batch: int = 64
    """Real images per update."""
    text_images: int = 500_000
    """Length of the captions' own training, in real images drawn; 0 leaves first weights."""
    images: int = 600 * BIRDS
    """Length of the first stage."""
    second_images: int = 600 * BIRDS
    """Length of the second."""
    average: Average = field(default_factory=lambda: Average(half_life_images=None, decay=0.0))
    """How the generators' running averages forget: by default at once, as published."""

    def __post_init__(self) -> None:
        sizes = {
            "width": self.width,
            "critic_width": self.critic_width,
            "second_width": self.second_width,
            "second_critic_width": self.second_critic_width,
            "latent_size": self.latent_size,
            "code": self.code,
            "features": self.features,
            "buckets": self.buckets,
            "averaged_captions": self.averaged_captions,
            "images": self.images,
        }
        for name, value in sizes.items():
            if value < 1:
                raise ConfigError(f"{name} is {value}; it must be at least 1: --set {name}=64")
        for name in ("blocks", "text_images", "second_images", "halvings", "second_halvings"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; it must be 0 or more: --set {name}=4"
                )
        if self.inner < 4 or self.inner.bit_count() != 1:
            raise ConfigError(
                f"inner is {self.inner}; it must be a power of two from 4 up: --set inner=16"
            )
        if self.batch < 2:
            raise ConfigError(
                f"batch is {self.batch}; captions are held against each other's pictures, so it "
                "must be at least 2: --set batch=64"
            )
        if self.ratio not in (2, 4, 8):
            raise ConfigError(f"ratio is {self.ratio}; it must be 2, 4 or 8: --set ratio=4")
        if not self.second_rate > 0:
            raise ConfigError(
                f"second_rate is {self.second_rate}; it must be above 0: --set second_rate=1"
            )
        if not self.temperature > 0 or not self.kl_weight >= 0:
            raise ConfigError(
                f"temperature is {self.temperature} and kl_weight {self.kl_weight}; the first must "
                "be above 0 and the second not below: --set temperature=0.1"
            )

    def sides(self, resolution: int) -> tuple[int, int]:
        """Sides of the first stage's pictures and of the second's."""
        if resolution.bit_count() != 1 or resolution < 8 * self.ratio:
            raise ConfigError(
                f"resolution is {resolution}, of which the first stage draws 1/{self.ratio}; it "
                f"must be a power of two from {8 * self.ratio} up: --set data.resolution=64"
            )
        return resolution // self.ratio, resolution

    def plan(self, resolution: int, *, own: bool = True) -> Plan:
        """The captions' own training, unless vectors are not the system's `own`; the first stage,
        the second."""
        first, second = self.sides(resolution)
        rows = (
            (CAPTIONS, self.text_images, first),
            (FIRST, self.images, first),
            (SECOND, self.second_images, second),
        )
        return Plan(
            tuple(
                Stage(name=name, images=images, resolution=side, batch=self.batch)
                for name, images, side in (rows if own else rows[1:])
            )
        )
