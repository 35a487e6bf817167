"""NICE-GAN: translators without encoders of their own; the discriminators' first layers are those.

    z_x             E_x(x),  E_x the first layers of D_x
    translations    G_b(z_a) of a,  G_a(z_b) of b
    discriminators  Σ_x Σ_k E[(D_x,k(x) − 1)²] + E[D_x,k(fake of x)²],    k: local, global, CAM
    generators      Σ_x Σ_k E[(D_x,k(fake of x) − 1)²] + 10 ‖G_x(E_y(G_y(z_x))) − x‖₁
                    + 10 ‖G_x(z_x) − x‖₁                                  y: the other domain

Encoders learn from the discriminators' loss alone: in the generators' turn they stand still, the
vectors of their spectral norms too, while slopes pass through them to the picture they encode. In
the discriminators' turn no slope reaches them through a fake that was drawn of their features.

Source:  Chen et al. 2020, "Reusing Discriminators for Encoding: Towards Unsupervised Image-to-Image
         Translation", sections 3.2 and 3.3; rates and weights from the code published with it.
Departs: there the vectors of spectral norms move in the generators' turn too, and the rate of the
         last step is 0. Each turn cuts the pictures anew. Coupled (`coupled=true`), each of the two
         players that move the encoders has an Adam of its own for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from progan.core.batch import Unpaired
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.core.system import Direction, Player, System, Terms, Turn
from progan.layers.jitter import jittered
from progan.networks.nicegan import AttendingEncoder, SharedDecoder, TwoHeads
from progan.objectives.adversarial import least_squares_critic, least_squares_generator
from progan.objectives.record import total
from progan.systems.configs.nicegan import NICEGANConfig
from progan.systems.cyclegan import check_domains, there_and_back
from progan.systems.rates import linear_decay

__all__ = ["NICEGAN"]

Scores = Mapping[str, Tensor]
"""Of a discriminator's three outputs, a row of numbers each."""
OTHER = {"a": "b", "b": "a"}


class NICEGAN(System[Unpaired]):
    """Two encoders, each a part of its domain's discriminator, and two decoders."""

    batch_type = Unpaired
    averaged = ()
    kept = ("generators", "encoders")
    directions = (Direction("ab", "a", "b"), Direction("ba", "b", "a"))
    multiple = 4

    def __init__(self, config: NICEGANConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        check_domains("nicegan", data)
        config.plan(data.resolution)  # whether the pictures are large enough
        self.fixed = not config.light
        self.rate = linear_decay(config.decay_from)
        channels = {"a": data.channels, "b": data.second_channels}
        features = 2 * config.width
        self.encoders = nn.ModuleDict(
            {x: AttendingEncoder(n, config.width, config.cam_weight) for x, n in channels.items()}
        )
        self.heads = nn.ModuleDict(
            {x: TwoHeads(features, config.layers, config.global_head) for x in channels}
        )
        side = None if config.light else data.resolution // self.multiple
        self.generators = nn.ModuleDict(
            {x: SharedDecoder(features, n, config.blocks, side) for x, n in channels.items()}
        )

    # the game

    def plan(self) -> Plan:
        """One stage."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """The discriminators with their encoders, and the decoders."""
        config = self.config
        drawing = (self.generators, self.encoders) if config.coupled else (self.generators,)
        return {
            "discriminators": Player.of(
                self.encoders, self.heads, optimizer=config.optimizer, rate=self.rate
            ),
            "generators": Player.of(*drawing, optimizer=config.optimizer, rate=self.rate),
        }

    def turns(self, at: Progress) -> Sequence[Turn[Unpaired]]:
        """The discriminators, then the generators on the same pictures."""
        return (
            Turn("discriminators", self.critic_loss),
            Turn("generators", self.generator_loss, draws=False),
        )

    def critic_loss(self, batch: Unpaired, at: Progress) -> Terms:
        """What discriminators lower, their encoders included."""
        real = self.seen(batch)
        z, on_real = self.judged(real)
        fake = {x: self.generators[x](z[OTHER[x]].detach()) for x in real}
        _, on_fake = self.judged(fake)
        found: dict[str, Tensor] = {}
        for x, scores in on_real.items():
            for head, score in scores.items():
                halves = least_squares_critic(score, on_fake[x][head])
                found[f"{head} {x}"] = 2 * self.config.adversarial * total(halves)
        return found

    def generator_loss(self, batch: Unpaired, at: Progress) -> Terms:
        """What generators lower."""
        real = self.seen(batch)
        z = {x: self.encoders[x](image)[0] for x, image in real.items()}
        fake = {x: self.generators[x](z[OTHER[x]]) for x in real}
        z_fake, on_fake = self.judged(fake)
        found: dict[str, Tensor] = {}
        for x, image in real.items():
            for head, score in on_fake[x].items():
                (term,) = least_squares_generator(score).values()
                found[f"{head} {x}"] = 2 * self.config.adversarial * term
            back, again = self.generators[x](z_fake[OTHER[x]]), self.generators[x](z[x])
            found[f"cycle {x}"] = self.config.cycle * l1_loss(back, image)
            found[f"reconstruction {x}"] = self.config.reconstruction * l1_loss(again, image)
        return found

    def judged(
        self, images: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Scores]]:
        """Of pictures of each domain, real or not: features, and the discriminator's scores."""
        z, scores = {}, {}
        for x, image in images.items():
            z[x], cam = self.encoders[x](image)
            local, whole = self.heads[x](z[x])
            scores[x] = {"local": local.flatten(), "global": whole.flatten(), "cam": cam}
        return z, scores

    def seen(self, batch: Unpaired) -> Mapping[str, Tensor]:
        """The batch as the players see it: cut at random places."""
        return {x: jittered(image, self.config.jitter) for x, image in batch.tensors().items()}

    # what others ask for

    def translate(self, image: Tensor, direction: str, at: Progress) -> Tensor:
        """Translate n c h w in [−1, 1]; sides are multiples of 4, without `light` those of
        training."""
        way = next(way for way in self.directions if way.name == direction)
        drawn: Tensor = self.generators[way.target](self.encoders[way.source](image)[0])
        return drawn

    def preview(self, batch: Unpaired, at: Progress) -> Mapping[str, Tensor]:
        """Of each domain pictures, what becomes of them, and what comes back."""
        return there_and_back(self.translate, self.directions, batch, at)
