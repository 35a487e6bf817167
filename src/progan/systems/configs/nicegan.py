"""Settings of NICE-GAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.specs import Adam, Optimizer
from progan.systems.configs.translating import check_jitter_and_decay

__all__ = ["NICEGANConfig"]


@dataclass(frozen=True, kw_only=True)
class NICEGANConfig:
    """Two translators whose encoders are the first layers of the discriminators."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "full": {"light": False},
        "cpu": {
            "width": 16,
            "blocks": 4,
            "layers": 6,
            "global_head": "shallow",
            "optimizer": {"lr": 2e-4},
            "jitter": 1.0,
            "batch": 4,
            "images": 4 * 400,
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Chen et al. 2020: the light networks, 100,000 steps of one picture a domain",
        "full": "the same with a dense layer over all features: 276 million weights at 256 px",
        "cpu": "a quarter of the width, from 32 px up, 400 steps of four: minutes on a CPU",
    }

    width: int = 64
    """Channels of the first layer, in encoders and decoders."""
    blocks: int = 6
    """Residual blocks of a decoder."""
    layers: int = 7
    """Layers of the published discriminator, which says how large its patches are: 7: 70 and 286
    pixels, 6: 34 and 142."""
    global_head: Literal["deep", "shallow"] = "deep"
    """Of large patches. deep: four layers, as published; shallow: three, for smaller pictures."""
    light: bool = True
    """Whether a decoder's γ and β come from the features' means over places; without, from all of
    their numbers, and pictures of no other size can be translated."""
    cam_weight: Literal["stored", "normalised"] = "stored"
    """Which weights of the encoder's score weigh its channels. stored: as the optimizer moves them,
    as in the published code; normalised: divided by their length, as they are in the score."""
    coupled: bool = False
    """Whether encoders learn from the generators' losses too; the published way is not."""
    adversarial: float = 1.0
    """Weight of each of the discriminator's three scores."""
    cycle: float = 10.0
    """Weight of a picture's distance from itself, translated there and back."""
    reconstruction: float = 10.0
    """Weight of a picture's distance from itself, encoded and drawn in its own domain."""
    jitter: float = 286 / 256
    """Pictures are enlarged so many times and cut to their size at a random place; 1: as they are.
    """
    optimizer: Optimizer = field(
        default_factory=lambda: Adam(lr=1e-4, betas=(0.5, 0.999), weight_decay=1e-4)
    )
    """Of both players."""
    decay_from: float = 0.5
    """Part of the run after which the learning rate falls, in a line, to 0 at its end."""
    batch: int = 1
    """Pictures of each domain in a step."""
    images: int = 100_000
    """Length of the run, in pictures drawn of each domain."""

    def __post_init__(self) -> None:
        if min(self.width, self.blocks, self.batch, self.images) < 1 or self.width % 2:
            raise ConfigError(
                f"width is {self.width}, blocks {self.blocks}, batch {self.batch} and images "
                f"{self.images}; all must be at least 1, and width even."
            )
        if self.layers < 6:
            raise ConfigError(
                f"layers is {self.layers}, but the encoder and the two heads are at least 6: "
                "--set layers=6, and for pictures of 32 px --set global_head=shallow besides"
            )
        check_jitter_and_decay(self.jitter, self.decay_from)
        weights = (self.adversarial, self.cycle, self.reconstruction)
        if min(weights) < 0:
            raise ConfigError(
                f"adversarial is {weights[0]}, cycle {weights[1]} and reconstruction {weights[2]}; "
                "no weight may be below 0."
            )

    @property
    def smallest(self) -> int:
        """Side of the smallest pictures that the discriminators can judge, in pixels."""
        return (16 if self.global_head == "deep" else 8) << (self.layers - 4)

    def plan(self, resolution: int) -> Plan:
        """One stage.

        Raises ConfigError for pictures that are too small.
        """
        if resolution < self.smallest:
            raise ConfigError(
                f"resolution is {resolution}, but with layers={self.layers} and "
                f"global_head={self.global_head} pictures need {self.smallest} px: "
                f"--set data.resolution={self.smallest}{self._way_out(resolution)}"
            )
        stage = Stage(name="train", images=self.images, resolution=resolution, batch=self.batch)
        return Plan((stage,))

    def _way_out(self, resolution: int) -> str:
        """Of what else would do for `resolution`."""
        if resolution >= 64:
            return ", or --set layers=6"
        if resolution >= 32:
            return ", or --set layers=6 --set global_head=shallow"
        return ""
