"""Settings of SAGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from progan.systems.configs.residual import DIGITS, DIGITS_HELP, MINUTES, ResidualConfig

__all__ = ["SAGANConfig"]


@dataclass(frozen=True, kw_only=True)
class SAGANConfig(ResidualConfig):
    """Attention, spectral norm in both networks, two time scales; the defaults are the paper's."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "reference": {"optimizer.betas": [0.0, 0.999]},
        "cpu": {**MINUTES, "attention": [16]},
        "tiny": {**DIGITS, "attention": [8], "images": 32 * 3_200},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Zhang et al. 2019 on ImageNet at 128 px: attention at 32, batches of 256",
        "reference": "the same with Adam's second decay as in the published code, 0.999",
        "cpu": "narrow, small batches, high rates, attention at 16 px, minutes on a CPU",
        "tiny": DIGITS_HELP,
    }

    attention: tuple[int, ...] = (32,)
    """Sides of the features behind which both networks have attention, in pixels; a side that a
    network has no block for is passed over."""
    critic_rate: float = 4.0
    """Factor on the discriminator's learning rate: above 1, two time scales (TTUR)."""
    batch: int = 256
    """Real images per discriminator update."""
    images: int = 1_000_000 * 256
    """Length of the run, in real images drawn: 1,000,000 generator updates."""
