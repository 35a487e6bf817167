"""Settings of GANs with labels, and their presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.systems.configs.duel import TOY, TOY_HELP
from progan.systems.configs.gan import GANConfig

__all__ = ["CGANConfig", "Condition"]

Condition = Literal["concat", "matching-aware", "two-head", "ac-gan", "projection"]

AC_GAN: Mapping[str, Any] = {
    "condition": "ac-gan",
    "latent_size": 110,
    "batch": 100,
    "dropout": 0.5,
}
PROJECTION: Mapping[str, Any] = {
    "condition": "projection",
    "objective": "hinge",
    "spectral_norm": True,
    "generator_norm": "conditional-batch",
    "critic_norm": "none",
    "latent_size": 128,
    "latent_prior": "normal",
    "critic_steps": 5,
    "optimizer": {"kind": "Adam", "lr": 2e-4, "betas": [0.0, 0.9]},
    "decay": "linear",
    "batch": 64,
}


@dataclass(frozen=True, kw_only=True)
class CGANConfig(GANConfig):
    """A generator that is told which label to draw; the networks are GAN's, with labels."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "dcgan": {},
        "mlp": {
            "network": "mlp",
            "optimizer": {"kind": "SGD", "lr": 0.1, "momentum": 0.5},
            "batch": 100,
        },
        "matching-aware": {"condition": "matching-aware", "batch": 64},
        "two-head": {"condition": "two-head"},
        "ac-gan": AC_GAN,
        "projection": PROJECTION,
        "cpu": {"width": 32, "batch": 64, "images": 400_000},
        "projection-cpu": {
            **PROJECTION,
            **{"width": 32, "critic_steps": 2, "images": 800_000},
        },
        "toy": TOY,
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "dcgan": "labels as planes at every layer of DCGAN's networks, as in its published code",
        "mlp": "Mirza & Osindero 2014 on MNIST: rectified against maxout, momentum descent",
        "matching-aware": "Reed et al. 2016: real pictures with wrong labels count as fakes",
        "two-head": "one head tells whether a picture is real, another whether its label matches",
        "ac-gan": "Odena et al. 2017: a classifier beside the discriminator's last layer",
        "projection": "Miyato & Koyama 2018: projection, spectral norm, conditional batch norm",
        "cpu": "dcgan at a quarter of its width, minutes on a CPU",
        "projection-cpu": "projection at a quarter of its width, minutes on a CPU",
        "toy": TOY_HELP,
    }

    condition: Condition = "concat"
    """How the discriminator uses the label. concat: beside its input; matching-aware: on its last
    features, with wrong labels as a third kind of pair; two-head: the same in a head of its own;
    ac-gan: it guesses the label; projection: as an inner product with its features."""
    label_weight: float = 1.0
    """two-head: weight of matching in both players' losses; ac-gan: of the guess (λ)."""
    match_on_fake: bool = False
    """two-head: whether fakes count as not matching for the discriminator's second head."""
    dropout: float = 0.0
    """Share of units that dcgan's discriminator drops behind each rectifier in training; not of
    concat, whose discriminator is another."""
    spectral_norm: bool = False
    """Whether the weights of all the discriminator's layers, the labels' vectors included, are
    divided by their largest singular value."""
    generator_norm: Literal["batch", "none", "conditional-batch"] = "batch"  # type: ignore[assignment]
    """Norm in dcgan's generator; conditional-batch tells it the label, in the place of planes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.label_weight < math.inf:
            raise ConfigError(
                f"label_weight is {self.label_weight}; it must be a number from 0 up: "
                "--set label_weight=1"
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(
                f"dropout is {self.dropout}; it must be from 0 to below 1: --set dropout=0.5"
            )
        if self.dropout and (self.condition == "concat" or self.network != "dcgan"):
            raise ConfigError(
                f"dropout is {self.dropout}, but condition is {self.condition} and network "
                f"{self.network}; it is for dcgan's discriminator where labels are not "
                "concatenated to pictures: --set dropout=0"
            )
        if self.condition == "matching-aware" and self.objective.startswith("relativistic"):
            raise ConfigError(
                f"objective is {self.objective}, which compares fakes with reals; matching-aware "
                "has two kinds of fakes: --set condition=two-head, or --set objective=hinge"
            )
        if self.generator_norm == "conditional-batch" and self.network != "dcgan":
            raise ConfigError(
                f"generator_norm is conditional-batch, which only dcgan has, but network is "
                f"{self.network}: --set generator_norm=batch"
            )
        if self.match_on_fake and self.condition != "two-head":
            raise ConfigError(
                f"match_on_fake is true, but condition is {self.condition}, which has no second "
                "head: --set condition=two-head, or --set match_on_fake=false"
            )
