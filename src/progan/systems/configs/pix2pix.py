"""Settings of pix2pix, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Optimizer
from progan.systems.configs.cyclegan import SMALL, unet_depth
from progan.systems.configs.translating import check_jitter_and_decay

__all__ = ["Pix2PixConfig"]


@dataclass(frozen=True, kw_only=True)
class Pix2PixConfig:
    """A U-Net or a residual translator, and a discriminator that sees both pictures of a pair."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "resnet": {"generator": "resnet", "norm": "instance"},
        "cpu": {
            **SMALL,
            **{"generator": "resnet", "norm": "instance", "dropout": False},
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Isola et al. 2017: a U-Net, batches of one, patches of 70 pixels",
        "resnet": "the same with CycleGAN's nine residual blocks for a translator",
        "cpu": "three blocks, a quarter of the width and patches of 34 pixels, for a CPU",
    }

    generator: Literal["unet", "resnet"] = "unet"
    """The translator: a U-Net, or residual blocks at a quarter of the size."""
    width: int = 64
    """Channels of the translator's first layer."""
    levels: int = 0
    """Halvings of unet; 0: down to one pixel. Sides of pictures are multiples of 2 to this."""
    blocks: int = 9
    """Residual blocks of resnet."""
    doubling: Literal["transposed", "resize"] = "transposed"
    """How resnet enlarges: by transposed convolutions, or by repeating pixels, which leaves no
    checkerboard."""
    norm: Literal["batch", "instance"] = "batch"
    """Of both networks."""
    dropout: bool = True
    """Whether the translator drops half of its numbers where the paper does; its only noise."""
    test_dropout: bool = True
    """Whether that goes on once training is over: pictures then differ from one time to the next.
    """
    test_statistics: Literal["picture", "running"] = "picture"
    """What batch norm goes by once training is over: each picture's own statistics, as the paper
    does, or those of training."""
    swapped: bool = False
    """Whether pictures of a are made from those of b, in place of b's from a's."""
    critic_layers: int = 3
    """Halvings and one of the discriminator: it sees patches of 1, 16, 34, 70, 142 or 286 pixels
    for 0 to 5."""
    critic_width: int = 64
    """Channels of the discriminator's first layer."""
    gain: float = 0.02
    """Deviation of the first weights."""
    objective: Literal["non-saturating", "least-squares"] = "non-saturating"
    """The game; least-squares where targets have two colours, or the discriminator wins."""
    adversarial: float = 1.0
    """Weight of the game in the translator's loss; 0: the distance alone."""
    distance: float = 100.0
    """Weight λ of the mean absolute difference to the true picture."""
    jitter: float = 286 / 256
    """Pairs are enlarged so many times and cut to their size at a random place; 1: as they are."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999)))
    """Of both players."""
    decay_from: float = 0.5
    """Part of the run after which the learning rate falls, in a line, to 0 at its end."""
    batch: int = 1
    """Pairs per step."""
    images: int = 80_000
    """Length of the run, in pairs drawn: 200 epochs of 400."""

    def __post_init__(self) -> None:
        for name in ("width", "critic_width", "batch", "images", "blocks"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("adversarial", "distance"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be 0 or more.")
        if not self.adversarial and not self.distance:
            raise ConfigError(
                "adversarial and distance are both 0, so the translator has nothing to learn: "
                "--set distance=100"
            )
        check_jitter_and_decay(self.jitter, self.decay_from)
        if self.gain <= 0:
            raise ConfigError(f"gain is {self.gain}; it must be above 0: --set gain=0.02")

    def depth(self, resolution: int) -> int:
        """Halvings of a U-Net on pictures of this side; ConfigError for what cannot be."""
        return unet_depth(self.levels, resolution)

    def plan(self, resolution: int) -> Plan:
        """One stage at the full size."""
        stage = Stage(name="train", images=self.images, resolution=resolution, batch=self.batch)
        return Plan((stage,))
