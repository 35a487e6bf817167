"""A generator and an encoder that goes the other way, at one size. Each paper says the game."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.latents import LatentField, Latents, draw_fields
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.systems.configs.encoding import EncodingConfig

__all__ = ["Encoding"]


class Encoding(System[Images]):
    """Drawing, encoding and pictures, which the papers of this family share.

    A paper adds `generator`, `encoder` and `discriminator`, its players and its turns.
    """

    averaged = ("generator", "encoder")
    higher_is_real = True
    generator: nn.Module
    encoder: nn.Module
    discriminator: nn.Module

    def __init__(self, config: EncodingConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        self.average = config.average
        self.latent_fields: tuple[LatentField, ...] = (
            LatentField(name="z", shape=(config.latent_size,), prior=config.latent_prior),
        )

    def plan(self) -> Plan:
        """One stage at the full size."""
        return self.config.plan(self.data.resolution)

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate."""
        if self.config.decay == "linear":
            return 1.0 - at.fraction
        if self.config.decay == "exponential":
            return 0.01 ** max(0.0, 2 * at.fraction - 1)
        return 1.0

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.generator.parameters()).device

    def prior(self, n: int) -> Tensor:
        """`n` new latents, where the networks are."""
        return draw_fields(self.latent_fields, n, device=self.device)["z"]

    def seen(
        self, look: Callable[..., tuple[Tensor, ...]], kinds: Sequence[tuple[Tensor, ...]]
    ) -> list[tuple[Tensor, ...]]:
        """What `look` says of each kind of pictures, by itself, or of all as one batch.

        A kind is what `look` takes, a row each; so is what it gives.
        """
        if not self.config.together:
            return [look(*kind) for kind in kinds]
        said = look(*(torch.cat(parts) for parts in zip(*kinds, strict=True)))
        sizes = [len(kind[0]) for kind in kinds]
        return list(zip(*(torch.split(part, sizes) for part in said), strict=True))

    # what others ask for

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU: a seed is the same picture on every device."""
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32."""
        pictures: Tensor = self.generator(latents["z"].to(self.device))
        return pictures

    def code(self, image: Tensor) -> Tensor:
        """The latent of each picture: where its distribution has a mean, that."""
        raise NotImplementedError(f"{type(self).__name__} must say how it encodes")

    def encode(self, image: Tensor, at: Progress) -> Latents:
        """Latents of `image`, from which `generate` draws it again."""
        return {"z": self.code(image)}

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, the same drawn again from their codes, and as many fakes."""
        again: Tensor = self.generator(self.code(batch.image))
        fake: Tensor = self.generator(self.prior(len(batch)))
        return {
            "real": batch.image,
            "reconstructions": again.clamp(-1, 1),
            "samples": fake.clamp(-1, 1),
        }
