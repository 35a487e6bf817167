"""Settings of CycleGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Optimizer
from progan.systems.configs.translating import check_jitter_and_decay

__all__ = ["SMALL", "CycleGANConfig", "TranslationConfig", "unet_depth"]

SMALL: Mapping[str, Any] = {
    **{"width": 16, "blocks": 3, "critic_width": 32, "critic_layers": 2},
    **{"batch": 4, "images": 16_000, "jitter": 1.0},
}
"""On a CPU some minutes at 32 pixels, and half an hour at 64."""


def unet_depth(levels: int, resolution: int) -> int:
    """Halvings of a U-Net on pictures of this side: `levels`, or all down to one pixel for 0.

    Raises: ConfigError for more than the side has, and for fewer than two.
    """
    most = resolution.bit_length() - 1
    if not 2 <= (levels or most) <= most:
        raise ConfigError(
            f"levels is {levels}, but a U-Net on pictures of {resolution} pixels halves "
            f"them from 2 to {most} times: --set levels={most}"
        )
    return levels or most


@dataclass(frozen=True, kw_only=True)
class TranslationConfig:
    """What two translators that undo each other share, whatever their networks."""

    width: int = 64
    """Channels of the translators' first layer."""
    critic_layers: int = 3
    """Halvings and one of the critics: they see patches of 1, 16, 34, 70, 142 or 286 pixels for 0
    to 5."""
    critic_width: int = 64
    """Channels of the critics' first layer."""
    gain: float = 0.02
    """Deviation of the first weights; a smaller one helps where colours come out inverted."""
    objective: Literal["least-squares", "non-saturating"] = "least-squares"
    """The game that translators and critics play."""
    cycle: float = 10.0
    """Weight of the way there and back, λ; 0 leaves it out."""
    identity: float = 0.5
    """Weight, times λ, of a picture of the target domain being left as it is; 0 leaves it out."""
    pool: int = 50
    """Old fakes of each domain that its critic may be shown again; 0: new ones only."""
    jitter: float = 286 / 256
    """Pictures are enlarged so many times and cut to their size at a random place; 1: as they are.
    """
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=2e-4, betas=(0.5, 0.999)))
    """Of all players."""
    decay_from: float = 0.5
    """Part of the run after which the learning rate falls, in a line, to 0 at its end."""
    batch: int = 1
    """Pictures of each domain per step."""
    images: int = 240_000
    """Length of the run, in pictures of a: 200 epochs of 1,200."""

    def __post_init__(self) -> None:
        for name in ("width", "critic_width", "batch", "images"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("cycle", "identity", "pool"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be 0 or more.")
        check_jitter_and_decay(self.jitter, self.decay_from)
        if self.gain <= 0:
            raise ConfigError(f"gain is {self.gain}; it must be above 0: --set gain=0.02")

    def plan(self, resolution: int) -> Plan:
        """One stage at the full size."""
        stage = Stage(name="train", images=self.images, resolution=resolution, batch=self.batch)
        return Plan((stage,))


@dataclass(frozen=True, kw_only=True)
class CycleGANConfig(TranslationConfig):
    """Residual translators or U-Nets, each undone by the other."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "paper-128": {"blocks": 6},
        "photos": {"identity": 0.0},
        "unet": {"generator": "unet"},
        "cpu": SMALL,
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Zhu et al. 2017 from 256 pixels up: nine residual blocks, patches of 70 pixels",
        "paper-128": "the same with six blocks, the paper's for 128 pixels",
        "photos": "paper without the identity term, which the paper has for paintings alone",
        "unet": "paper with pix2pix's U-Net for translators",
        "cpu": "three blocks, a quarter of the width and patches of 34 pixels, for a CPU",
    }

    generator: Literal["resnet", "unet"] = "resnet"
    """Translators: residual blocks at a quarter of the size, or a U-Net."""
    blocks: int = 9
    """Residual blocks of resnet."""
    doubling: Literal["transposed", "resize"] = "transposed"
    """How resnet enlarges: by transposed convolutions, or by repeating pixels, which leaves no
    checkerboard."""
    levels: int = 0
    """Halvings of unet; 0: down to one pixel. Sides of pictures are multiples of 2 to this."""
    dropout: bool = False
    """Whether translators drop half of some of their numbers in training, as pix2pix's do."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blocks < 0:
            raise ConfigError(f"blocks is {self.blocks}; it must be 0 or more: --set blocks=9")

    def depth(self, resolution: int) -> int:
        """Halvings of a U-Net on pictures of this side; ConfigError for what cannot be."""
        return unet_depth(self.levels, resolution)
