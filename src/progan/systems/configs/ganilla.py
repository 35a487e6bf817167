"""Settings of GANILLA, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.systems.configs.cyclegan import SMALL, TranslationConfig

__all__ = ["GANILLAConfig"]

TINY = {name: value for name, value in SMALL.items() if name != "blocks"}


@dataclass(frozen=True, kw_only=True)
class GANILLAConfig(TranslationConfig):
    """CycleGAN's game by translators that carry low-level features across."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "deep": {"blocks": [3, 4, 6, 3]},
        "sums": {"merge": "sum"},
        "no-laterals": {"laterals": [0.0, 0.0, 0.0, 1.0]},
        "cpu": {**TINY, "blocks": [2, 2, 2], "laterals": [1.0, 1.0, 1.0], "lateral": 32},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Hicsonmez et al. 2020 from 256 pixels up: four stages of two blocks",
        "deep": "the published code's deeper form: stages of 3, 4, 6 and 3 blocks",
        "sums": "paper with residual blocks in place of its own, an ablation",
        "no-laterals": "paper with nothing carried across but the last stage, an ablation",
        "cpu": "three stages at a quarter of the width, for a CPU",
    }

    blocks: tuple[int, ...] = (2, 2, 2, 2)
    """Blocks of each stage. Sides of pictures are multiples of 2 to the number of stages."""
    lateral: int = 128
    """Channels of the way back."""
    laterals: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    """Weights of the stages' features on the way back, the largest first; 0: not carried across."""
    merge: Literal["concat", "sum"] = "concat"
    """What blocks do with their input: put it beside what they find and merge both, or add it."""
    dropout: bool = False
    """Whether blocks drop half of their numbers in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.blocks) <= 4 or min(self.blocks) < 1:
            raise ConfigError(
                f"blocks is {list(self.blocks)}; it must say of one to four stages how many blocks "
                "they have, 1 or more: --set blocks=[2,2,2,2]"
            )
        if len(self.laterals) != len(self.blocks):
            raise ConfigError(
                f"laterals has {len(self.laterals)} weights for {len(self.blocks)} stages; give "
                f"each one: --set laterals=[{','.join('1' * len(self.blocks))}]"
            )
        if self.lateral < 1:
            raise ConfigError(f"lateral is {self.lateral}; it must be at least 1.")

    def check_side(self, resolution: int) -> None:
        """Refuse pictures that have too few pixels for all stages.

        Raises: ConfigError.
        """
        if resolution < 2 << len(self.blocks):
            raise ConfigError(
                f"blocks has {len(self.blocks)} stages, which need pictures of "
                f"{2 << len(self.blocks)} pixels or more, but these have {resolution}: take fewer, "
                "--set blocks=[2,2] --set laterals=[1,1]"
            )
