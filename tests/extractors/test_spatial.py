from __future__ import annotations

import pytest
import torch

from progan.core.errors import ConfigError
from progan.extractors.efficientnet import EfficientNetLite0, efficientnet
from progan.extractors.inception import FIDInception, inception
from progan.extractors.spatial import score_name, spatial_features


def test_inception_gives_192_numbers_at_about_every_fourth_pixel() -> None:
    extractor = inception(FIDInception().state_dict(), "0" * 64)
    image = torch.randint(0, 256, (3, 43, 64), dtype=torch.uint8)
    # 43 × 64 → 21 × 31, 19 × 29, 19 × 29, pool 9 × 14, 9 × 14, then 3 × 3: 7 × 12
    assert spatial_features(extractor, image).shape == (7 * 12, 192)
    assert score_name(extractor) == "sifid"


def test_efficientnet_gives_24_numbers_at_every_fourth_pixel_and_another_name() -> None:
    extractor = efficientnet(EfficientNetLite0().state_dict(), "0" * 64)
    image = torch.randint(0, 256, (1, 43, 64), dtype=torch.uint8)
    assert spatial_features(extractor, image).shape == (11 * 16, 24)
    assert score_name(extractor) == "sifid-effnet"


def test_an_extractor_without_early_features_is_refused() -> None:
    extractor = efficientnet(EfficientNetLite0().state_dict(), "0" * 64)
    object.__setattr__(extractor, "network", torch.nn.Conv2d(3, 3, 1))
    with pytest.raises(ConfigError, match="no early features"):
        score_name(extractor)
