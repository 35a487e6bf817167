"""GauGAN: pictures painted by layouts, which enter through every norm (SPADE), in a style.

    norm            BN(x) · (1 + γ(m)) + β(m),   m the layout at the size of x
    style           z = μ(x) + σ(x) ⊙ ε while it learns, N(0, 1) or μ of a picture afterwards
    discriminator   mean over scales k of E[max(0, 1 − D_k(x, m))] + E[max(0, 1 + D_k(x̃, m))]
    generator       mean over k of −E[D_k(x̃, m)] + 10 · mean over k of Σ_i |D_k^i(x̃) − D_k^i(x)|
                    + 10 · Σ_i w_i |F_i(x̃) − F_i(x)| + 0.05 · KL(N(μ, σ²) ‖ N(0, 1))

Without styles the generator starts from the layout, and neither z nor KL is there. F is a network
that compares pictures (`perceptual`): VGG-19 where its weights are given, a segmenter that learns
from the run's own pictures in a stage of its own, weights of dice, or none.

While one player moves the others keep singular vectors and running statistics as they are.

Source:  Park et al. 2019, "Semantic Image Synthesis with Spatially-Adaptive Normalization",
         section 3 and appendix A; settings and reductions from the code published with it
         (NVlabs/SPADE).
Departs: no weights of VGG-19 come with this package, so the term is off unless asked for; the
         segmenter is ours. In the code both turns move the running statistics; KL is summed over
         the pictures of each of 8 GPUs, here over the whole batch (preset paper: an eighth of the
         weight). Learning rates fall with every step, there with every epoch. The second beta of
         Adam is 0.9 as in the code, in the article 0.999.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from progan.core.batch import Layout
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress, height_width
from progan.core.specs import DataSpec
from progan.core.system import Direction, Player, System, Terms, Turn
from progan.layers.evaluated import evaluated
from progan.layers.spectral import held
from progan.layers.statistics import with_joint_statistics
from progan.networks import perceptual, segmenter
from progan.networks.spade import LayoutDiscriminator, LayoutGenerator, StyleEncoder, doublings
from progan.objectives.matching import feature_distance, feature_matching
from progan.objectives.table import objective
from progan.objectives.variational import kl_to_normal
from progan.systems.configs.gaugan import SEGMENT, GauGANConfig

__all__ = ["GauGAN", "Painter", "StyledPainter"]

SHA_BYTES = 32


class Painter(System[Layout]):
    """The game without styles: one picture for each layout."""

    batch_type = Layout
    averaged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ("generator",)
    higher_is_real = True
    directions: ClassVar[tuple[Direction, ...]] = (Direction("paint", "layout", "image"),)
    fixed = False
    styles: ClassVar[bool] = False

    def __init__(self, config: GauGANConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        if not data.layout_names:
            raise ConfigError(
                "system is gaugan, which paints layouts, but the pictures have none. Put a class "
                "map of the same name for each picture into a second folder: "
                "progan train gaugan PICTURES MAPS"
            )
        self.size = height_width(data.size)
        self.multiple = 2 ** doublings(config.depth, min(self.size))
        config.check_size(self.size, self.multiple)
        self.objective = objective(config.objective)
        self.higher_is_real = self.objective.higher_is_real
        self.joint_statistics = config.statistics == "all"
        self.least = 2 if config.norm == "batch" else 1
        self.generator = LayoutGenerator(
            size=self.size,
            channels=data.channels,
            layouts=data.layouts,
            style_size=config.style_size if self.styles else 0,
            width=config.width,
            depth=config.depth,
            hidden=config.hidden,
            norm=config.norm,
        )
        self.discriminator = LayoutDiscriminator(
            channels=data.channels,
            layouts=data.layouts,
            width=config.critic_width,
            layers=config.critic_layers,
            scales=config.critic_scales,
        )
        self._make_judge()
        if self.joint_statistics:
            with_joint_statistics(self)

    def _make_judge(self) -> None:
        """What compares pictures besides the discriminator."""
        config, data = self.config, self.data
        self.vgg: tuple[perceptual.VGGFeatures, ...] = ()
        """The network once it was needed; in a tuple, as its weights are nobody's to save."""
        if config.perceptual == "self":
            self.segmenter = segmenter.Segmenter(
                channels=data.channels,
                classes=len(data.layout_names),
                width=config.segmenter_width,
            )
        elif config.perceptual != "none":
            self.register_buffer("perceptual_sha256", torch.zeros(SHA_BYTES, dtype=torch.uint8))

    # the game

    def plan(self) -> Plan:
        """The segmenter's own training, if there is one, and the game."""
        return self.config.plan(self.data.size)

    def players(self) -> Mapping[str, Player]:
        """Generator with encoder, discriminator, and the segmenter if there is one."""
        config = self.config
        drawing = [self.get_submodule(name) for name in self.kept]
        found = {
            "generator": Player.of(*drawing, optimizer=config.optimizer, rate=self.rate),
            "discriminator": Player.of(
                self.discriminator,
                optimizer=config.optimizer,
                rate=lambda at: config.critic_rate * self.rate(at),
            ),
        }
        if config.perceptual == "self":
            found["segmenter"] = Player.of(self.segmenter, optimizer=config.segmenter_optimizer)
        return found

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate."""
        begins = self.config.decay_from
        return 1.0 if begins == 1 else min(1.0, (1 - at.fraction) / (1 - begins))

    def turns(self, at: Progress) -> Sequence[Turn[Layout]]:
        """The generator, then the discriminator upon the same pictures; before, the segmenter."""
        if at.stage.name == SEGMENT:
            return (Turn("segmenter", self.segmenter_loss),)
        return (
            Turn("generator", self.generator_loss),
            Turn("discriminator", self.critic_loss, draws=False),
        )

    def begin_stage(self, batch: Layout, at: Progress) -> None:
        """Remember which network compares pictures, where it comes from elsewhere."""
        if at.stage.name == SEGMENT or self.config.perceptual in ("none", "self"):
            return
        told = bytes.fromhex(self._load(batch.image.device).sha256)
        self.get_buffer("perceptual_sha256").copy_(torch.tensor(list(told), dtype=torch.uint8))

    def segmenter_loss(self, batch: Layout, at: Progress) -> Terms:
        """Cross entropy of each pixel's class."""
        logits = self.segmenter(batch.image).float()
        return {"classes": cross_entropy(logits, batch.layout[:, : logits.shape[1]])}

    def critic_loss(self, batch: Layout, at: Progress) -> Terms:
        """What the discriminator lowers; reals and fakes pass it together."""
        with torch.no_grad(), held(*self.drawing):
            fake, _ = self.painted(batch, at)
        fakes, reals = self.seen(fake, batch)
        each = [
            self.objective.critic_terms(real[-1].flatten().float(), fake_[-1].flatten().float())
            for real, fake_ in zip(reals, fakes, strict=True)
        ]
        return over_scales(each)

    def generator_loss(self, batch: Layout, at: Progress) -> Terms:
        """What generator and encoder lower."""
        fake, price = self.painted(batch, at)
        with held(self.discriminator):
            fakes, reals = self.seen(fake, batch)
        each = []
        for one, other in zip(fakes, reals, strict=True):
            on_real = other[-1].detach().flatten().float() if self.objective.relative else None
            each.append(self.objective.for_generator(one[-1].flatten().float(), on_real))
        terms = dict(over_scales(each))
        if self.config.matching:
            terms["matching"] = self.config.matching * feature_matching(fakes, reals)
        if self.config.perceptual != "none" and self.config.perceptual_weight:
            likeness = self.likeness(fake, batch.image)
            terms["perceptual"] = self.config.perceptual_weight * likeness
        return {**terms, **price}

    # parts of it

    @property
    def drawing(self) -> list[nn.Module]:
        """The networks that pictures are made with."""
        return [self.get_submodule(name) for name in self.kept]

    def painted(self, batch: Layout, at: Progress) -> tuple[Tensor, Terms]:
        """Pictures of a batch's layouts as training draws them, and what their styles cost."""
        return self.generator(batch.layout), {}

    def seen(self, fake: Tensor, batch: Layout) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """The discriminator's features of fakes and of reals, by scale and layer, in one pass."""
        image = torch.cat([fake, batch.image.to(fake.dtype)])
        found = self.discriminator(image, batch.layout.to(fake.dtype).repeat(2, 1, 1, 1))
        n = len(fake)
        return (
            [[part[:n] for part in layers] for layers in found],
            [[part[n:] for part in layers] for layers in found],
        )

    def likeness(self, fake: Tensor, real: Tensor) -> Tensor:
        """How far fakes are from reals, as another network sees both."""
        if self.config.perceptual == "self":
            with evaluated(self.segmenter):
                found = self.segmenter.features(fake)
                with torch.no_grad():
                    wanted = self.segmenter.features(real)
            return feature_distance(found, wanted, segmenter.WEIGHTS)
        network = self._load(fake.device)
        with torch.no_grad():
            wanted = network(real)
        return feature_distance(network(fake), wanted, perceptual.WEIGHTS)

    def _load(self, device: torch.device) -> perceptual.VGGFeatures:
        """The network of `perceptual`, made once.

        Raises: ConfigError where it is not the one that the run began with.
        """
        how = self.config.perceptual
        if not self.vgg:
            if how == "random":
                found = perceptual.VGGFeatures.of_dice(0, self.config.perceptual_width)
            else:
                found = perceptual.read_vgg(Path(how))
            told = bytes(self.get_buffer("perceptual_sha256").tolist()).hex()
            if int(told, 16) and told != found.sha256:
                raise ConfigError(
                    f"perceptual is {how}, whose weights have SHA-256 {found.sha256[:12]}…, but "
                    f"this run began with {told[:12]}…. Put that file back in its place."
                )
            self.vgg = (found,)
        self.vgg = (self.vgg[0].to(device),)
        return self.vgg[0]

    # what others ask for

    def translate(self, image: Tensor, direction: str, at: Progress) -> Tensor:
        """Paint layouts, n l h w, in float32."""
        with evaluated(self):
            found: Tensor = self.generator(image)
        return found.float()

    def score(self, batch: Layout, at: Progress) -> Tensor:
        """The discriminator's score of each picture with its layout: of all patches and scales."""
        with evaluated(self):
            found = self.discriminator(batch.image, batch.layout)
        means = [layers[-1].float().flatten(1).mean(dim=1) for layers in found]
        return torch.stack(means).mean(dim=0)

    @torch.no_grad()
    def preview(self, batch: Layout, at: Progress) -> Mapping[str, Tensor]:
        """Layouts where they have colours, reals, and the same layouts painted."""
        panels = {}
        if self.data.layout_colours:
            panels["layout"] = in_colours(batch.layout, self.data.layout_colours, batch.image)
        panels["real"] = batch.image
        if at.stage.name != SEGMENT:
            return {**panels, **self.samples(batch, at)}
        with evaluated(self):
            classes = self.segmenter(batch.image).argmax(dim=1)
        rows = nn.functional.one_hot(classes, len(self.data.layout_names)).movedim(3, 1).float()
        colours = self.data.layout_colours or greys(len(self.data.layout_names))
        return {**panels, "segmented": in_colours(rows, colours, batch.image)}

    def samples(self, batch: Layout, at: Progress) -> Mapping[str, Tensor]:
        """The painted panels of a preview."""
        return {"samples": self.translate(batch.layout, "paint", at).clamp(-1, 1)}


