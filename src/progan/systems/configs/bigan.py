"""Settings of BiGAN and ALI, and their presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.systems.configs.encoding import EncodingConfig

__all__ = ["BiGANConfig"]


@dataclass(frozen=True, kw_only=True)
class BiGANConfig(EncodingConfig):
    """A discriminator of pairs: picture and code; the defaults are the paper's for MNIST."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mnist": {},
        "ali": {
            "network": "ali",
            "encoder": "gaussian",
            "latent_size": 64,
            "latent_prior": "normal",
            "together": True,
            "width": 32,
            "weight_decay": 0.0,
            "decay": "none",
            "optimizer": {"kind": "Adam", "lr": 1e-4, "betas": [0.5, 0.999]},
            "batch": 100,
            "images": 50_000_000,
        },
        "cpu": {
            "network": "dcgan",
            "width": 32,
            "weight_decay": 0.0,
            "decay": "none",
            "batch": 64,
            "images": 400_000,
        },
        "toy": {
            "network": "toy",
            "latent_size": 2,
            "latent_prior": "normal",
            "weight_decay": 0.0,
            "simultaneous": False,
            "optimizer": {"kind": "Adam", "lr": 1e-3, "betas": [0.0, 0.9]},
            "decay": "linear",
            "batch": 256,
            "images": 256 * 5_000,
            "average": {"half_life_images": 2_560, "decay": None},
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "mnist": "Donahue et al. 2017 on MNIST: dense layers, 50 uniform latents, 400 epochs",
        "ali": "Dumoulin et al. 2017 on CIFAR-10: a random encoder, maxout and dropout; 32 px",
        "cpu": "DCGAN's networks at a quarter of their width, minutes on a CPU",
        "toy": "small dense networks for points in the plane, seconds a run",
    }

    network: Literal["mlp", "ali", "dcgan", "toy"] = "mlp"
    """mlp: two dense layers of 1024; ali: ALI's convolutions, for 32 px; dcgan: strided
    convolutions; toy: small dense ones, for points."""
    encoder: Literal["deterministic", "gaussian"] = "deterministic"
    """Whether a picture has one code (BiGAN), or a normal distribution of them (ALI)."""
    latent_size: int = 50
    """Width of the latent."""
    latent_prior: Literal["uniform", "normal"] = "uniform"
    """Distribution of the latent: uniform on [-1, 1], or normal."""
    objective: Literal["swapped", "minimax"] = "swapped"
    """What encoder and generator lower: the discriminator's loss with labels swapped, or the same
    with its sign turned."""
    simultaneous: bool = True
    """Whether all move at once, on one evaluation, or the discriminator first."""
    encoder_weight: float = 1.0
    """Factor on the slope that reaches the encoder; 0: it stays as it was, a control."""
    weight_decay: float = 5e-5
    """Weight of half the squared norm of weight matrices, in every player's loss. (The published
    code has 2.5e-5 beside the mean of the game's two terms, whose sum is lowered here.)"""
    decay: Literal["none", "linear", "exponential"] = "exponential"
    """Whether the learning rate falls to 0 in a line, or in the second half of the run to a
    hundredth, by equal factors."""
    batch: int = 128
    """Real images per step."""
    images: int = 24_000_000
    """Length of the run, in real images drawn."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.encoder_weight < math.inf or not 0 <= self.weight_decay < math.inf:
            raise ConfigError(
                f"encoder_weight is {self.encoder_weight} and weight_decay {self.weight_decay}; "
                "both must be numbers from 0 up: --set encoder_weight=1 weight_decay=5e-5"
            )
