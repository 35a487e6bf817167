"""What all games of one generator against one critic, at one size, can be told. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Average, Optimizer, Penalty

__all__ = ["TOY", "DuelConfig", "toy"]


@dataclass(frozen=True, kw_only=True)
class DuelConfig:
    """A generator against a critic, at one size."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""

    network: Literal["dcgan", "mlp", "toy"] = "dcgan"
    """dcgan: strided convolutions; mlp: dense layers; toy: small dense ones, for points."""
    latent_size: int = 100
    """Width of the latent."""
    latent_prior: Literal["uniform", "normal"] = "uniform"
    """Distribution of the latent: uniform on [-1, 1], or normal."""
    width: int = 64
    """Channels of dcgan at half the full size; they double as the size halves, three times."""
    generator_norm: Literal["batch", "none"] = "batch"
    """Norm in dcgan's generator."""
    critic_norm: Literal["batch", "layer", "none"] = "batch"
    """Norm in dcgan's critic; layer is over each picture alone."""
    penalty: Penalty = field(default_factory=lambda: Penalty(kind="none"))
    """What keeps the critic's slope in check."""
    orthogonal: float = 0.0
    """Weight of the generator's orthogonal regularisation (1e-4 in BigGAN)."""
    critic_steps: int = 1
    """Critic updates for each generator update (k)."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999)))
    """Of both players."""
    critic_rate: float = 1.0
    """Factor on the critic's learning rate: above 1, two time scales (TTUR)."""
    decay: Literal["none", "linear"] = "none"
    """Whether the learning rate falls, in a line, to 0 at the end of the run."""
    batch: int = 64
    """Real images per critic update."""
    images: int = 5_000_000
    """Length of the run, in real images drawn."""
    average: Average = field(default_factory=Average)
    """How the generator's running average forgets."""

    def __post_init__(self) -> None:
        if min(self.batch, self.images, self.critic_steps, self.latent_size, self.width) < 1:
            raise ConfigError(
                f"batch is {self.batch}, images {self.images}, critic_steps {self.critic_steps}, "
                f"latent_size {self.latent_size} and width {self.width}; all must be at least 1."
            )
        if not 0 < self.critic_rate < float("inf"):
            raise ConfigError(
                f"critic_rate is {self.critic_rate}; it must be above 0: --set critic_rate=4"
            )
        looks = self.network == "dcgan" and self.penalty.kind not in ("none", "r1", "r2", "r1+r2")
        if looks and self.critic_norm == "batch":
            raise ConfigError(
                f"penalty.kind is {self.penalty.kind}, which needs the slope of each picture's own "
                "score, but batch norm mixes the batch: --set critic_norm=layer"
            )

    def plan(self, resolution: int) -> Plan:
        """One stage at the full size."""
        stage = Stage(name="train", images=self.images, resolution=resolution, batch=self.batch)
        return Plan((stage,))


def toy(steps: int, critic_steps: int = 1) -> dict[str, Any]:
    """Settings for points: `steps` generator updates on batches of 256."""
    return {
        "network": "toy",
        "latent_size": 2,
        "latent_prior": "normal",
        "optimizer": {"kind": "Adam", "lr": 1e-3, "betas": [0.5, 0.9]},
        "decay": "linear",
        "critic_steps": critic_steps,
        "batch": 256,
        "images": 256 * steps * critic_steps,
        "average": {"half_life_images": 2_560, "decay": None},
    }


TOY: Mapping[str, Any] = toy(4_000)
TOY_HELP = "small dense networks for points in the plane, seconds a run: what progan lab plays"
