"""Settings of the plain GAN, its plan, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Average, Optimizer

__all__ = ["GANConfig"]


@dataclass(frozen=True, kw_only=True)
class GANConfig:
    """The original game; the defaults are DCGAN's with the non-saturating objective."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "dcgan": {},
        "minimax": {"objective": "minimax"},
        "mlp": {
            "network": "mlp",
            "optimizer": {"kind": "SGD", "lr": 0.1, "momentum": 0.5},
            "batch": 100,
        },
        "cpu": {"width": 32, "batch": 64, "images": 400_000},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "dcgan": "Radford et al. 2016: strided convolutions, non-saturating, Adam 2e-4 (0.5)",
        "minimax": "dcgan with the zero-sum objective, to watch it saturate",
        "mlp": "Goodfellow et al. 2014 on MNIST: rectified against maxout, momentum descent",
        "cpu": "dcgan at a quarter of its width, minutes on a CPU",
    }

    network: Literal["dcgan", "mlp"] = "dcgan"
    """dcgan: strided convolutions; mlp: dense layers."""
    latent_size: int = 100
    """Width of the latent."""
    latent_prior: Literal["uniform", "normal"] = "uniform"
    """Distribution of the latent: uniform on [-1, 1] (both papers), or normal."""
    width: int = 128
    """Channels of dcgan at half the full size; they double as the size halves, three times."""
    objective: str = "non-saturating"
    """Name of the objective: non-saturating, minimax, least-squares, hinge, …"""
    critic_steps: int = 1
    """Discriminator updates for each generator update (k in the paper's algorithm 1)."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999)))
    """Of both players."""
    batch: int = 128
    """Real images per discriminator update."""
    images: int = 5_000_000
    """Length of the run, in real images drawn."""
    average: Average = field(default_factory=Average)
    """How the generator's running average forgets."""

    def __post_init__(self) -> None:
        if min(self.batch, self.images, self.critic_steps, self.latent_size) < 1:
            raise ConfigError(
                f"batch is {self.batch}, images {self.images}, critic_steps {self.critic_steps} "
                f"and latent_size {self.latent_size}; all must be at least 1."
            )

    def plan(self, resolution: int) -> Plan:
        """One stage at the full size."""
        stage = Stage(name="train", images=self.images, resolution=resolution, batch=self.batch)
        return Plan((stage,))
