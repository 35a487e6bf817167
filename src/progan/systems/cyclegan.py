"""CycleGAN: two translators, each undone by the other, learnt from pictures that are no pairs.

    translators   LS(D_b(G_ab(a))) + LS(D_a(G_ba(b)))
                  + λ ‖G_ba(G_ab(a)) − a‖₁ + λ ‖G_ab(G_ba(b)) − b‖₁
                  + λ ι (‖G_ba(a) − a‖₁ + ‖G_ab(b) − b‖₁)
    critics       ½ E[(D(x) − 1)²] + ½ E[D(fake)²],   of each domain, fakes by way of a pool

LS(s) = E[(s − 1)²]; norms are means over all numbers. λ is `cycle`, ι `identity`. D_a judges
pictures of a, D_b those of b; what the published code calls D_A judges b.

Source:  Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
         Networks", equations 1 to 4, sections 4 and 7; sizes and weights from the code published
         with it (junyanz/pytorch-CycleGAN-and-pix2pix).
Departs: the critics' turn makes its fakes anew, by the translators that have just moved; there
         those of the translators' turn are used again. The rate falls with every step, not once an
         epoch. Pictures are enlarged by `jitter` from the size they are kept in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from progan.core.batch import Unpaired
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.core.system import Direction, Player, System, Terms, Turn
from progan.layers.evaluated import evaluated
from progan.layers.jitter import jittered
from progan.layers.pool import ImagePool
from progan.layers.start import start_normal
from progan.networks.patchgan import PatchGAN, check_patches
from progan.networks.translators import ResNetTranslator, UNetTranslator
from progan.objectives.translation import translation_critic, translation_generator
from progan.systems.configs.cyclegan import CycleGANConfig, TranslationConfig
from progan.systems.rates import linear_decay

__all__ = ["CycleGAN", "TwoWay", "check_domains", "there_and_back"]


def check_domains(system: str, data: DataSpec) -> None:
    """Refuse data that have no second domain.

    Raises: ConfigError.
    """
    if not data.second_channels:
        raise ConfigError(
            f"{system} needs pictures of two domains, but these data have one: give two folders, "
            f"progan train {system} A B, or one with trainA and trainB in it."
        )


class TwoWay(System[Unpaired]):
    """The game of two translators and two critics, whatever the translators are made of."""

    batch_type = Unpaired
    averaged = ()
    kept = ("translators",)
    memories = ("pools",)
    directions = (Direction("ab", "a", "b"), Direction("ba", "b", "a"))
    fixed = False

    def __init__(self, config: TranslationConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        channels = {"a": data.channels, "b": data.second_channels}
        check_domains(self.name, data)
        check_patches(config.critic_layers, data.resolution)
        if config.identity and config.cycle and channels["a"] != channels["b"]:
            raise ConfigError(
                f"identity is {config.identity:g}, but pictures of a have {channels['a']} and "
                f"those of b {channels['b']} channels: no translator can leave them as they are. "
                "Leave that term out: --set identity=0"
            )
        self.translators = nn.ModuleDict(
            {
                way.name: self.make_translator(channels[way.source], channels[way.target])
                for way in self.directions
            }
        )
        self.critics = nn.ModuleDict(
            {
                domain: PatchGAN(
                    count, layers=config.critic_layers, width=config.critic_width, norm="instance"
                )
                for domain, count in channels.items()
            }
        )
        self.pools = nn.ModuleDict(
            {
                domain: ImagePool(config.pool, count, data.resolution, data.resolution)
                for domain, count in channels.items()
            }
        )
        self.multiple = cast(int, self.translators["ab"].multiple)
        for network in (self.translators, self.critics):
            start_normal(network, config.gain)
        self.rate = linear_decay(config.decay_from)

    @property
    def name(self) -> str:
        """As people type it."""
        return type(self).__name__.lower()

    def make_translator(self, inputs: int, outputs: int) -> nn.Module:
        """The network of one direction; its `multiple` says of what sides are multiples."""
        raise NotImplementedError(f"{type(self).__name__} must make its translators")

    # the game

    def plan(self) -> Plan:
        """One stage."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """Both translators together, and both critics together."""
        return {
            name: Player.of(network, optimizer=self.config.optimizer, rate=self.rate)
            for name, network in (("translators", self.translators), ("critics", self.critics))
        }

    def turns(self, at: Progress) -> Sequence[Turn[Unpaired]]:
        """The translators, then the critics, who look at the same pictures."""
        return (
            Turn("translators", self.translator_loss),
            Turn("critics", self.critic_loss, draws=False),
        )

    def translator_loss(self, batch: Unpaired, at: Progress) -> Terms:
        """Fool the critic, find the way back, leave alone what is already of the target domain."""
        config, terms = self.config, dict[str, Tensor]()
        images = self.seen(batch)
        for way, back in zip(self.directions, reversed(self.directions), strict=True):
            x, y = images[way.source], images[way.target]
            fake = self.translators[way.name](x)
            score = self.critics[way.target](fake)
            terms[f"adversarial {way.name}"] = translation_generator(config.objective, score)
            if config.cycle:
                again = self.translators[back.name](fake)
                terms[f"cycle {way.source}"] = config.cycle * l1_loss(again, x)
            if config.cycle and config.identity:
                same = self.translators[way.name](y)
                weight = config.cycle * config.identity
                terms[f"identity {way.target}"] = weight * l1_loss(same, y)
        return terms

    def critic_loss(self, batch: Unpaired, at: Progress) -> Terms:
        """Tell each domain's pictures from translated ones, new or out of the pool."""
        terms, images = {}, self.seen(batch)
        for way in self.directions:
            domain = way.target
            with torch.no_grad():
                fake = self.pools[domain](self.translators[way.name](images[way.source]))
            critic = self.critics[domain]
            found = translation_critic(self.config.objective, critic(images[domain]), critic(fake))
            terms.update({f"{name} {domain}": term for name, term in found.items()})
        return terms

    def seen(self, batch: Unpaired) -> Mapping[str, Tensor]:
        """The batch as the players see it: cut at random places."""
        return {
            name: jittered(image, self.config.jitter) for name, image in batch.tensors().items()
        }

    # what others ask for

    def translate(self, image: Tensor, direction: str, at: Progress) -> Tensor:
        """Translate n c h w in [−1, 1]; sides are multiples of `multiple`."""
        with evaluated(self.translators[direction]) as network:
            return network(image)

    def preview(self, batch: Unpaired, at: Progress) -> Mapping[str, Tensor]:
        """Of each domain pictures, what becomes of them, and what comes back."""
        return there_and_back(self.translate, self.directions, batch, at)


