"""Networks that nobody trains here, to compare pictures by: VGG-19, of a file or of dice.

    3×3 relu each:  64, 64, max, 128, 128, max, 256 × 4, max, 512 × 4, max, 512
    features        behind the first convolution of each size: relu1_1, 2_1, 3_1, 4_1, 5_1

Source:  Simonyan & Zisserman 2015, configuration E; the layers as in Johnson et al. 2016 and Wang
         et al. 2018 (pix2pixHD). Dice: He et al. 2015.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["WEIGHTS", "VGGFeatures", "read_vgg"]

WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Of the five layers' distances: Wang et al. 2018 (pix2pixHD), as published in code."""
LAYERS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)
"""Channels of each convolution; 0: halve by maxima."""
LARGEST = 1 << 30
SUFFIXES = (".safetensors", ".pth", ".pt")


def places(layers: tuple[int, ...] = LAYERS) -> list[int]:
    """Where the convolutions stand in torchvision's list, in which a rectifier follows each."""
    found, place = [], 0
    for channels in layers:
        if channels:
            found.append(place)
        place += 2 if channels else 1
    return found


class VGGFeatures(nn.Module):
    """Pictures to the five features; its weights are buffers, which nobody trains.

    Pictures go in as they are, in [-1, 1], as in the code of pix2pixHD and SPADE; grey ones three
    times.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, value in weights.items():
            self.register_buffer(name.replace(".", "_"), value)

    @classmethod
    def of_dice(cls, seed: int, width: int = 64) -> VGGFeatures:
        """First weights from N(0, 2 / inputs), biases 0, of a seed; `width` channels at first."""
        dice = torch.Generator().manual_seed(seed)
        weights: dict[str, Tensor] = {}
        inputs, wide = 3, [max(1, c * width // 64) for c in LAYERS if c]
        for place, outputs in zip(places(), wide, strict=True):
            drawn = torch.randn(outputs, inputs, 3, 3, generator=dice)
            weights[f"features.{place}.weight"] = drawn * (2 / (9 * inputs)) ** 0.5
            weights[f"features.{place}.bias"] = torch.zeros(outputs)
            inputs = outputs
        return cls(weights)

    @property
    def sha256(self) -> str:
        """Of its weights, by name."""
        digest = hashlib.sha256()
        for name, value in sorted(self.named_buffers()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def forward(self, image: Float[Tensor, "n c h w"]) -> list[Float[Tensor, "n _ _ _"]]:
        """The five features; they become smaller, and are at least one pixel."""
        x = image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image
        found, numbers, fresh = [], iter(places()), True
        for channels in LAYERS:
            if not channels:
                x, fresh = F.max_pool2d(x, 2, ceil_mode=True), True
                continue
            name = f"features_{next(numbers)}"
            weight, bias = self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias")
            x = F.relu(F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), padding=1))
            if fresh:
                found.append(x)
            fresh = False
        return found


def read_vgg(path: Path) -> VGGFeatures:
    """VGG-19 from a file of torchvision's names, safetensors or a state dict of tensors alone.

    Nothing in it is executed. Other layers in it are passed over.

    Raises: ConfigError for a file that is missing, too large, something else, or lacks a layer.
    """
    remedy = "Give weights of VGG-19 with torchvision's names, or --set perceptual=self"
    if path.suffix not in SUFFIXES:
        raise ConfigError(
            f"perceptual is {path}; it must be none, random, self, or a file that ends in "
            f"{', '.join(SUFFIXES)}. {remedy}"
        )
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(
            f"perceptual is {path}, which cannot be read: {error.strerror or error}. {remedy}"
        ) from error
    if len(content) > LARGEST:
        raise ConfigError(f"perceptual is {path}, which has more than 1 GiB. {remedy}")
    try:
        found = _tensors(content, safe=path.suffix == ".safetensors")
    except Exception as error:  # whatever a hostile file makes the readers say
        raise ConfigError(
            f"perceptual is {path}, which is no file of tensors alone ({type(error).__name__}). "
            f"{remedy}"
        ) from error
    return VGGFeatures(_chosen(found, path, remedy))


def _tensors(content: bytes, *, safe: bool) -> Mapping[str, Tensor]:
    if safe:
        return load_tensors(content)
    found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if not isinstance(found, Mapping):
        raise SafetensorError("no mapping")
    return {str(k): v for k, v in found.items() if isinstance(v, Tensor)}


def _chosen(found: Mapping[str, Tensor], path: Path, remedy: str) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    inputs = 3
    for place, outputs in zip(places(), (c for c in LAYERS if c), strict=True):
        shapes = {"weight": (outputs, inputs, 3, 3), "bias": (outputs,)}
        for kind, shape in shapes.items():
            name = f"features.{place}.{kind}"
            value = found.get(name)
            if value is None or tuple(value.shape) != shape or not bool(value.isfinite().all()):
                raise ConfigError(
                    f"perceptual is {path}, where {name} is not {' x '.join(map(str, shape))} "
                    f"finite numbers, so it is no VGG-19. {remedy}"
                )
            weights[name] = value.float().clone()
        inputs = outputs
    return weights
