"""What every extractor promises, whatever its network."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from progan.core.errors import ConfigError, DataError
from progan.extractors.base import Extractor
from progan.extractors.trained import Classifier, as_extractor


class Sums(nn.Module):
    """Features: the sum of each channel. Logits: those of the first two. Remembers batches."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))
        self.drop = nn.Dropout(0.5)
        self.batches: list[int] = []

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.batches.append(len(x))
        features = self.drop(x).sum((2, 3)) * self.one
        return features, features[:, :2]


def sums(batch: int = 4) -> Extractor:
    return Extractor(
        name="sums",
        sha256="0" * 64,
        resize="none",
        side=2,
        channels=3,
        dimension=3,
        classes=2,
        network=Sums(),
        prepare=lambda x: x.float(),
        batch=batch,
    )


def pixels(n: int, channels: int = 3, side: int = 2) -> np.ndarray:
    shape = (n, channels, side, side)
    return np.random.default_rng(n).integers(256, size=shape, dtype=np.uint8)


def test_features_are_those_of_the_network_in_evaluation_mode() -> None:
    images = pixels(5)
    found = sums().features(images)
    expected = images.astype(np.float32).sum((2, 3))  # nothing is dropped
    assert found.dtype == torch.float32
    assert not found.requires_grad
    np.testing.assert_array_equal(found.numpy(), expected)


def test_the_network_never_sees_more_pictures_at_once_than_a_batch() -> None:
    extractor = sums(batch=4)
    extractor.features(pixels(10))
    assert extractor.network.batches == [4, 4, 2]


def test_log_probabilities_are_those_of_the_softmax() -> None:
    images = np.zeros((1, 3, 2, 2), np.uint8)
    images[0, 0, 0, 0] = 3  # logits 3 and 0: e³ / (e³ + 1)
    (found,) = sums().log_probabilities(images)
    expected = [3 - math.log(math.exp(3) + 1), -math.log(math.exp(3) + 1)]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_grey_pictures_are_tiled_to_colour() -> None:
    grey = pixels(3, channels=1)
    tiled = np.repeat(grey, 3, axis=1)
    assert torch.equal(sums().features(grey), sums().features(tiled))


def test_arrays_read_only_arrays_and_tensors_give_the_same() -> None:
    images = pixels(3)
    fixed = np.frombuffer(images.tobytes(), np.uint8).reshape(images.shape)
    expected = sums().features(images)
    assert torch.equal(sums().features(fixed), expected)
    assert torch.equal(sums().features(torch.from_numpy(images)), expected)


def test_no_pictures_have_no_features() -> None:
    features, logs = sums().both(np.zeros((0, 3, 2, 2), np.uint8))
    assert (features.shape, logs.shape) == ((0, 3), (0, 2))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 3, 2, 2), np.float32),
        np.zeros((3, 2, 2), np.uint8),
        np.zeros((1, 2, 2, 3), np.uint8),
        [1, 2],
    ],
    ids=["float", "one picture", "channels last", "list"],
)
def test_anything_but_bytes_n_c_h_w_is_refused(images: object) -> None:
    with pytest.raises(DataError, match="uint8 of 0 to 255, n c h w"):
        sums().features(images)


def test_colour_is_refused_by_what_was_trained_on_grey() -> None:
    grey = as_extractor(Classifier(16, 1, 2), "ab" * 32, side=16, channels=1, classes=("a", "b"))
    with pytest.raises(ConfigError, match="trained:abababababab was trained on grey"):
        grey.features(pixels(1, channels=3, side=16))


def test_a_picture_is_not_changed_by_those_around_it() -> None:
    torch.manual_seed(0)
    network = Classifier(16, 3, 4)
    extractor = as_extractor(network, "0" * 64, side=16, channels=3, classes=("a",) * 4, batch=8)
    images = pixels(11, side=16)
    together = extractor.features(images)
    alone = torch.cat([extractor.features(images[i : i + 1]) for i in range(len(images))])
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-6)


def test_the_record_tells_all_that_changes_a_number() -> None:
    assert sums().record() == {"extractor": "sums", "weights": "0" * 64, "resize": "none"}


def test_what_is_not_rounded_is_seen_as_it_is() -> None:
    torch.manual_seed(0)
    network = Classifier(8, 1, 2)
    extractor = as_extractor(network, "ab" * 32, side=8, channels=1, classes=("a", "b"))
    levels = torch.randint(256, (3, 1, 8, 8), dtype=torch.uint8)
    exact = levels.double() / 127.5 - 1
    torch.testing.assert_close(extractor.unrounded(exact), extractor.features(levels))
    near = extractor.unrounded(exact * (1 - 1e-4))
    assert not torch.equal(near, extractor.unrounded(exact))  # a hundredth of a level
    torch.testing.assert_close(
        extractor.unrounded(torch.full((1, 1, 8, 8), 7.0)),
        extractor.unrounded(torch.ones(1, 1, 8, 8)),
    )
    with pytest.raises(DataError, match="must be float"):
        extractor.unrounded(levels)
    with pytest.raises(ConfigError, match="trained on grey ones"):
        extractor.unrounded(torch.zeros(1, 3, 8, 8))
