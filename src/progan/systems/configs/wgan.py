"""Settings of WGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from progan.core.errors import ConfigError
from progan.core.specs import Optimizer, RMSprop
from progan.systems.configs.duel import TOY_HELP, DuelConfig, toy

__all__ = ["WGANConfig"]

RUN = {"kind": "RMSprop", "lr": 5e-4}


@dataclass(frozen=True, kw_only=True)
class WGANConfig(DuelConfig):
    """Wasserstein GAN with clipped weights; the defaults are those of its code."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "algorithm-1": {"warm_up": False},
        "no-norm": {"generator_norm": "none", "critic_norm": "none"},
        "mlp": {"network": "mlp"},
        "cpu": {"width": 32, "images": 800_000, "warm_up": False, "optimizer": RUN},
        "toy": {**toy(3_000, 5), "optimizer": RUN, "clip": 0.1, "warm_up": False},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Arjovsky et al. 2017, with the many critic steps its code begins with",
        "algorithm-1": "the same, five critic steps throughout, as the algorithm is printed",
        "no-norm": "no batch norm anywhere: the paper's test of stability",
        "mlp": "dense layers",
        "cpu": "half the width and ten times the rate, minutes on a CPU",
        "toy": TOY_HELP,
    }

    clip: float = 0.01
    """Largest size of any weight of the critic (c)."""
    critic_steps: int = 5
    """Critic updates for each generator update."""
    warm_up: bool = True
    """Whether the critic makes 100 updates before each of the first 25 of the generator, and
    before every 500th, as the published code does."""
    optimizer: Optimizer = field(default_factory=lambda: RMSprop(lr=5e-5))
    """Of both players; the paper warns of momentum in the critic."""
    images: int = 64 * 5 * 200_000
    """Length of the run, in real images drawn."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.clip > 0:
            raise ConfigError(f"clip is {self.clip}; it must be above 0: --set clip=0.01")
