"""Settings of LAPGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Average, Optimizer

__all__ = ["LAPGANConfig"]

PUBLISHED: Mapping[str, Any] = {"kind": "SGD", "lr": 0.02, "momentum": 0.5}


@dataclass(frozen=True, kw_only=True)
class LAPGANConfig:
    """A dense game on the coarsest pictures, and a convolutional one for each finer band."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "adam": {},
        "cifar": {"optimizer": PUBLISHED},
        "lsun": {
            "network": "large",
            "coarsest": 4,
            "coarse_width": 600,
            "optimizer": {"kind": "SGD", "lr": 0.01, "momentum": 0.0},
        },
        "cpu": {
            "width": 32,
            "coarse_width": 600,
            "coarse_critic_width": 300,
            "batch": 64,
            "images": 200_000,
            "coarse_images": 1_200_000,
            "optimizer": {"kind": "Adam", "lr": 1e-3, "betas": [0.5, 0.999]},
            "decay": "linear",
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "adam": "the published CIFAR-10 networks, by Adam",
        "cifar": "Denton et al. 2015 on CIFAR-10, as published: momentum descent",
        "lsun": "Denton et al. 2015 on LSUN: from 4 pixels up, with the large networks",
        "cpu": "adam at half its width and five times its rate, minutes on a CPU",
    }

    coarsest: int = 8
    """Side of the coarsest pictures; sides double from there to the data's."""
    levels: tuple[int, ...] = ()
    """Sides of the levels that this run trains; none: all. Levels know nothing of each other."""
    network: Literal["small", "large"] = "small"
    """Of the finer levels. small: the published ones for CIFAR-10; large: those for LSUN."""
    width: int = 64
    """Channels of small's hidden layers; of large's the published ones times width / 64."""
    coarse_width: int = 1_200
    """Hidden units of the coarsest generator."""
    coarse_critic_width: int = 600
    """Hidden units of the coarsest discriminator."""
    latent_size: int = 100
    """Width of the coarsest level's latent, uniform on [-1, 1]; finer ones get a plane of noise."""
    join: Literal["sum", "concat"] = "sum"
    """How discriminators see band and coarse picture: their sum, or one beside the other."""
    enlarge: Literal["bilinear", "nearest"] = "bilinear"
    """How coarse pictures are enlarged."""
    labelled: bool = False
    """Whether all networks are told the label of each picture."""
    dropout: float = 0.5
    """Share of units that discriminators drop in training; large's has none."""
    objective: str = "non-saturating"
    """Name of the objective: non-saturating, minimax, least-squares, hinge, …"""
    critic_steps: int = 1
    """Discriminator updates for each generator update."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999)))
    """Of all players."""
    decay: Literal["none", "linear"] = "none"
    """Whether the learning rate falls, in a line, to 0 at the end of each level."""
    batch: int = 128
    """Real images per discriminator update: half for real bands, half to draw bands for."""
    images: int = 5_000_000
    """Length of each finer level, in real images drawn."""
    coarse_images: int = 5_000_000
    """Length of the coarsest."""
    average: Average = field(default_factory=Average)
    """How the generators' running averages forget."""

    def __post_init__(self) -> None:
        sizes = (self.width, self.coarse_width, self.coarse_critic_width, self.latent_size)
        if min(*sizes, self.images, self.coarse_images, self.critic_steps) < 1:
            raise ConfigError(
                f"width is {self.width}, coarse_width {self.coarse_width}, coarse_critic_width "
                f"{self.coarse_critic_width}, latent_size {self.latent_size}, images "
                f"{self.images}, coarse_images {self.coarse_images} and critic_steps "
                f"{self.critic_steps}; all must be at least 1."
            )
        if self.batch < 2 or self.batch % 2:
            raise ConfigError(
                f"batch is {self.batch}; half of it are real bands and half pictures to draw bands "
                "for, so it must be even: --set batch=64"
            )
        if self.coarsest.bit_count() != 1 or self.coarsest < 4:
            raise ConfigError(
                f"coarsest is {self.coarsest}; it must be a power of two from 4 up: "
                "--set coarsest=8"
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(
                f"dropout is {self.dropout}; it must be from 0 to below 1: --set dropout=0.5"
            )

    def sides(self, resolution: int) -> tuple[int, ...]:
        """Sides of all levels, coarsest first."""
        if resolution.bit_count() != 1 or resolution < self.coarsest:
            raise ConfigError(
                f"resolution is {resolution}, but the coarsest level has {self.coarsest} pixels, "
                f"from which sides double: --set data.resolution={4 * self.coarsest}, or a smaller "
                "coarsest"
            )
        doublings = (resolution // self.coarsest).bit_length()
        found = tuple(self.coarsest << k for k in range(doublings))
        if strange := sorted(set(self.levels) - set(found)):
            raise ConfigError(
                f"levels has {strange[0]}, but the levels are {', '.join(map(str, found))} pixels: "
                f"--set levels=[{found[-1]}]"
            )
        return found

    def plan(self, resolution: int) -> Plan:
        """One stage for each level that is trained, coarsest first."""
        sides = self.sides(resolution)
        return Plan(
            tuple(
                Stage(
                    name=f"{side} px",
                    images=self.coarse_images if side == self.coarsest else self.images,
                    resolution=side,
                    batch=self.batch,
                )
                for side in sides
                if not self.levels or side in self.levels
            )
        )
