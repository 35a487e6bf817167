"""Settings of WGAN-GP, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.specs import Adam, Optimizer, Penalty
from progan.systems.configs.duel import TOY_HELP, DuelConfig, toy

__all__ = ["WGANGPConfig"]


@dataclass(frozen=True, kw_only=True)
class WGANGPConfig(DuelConfig):
    """Wasserstein GAN with a gradient penalty; the rates are those of algorithm 1."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "one-sided": {"penalty": {"side": "one"}},
        "mlp": {"network": "mlp"},
        "cpu": {
            "width": 32,
            "images": 400_000,
            "optimizer": {"kind": "Adam", "lr": 2e-4, "betas": [0.5, 0.9]},
        },
        "toy": {**toy(3_000, 5), "penalty": {"weight": 0.1}},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Gulrajani et al. 2017, algorithm 1, on DCGAN's networks",
        "one-sided": "only slopes above 1 are charged (WGAN-LP, Petzka et al. 2018)",
        "mlp": "dense layers",
        "cpu": "half the width and twice the rate, minutes on a CPU",
        "toy": f"{TOY_HELP}; penalty 0.1 as in the paper's own toys",
    }

    critic_norm: Literal["batch", "layer", "none"] = "layer"
    """Norm in dcgan's critic; layer is over each picture alone, as the paper advises."""
    penalty: Penalty = field(default_factory=Penalty)
    """What keeps the critic's slope near 1."""
    critic_steps: int = 5
    """Critic updates for each generator update."""
    latent_size: int = 128
    """Width of the latent."""
    latent_prior: Literal["uniform", "normal"] = "normal"
    """Distribution of the latent: uniform on [-1, 1], or normal."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=1e-4, betas=(0.0, 0.9)))
    """Of both players."""
    images: int = 64 * 5 * 100_000
    """Length of the run, in real images drawn: 100,000 generator updates."""
