"""What every extractor is: a network, its name, and how pictures are brought before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from progan.core.errors import ConfigError, DataError
from progan.engine.precision import float32_products

__all__ = ["Extractor"]


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """Pictures in, features out: float32, in evaluation mode, on the device of the network.

    Pictures are uint8, n c h w, grey or colour, of any size, as arrays or tensors on any device.
    They go through the network in batches of `batch`; answers lie on the CPU. What is said of a
    picture does not depend on those around it, beyond the rounding of float32 (on a CPU below
    one part in 10⁵).
    """

    name: str
    """Says all that changes a number: the network, its weights, the resize."""
    sha256: str
    """Of the weights: of the public file, or of what training stored."""
    resize: str
    """In words."""
    side: int
    """Pixels a side that the network sees."""
    channels: int
    """Grey pictures are tiled to 3 channels where the network sees colour."""
    dimension: int
    """Features of a picture."""
    classes: int
    """Classes it tells apart."""
    class_names: tuple[str, ...] = ()
    """Their names, where they are known."""
    network: nn.Module
    """float n channels side side -> features n d, logits n k."""
    prepare: Callable[[Tensor], Tensor]
    """uint8 n c h w -> float n c side side, as the network was trained to see them."""
    batch: int = 32

    def __post_init__(self) -> None:
        self.network.eval().requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return next(self.network.parameters()).device

    def features(self, images: Any) -> Tensor:
        """The features of each picture: float32 n d.

        Raises: DataError for anything but uint8 n c h w with 1 or 3 channels, ConfigError for
        colour where the extractor was trained on grey.
        """
        return self.both(images)[0]

    def log_probabilities(self, images: Any) -> Tensor:
        """The logarithm of the probability of each class: float32 n k.

        Raises: as `features`.
        """
        return self.both(images)[1]

    def both(self, images: Any) -> tuple[Tensor, Tensor]:
        """Features n d and log probabilities n k, in one pass.

        Raises: as `features`.
        """
        self._check(images)
        return self._through(images)

    def unrounded(self, images: Tensor) -> Tensor:
        """Features of pictures as they leave a generator: float n c h w in [-1, 1] -> float32 n d.

        Values outside are cut, and nothing is rounded to 256 levels: for steps too small for that.

        Raises: as `features`, for anything but such floats.
        """
        return self._through(self._levels(images))[0]

    def traced(self, images: Tensor) -> Tensor:
        """The same on the device of the network and in one batch, with slopes.

        Raises: as `unrounded`.
        """
        found, _ = self.network(self._seen(self._levels(images)))
        features: Tensor = found.float()
        return features

    def _levels(self, images: Tensor) -> Tensor:
        """Pictures in [-1, 1] on the scale from 0 to 255, unrounded."""
        if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.is_floating_point():
            raise DataError(
                f"the pictures have shape {tuple(images.shape)} and type {images.dtype}; what is "
                "not rounded must be float, n c h w in [-1, 1], with 1 or 3 channels."
            )
        self._check_channels(images.shape[1])
        return (images.float().clamp(-1, 1) + 1) * 127.5

    def _through(self, images: Any) -> tuple[Tensor, Tensor]:
        """Features and log probabilities of pictures of 0 to 255, batch by batch."""
        features = torch.empty(len(images), self.dimension)
        logs = torch.empty(len(images), self.classes)
        with torch.inference_mode(), float32_products():
            for start in range(0, len(images), self.batch):
                rows = slice(start, start + self.batch)
                found, logits = self.network(self._seen(images[rows]))
                features[rows] = found.float().cpu()
                logs[rows] = logits.float().log_softmax(1).cpu()
        return features, logs

    def record(self) -> dict[str, str]:
        """What must stand beside a number; equal for numbers that may be compared."""
        return {"extractor": self.name, "weights": self.sha256, "resize": self.resize}

    def _seen(self, images: Any) -> Tensor:
        """Pictures as the network sees them."""
        pixels = images if isinstance(images, Tensor) else torch.from_numpy(np.array(images))
        seen = self.prepare(pixels.to(self.device))
        if seen.shape[1] < self.channels:
            seen = seen.expand(-1, self.channels, -1, -1)
        return seen.contiguous(memory_format=torch.channels_last)

    def _check(self, images: Any) -> None:
        shape, kind = tuple(getattr(images, "shape", ())), str(getattr(images, "dtype", "nothing"))
        if not kind.endswith("uint8") or len(shape) != 4 or shape[1] not in (1, 3):
            raise DataError(
                f"the pictures have shape {shape} and type {kind}; extractors take uint8 of 0 to "
                "255, n c h w, with 1 or 3 channels. Convert them first: round((x + 1) · 127.5), "
                "cut to 0 … 255"
            )
        self._check_channels(shape[1])

    def _check_channels(self, channels: int) -> None:
        if channels > self.channels:
            raise ConfigError(
                f"the pictures are in colour, and {self.name} was trained on grey ones. Choose "
                "another extractor, or train one: progan metrics train-extractor DATA"
            )
