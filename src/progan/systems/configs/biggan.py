"""Settings of BigGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.specs import Adam, Average, Optimizer
from progan.systems.configs.residual import DIGITS, DIGITS_HELP, MINUTES, ResidualConfig

__all__ = ["BigGANConfig"]


@dataclass(frozen=True, kw_only=True)
class BigGANConfig(ResidualConfig):
    """Class and latent at every block, wide, in large batches; the defaults are the paper's."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"statistics": "all"},
        "deep": {"statistics": "all", "variant": "deep", "width": 128, "latent_size": 128},
        "reference": {
            "optimizer.lr": 1e-4,
            "optimizer.eps": 1e-6,
            "critic_steps": 1,
            "orthogonal": 0.0,
            "spectral_eps": 1e-6,
            "norm_eps": 1e-5,
            "standing_passes": 16,
            "images": 138_000 * 2048,
            "average.start_step": 20_000,
        },
        "cifar10": {
            "width": 64,
            "attention": [],
            "first_weights": "normal",
            "optimizer.lr": 2e-4,
            "critic_rate": 1.0,
            "critic_steps": 4,
            "batch": 50,
            "images": 500 * 50_000,
            "orthogonal": 0.0,
            "spectral_eps": 1e-6,
            "norm_eps": 1e-5,
            "standing_passes": 16,
            "average.start_step": 1_000,
        },
        "cpu": {
            **MINUTES,
            "width": 8,
            "shared": 32,
            "attention": [16],
            "optimizer.lr": 5e-4,
            "optimizer.eps": 1e-6,
            "spectral_eps": 1e-6,
            "norm_eps": 1e-5,
            "standing_passes": 16,
        },
        "tiny": {**DIGITS, "shared": 16, "norm_eps": 1e-5, "attention": []},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Brock et al. 2019 on ImageNet: batches of 2048, statistics over all processes",
        "deep": "the paper's second network: bottlenecks, all of the latent at every norm",
        "reference": "the published PyTorch code: one discriminator step, higher rates, no penalty",
        "cifar10": "the published code's settings for 32 px: batches of 50, 4 discriminator steps",
        "cpu": "a twelfth of the width, small batches, high rates, minutes on a CPU",
        "tiny": DIGITS_HELP,
    }

    variant: Literal["biggan", "deep"] = "biggan"
    """deep: BigGAN-deep, bottlenecks of four convolutions, two for each size."""
    shared: int = 128
    """Width of the vector of a label that all norms look at; 0: each norm has vectors of its
    own."""
    split: bool = True
    """Whether each block gets a piece of the latent of its own; deep gives all of it to all."""
    latent_size: int | Literal["auto"] = "auto"
    """Width of the latent; auto: 20 for each slot of the generator."""
    width: int = 96
    """Channels of which all layers have multiples (ch in BigGAN's tables)."""
    attention: tuple[int, ...] = (64,)
    """Sides of the features behind which both networks have attention, in pixels; a side that a
    network has no block for is passed over."""
    spectral_eps: float = 1e-4
    """Smallest length and divisor of spectral norm."""
    norm_eps: float = 1e-4
    """Added to variances by batch norm."""
    first_weights: Literal["glorot", "orthogonal", "normal"] = "orthogonal"
    """Their distribution; normal: N(0, 0.02)."""
    standing_passes: int = 100
    """Batches from which batch norm's statistics are measured anew whenever pictures are made, for
    the truncation asked for; 0: the running ones of training serve."""
    orthogonal: float = 1e-4
    """Weight of the generator's orthogonal regularisation (β)."""
    critic_steps: int = 2
    """Discriminator updates for each generator update."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=5e-5, betas=(0.0, 0.999)))
    """Of both players; the rate is the generator's."""
    critic_rate: float = 4.0
    """Factor on the discriminator's learning rate: above 1, two time scales (TTUR)."""
    batch: int = 2048
    """Real images per discriminator update."""
    images: int = 138_000 * 2 * 2048
    """Length of the run, in real images drawn: 138,000 generator updates."""
    average: Average = field(default_factory=lambda: Average(half_life_images=None, decay=0.9999))
    """How the generator's running average forgets."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shared < 0:
            raise ConfigError(f"shared is {self.shared}; it must be 0 or more: --set shared=128")
        if self.variant == "deep" and not self.shared:
            raise ConfigError(
                "variant is deep, whose norms look at one vector, but shared is 0: --set shared=128"
            )
