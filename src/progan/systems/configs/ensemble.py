"""Settings of ensembles of generators, their plan, and their presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.systems.configs.duel import TOY, TOY_HELP
from progan.systems.configs.gan import GANConfig

__all__ = ["EnsembleConfig"]


@dataclass(frozen=True, kw_only=True)
class EnsembleConfig(GANConfig):
    """Several generators for one data set; networks and objective of a member are GAN's."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "independent": {},
        "snapshot": {"kind": "snapshot", "images": 5_000_000},
        "mgan": {"kind": "shared", "members": 10, "batch": 120, "images": 5_000_000},
        "mlp": {"network": "mlp", "optimizer": {"kind": "SGD", "lr": 0.1, "momentum": 0.5}},
        "cpu": {"members": 4, "width": 32, "batch": 64, "images": 800_000},
        "mgan-cpu": {
            **{"kind": "shared", "members": 10},
            **{"width": 32, "batch": 60, "images": 400_000},
        },
        "toy": {**TOY, "members": 4, "images": 4 * TOY["images"]},
        "snapshot-toy": {**TOY, "kind": "snapshot", "members": 4},
        "mgan-toy": {**TOY, "kind": "shared", "members": 8, "diversity": 1.0},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "independent": "five DCGANs, each with its own discriminator",
        "snapshot": "one DCGAN, whose generator is kept five times along the run",
        "mgan": "Hoang et al. 2018 on CIFAR-10: ten generators that share all but the first layer",
        "mlp": "five of Goodfellow et al. 2014's dense games",
        "cpu": "four DCGANs of a quarter of the width, minutes on a CPU",
        "mgan-cpu": "mgan at a quarter of the width and half the batch, minutes on a CPU",
        "toy": f"four games; {TOY_HELP}",
        "snapshot-toy": f"one game kept four times; {TOY_HELP}",
        "mgan-toy": f"a shared game of eight, who must be told apart; {TOY_HELP}",
    }

    kind: Literal["independent", "snapshot", "shared"] = "independent"
    """independent: games that know nothing of each other; snapshot: one game, whose generator is
    kept at equal distances; shared: one game of generators that share layers (MGAN)."""
    members: int = 5
    """Number of generators (K)."""
    mixture: tuple[float, ...] | None = None
    """Weight of each generator in the mixture (π), divided by their sum; null: all the same."""
    diversity: float = 0.01
    """shared: weight of being told apart in the generators' loss (β)."""
    images: int = 25_000_000
    """Length of the run, in real images drawn by all members together."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.members < 1 or not 0 <= self.diversity < math.inf:
            raise ConfigError(
                f"members is {self.members} and diversity {self.diversity}; the first must be at "
                "least 1, the second at least 0."
            )
        weights = self.mixture
        if weights is not None and not (
            len(weights) == self.members
            and all(0 <= weight < math.inf for weight in weights)
            and sum(weights) > 0
        ):
            example = ", ".join(["1"] * min(self.members, 12))
            raise ConfigError(
                f"mixture is {list(weights)}; it needs {self.members} weights, none below 0 and "
                f"not all 0: --set mixture=[{example}]"
            )
        if self.kind == "snapshot" and self.images < self.members:
            raise ConfigError(
                f"images is {self.images}, fewer than the {self.members} members that are to be "
                "kept along the run: --set images=100000"
            )

    def plan(self, resolution: int) -> Plan:
        """One stage; a snapshot ensemble has one for each member."""
        if self.kind != "snapshot":
            return super().plan(resolution)
        marks = [self.images * k // self.members for k in range(self.members + 1)]
        return Plan(
            tuple(
                Stage(
                    name=f"member {k}",
                    images=marks[k + 1] - marks[k],
                    resolution=resolution,
                    batch=self.batch,
                )
                for k in range(self.members)
            )
        )
