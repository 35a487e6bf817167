"""StackGAN: a caption becomes a small picture, and that and the caption a large one.

    condition       ĉ = μ(φ) + σ(φ) ⊙ ε,   φ the caption's vector
    discriminator   −E log σ(D(x, φ)) − ½ (E log(1 − σ(D(x', φ))) + E log(1 − σ(D(x̃, φ))))
    generator       −E log σ(D(x̃, φ)) + λ KL(N(μ, σ²) ‖ N(0, 1))
    stage I         x̃ = G₁(z, ĉ)
    stage II        x̃ = G₂(G₁(z, ĉ₁), ĉ₂),   without a latent of its own

x' is a real picture of something else than the caption says. The captions' network learns first,
with a network that looks at pictures, and then rests. In stage II the first generator rests too
(`fine_tune` lets it go on) and draws as when pictures are asked for: by its averages, where there
are some, and its running statistics.

Source:  Zhang et al. 2017, "StackGAN: Text to Photo-realistic Image Synthesis with Stacked
         Generative Adversarial Networks", sections 3.2 to 3.4; settings from the code published
         with it (hanzhanggit/StackGAN).
Departs: captions' vectors come from a network of hashed words and pairs (`networks.text`), there
         from the char-CNN-RNN of Reed et al. 2016, which was trained on the same pictures; both
         learn by finding each picture's caption. Or they come with the data (`data.vectors`) and
         are brought to length √f. In the code stage I's statistics are the batch's own in stage
         II. Wrong pictures are drawn evenly from those of another kind; in the code they are the
         next by a shift, which can be right ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from progan.core.batch import Captioned
from progan.core.errors import ConfigError
from progan.core.latents import LatentField, Latents, draw_fields
from progan.core.plan import Plan, Progress, height_width
from progan.core.specs import DataSpec
from progan.core.system import Player, System, Terms, Turn
from progan.core.text import TextEncoder, gram_rows
from progan.layers.augmentation import truncated_normal
from progan.networks.stackgan import FirstGenerator, PairDiscriminator, SecondGenerator
from progan.networks.text import OwnTexts, PictureVector, TextVector, lengthened
from progan.objectives.captions import joint_embedding, others, pairs_critic
from progan.objectives.variational import kl_to_normal
from progan.systems.configs.stackgan import CAPTIONS, FIRST, SECOND, StackGANConfig

__all__ = ["StackGAN"]


class StackGAN(System[Captioned]):
    """Both games, and the captions' network that they share."""

    batch_type = Captioned
    averaged = ("generators",)
    kept: tuple[str, ...] = ("text",)
    settles = True
    least = 2
    higher_is_real = True

    def __init__(self, config: StackGANConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        if not data.captions or not data.caption_texts:
            raise ConfigError(
                "system is stackgan, which draws what captions say, but the pictures have none. "
                "Put a metadata.csv with the columns file_name and text beside them, or a .txt of "
                "the same name beside each, with data.captions=auto"
            )
        self.average = config.average
        sides = config.sides(data.resolution)
        self.own = not data.caption_width
        """Whether captions' vectors come from a network of this system."""
        self.features = data.caption_width or config.features
        if self.own:
            self.text = TextVector(buckets=config.buckets, features=config.features)
            self.look = PictureVector(
                resolution=sides[0], channels=data.channels, features=config.features
            )
        self.kept = self.kept if self.own else ()
        self.encoder: TextEncoder | None = OwnTexts(self.text) if self.own else None
        """Reads texts; without one, only `texts` can be read."""
        common = {"channels": data.channels, "features": self.features, "code": config.code}
        self.generators = nn.ModuleDict(
            {
                "first": FirstGenerator(
                    resolution=sides[0],
                    latent_size=config.latent_size,
                    width=config.width,
                    **common,
                ),
                "second": SecondGenerator(
                    resolution=sides[1],
                    ratio=config.ratio,
                    width=config.second_width,
                    blocks=config.blocks,
                    inner=config.inner,
                    **common,
                ),
            }
        )
        widths = {"first": config.critic_width, "second": config.second_critic_width}
        self.discriminators = nn.ModuleDict(
            {
                name: PairDiscriminator(resolution=side, width=widths[name], **common)
                for name, side in zip(widths, sides, strict=True)
            }
        )
        texts = self.texts = data.caption_texts[: len(data.caption_texts) - self._ambiguous]
        """Captions of the data, to draw from where nobody says what to draw."""
        if self.own:
            self.register_buffer("examples", torch.tensor(gram_rows(texts)), persistent=False)
        else:
            self.register_buffer("examples", torch.ones(len(texts), self.features))
        self.latent_fields: tuple[LatentField, ...] = (
            LatentField(name="z", shape=(config.latent_size,)),
            LatentField(name="first noise", shape=(config.code,)),
            LatentField(name="second noise", shape=(config.code,)),
            LatentField(
                name="caption",
                shape=(),
                prior="categorical",
                role="caption",
                choices=len(texts),
                mixes=True,
            ),
        )

    @property
    def _ambiguous(self) -> bool:
        """Whether rows of weights over the examples would be as long as captions' vectors."""
        return len(self.data.caption_texts) == self.features

    # the game

    def plan(self) -> Plan:
        """The captions' own training, if any, the first stage, the second."""
        return self.config.plan(self.data.resolution, own=self.own)

    def players(self) -> Mapping[str, Player]:
        """The captions' networks, if any, and a discriminator and a generator for each stage."""
        config, first = self.config, self.generators["first"]
        drawing = [self.generators["second"], *([first] if config.fine_tune else [])]

        def playing(*networks: nn.Module) -> Player:
            return Player.of(*networks, optimizer=config.optimizer, rate=self.rate)

        text = {}
        if self.own:
            text["text"] = Player.of(self.text, self.look, optimizer=config.text_optimizer)
        return {
            **text,
            "discriminator.first": playing(self.discriminators["first"]),
            "generator.first": playing(first),
            "discriminator.second": playing(self.discriminators["second"]),
            "generator.second": playing(*drawing),
        }

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate: halved at equal distances over a stage."""
        second = at.stage.name == SECOND
        times = self.config.second_halvings if second else self.config.halvings
        halved = 0.5 ** min(int(at.fraction * times), max(0, times - 1))
        return halved * (self.config.second_rate if second else 1.0)

    def turns(self, at: Progress) -> Sequence[Turn[Captioned]]:
        """The stage's discriminator, then its generator, without drawing anew."""
        if at.stage.name == CAPTIONS:
            return (Turn("text", self.text_loss),)
        name = "first" if at.stage.name == FIRST else "second"
        return (
            Turn(f"discriminator.{name}", self.critic_loss),
            Turn(f"generator.{name}", self.generator_loss, draws=False),
        )

    def text_loss(self, batch: Captioned, at: Progress) -> Terms:
        """What the captions' network lowers, with the one that looks at pictures."""
        vector = self.text(batch.caption[:, 0])
        return joint_embedding(self.look(batch.image), vector, batch.kind, self.config.temperature)

    def critic_loss(self, batch: Captioned, at: Progress) -> Terms:
        """What the stage's discriminator lowers."""
        phi, critic = self.vectors(batch.caption), self.critic(at)
        wrong, found = others(batch.kind)
        with torch.no_grad():
            fake, _ = self.drawn(phi, at)
        return pairs_critic(
            critic(batch.image, phi), critic(batch.image[wrong], phi), critic(fake, phi), found
        )

    def generator_loss(self, batch: Captioned, at: Progress) -> Terms:
        """What the stage's generator lowers, on fresh noise for the same captions."""
        phi = self.vectors(batch.caption)
        fake, divergence = self.drawn(phi, at)
        score = self.critic(at)(fake, phi)
        return {
            "fake": nn.functional.softplus(-score).mean(),
            "condition": self.config.kl_weight * divergence,
        }

    # parts of it

    def critic(self, at: Progress) -> nn.Module:
        """The discriminator of the stage."""
        return self.discriminators["second" if at.stage.name == SECOND else "first"]

    def vectors(self, caption: Tensor) -> Tensor:
        """The vectors of pictures' captions, n m g: means over the first few of each."""
        few = caption[:, : self.config.averaged_captions]
        if not self.own:
            return lengthened(few).mean(dim=1)
        with torch.no_grad():
            found: Tensor = self.text(few.flatten(0, 1))
        return found.view(*few.shape[:2], -1).mean(dim=1)

    def drawn(self, phi: Tensor, at: Progress) -> tuple[Tensor, Tensor]:
        """Pictures of the stage from new noise, and the divergence of its conditions."""
        z = torch.randn(len(phi), self.config.latent_size, device=phi.device)
        first, second = self.new_noise(phi), self.new_noise(phi)
        if at.stage.name != SECOND:
            image, mean, log_variance = self.generators["first"](z, phi, first)
        else:
            image = self.sketch(z, phi, first)
            image, mean, log_variance = self.generators["second"](image, phi, second)
        divergence = kl_to_normal(mean, log_variance)
        return image, divergence / (self.config.code if self.config.kl == "mean" else 1)

    def sketch(self, z: Tensor, phi: Tensor, noise: Tensor) -> Tensor:
        """The first stage's pictures, as the second is given them."""
        network = self.generators["first"]
        if self.config.fine_tune:
            image: Tensor = network(z, phi, noise)[0]
            return image
        training = network.training
        network.eval()
        try:
            with torch.no_grad():
                image = network(z, phi, noise)[0]
        finally:
            network.train(training)
        return image

    def new_noise(self, phi: Tensor) -> Tensor:
        """ε for the condition around each caption's vector."""
        like = phi.new_empty(len(phi), self.config.code)
        cut = self.config.noise == "truncated"
        return truncated_normal(like) if cut else torch.randn_like(like)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.generators.parameters()).device

    # what others ask for

    def take_vectors(self, vectors: Tensor) -> None:
        """Remember the vectors of `texts`, n f, that come with the data."""
        self.get_buffer("examples").copy_(vectors)

    @torch.no_grad()
    def phrased(self, texts: Sequence[str]) -> Tensor:
        """The vectors of captions, n f, on the CPU: a latent `caption` that says what to draw.

        Raises: ConfigError for a text that nothing here has a vector for.
        """
        if self.own or not {*texts} <= {*self.texts}:
            if self.encoder is None:
                raise ConfigError(
                    "Nothing here reads texts, as captions' vectors came with the data. Ask for a "
                    f'caption of the data, such as "{self.texts[0][:60]}".'
                )
            found = self.encoder.encode(texts)
            return found if self.own else lengthened(found)
        rows = torch.tensor([self.texts.index(text) for text in texts])
        return lengthened(self.get_buffer("examples").cpu()[rows])

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU: a seed is the same picture on every device.

        Captions are those of the data, by their number.
        """
        drawn = draw_fields(self.latent_fields, n, truncation=truncation)
        if self.config.noise == "truncated" and (truncation is None or truncation == 1):
            for field in self.latent_fields[1:3]:
                drawn[field.name] = truncated_normal(drawn[field.name])
        return drawn

    def caption_rows(self, caption: Tensor) -> Tensor:
        """A latent `caption` as vectors: numbers of captions of the data, weights over those, or
        vectors themselves."""
        caption = caption.to(self.device)
        if not caption.is_floating_point():
            return self._read(self.get_buffer("examples")[caption])
        if caption.shape[1] == self.features:
            return caption
        return caption @ self._read(self.get_buffer("examples"))

    def _read(self, examples: Tensor) -> Tensor:
        """Rows of words, or vectors as they came with the data, as vectors of length √f."""
        found: Tensor = self.text(examples) if self.own else lengthened(examples)
        return found

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, at the side of `at`, in float32."""
        phi = self.caption_rows(latents["caption"])
        z, first, second = (
            latents[name].to(self.device) for name in ("z", "first noise", "second noise")
        )
        image: Tensor = self.generators["first"](z, phi, first)[0]
        if height_width(at.resolution)[0] == self.data.resolution:
            image = self.generators["second"](image, phi, second)[0]
        return image

    def score(self, batch: Captioned, at: Progress) -> Tensor:
        """The stage's score of each picture with its captions."""
        found: Tensor = self.critic(at)(batch.image, self.vectors(batch.caption))
        return found

    @torch.no_grad()
    def preview(self, batch: Captioned, at: Progress) -> Mapping[str, Tensor]:
        """Reals, and fakes of the same captions."""
        drawn = dict(draw_fields(self.latent_fields, len(batch), device=self.device))
        samples = self.generate({**drawn, "caption": self.vectors(batch.caption)}, at)
        return {"real": batch.image, "samples": samples.clamp(-1, 1)}
