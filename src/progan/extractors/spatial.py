"""Early features of a network at every place of a picture, for SIFID.

    inception      what enters the second max-pooling: 192 numbers, about every fourth pixel
    effnet-lite0   what the third block gives: 24 numbers, every fourth pixel

Pictures are not resized. A score of Inception's features is SIFID; that of EfficientNet's is
called SIFID-effnet: another network, other numbers.

Source:  Shaham et al. 2019 (SinGAN), section 3.2, and the code published with it: the block of 192.
Departs: for EfficientNet, everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from progan.core.errors import ConfigError
from progan.engine.precision import float32_products
from progan.extractors.base import Extractor
from progan.extractors.efficientnet import EfficientNetLite0
from progan.extractors.inception import FIDInception

__all__ = ["score_name", "spatial_features"]

BLOCKS = 3
"""Of EfficientNet-Lite0: up to the end of its second row, which has a stride of 4."""
NAMES: Mapping[type, str] = {FIDInception: "sifid", EfficientNetLite0: "sifid-effnet"}


def score_name(extractor: Extractor) -> str:
    """What a distance of its early features is called.

    Raises: ConfigError for an extractor of which they are not taken.
    """
    name = NAMES.get(type(extractor.network))
    if name is None:
        raise ConfigError(
            f"{extractor.name} has no early features for SIFID; name another: "
            "--extractor effnet-lite0, or --extractor inception"
        )
    return name


def spatial_features(extractor: Extractor, image: Any) -> Tensor:
    """The features at every place of one picture, uint8 c h w: float32 places d.

    Raises: ConfigError as `score_name`.
    """
    score_name(extractor)
    x = torch.as_tensor(image)[None].to(extractor.device).float()
    x = x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x
    with torch.inference_mode(), float32_products():
        network = extractor.network
        if isinstance(network, FIDInception):
            found = _of_inception(network, 2 * x / 255 - 1)
        else:
            found = _of_efficientnet(cast(EfficientNetLite0, network), (x - 127) / 128)
    return found[0].flatten(1).T.float().cpu()


def _of_inception(network: FIDInception, x: Tensor) -> Tensor:
    x = network.Conv2d_2b_3x3(network.Conv2d_2a_3x3(network.Conv2d_1a_3x3(x)))
    return cast(Tensor, network.Conv2d_4a_3x3(network.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2))))


def _of_efficientnet(network: EfficientNetLite0, x: Tensor) -> Tensor:
    x = F.relu6(network._bn0(network._conv_stem(x)))
    for block in network._blocks[:BLOCKS]:
        x = block(x)
    return x
