"""Settings of SNGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.specs import Adam, Optimizer
from progan.systems.configs.residual import DIGITS, DIGITS_HELP, MINUTES, ResidualConfig

__all__ = ["SNGANConfig"]


@dataclass(frozen=True, kw_only=True)
class SNGANConfig(ResidualConfig):
    """Spectral norm in the discriminator alone; the defaults are those for CIFAR-10."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "cifar10": {},
        "projection": {"condition": "projection"},
        "imagenet": {
            "condition": "projection",
            "decay_from": 8 / 9,
            "images": 450_000 * 5 * 64,
        },
        "cpu": {
            **MINUTES,
            "condition": "projection",
            "optimizer.lr": 6e-4,
            "generator_batches": 1,
        },
        "tiny": {**DIGITS, "generator_batches": 1, "images": 32 * 3_200},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "cifar10": "Miyato et al. 2018 on CIFAR-10: 32 px, no labels, 5 discriminator steps",
        "projection": "Miyato & Koyama 2018 at 32 px: the same with labels",
        "imagenet": "Miyato & Koyama 2018 at 128 px: 450,000 steps, the rate falls from 400,000 on",
        "cpu": "projection with narrow networks, small batches and high rates, minutes on a CPU",
        "tiny": DIGITS_HELP,
    }

    condition: Literal["projection", "none"] = "none"
    """What becomes of labels. projection: the generator's norms and an inner product with the
    discriminator's features know them, where the data have any; none: nobody looks at them."""
    discriminator_blocks: Literal["thin", "wide"] = "thin"
    """Channels between the two convolutions of its blocks: thin: as many as come in, wide: as go
    out."""
    constant: bool = False
    """Whether the discriminator's last layer adds a constant."""
    generator_spectral_norm: bool = False
    """Whether the generator's weights too are divided by their largest singular value."""
    critic_steps: int = 5
    """Discriminator updates for each generator update."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.0, 0.9)))
    """Of both players; the rate is the generator's."""
    decay: Literal["none", "linear"] = "linear"
    """Whether the learning rate falls, in a line, to 0 at the end of the run."""
    generator_batches: int = 2
    """Fakes of a generator update, in multiples of the batch."""
    images: int = 50_000 * 5 * 64
    """Length of the run, in real images drawn: 50,000 generator updates."""
