"""SinGAN: one picture as patches at every scale, each drawn upon the enlarged coarser picture.

    x_0 = G_0(z_0, 0),   x_n = G_n(a_n z_n, up(x_{n−1})) = up(x_{n−1}) + ψ_n(a_n z_n + up(x_{n−1}))
    critic      E[D_n(x_n)] − E[D_n(I_n)] + λ · E[mean over pixels of (‖∇D_n‖ − 1)²]
    generator   −E[D_n(x_n)] + α · mean (x*_n − I_n)²
    a_n = 0.1 · √(mean (I_n − up(x*_{n−1}))²),   a_0 = 1
    one scale may draw upon the coarser picture in few colours (`paint_scale`), as sketches have

I_n is the picture at scale n, coarsest first, and x* what the fixed noise z* = {z*_0, 0, …, 0}
draws: it is drawn once, before training, and kept. A scale is trained upon those below it, which
no longer move and draw by the running statistics of their batch norm; it begins with their
weights where its networks are as wide. Critics judge patches of 11 × 11 pixels, so a picture is
told from the training picture by its patches alone.

Source:  Shaham, Dekel and Michaeli 2019, "SinGAN: Learning a Generative Model from a Single Natural
         Image", sections 2 and 3; settings from the code published with it.
Departs: z*_0 is drawn once, as the paper says; the code draws it anew in every round. Pictures pass
         between scales as floats, cut to [−1, 1]; there as bytes, rounded down. Each of a player's
         moves in a round has fakes of its own; there the critic's moves share one noise, and the
         generator's one fake. Sides are rounded; there upwards. The frozen scales draw by running
         statistics for the reconstruction as for fakes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.latents import LatentField, Latents, draw_fields
from progan.core.plan import Plan, Progress, height_width
from progan.core.specs import DataSpec
from progan.core.system import Player, System, Terms, Turn
from progan.layers.palette import palette_of, recoloured
from progan.layers.resample import resized
from progan.networks.patch_scales import PatchCritic, PatchGenerator
from progan.objectives.penalty import gradient_penalty, pixel_penalty
from progan.systems.configs.singan import SinGANConfig

__all__ = ["SinGAN"]


class SinGAN(System[Images]):
    """The games of all scales of one picture."""

    averaged = ("generators",)
    higher_is_real = True
    anchor: Tensor
    """The fixed noise of scale 0."""
    amplitude: Tensor
    """Of the noise of each scale."""
    palette: Tensor
    """The colours of the training picture, k c, where a scale draws upon few of them."""

    def __init__(self, config: SinGANConfig, data: DataSpec) -> None:
        super().__init__()
        if data.images > 1:
            raise ConfigError(
                f"singan learns from one picture, and the data hold {data.images:,}. Give one "
                "file: progan train FOLDER/PICTURE.jpg --system singan"
            )
        self.config, self.data = config, data
        self.average = config.average
        self.sizes = config.sizes(*height_width(data.size))
        if config.paint_scale >= len(self.sizes):
            raise ConfigError(
                f"paint_scale is {config.paint_scale}; this picture has the scales 0 to "
                f"{len(self.sizes) - 1}, and the coarsest draws upon nothing. "
                "To leave it out: --set paint_scale=0"
            )
        self.latent_fields: tuple[LatentField, ...] = self.fields_of(self.sizes)
        widths = [config.width_at(scale) for scale in range(len(self.sizes))]
        self.generators = nn.ModuleList(
            PatchGenerator(data.channels, width, config.layers) for width in widths
        )
        self.critics = nn.ModuleList(
            PatchCritic(data.channels, width, config.layers) for width in widths
        )
        self.register_buffer("anchor", torch.randn(1, *self.latent_fields[0].shape))
        self.register_buffer("amplitude", torch.ones(len(self.sizes)))
        if config.paint_scale:
            self.register_buffer("palette", torch.zeros(config.paint_colours, data.channels))
        for scale, (height, width) in enumerate(self.sizes):
            if scale:
                base = torch.zeros(1, data.channels, height, width)
                self.register_buffer(f"base{scale}", base)

    def fields_of(self, sizes: Sequence[tuple[int, int]]) -> tuple[LatentField, ...]:
        """The noise of pictures whose scales have these sizes: that of scale 0 is grey."""
        around = self.around
        return tuple(
            LatentField(
                name=f"z{scale}",
                shape=(self.data.channels if scale else 1, height + around, width + around),
            )
            for scale, (height, width) in enumerate(sizes)
        )

    # the game

    def plan(self) -> Plan:
        """A stage for each scale, coarsest first."""
        return self.config.plan(self.data.size)

    def players(self) -> Mapping[str, Player]:
        """A critic and a generator for each scale."""
        return {
            f"{kind}.{scale}": Player.of(
                networks[scale], optimizer=self.config.optimizer, rate=self.rate
            )
            for scale in range(len(self.sizes))
            for kind, networks in (("critic", self.critics), ("generator", self.generators))
        }

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate, over a scale."""
        return 1.0 if at.fraction < self.config.settled else 0.1

    def turns(self, at: Progress) -> Sequence[Turn[Images]]:
        """The scale's critic, then its generator, without drawing anew."""
        scale, config = self.scale_of(at), self.config
        return (
            Turn(f"critic.{scale}", self.critic_loss, repeat=config.critic_steps),
            Turn(
                f"generator.{scale}",
                self.generator_loss,
                repeat=config.generator_steps,
                draws=False,
            ),
        )

    def begin_stage(self, batch: Images, at: Progress) -> None:
        """Take over the weights of the scale below where they fit, and measure what it lacks."""
        scale = self.scale_of(at)
        if not scale:
            return
        for networks in (self.generators, self.critics):
            if self.config.width_at(scale) == self.config.width_at(scale - 1):
                networks[scale].load_state_dict(networks[scale - 1].state_dict())
        base = resized(self.reconstruction(scale - 1), *self.sizes[scale])
        if scale == self.config.paint_scale:
            self.palette.copy_(palette_of(base, self.config.paint_colours))
        self.get_buffer(f"base{scale}").copy_(base)
        lacking = (batch.image[:1] - base).square().mean().sqrt()
        self.amplitude[scale] = self.config.noise * lacking

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        """What the scale's critic lowers."""
        real, scale = batch.image, self.scale_of(at)
        critic = self.critics[scale].train()
        with torch.no_grad():
            fake = self.fakes(len(real), scale)
        on_real, on_fake = critic(real), critic(fake)
        if self.config.penalty_norm == "pixel":
            penalty = pixel_penalty(lambda x: critic(x).sum((1, 2, 3)), real, fake)
        else:
            penalty = gradient_penalty(lambda x: critic(x).mean((1, 2, 3)), real, fake)
        return {
            "fake": on_fake.mean(),
            "real": -on_real.mean(),
            "penalty": self.config.penalty * penalty,
        }

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the scale's generator lowers, on fresh noise and on the fixed one."""
        scale = self.scale_of(at)
        fake = self.fakes(len(batch), scale)
        again = self.step(scale, self.base(scale), self.fixed_noise(scale), training=True)
        error = (again - batch.image[:1]).square().mean()
        return {
            "fake": -self.critics[scale].train()(fake).mean(),
            "reconstruction": self.config.reconstruction * error,
        }

    # one scale

    def scale_of(self, at: Progress) -> int:
        """Which scale has the size of this moment."""
        return self.sizes.index(height_width(at.resolution))

    def step(self, scale: int, coarse: Tensor, noise: Tensor, *, training: bool = False) -> Tensor:
        """The picture of a scale upon the one below it, already enlarged."""
        generator = self.generators[scale].train(training)
        if scale and scale == self.config.paint_scale:
            coarse = recoloured(coarse, self.palette)
        louder = self.amplitude[scale] * noise.expand(-1, self.data.channels, -1, -1)
        image: Tensor = generator(louder, coarse)
        return image

    def fakes(self, n: int, scale: int) -> Tensor:
        """`n` pictures of a scale from new noise; only that scale's generator can learn."""
        latents = draw_fields(self.latent_fields[: scale + 1], n, device=self.device)
        with torch.no_grad():
            coarse = self.blank(latents["z0"])
            for below in range(scale):
                image = self.step(below, coarse, latents[f"z{below}"])
                coarse = resized(image, *self.sizes[below + 1])
        return self.step(scale, coarse, latents[f"z{scale}"], training=True)

    def blank(self, noise: Tensor) -> Tensor:
        """What scale 0 draws upon: zeros in the size that its noise is for."""
        return noise.new_zeros(len(noise), self.data.channels, *self.size_for(noise))

    def size_for(self, noise: Tensor) -> tuple[int, int]:
        """Height and width of the pictures that noise n c h w is for."""
        return noise.shape[2] - self.around, noise.shape[3] - self.around

    def base(self, scale: int) -> Tensor:
        """What the fixed noise draws at the scale below, enlarged."""
        return self.get_buffer(f"base{scale}") if scale else self.blank(self.anchor)

    def fixed_noise(self, scale: int) -> Tensor:
        """The noise z* of a scale: nothing above scale 0."""
        if not scale:
            return self.anchor
        return self.anchor.new_zeros(1, *self.latent_fields[scale].shape)

    @property
    def around(self) -> int:
        """Pixels of noise beyond a picture, on two sides together."""
        return 2 * self.config.layers if self.config.border == "noise" else 0

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.amplitude.device

    # what others ask for

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw noise for `n` pictures on the CPU: a seed is the same picture on every device."""
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, scale upon scale up to that of `at`, in float32.

        Noise of other sizes than the training picture's (see `sizes_for`) gives pictures of
        others.
        """
        coarse = self.blank(latents["z0"].to(self.device))
        return self.upwards(coarse, latents, 0, self.scale_of(at))

    def upwards(self, coarse: Tensor, latents: Latents, first: int, last: int) -> Tensor:
        """Pictures of scale `last`, from what scale `first` draws upon."""
        for scale in range(first, last + 1):
            noise = latents[f"z{scale}"].to(self.device)
            image = self.step(scale, resized(coarse, *self.size_for(noise)), noise)
            coarse = image
        return image

    def reconstruction(self, scale: int) -> Tensor:
        """What the fixed noise draws at a scale: 1 c h w, like the picture there."""
        return self.step(scale, self.base(scale), self.fixed_noise(scale))

    def held(self, latents: Latents, start: int) -> dict[str, Tensor]:
        """The same noise with the fixed one in its place below scale `start`.

        Pictures then keep the training picture's layout, and the sizes of its noise.
        """
        n = len(latents["z0"])
        fixed = {f"z{scale}": self.fixed_noise(scale).cpu() for scale in range(start)}
        below = {name: noise.expand(n, -1, -1, -1) for name, noise in fixed.items()}
        return {**latents, **below}

    def sizes_for(self, height: int, width: int) -> tuple[tuple[int, int], ...]:
        """The sizes of all scales of a picture of another size: each side in its proportion."""
        finest = self.sizes[-1]
        return tuple(
            (max(1, round(h * height / finest[0])), max(1, round(w * width / finest[1])))
            for h, w in self.sizes
        )

    def refined(self, image: Tensor, start: int, latents: Latents) -> Tensor:
        """Pictures n c h w that enter at scale `start`, from 1, and are drawn up to the finest.

        They lose what scale `start` and those above would draw, and get what those do draw.
        `latents` are those of `fields_of(sizes_for(…))`, of scale `start` and above at least.

        Source: Shaham et al. 2019, section 4 (paint-to-image, harmonization, editing).
        """
        sizes = self.sizes_for(*self.size_for(latents[f"z{len(self.sizes) - 1}"]))
        below = resized(image.to(self.device), *sizes[start - 1])
        return self.upwards(below, latents, start, len(self.sizes) - 1)

    def enlarged(
        self, image: Tensor, factor: float, loudness: float = 1.0, projections: int = 3
    ) -> Tensor:
        """Pictures n c h w, `factor` times as large, by the finest scale alone.

            k = round(log s / log(1 / r)),   k times:  x ← G_S(l · a_S z, up(x)),  up by s^(1/k)
            and after each, `projections` times:       x ← x + up(x_0 − down(x))

        with r the training's own factor, x_0 the given picture, and noise from torch's generator, l
        times as loud. So what is made, shrunk again, is the given picture.

        Source:  Shaham et al. 2019, section 4 (super-resolution); projections: Irani & Peleg 1991,
                 "Improving resolution by image registration".
        Departs: the published code does not project (0): then what the finest scale learnt to mend
                 of its own coarser scale is added k times.
        """
        last, x = len(self.sizes) - 1, image.to(self.device)
        given, (height, width) = x, x.shape[2:]
        for factor_ in self.enlargements(factor):
            size = round(height * factor_), round(width * factor_)
            field = self.fields_of((size,) * (last + 1))[last]
            noise = draw_fields((field,), len(x))[field.name].to(self.device)
            x = self.step(last, resized(x, *size), loudness * noise)
            for _ in range(projections):
                x = x + resized(given - resized(x, height, width), *size)
        return x

    def enlargements(self, factor: float) -> tuple[float, ...]:
        """The factors that lead up to `factor`, in steps as nearly the training's as can be."""
        ratio = (self.sizes[-1][0] / self.sizes[-2][0]) if len(self.sizes) > 1 else factor
        steps = max(1, round(math.log(factor) / math.log(ratio)))
        return tuple(factor ** (step / steps) for step in range(1, steps + 1))

    def wander(
        self, frames: int, start: int, pull: float = 0.1, inertia: float = 0.9
    ) -> Iterator[Latents]:
        """Noise for the frames of a film, each near the one before it and near the fixed noise.

            z_{t+1} = a z* + (1 − a) (z_t + d_t),   d_t = b (z_t − z_{t−1}) + (1 − b) u_t,  u ~ N

        with a = `pull`, b = `inertia`; scales below `start` keep z*. Draws from torch's generator.

        Source: Shaham et al. 2019, section 4 (single image animation); the first frames from the
                code published with it.
        """
        fixed = {f.name: self.fixed_noise(n).cpu() for n, f in enumerate(self.latent_fields)}
        before, now = dict(fixed), dict(fixed)
        for field in self.latent_fields[start:]:
            now[field.name] = 0.95 * fixed[field.name] + 0.05 * torch.randn(1, *field.shape)
        for _ in range(frames):
            yield dict(now)
            after = dict(now)
            for field in self.latent_fields[start:]:
                name, fresh = field.name, torch.randn(1, *field.shape)
                drift = inertia * (now[name] - before[name]) + (1 - inertia) * fresh
                after[name] = pull * fixed[name] + (1 - pull) * (now[name] + drift)
            before, now = now, after

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The mean of the scores of a picture's patches at its scale."""
        critic = self.critics[self.scale_of(at)].eval()
        scores: Tensor = critic(batch.image).mean((1, 2, 3))
        return scores

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """The picture, its reconstruction, and as many fakes."""
        scale = self.scale_of(at)
        again = self.reconstruction(scale).expand_as(batch.image)
        latents = draw_fields(self.latent_fields, len(batch), device=self.device)
        panels = {
            "real": batch.image,
            "reconstruction": again,
            "samples": self.generate(latents, at),
        }
        return {name: panel.clamp(-1, 1) for name, panel in panels.items()}
