"""Settings of the plain GAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from progan.systems.configs.duel import TOY, TOY_HELP, DuelConfig

__all__ = ["GANConfig"]


@dataclass(frozen=True, kw_only=True)
class GANConfig(DuelConfig):
    """The original game; the defaults are DCGAN's with the non-saturating objective."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "dcgan": {},
        "minimax": {"objective": "minimax"},
        "mlp": {
            "network": "mlp",
            "optimizer": {"kind": "SGD", "lr": 0.1, "momentum": 0.5},
            "batch": 100,
        },
        "cpu": {"width": 32, "batch": 64, "images": 400_000},
        "toy": TOY,
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "dcgan": "Radford et al. 2016: strided convolutions, non-saturating, Adam 2e-4 (0.5)",
        "minimax": "dcgan with the zero-sum objective, to watch it saturate",
        "mlp": "Goodfellow et al. 2014 on MNIST: rectified against maxout, momentum descent",
        "cpu": "dcgan at a quarter of its width, minutes on a CPU",
        "toy": TOY_HELP,
    }

    objective: str = "non-saturating"
    """Name of the objective: non-saturating, minimax, least-squares, hinge, …"""
    width: int = 128
    """Channels of dcgan at half the full size; they double as the size halves, three times."""
    batch: int = 128
    """Real images per discriminator update."""
