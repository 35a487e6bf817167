"""LAPGAN: a picture as a coarse one and bands of detail, each drawn by a game of its own.

    l_k             up(down(I_k)),    h_k = I_k − l_k
    discriminator   −E[log D_k(h_k, l_k)] − E[log(1 − D_k(G_k(z_k, l_k), l_k))]
    generator       −E[log D_k(G_k(z_k, l_k), l_k)]
    sampling        Ĩ_K = G_K(z_K),   Ĩ_k = up(Ĩ_{k+1}) + G_k(z_k, up(Ĩ_{k+1}))

The coarsest level is a plain game of whole pictures. All others learn from real coarse pictures:
no level knows another, and any of them can be trained alone (`levels`), on another machine or
again. By default a discriminator sees the sum h + l: it judges the whole picture, and the coarse
one reaches it no other way.

Source:  Denton et al. 2015, "Deep Generative Image Models using a Laplacian Pyramid of Adversarial
         Networks", section 2.3 and figure 1; settings from the code published with it.
Departs: by default Adam; the published momentum descent (`preset=cifar`) keeps its momentum, which
         there rises to 0.7 or 0.8. Sides are powers of two, on CIFAR-10 8, 16, 32 in place of 8,
         14, 28. Pictures keep their range of [−1, 1]; there each channel is standardised. The
         generator's turn looks at the coarse pictures of the discriminator's last batch; the LSUN
         code plays a turn only where the losses ask for it. Generators are shown by their running
         averages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from progan.core.batch import Images, Labelled
from progan.core.errors import ConfigError
from progan.core.latents import LatentField, Latents, draw_fields, label_field
from progan.core.plan import Plan, Progress, height_width
from progan.core.specs import DataSpec
from progan.core.system import Player, System, Terms, Turn
from progan.layers.labels import label_rows
from progan.layers.laplacian import coarse, enlarged
from progan.networks.laplacian import (
    BandDiscriminator,
    BandGenerator,
    CoarseDiscriminator,
    CoarseGenerator,
)
from progan.objectives.table import objective
from progan.systems.configs.lapgan import LAPGANConfig

__all__ = ["LAPGAN", "Levels", "Pyramid"]


class Levels(System[Images]):
    """The games of a Laplacian pyramid's levels: some of them, or all.

    Alone, where `levels` leaves some out: bands can be drawn to real coarse pictures, and nothing
    from noise.
    """

    averaged = ("generators",)
    group = 2
    least = 2

    def __init__(self, config: LAPGANConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        self.sides = config.sides(data.resolution)
        self.trained = tuple(side for side in self.sides if side in (config.levels or self.sides))
        self.average = config.average
        self.objective = objective(config.objective)
        self.higher_is_real = self.objective.higher_is_real
        field = label_field(data) if config.labelled else None
        if config.labelled and field is None:
            raise ConfigError(
                "labelled is true, but the data have no labels. Put the pictures of each class "
                "into a subfolder of its own, with data.labels=auto, or name columns of a table "
                "beside them, --set data.labels=[NAME], or leave it out: --set labelled=false"
            )
        self.labels = 0 if field is None else data.classes or data.label_size
        self.batch_type = Labelled if self.labels else Images  # type: ignore[misc]
        self.inputs: tuple[LatentField, ...] = (
            LatentField(name="z", shape=(config.latent_size,), prior="uniform"),
            *(
                LatentField(name=f"z{side}", shape=(1, side, side), prior="uniform")
                for side in self.sides[1:]
            ),
        )
        if field is not None:
            self.inputs += (field,)
        self.generators, self.discriminators = (
            nn.ModuleDict({str(side): make(side) for side in self.trained})
            for make in (self.make_generator, self.make_critic)
        )

    # the networks

    def make_generator(self, side: int) -> nn.Module:
        """The generator of a level."""
        config, sizes = self.config, {"resolution": side, "channels": self.data.channels}
        if side == config.coarsest:
            return CoarseGenerator(
                **sizes,
                latent_size=config.latent_size,
                labels=self.labels,
                hidden=config.coarse_width,
            )
        return BandGenerator(**sizes, labels=self.labels, width=config.width, kind=config.network)

    def make_critic(self, side: int) -> nn.Module:
        """The discriminator of a level."""
        config, sizes = self.config, {"resolution": side, "channels": self.data.channels}
        if side == config.coarsest:
            return CoarseDiscriminator(
                **sizes,
                labels=self.labels,
                hidden=config.coarse_critic_width,
                dropout=config.dropout,
            )
        return BandDiscriminator(
            **sizes,
            labels=self.labels,
            width=config.width,
            kind=config.network,
            join=config.join,
            dropout=config.dropout,
        )

    # the game

    def plan(self) -> Plan:
        """A stage for each level, coarsest first."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """A discriminator and a generator for each level that is trained."""
        found = {}
        for side in self.trained:
            for kind, networks in (
                ("discriminator", self.discriminators),
                ("generator", self.generators),
            ):
                found[f"{kind}.{side}"] = Player.of(
                    networks[str(side)], optimizer=self.config.optimizer, rate=self.rate
                )
        return found

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate, over a level."""
        return 1.0 - at.fraction if self.config.decay == "linear" else 1.0

    def turns(self, at: Progress) -> Sequence[Turn[Images]]:
        """The level's discriminator, then its generator, without drawing anew."""
        side = side_of(at)
        return (
            Turn(f"discriminator.{side}", self.critic_loss, repeat=self.config.critic_steps),
            Turn(f"generator.{side}", self.generator_loss, draws=False),
        )

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        """What the level's discriminator lowers.

        Of a finer level: every other picture is judged, and to the coarse forms of those between
        bands are drawn, so that nobody sees a coarse picture twice.
        """
        y = self.rows(batch)
        if side_of(at) == self.config.coarsest:
            with torch.no_grad():
                fake = self.first(len(batch), y)
            on_real, on_fake = self.judge(batch.image, None, y), self.judge(fake, None, y)
            return self.objective.critic_terms(on_real, on_fake)
        low = coarse(batch.image, self.config.enlarge)
        real, l_real, l_fake = batch.image[::2] - low[::2], low[::2], low[1::2]
        y_real, y_fake = (None, None) if y is None else (y[::2], y[1::2])
        with torch.no_grad():
            fake = self.band(l_fake, y_fake)
        return self.objective.critic_terms(
            self.judge(real, l_real, y_real), self.judge(fake, l_fake, y_fake)
        )

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the level's generator lowers, on fresh noise."""
        y = self.rows(batch)
        if side_of(at) == self.config.coarsest:
            low, fake, real = None, self.first(len(batch), y), batch.image
        else:
            low = coarse(batch.image, self.config.enlarge)
            fake, real = self.band(low, y), batch.image - low
        on_real = self.judge(real, low, y) if self.objective.relative else None
        return self.objective.for_generator(self.judge(fake, low, y), on_real)

    # one level

    def first(self, n: int, y: Tensor | None) -> Tensor:
        """`n` coarsest pictures from new latents."""
        z = draw_fields(self.inputs[:1], n, device=self.device)["z"]
        return self.generators[str(self.config.coarsest)](z, y)

    def band(self, low: Tensor, y: Tensor | None, noise: Tensor | None = None) -> Tensor:
        """The band that enlarged coarse pictures lack, from new noise unless it is given."""
        if noise is None:
            noise = 2 * torch.rand_like(low[:, :1]) - 1
        return self.generators[str(low.shape[-1])](noise, low, y)

    def judge(self, image: Tensor, low: Tensor | None, y: Tensor | None) -> Tensor:
        """The score of coarsest pictures, or of bands with what they are bands of."""
        critic = self.discriminators[str(image.shape[-1])]
        return critic(image, y) if low is None else critic(image, low, y)

    def rows(self, batch: Images) -> Tensor | None:
        """The labels of a batch as rows of numbers; None where they are not used."""
        if not self.labels or not isinstance(batch, Labelled):
            return None
        return label_rows(batch.label, self.labels)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.generators.parameters()).device

    # what others ask for

    def refined(self, image: Tensor, y: Tensor | None = None) -> Tensor:
        """Pictures whose finest band is taken away and drawn anew."""
        low = coarse(image, self.config.enlarge)
        return low + self.band(low, y)

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The level's score of each picture."""
        y = self.rows(batch)
        if side_of(at) == self.config.coarsest:
            return self.judge(batch.image, None, y)
        low = coarse(batch.image, self.config.enlarge)
        return self.judge(batch.image - low, low, y)

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, the same without their finest band, and with one drawn anew; of the coarsest
        level, fakes."""
        y, panels = self.rows(batch), {"real": batch.image}
        if side_of(at) == self.config.coarsest:
            panels["samples"] = self.first(len(batch), y)
        else:
            panels["coarse"] = coarse(batch.image, self.config.enlarge)
            panels["samples"] = self.refined(batch.image, y)
        return {name: panel.clamp(-1, 1) for name, panel in panels.items()}


class Pyramid(Levels):
    """All levels, and pictures drawn through them, coarsest first."""

    def __init__(self, config: LAPGANConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.latent_fields: tuple[LatentField, ...] = self.inputs

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU: a seed is the same picture on every device."""
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, level upon level up to the side of `at`, in float32."""
        y = None
        if self.labels:
            y = label_rows(latents["label"].to(self.device), self.labels)
        x: Tensor = self.generators[str(self.config.coarsest)](latents["z"].to(self.device), y)
        for side in self.sides[1:]:
            if side > side_of(at):
                break
            low = enlarged(x, self.config.enlarge)
            x = low + self.band(low, y, latents[f"z{side}"].to(self.device))
        return x

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """The same, and as many fakes, through all levels."""
        panels = dict(super().preview(batch, at))
        if "coarse" in panels:
            panels["refined"] = panels["samples"]
        latents = dict(draw_fields(self.latent_fields, len(batch), device=self.device))
        if isinstance(batch, Labelled):
            latents["label"] = batch.label
        return {**panels, "samples": self.generate(latents, at).clamp(-1, 1)}


class LAPGAN(Levels):
    """The pyramid, or those of its levels that `config.levels` names; built as any system is."""

    def __new__(cls, config: LAPGANConfig, data: DataSpec) -> Levels:  # type: ignore[misc]
        """Build the class of that form."""
        sides = config.sides(data.resolution)
        whole = not config.levels or set(config.levels) == set(sides)
        return (Pyramid if whole else Levels)(config, data)


def side_of(at: Progress) -> int:
    """The side of the square pictures at this moment."""
    return height_width(at.resolution)[0]