@torch.no_grad()
def there_and_back(
    translate: Callable[[Tensor, str, Progress], Tensor],
    directions: Sequence[Direction],
    batch: Unpaired,
    at: Progress,
) -> Mapping[str, Tensor]:
    """Panels of a batch: of each domain pictures, their translations, and those brought back."""
    panels = {}
    for way, back in zip(directions, reversed(directions), strict=True):
        x = batch.tensors()[way.source]
        there = translate(x, way.name, at)
        panels[way.source] = x
        panels[f"{way.source} to {way.target}"] = there
        panels[f"{way.source} and back"] = translate(there, back.name, at)
    return {name: panel.clamp(-1, 1) for name, panel in panels.items()}


class CycleGAN(TwoWay):
    """With residual translators, or U-Nets."""

    config: CycleGANConfig

    def make_translator(self, inputs: int, outputs: int) -> nn.Module:
        """A residual network or a U-Net, with instance norm."""
        config = self.config
        if config.generator == "unet":
            depth = config.depth(self.data.resolution)
            return UNetTranslator(
                inputs,
                outputs,
                levels=depth,
                width=config.width,
                norm="instance",
                dropped=config.dropout,
            )
        return ResNetTranslator(
            inputs,
            outputs,
            width=config.width,
            blocks=config.blocks,
            doubling=config.doubling,
            dropped=config.dropout,
        )
