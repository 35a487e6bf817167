"""pix2pix: one picture into another, learnt from pairs by a distance and a game of patches.

    discriminator   −½ E[log D(x, y)] − ½ E[log(1 − D(x, G(x)))]
    generator       −E[log D(x, G(x))] + λ E[‖y − G(x)‖₁]

The norm is a mean over all numbers; λ is `distance`. G has no noise but dropout, which goes on once
training is over, as does batch norm by each picture's own statistics: `test_dropout=false` and
`test_statistics=running` end both, and the same picture then always gives the same one.

Source:  Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
         equations 1 to 4, sections 3 and 6; sizes and weights from the code published with it
         (junyanz/pytorch-CycleGAN-and-pix2pix).
Departs: the generator moves before the discriminator and its fakes are then made anew, by weights
         that have just moved and another dropout; there D moves first, and both see one fake. The
         rate falls with every step, not once an epoch. Pairs are enlarged by `jitter` from the size
         they are kept in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from progan.core.batch import Paired
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.core.system import Direction, Player, System, Terms, Turn
from progan.layers.evaluated import evaluated
from progan.layers.jitter import jittered
from progan.layers.start import start_normal
from progan.networks.patchgan import PatchGAN, check_patches
from progan.networks.translators import ResNetTranslator, TestTime, UNetTranslator
from progan.objectives.translation import translation_critic, translation_generator
from progan.systems.configs.pix2pix import Pix2PixConfig
from progan.systems.rates import linear_decay

__all__ = ["Pix2Pix"]


class Pix2Pix(System[Paired]):
    """One translator and a discriminator of pairs."""

    batch_type = Paired
    averaged = ()
    kept = ("generator",)
    fixed = False

    def __init__(self, config: Pix2PixConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        if not data.second_channels:
            raise ConfigError(
                "pix2pix needs pairs of pictures, but these data have none: give two folders whose "
                "files have the same names, progan train pix2pix A B, or one of pictures that hold "
                "both side by side."
            )
        check_patches(config.critic_layers, data.resolution)
        way = ("b", "a") if config.swapped else ("a", "b")
        self.directions: tuple[Direction, ...] = (Direction("".join(way), *way),)
        channels = {"a": data.channels, "b": data.second_channels}
        inputs, outputs = (channels[name] for name in way)
        self.generator = self.make_generator(inputs, outputs)
        self.discriminator = PatchGAN(
            inputs + outputs,
            layers=config.critic_layers,
            width=config.critic_width,
            norm=config.norm,
        )
        self.multiple = cast(int, self.generator.multiple)
        for network in (self.generator, self.discriminator):
            start_normal(network, config.gain)
        for module in self.generator.modules():
            if isinstance(module, nn.BatchNorm2d) and isinstance(module, TestTime):
                module.as_trained = config.test_statistics == "picture"
            elif isinstance(module, TestTime):
                module.as_trained = config.test_dropout
        self.rate = linear_decay(config.decay_from)

    def make_generator(self, inputs: int, outputs: int) -> nn.Module:
        """A U-Net, or a residual network."""
        config = self.config
        if config.generator == "unet":
            return UNetTranslator(
                inputs,
                outputs,
                levels=config.depth(self.data.resolution),
                width=config.width,
                norm=config.norm,
                dropped=config.dropout,
            )
        return ResNetTranslator(
            inputs,
            outputs,
            width=config.width,
            blocks=config.blocks,
            norm=config.norm,
            doubling=config.doubling,
            dropped=config.dropout,
        )

    # the game

    def plan(self) -> Plan:
        """One stage."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """Generator and discriminator."""
        return {
            name: Player.of(network, optimizer=self.config.optimizer, rate=self.rate)
            for name, network in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        }

    def turns(self, at: Progress) -> Sequence[Turn[Paired]]:
        """The generator, then the discriminator, who looks at the same pairs."""
        moves = [Turn("generator", self.generator_loss)]
        if self.config.adversarial:
            moves.append(Turn("discriminator", self.discriminator_loss, draws=False))
        return moves

    def generator_loss(self, batch: Paired, at: Progress) -> Terms:
        """Come near the true picture, and fool the discriminator."""
        config, terms = self.config, dict[str, Tensor]()
        x, y = self.seen(batch)
        fake = self.generator(x)
        if config.adversarial:
            score = self.discriminator(torch.cat([x, fake], dim=1))
            game = translation_generator(config.objective, score)
            terms["adversarial"] = config.adversarial * game
        if config.distance:
            terms["distance"] = config.distance * l1_loss(fake, y)
        return terms

    def discriminator_loss(self, batch: Paired, at: Progress) -> Terms:
        """Tell true pairs from those whose second picture is made."""
        x, y = self.seen(batch)
        with torch.no_grad():
            fake = self.generator(x)
        on_real, on_fake = (self.discriminator(torch.cat([x, other], dim=1)) for other in (y, fake))
        return translation_critic(self.config.objective, on_real, on_fake)

    def seen(self, batch: Paired) -> tuple[Tensor, Tensor]:
        """Pictures and what they become, cut at the same random places."""
        (way,) = self.directions
        pair = [batch.tensors()[name] for name in (way.source, way.target)]
        sizes = [len(one[0]) for one in pair]
        x, y = torch.split(jittered(torch.cat(pair, dim=1), self.config.jitter), sizes, dim=1)
        return x, y

    # what others ask for

    def translate(self, image: Tensor, direction: str, at: Progress) -> Tensor:
        """Translate n c h w in [−1, 1]; sides are multiples of `multiple`."""
        with evaluated(self.generator) as network:
            return network(image)

    def score(self, batch: Paired, at: Progress) -> Tensor:
        """The mean score of each pair's patches."""
        (way,) = self.directions
        pair = [batch.tensors()[name] for name in (way.source, way.target)]
        return self.discriminator(torch.cat(pair, dim=1)).mean(dim=(1, 2, 3))

    higher_is_real = True

    @torch.no_grad()
    def preview(self, batch: Paired, at: Progress) -> Mapping[str, Tensor]:
        """Pictures, what becomes of them, and what should."""
        (way,) = self.directions
        x, y = (batch.tensors()[name] for name in (way.source, way.target))
        made = self.translate(x, way.name, at).clamp(-1, 1)
        return {way.source: x, f"{way.source} to {way.target}": made, way.target: y}
