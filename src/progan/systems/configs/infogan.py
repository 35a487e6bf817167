"""Settings of InfoGAN, and its presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from progan.core.errors import ConfigError
from progan.core.specs import Adam, Optimizer
from progan.systems.configs.duel import TOY, TOY_HELP
from progan.systems.configs.gan import GANConfig

__all__ = ["InfoGANConfig"]


@dataclass(frozen=True, kw_only=True)
class InfoGANConfig(GANConfig):
    """A generator whose codes can be read off its pictures; the rates are those for MNIST."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mnist": {},
        "mlp": {"network": "mlp", "critic_rate": 1.0, "optimizer": {"kind": "Adam", "lr": 2e-4}},
        "cpu": {"width": 32, "batch": 64, "images": 400_000},
        "toy": {**TOY, "critic_rate": 1.0, "categories": [8], "continuous": 0},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "mnist": "Chen et al. 2016 on MNIST: 62 numbers of noise, 10 categories, 2 numbers",
        "mlp": "dense layers",
        "cpu": "half the width, minutes on a CPU",
        "toy": f"one code of 8 categories; {TOY_HELP}",
    }

    categories: tuple[int, ...] = (10,)
    """Number of values of each categorical code."""
    continuous: int = 2
    """Number of codes that are uniform on [-1, 1]."""
    information: float = 1.0
    """Weight of what pictures tell of their categorical codes, in both players' losses (λ)."""
    continuous_information: float = 0.1
    """The same for continuous codes."""
    latent_size: int = 62
    """Width of the noise beside the codes."""
    width: int = 64
    """Channels of dcgan at half the full size; they double as the size halves, three times."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=1e-3, betas=(0.5, 0.999)))
    """Of both players; the discriminator's rate is critic_rate times as high."""
    critic_rate: float = 0.2
    """Factor on the discriminator's learning rate."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(number < 2 for number in self.categories) or self.continuous < 0 or not self.codes:
            raise ConfigError(
                f"categories is {list(self.categories)} and continuous {self.continuous}; a code "
                "has at least 2 values, and there must be a code: --set categories=[10]"
            )
        weights = (self.information, self.continuous_information)
        if not all(0 <= weight < math.inf for weight in weights):
            raise ConfigError(
                f"information is {weights[0]} and continuous_information {weights[1]}; both must "
                "be numbers from 0 up: --set information=1"
            )

    @property
    def codes(self) -> int:
        """Numbers of all codes together, one for each value of a categorical one."""
        return sum(self.categories) + self.continuous
