"""Settings of DCGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.specs import Adam, Optimizer
from progan.systems.configs.duel import DuelConfig

__all__ = ["DCGANConfig"]

TORCH: Mapping[str, Any] = {
    "layout": "torch",
    "width": 64,
    "latent_prior": "normal",
    "optimizer": {"kind": "Adam", "lr": 2e-4, "betas": [0.5, 0.999], "weight_decay": 0.0},
    "batch": 64,
}
SMALL_AVERAGE = {"half_life_images": 2_560, "decay": None}


@dataclass(frozen=True, kw_only=True)
class DCGANConfig(DuelConfig):
    """DCGAN; the defaults are those of the authors' Theano code."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "theano": {},
        "torch": {**TORCH, "images": 5_000_000},
        "rrelu": {"rectifier": "rrelu"},
        "cpu": {**TORCH, "width": 32, "images": 400_000},
        "tiny": {
            **TORCH,
            "width": 16,
            "batch": 32,
            "latent_size": 32,
            "images": 48_000,
            "average": SMALL_AVERAGE,
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "theano": "Radford et al. 2016, Theano code on faces: 5x5 kernels, 128 wide, L2 1e-5",
        "torch": "the Torch code: 4x4 kernels, 64 wide, batches of 64, normal latents",
        "rrelu": "theano with random leaks in the discriminator, which the paper does not have",
        "cpu": "torch in half its width, minutes on a CPU",
        "tiny": "torch in a quarter of its width, for digits: 1,500 updates, a minute or two",
    }

    layout: Literal["theano", "torch"] = "theano"
    """Which of the authors' two programs: theano, 5x5 kernels without biases, or torch, 4x4."""
    rectifier: Literal["lrelu", "rrelu"] = "lrelu"
    """The discriminator's: leaking `leak` of what is below 0, or a random share of it."""
    leak: float = 0.2
    """Share that lrelu lets through."""
    leak_range: tuple[float, float] = (1 / 8, 1 / 3)
    """Shares of rrelu: drawn evenly for each number in training, their mean in evaluation."""
    width: int = 128
    """Channels at half the full size; they double as the size halves, three times."""
    batch: int = 128
    """Real images per discriminator update."""
    optimizer: Optimizer = field(
        default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999), weight_decay=1e-5)
    )
    """Of both players."""
    images: int = 25 * 350_000
    """Length of the run, in real images drawn: 25 times the authors' 350,000 faces."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network != "dcgan":
            raise ConfigError(
                f"network is {self.network}, but dcgan is the convolutional one alone. "
                f"Take the plain game: --system gan --set network={self.network}"
            )
        low, high = self.leak_range
        if not 0 <= low <= high <= 1 or not 0 <= self.leak <= 1:
            raise ConfigError(
                f"leak is {self.leak} and leak_range {low} to {high}; they are shares from 0 to 1, "
                "and a range goes upwards: --set leak=0.2"
            )
