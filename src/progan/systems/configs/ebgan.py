"""Settings of EBGAN, its plan, and its presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.systems.configs.duel import TOY, TOY_HELP, DuelConfig

__all__ = ["PRETRAIN", "EBGANConfig"]

PRETRAIN = "pretrain"
"""Name of the stage in which only the autoencoder moves."""


@dataclass(frozen=True, kw_only=True)
class EBGANConfig(DuelConfig):
    """Energy-based GAN: an autoencoder for a discriminator, pretrained on real pictures."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "pretrained": {},
        "paper": {
            "pretrain_images": 0,
            "margin": 20.0,
            "energy_reduction": "norm",
            "code_size": None,
        },
        "mlp": {"network": "mlp"},
        "cpu": {"width": 32, "images": 400_000, "pretrain_images": 50_000},
        "toy": {
            **TOY,
            "code_size": 8,
            "margin": 1.0,
            "pretrain_images": 0,
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "pretrained": "the autoencoder first learns reals alone; the margin follows from that",
        "paper": "Zhao et al. 2017 on CelebA at 64 px: margin 20, no pretraining",
        "mlp": "dense layers",
        "cpu": "half the width, minutes on a CPU",
        "toy": TOY_HELP,
    }

    energy_reduction: Literal["mean", "sum", "norm"] = "mean"
    """Energy of a picture: mean or sum of the squared errors of its numbers, or the root of that
    sum. The margin counts in this unit."""
    margin: float | Literal["auto"] = "auto"
    """Energy that fakes are pushed up to, and no further (m); auto: margin_factor times the energy
    of reals after pretraining."""
    margin_factor: float = 7.5
    """Of margin=auto; 5 to 10."""
    margin_late: float = 0.0
    """Share of the game, at its end, over which the margin falls, in a line, to the energy that
    reals had after pretraining."""
    pulling_away: float = 0.1
    """Weight of the pulling-away term in the generator's loss; 0: none."""
    code_size: int | None = 64
    """Width of the autoencoder's code; null: dcgan's maps after three layers, as in the paper."""
    pretrain_images: int = 100_000
    """Real images on which the autoencoder learns alone before the game; 0: none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.margin, float | int) and not 0 < self.margin < math.inf:
            raise ConfigError(f"margin is {self.margin}; it must be above 0, or auto.")
        if self.margin == "auto" and not self.margin_factor > 1:
            raise ConfigError(
                f"margin_factor is {self.margin_factor}; the margin must lie above the energy of "
                "reals: --set margin_factor=7.5"
            )
        if not self.pretrain_images and (self.margin == "auto" or self.margin_late):
            raise ConfigError(
                f"margin is {self.margin} and margin_late {self.margin_late}, which follow the "
                "energy of reals after pretraining, but pretrain_images is 0: "
                "--set margin=1 margin_late=0, or --set pretrain_images=100000"
            )
        if not 0 <= self.margin_late <= 1 or self.pretrain_images < 0:
            raise ConfigError(
                f"margin_late is {self.margin_late} and pretrain_images {self.pretrain_images}; "
                "the one is a share from 0 to 1, the other 0 or more."
            )
        if self.code_size is None and self.network != "dcgan":
            raise ConfigError(
                f"code_size is null, which only dcgan has, but network is {self.network}: "
                "--set code_size=64"
            )
        if self.code_size is not None and self.code_size < 1:
            raise ConfigError(f"code_size is {self.code_size}; it must be at least 1, or null.")

    def plan(self, resolution: int) -> Plan:
        """The autoencoder alone, then the game."""
        if not self.pretrain_images:
            return super().plan(resolution)
        alone = Stage(
            name=PRETRAIN, images=self.pretrain_images, resolution=resolution, batch=self.batch
        )
        return Plan((alone, *super().plan(resolution).stages))
