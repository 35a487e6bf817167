"""What all games with an encoder can be told. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Average, Optimizer

__all__ = ["EncodingConfig"]


@dataclass(frozen=True, kw_only=True)
class EncodingConfig:
    """A generator, an encoder that goes the other way, and a critic, at one size."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""

    latent_size: int = 64
    """Width of the latent."""
    latent_prior: Literal["uniform", "normal"] = "normal"
    """Distribution of the latent: uniform on [-1, 1], or normal."""
    width: int = 64
    """Channels of convolutional networks; dense layers have 16 times as many units."""
    together: bool = False
    """Whether reals and fakes pass the discriminator as one batch, with one batch norm."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999)))
    """Of all players."""
    decay: Literal["none", "linear", "exponential"] = "none"
    """Whether the learning rate falls to 0 in a line, or in the second half of the run to a
    hundredth, by equal factors."""
    batch: int = 64
    """Real images per step."""
    images: int = 5_000_000
    """Length of the run, in real images drawn."""
    average: Average = field(default_factory=Average)
    """How the running averages of generator and encoder forget."""

    def __post_init__(self) -> None:
        if min(self.batch, self.images, self.latent_size) < 1 or self.width < 2:
            raise ConfigError(
                f"batch is {self.batch}, images {self.images}, latent_size {self.latent_size} and "
                f"width {self.width}; all must be at least 1, and width 2."
            )

    def plan(self, resolution: int) -> Plan:
        """One stage at the full size."""
        stage = Stage(name="train", images=self.images, resolution=resolution, batch=self.batch)
        return Plan((stage,))
