"""Settings of VAE-GAN, and its presets. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.specs import Optimizer, RMSprop
from progan.systems.configs.encoding import EncodingConfig

__all__ = ["VAEGANConfig"]


@dataclass(frozen=True, kw_only=True)
class VAEGANConfig(EncodingConfig):
    """A variational autoencoder whose decoder is a GAN's generator; the defaults are for 64 px."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "celeba": {},
        "cifar": {"latent_size": 256, "gamma": 1e-5},
        "published": {
            "objective": "minimax",
            "fake_weight": 0.5,
            "balance": 0.35,
            "optimizer": {"kind": "RMSprop", "lr": 3.9e-4, "decay": 0.9},
        },
        "mlp": {"network": "mlp", "gamma": 1e-3},
        "cpu": {
            "width": 16,
            "latent_size": 32,
            "gamma": 1e-3,
            "balance": 0.35,
            "fake_weight": 0.5,
            "batch": 32,
            "images": 400_000,
        },
        "digits": {
            "width": 16,
            "latent_size": 16,
            "gamma": 1e-3,
            "balance": 0.35,
            "fake_weight": 0.5,
            "images": 192_000,
            "decay": "linear",
        },
        "vae": {
            "likeness": "pixels",
            "adversarial": 0.0,
            "width": 32,
            "gamma": 1.0,
            "images": 400_000,
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "celeba": "Larsen et al. 2016 on faces at 64 px: 128 latents, weight of likeness 1e-6",
        "cifar": "the published settings for 32 px: 256 latents, weight of likeness 1e-5",
        "published": "celeba as published code plays: zero-sum, fakes by half, balance",
        "mlp": "the published dense layers",
        "cpu": "a quarter of the width, 32 latents, the published balance; minutes on a CPU",
        "digits": "a quarter of the width and 16 latents, for small grey pictures",
        "vae": "a plain variational autoencoder of pixels, to compare with: no discriminator plays",
    }

    network: Literal["conv", "mlp"] = "conv"
    """conv: 5x5 convolutions, three halvings; mlp: dense layers."""
    latent_size: int = 128
    """Width of the latent, which is normal."""
    latent_prior: Literal["normal"] = "normal"
    """Distribution of the latent; the bound knows no other."""
    together: bool = True
    """Whether reals and fakes pass the discriminator as one batch, with one batch norm."""
    likeness: Literal["features", "pixels"] = "features"
    """Where a picture and its reconstruction are compared: at layer l of the discriminator, or
    pixel by pixel as a plain autoencoder does."""
    gamma: float = 1e-6
    """Weight of likeness in the decoder's loss (γ), against the game."""
    gamma_reduction: Literal["sum", "mean"] = "sum"
    """Whether γ multiplies the sum over all features, as in the paper, or their mean."""
    adversarial: float = 1.0
    """Weight of the game in the decoder's loss; 0: likeness alone."""
    objective: str = "non-saturating"
    """The game: non-saturating, minimax (the zero-sum form of the published code), or another."""
    negatives: tuple[Literal["reconstruction", "prior"], ...] = ("reconstruction", "prior")
    """What the discriminator is shown as fakes: reconstructions, pictures of the prior, or both."""
    fake_weight: float = 1.0
    """Weight of each kind of fakes in the discriminator's loss; that of reals is 1."""
    balance: float | None = None
    """Play only near the equilibrium: the discriminator waits while one of its costs is lower than
    this below it, the decoder while one is higher than this above (0.35 in the published code)."""
    equilibrium: float = 0.68
    """What balance is about: the cost of a discriminator that knows nothing is log 2 = 0.693."""
    optimizer: Optimizer = field(default_factory=lambda: RMSprop(lr=3e-4, decay=0.9))
    """Of all players."""
    images: int = 4_000_000
    """Length of the run, in real images drawn."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = (self.gamma, self.adversarial, self.fake_weight)
        if not all(0 <= weight < math.inf for weight in weights) or not any(weights[:2]):
            raise ConfigError(
                f"gamma is {self.gamma}, adversarial {self.adversarial} and fake_weight "
                f"{self.fake_weight}; all must be numbers from 0 up, and the decoder needs one of "
                "the first two: --set gamma=1e-5 adversarial=1"
            )
        if not self.negatives or len(set(self.negatives)) < len(self.negatives):
            raise ConfigError(
                f"negatives is {list(self.negatives)}; it must name reconstruction, prior or both, "
                "each once: --set negatives=[reconstruction,prior]"
            )
        if self.balance is not None:
            self._check_balance(self.balance)

    def _check_balance(self, balance: float) -> None:
        if not 0 < balance < math.inf or not 0 < self.equilibrium < math.inf:
            raise ConfigError(
                f"balance is {balance} and equilibrium {self.equilibrium}; both must be above 0, "
                "or balance null: --set balance=0.35 equilibrium=0.68"
            )
        if self.objective not in ("non-saturating", "minimax"):
            raise ConfigError(
                f"balance counts in costs of log D, and objective is {self.objective}: "
                "--set objective=non-saturating, or --set balance=null"
            )
        if not isinstance(self.optimizer, RMSprop):
            raise ConfigError(
                "balance lets a player wait by a gradient of 0, which momentum would not stop; "
                "choose an optimizer without it: --set optimizer.kind=RMSprop, or balance=null"
            )

    @property
    def plays(self) -> bool:
        """Whether there is a discriminator in the game."""
        return self.likeness == "features" or self.adversarial > 0
