"""Settings of InfoGAN, and its presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

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
        "dcgan": {"network": "dcgan"},
        "mlp": {"network": "mlp", "critic_rate": 1.0, "optimizer": {"kind": "Adam", "lr": 2e-4}},
        "cpu": {"network": "dcgan", "width": 32, "batch": 64, "images": 400_000},
        "toy": {**TOY, "critic_rate": 1.0, "categories": [8], "continuous": 0},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "mnist": "Chen et al. 2016 on MNIST: 62 numbers of noise, 10 categories, 2 numbers",
        "dcgan": "the same on DCGAN's networks",
        "mlp": "dense layers",
        "cpu": "DCGAN's networks at a quarter of their width, minutes on a CPU",
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
    network: Literal["infogan", "dcgan", "mlp", "toy"] = "infogan"  # type: ignore[assignment]
    """infogan: the paper's for MNIST, two strided convolutions and a dense layer; dcgan: strided
    convolutions alone; mlp: dense layers; toy: small dense ones, for points."""
    latent_size: int = 62
    """Width of the noise beside the codes."""
    width: int = 64
    """Channels of the convolutions at half the full size: infogan has twice as many at a quarter
    and dense layers of 16 times as many, dcgan doubles them as the size halves, three times."""
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
        norms = (self.generator_norm, self.critic_norm)
        if self.network == "infogan" and norms != ("batch", "batch"):
            raise ConfigError(
                f"generator_norm is {norms[0]} and critic_norm {norms[1]}, but the infogan network "
                "has batch norm alone. To choose a norm: --set network=dcgan"
            )
        slopes = self.penalty.kind not in ("none", "r1", "r2", "r1+r2")
        if self.network == "infogan" and slopes:
            raise ConfigError(
                f"penalty.kind is {self.penalty.kind}, which needs the slope of each picture's own "
                "score, but batch norm mixes the batch: --set network=dcgan critic_norm=layer"
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
