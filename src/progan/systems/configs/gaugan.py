"""Settings of GauGAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Optimizer

__all__ = ["PAINT", "SEGMENT", "GauGANConfig"]

SEGMENT, PAINT = "segmenter", "paint"
"""Names of the stages."""

COCO, ADE20K, CITYSCAPES = 118_287, 20_210, 2_975
"""Training pictures of the paper's data."""

TINY: Mapping[str, Any] = {
    "depth": "small",
    "width": 8,
    "hidden": 32,
    "style_size": 16,
    "encoder_width": 16,
    "critic_width": 16,
    "critic_layers": 3,
    "optimizer.lr": 2e-4,
    "critic_rate": 2.0,
    "batch": 8,
    "images": 8 * 900,
}
COLOURS: Mapping[str, Any] = {"encoder_norm": "none", "kl_weight": 0.005, "kl": "mean"}
TABLES: Mapping[str, Any] = {"style": False, "statistics": "all"}


@dataclass(frozen=True, kw_only=True)
class GauGANConfig:
    """A generator whose norms read the layout, and an encoder of styles; the code's settings."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"statistics": "all", "kl_weight": 0.05 / 8},
        "coco": {**TABLES, "images": 100 * COCO},
        "ade20k": {**TABLES, "images": 200 * ADE20K, "decay_from": 0.5},
        "cityscapes": {
            **TABLES,
            "depth": "more",
            "batch": 16,
            "images": 200 * CITYSCAPES,
            "decay_from": 0.5,
        },
        "cpu": {
            **TINY,
            **COLOURS,
            "kl_weight": 0.02,
            "decay_from": 0.5,
            "images": 60_000,
        },
        "tiny": TINY,
        "colour": {**TINY, **COLOURS, "images": 8 * 1_800},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Park et al. 2019 at 256 pixels with the image encoder: styles",
        "coco": "the same without styles, as the paper's tables were made: COCO-Stuff",
        "ade20k": "for ADE20K: 200 epochs, the rate falling over the second half",
        "cityscapes": "for Cityscapes: one doubling more, 200 epochs, batches of 16",
        "cpu": "small networks, styles that keep colours, minutes on a CPU",
        "tiny": "32 pixels in a minute on a CPU, the published encoder",
        "colour": "tiny for twice as long, an encoder that sees colours, an eightieth of the KL",
    }
    LAYOUTS: ClassVar[bool] = True
    """That pictures must have layouts."""

    style: bool = True
    """Whether pictures have a style, which an encoder finds and a latent draws; else a layout has
    one picture, and the generator starts from the layout itself."""
    depth: Literal["small", "normal", "more", "most"] = "normal"
    """How often the generator doubles: 5, 6 or 7 times as published; small: from 4 pixels, fewer
    layers."""
    width: int = 64
    """Channels of the generator at the full size; 16 times as many at the start."""
    hidden: int = 128
    """Channels in which a norm looks at the layout."""
    norm: Literal["batch", "instance"] = "batch"
    """What the generator's norms look at."""
    statistics: Literal["shard", "all"] = "shard"
    """What batch norm looks at in training. shard: each shard of a batch by itself; all: all
    shards together, one on each process."""
    style_size: int = 256
    """Numbers of a style."""
    encoder_width: int = 64
    """Channels of the encoder's first layer."""
    encoder_norm: Literal["instance", "none"] = "instance"
    """instance: as published, nearly blind to a picture's overall colour; none: sees it."""
    critic_width: int = 64
    """Channels of the discriminator's first layer."""
    critic_layers: int = 4
    """Of each scale, before the scores."""
    critic_scales: int = 2
    """Sizes at which the discriminator looks."""
    objective: str = "hinge"
    """Name of the objective: hinge, least-squares, non-saturating, wasserstein, …"""
    matching: float = 10.0
    """Weight of the distance between the discriminator's features of fakes and of reals."""
    perceptual: str = "none"
    """By what else fakes and reals are compared: none; self, a segmenter that learns from the
    run's own pictures first; random, VGG-19 with weights of dice; or a file of VGG-19's weights."""
    perceptual_weight: float = 10.0
    """Weight of that distance."""
    perceptual_width: int = 64
    """Channels of the first layers of random."""
    segmenter_width: int = 16
    """Channels of self's first layers."""
    segmenter_images: int = 20_000
    """Length of its training, in real images drawn."""
    segmenter_optimizer: Optimizer = field(default_factory=lambda: Adam(lr=1e-2, betas=(0.9, 0.99)))
    """Of the segmenter."""
    kl_weight: float = 0.05
    """Weight of KL(N(μ, σ²) ‖ N(0, 1)) of the styles."""
    kl: Literal["sum", "mean"] = "sum"
    """Over the pictures of a batch, whose numbers are always added: their sum as in the code, so
    that it weighs more in larger batches, or their mean."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(lr=1e-4, betas=(0.0, 0.9)))
    """Of all players; the rate is that of generator and encoder."""
    critic_rate: float = 4.0
    """Factor on the discriminator's learning rate: two time scales (TTUR)."""
    decay_from: float = 1.0
    """Share of the run after which learning rates fall, in a line, to 0 at its end; 1: they never
    do."""
    batch: int = 32
    """Pictures per update."""
    images: int = 100 * COCO
    """Length of the run, in real images drawn."""

    def __post_init__(self) -> None:
        sizes = {
            "width": self.width,
            "hidden": self.hidden,
            "style_size": self.style_size,
            "encoder_width": self.encoder_width,
            "critic_width": self.critic_width,
            "critic_scales": self.critic_scales,
            "perceptual_width": self.perceptual_width,
            "segmenter_width": self.segmenter_width,
            "segmenter_images": self.segmenter_images,
            "images": self.images,
            "batch": self.batch,
        }
        for name, value in sizes.items():
            if value < 1:
                raise ConfigError(f"{name} is {value}; it must be at least 1: --set {name}=16")
        if self.critic_layers < 2:
            raise ConfigError(
                f"critic_layers is {self.critic_layers}; it must be at least 2: "
                "--set critic_layers=4"
            )
        for name in ("matching", "perceptual_weight", "kl_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; it must be 0 or more: --set {name}=1"
                )
        if not 0 < self.critic_rate < float("inf") or not 0 <= self.decay_from <= 1:
            raise ConfigError(
                f"critic_rate is {self.critic_rate} and decay_from {self.decay_from}; the first "
                "must be above 0, the second from 0 to 1: --set critic_rate=4"
            )
        known = ("none", "self", "random")
        if self.perceptual not in known and not Path(self.perceptual).suffix:
            raise ConfigError(
                f"perceptual is {self.perceptual!r}; it must be {', '.join(known)}, or a file of "
                "VGG-19's weights: --set perceptual=self"
            )
        if self.norm == "batch" and self.batch < 2:
            raise ConfigError(
                f"batch is {self.batch}, but batch norm needs 2 pictures: --set batch=2, or "
                "--set norm=instance"
            )

    def check_size(self, size: tuple[int, int], factor: int) -> None:
        """Raise ConfigError for pictures of a size, height and width, that these networks cannot
        draw; the generator's features grow `factor` times."""
        least = max(factor * (2 if self.norm == "instance" else 1), 8)
        if min(size) < least or any(side % factor for side in size):
            raise ConfigError(
                f"pictures are {size[0]} x {size[1]} pixels, but the generator of depth "
                f"{self.depth} grows {factor} times and draws multiples of {factor} from {least} "
                f"up: --resolution {least}, or --set depth=small"
            )

    def plan(self, resolution: int | tuple[int, int]) -> Plan:
        """The segmenter's own training, if there is one, and the game."""
        rows = [(PAINT, self.images)]
        if self.perceptual == "self":
            rows.insert(0, (SEGMENT, self.segmenter_images))
        return Plan(
            tuple(
                Stage(name=name, images=images, resolution=resolution, batch=self.batch)
                for name, images in rows
            )
        )