class StyledPainter(Painter):
    """The game with styles: an encoder finds them, and a latent draws them."""

    kept: tuple[str, ...] = ("generator", "encoder")
    fixed = True
    styles: ClassVar[bool] = True

    def __init__(self, config: GauGANConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.style_size = config.style_size
        self.encoder = StyleEncoder(
            size=self.size,
            channels=data.channels,
            style_size=config.style_size,
            width=config.encoder_width,
            norm=config.encoder_norm,
        )

    def painted(self, batch: Layout, at: Progress) -> tuple[Tensor, Terms]:
        """Pictures in styles drawn around those of the batch's own, and the divergence of these."""
        mean, log_variance = (part.float() for part in self.encoder(batch.image))
        style = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        times = at.batch if self.config.kl == "sum" else 1
        divergence = kl_to_normal(mean, log_variance)
        fake = self.generator(batch.layout, style)
        return fake, {"style": self.config.kl_weight * times * divergence}

    def style(self, image: Tensor, at: Progress) -> Tensor:
        """The means of the styles of pictures, n k, in float32."""
        with evaluated(self):
            mean: Tensor = self.encoder(image)[0]
        return mean.float()

    def styled(self, image: Tensor, direction: str, style: Tensor, at: Progress) -> Tensor:
        """Paint layouts, n l h w, in styles, n k, in float32."""
        with evaluated(self):
            found: Tensor = self.generator(image, style)
        return found.float()

    def translate(self, image: Tensor, direction: str, at: Progress) -> Tensor:
        """Paint layouts in the style whose numbers are all 0, the middle of all."""
        middle = image.new_zeros(len(image), self.style_size)
        return self.styled(image, direction, middle, at)

    def samples(self, batch: Layout, at: Progress) -> Mapping[str, Tensor]:
        """Painted in styles that are drawn, and in the pictures' own."""
        drawn = torch.randn(len(batch), self.style_size, device=batch.image.device)
        styles = {"samples": drawn, "own style": self.style(batch.image, at)}
        return {
            name: self.styled(batch.layout, "paint", style, at).clamp(-1, 1)
            for name, style in styles.items()
        }


class GauGAN(Painter):
    """The game with styles, or without as `config.style` says; built as any system is."""

    def __new__(cls, config: GauGANConfig, data: DataSpec) -> Painter:  # type: ignore[misc]
        """Build the class of that form."""
        return (StyledPainter if config.style else Painter)(config, data)


def over_scales(each: Sequence[Terms]) -> Terms:
    """Means of the scales' terms, by name."""
    return {name: torch.stack([terms[name] for terms in each]).mean() for name in each[0]}


def greys(count: int) -> tuple[tuple[int, int, int], ...]:
    """Colours for classes that have none."""
    shades = [round(255 * k / max(1, count - 1)) for k in range(count)]
    return tuple((shade, shade, shade) for shade in shades)


def in_colours(layout: Tensor, colours: Sequence[tuple[int, int, int]], like: Tensor) -> Tensor:
    """Layouts, n l h w, as pictures in [-1, 1] with as many channels as `like`."""
    table = torch.tensor(colours, device=layout.device, dtype=torch.float32) / 127.5 - 1
    if like.shape[1] == 1:
        table = table.mean(dim=1, keepdim=True)
    return torch.einsum("nlhw,lc->nchw", layout[:, : len(colours)].float(), table)
