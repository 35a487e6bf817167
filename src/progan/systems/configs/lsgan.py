"""Settings of LSGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from progan.systems.configs.duel import TOY, TOY_HELP, DuelConfig

__all__ = ["LSGANConfig"]


@dataclass(frozen=True, kw_only=True)
class LSGANConfig(DuelConfig):
    """Least squares in the place of log-likelihood; the networks are DCGAN's."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "dcgan": {},
        "pearson": {"fake_target": -1.0, "real_target": 1.0, "aim": 0.0},
        "lsun": {
            "latent_size": 1024,
            "optimizer": {"kind": "Adam", "lr": 1e-3, "betas": [0.5, 0.999]},
        },
        "no-norm": {"generator_norm": "none"},
        "mlp": {"network": "mlp"},
        "cpu": {"width": 32, "images": 400_000},
        "toy": TOY,
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "dcgan": "reals at 1, fakes at 0 (equation 9), Adam 2e-4 (0.5)",
        "pearson": "reals at 1, fakes at −1, aim 0 (equation 8): the game of Pearson's χ²",
        "lsun": "the paper's latent of 1024 and rate of 1e-3; its pictures have 112 pixels",
        "no-norm": "no batch norm in the generator: the paper's test of stability",
        "mlp": "dense layers",
        "cpu": "half the width, minutes on a CPU",
        "toy": TOY_HELP,
    }

    fake_target: float = 0.0
    """Where the discriminator wants fakes (a in the paper)."""
    real_target: float = 1.0
    """Where it wants reals (b)."""
    aim: float = 1.0
    """Where the generator wants its fakes (c)."""
