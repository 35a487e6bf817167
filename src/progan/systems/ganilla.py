"""GANILLA: CycleGAN's game, by translators that keep what lies where in a picture.

    translators   as CycleGAN's
    critics       as CycleGAN's

What is new is the translator: its blocks put what they find beside their input instead of adding
the two, and features of every size are summed up on the way back, which only repeats pixels. So a
photograph's content stays while an illustrator's style comes upon it.

Source:  Hicsonmez et al. 2020, "GANILLA: Generative Adversarial Networks for Image to Illustration
         Translation", section 3; settings from the code published with it (giddyyupp/ganilla).
Departs: as CycleGAN. The weight of stage 1's features counts once; there it is multiplied twice.
"""

from __future__ import annotations

from torch import nn

from progan.networks.ganilla import GanillaTranslator
from progan.systems.configs.ganilla import GANILLAConfig
from progan.systems.cyclegan import TwoWay

__all__ = ["GANILLA"]


class GANILLA(TwoWay):
    """With translators of concatenating blocks and lateral sums."""

    config: GANILLAConfig

    def make_translator(self, inputs: int, outputs: int) -> nn.Module:
        """GANILLA's generator."""
        config = self.config
        config.check_side(self.data.resolution)
        return GanillaTranslator(
            inputs,
            outputs,
            width=config.width,
            blocks=config.blocks,
            lateral=config.lateral,
            weights=config.laterals,
            dropped=config.dropout,
            merge=config.merge,
        )
