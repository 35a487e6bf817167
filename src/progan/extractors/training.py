"""Train a small classifier on labelled pictures, to take features from.

    loss       cross entropy
    optimizer  SGD, momentum 0.9 (Nesterov), weight decay 5·10⁻⁴, batches of 128
    rate       up to 0.2 over the first fifth, then down to 0 along a cosine
    precision  bfloat16 where the machine multiplies it fast, else float32; tests are in float32
    pictures   moved by up to a sixteenth of their side, their edges repeated; mirrored if asked

Everything random is a function of the seed and the number of the step. The same seed, pictures,
number of images and machine give the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from progan.core.errors import DataError
from progan.core.randomness import seed_of
from progan.data.order import Order
from progan.engine.precision import float32_products, has_bf16, precision_context
from progan.engine.preview import seeded
from progan.extractors.trained import Classifier, as_extractor, prepared

__all__ = ["LabelledPictures", "accuracy", "images_within", "shown", "train_classifier"]

BATCH = 128
RATE, RISE = 0.2, 0.2
"""The highest learning rate, and the share of the training in which it rises."""
TRIED = 12
"""Steps that are timed to fit the training to a time."""
KEPT = 0.85
"""Share of the time that training gets; testing and a slower spell need the rest."""


@dataclass(frozen=True, kw_only=True)
class LabelledPictures:
    """Pictures by their index, and the class of each."""

    gather: Callable[[NDArray[np.int64]], NDArray[np.uint8]]
    """Indices n -> uint8 n c side side."""
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def train_classifier(
    pictures: LabelledPictures,
    classes: int,
    *,
    images: int,
    seed: int = 0,
    mirror: bool = False,
    device: torch.device | str = "cpu",
    heard: Callable[[int], None] | None = None,
) -> Classifier:
    """A classifier that was shown `images` pictures, or as many more as fill the last batch.

    `heard` is told how many it has seen.

    Raises: DataError for fewer than two pictures.
    """
    if len(pictures) < 2:
        raise DataError(f"there are {len(pictures)} pictures to learn from; it takes two or more.")
    network, optimizer = _fresh(pictures, classes, seed, device)
    order = Order(len(pictures), seed_of(seed, "extractor"))
    size = _size(pictures)
    steps = shown(images, pictures) // size
    with float32_products():
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * _rate((step + 1) / (steps + 1))
            _step(network, optimizer, _batch(pictures, order, step, seed, mirror, device))
            if heard:
                heard((step + 1) * size)
    return network.eval()


def shown(images: int, pictures: LabelledPictures) -> int:
    """The pictures in whole batches of at least `images`, and at least one batch."""
    return max(1, -(-images // _size(pictures))) * _size(pictures)


def _size(pictures: LabelledPictures) -> int:
    """Of a batch, whose pictures must differ for their statistics to mean something."""
    return min(BATCH, len(pictures))


def _fresh(
    pictures: LabelledPictures, classes: int, seed: int, device: torch.device | str
) -> tuple[Classifier, torch.optim.Optimizer]:
    """First weights are drawn on the CPU: the same on every device."""
    _, channels, side, _ = pictures.gather(np.zeros(1, np.int64)).shape
    with seeded(seed, "extractor"):
        network = Classifier(side, channels, classes)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        network.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    return network.train(), optimizer


def _rate(done: float) -> float:
    """Share of the highest rate when so much of the training is done."""
    if done < RISE:
        return done / RISE
    return 0.5 + 0.5 * math.cos(math.pi * (done - RISE) / (1 - RISE))


def _batch(
    pictures: LabelledPictures,
    order: Order,
    step: int,
    seed: int,
    mirror: bool,
    device: torch.device | str,
) -> tuple[Tensor, Tensor]:
    size = _size(pictures)
    chosen = order.indices(np.arange(step * size, (step + 1) * size))
    pixels = torch.from_numpy(pictures.gather(chosen)).to(device)
    moved = _moved(pixels, np.random.default_rng(seed_of(seed, "extractor", step)), mirror)
    labels = torch.from_numpy(pictures.labels[chosen]).to(device)
    return prepared(moved, moved.shape[2]), labels


def _moved(pixels: Tensor, random: np.random.Generator, mirror: bool) -> Tensor:
    """Each picture moved by its own few pixels; what enters at an edge repeats it."""
    n, _, side, _ = pixels.shape
    reach = side // 16

    def places(flip: NDArray[np.bool_]) -> Tensor:
        shift = random.integers(-reach, reach + 1, (n, 1))
        along = np.clip(np.arange(side) + shift, 0, side - 1)
        return torch.from_numpy(np.where(flip, side - 1 - along, along)).to(pixels.device)

    rows = places(np.zeros((n, 1), bool))
    columns = places(random.random((n, 1)) < (0.5 if mirror else 0))
    numbers = torch.arange(n, device=pixels.device)
    shown = pixels.permute(0, 2, 3, 1)[numbers[:, None, None], rows[:, :, None], columns[:, None]]
    return shown.permute(0, 3, 1, 2)


def _step(
    network: Classifier, optimizer: torch.optim.Optimizer, batch: tuple[Tensor, Tensor]
) -> None:
    seen, labels = batch
    optimizer.zero_grad()
    with precision_context("bf16" if has_bf16(seen.device) else "fp32", seen.device):
        _, logits = network(seen)
    cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def images_within(
    minutes: float,
    pictures: LabelledPictures,
    classes: int,
    *,
    device: torch.device | str = "cpu",
) -> int:
    """How many pictures can be shown in so many minutes, by a short trial on this machine."""
    network, optimizer = _fresh(pictures, classes, 0, device)
    order, times = Order(len(pictures), 0), []
    for step in range(TRIED):
        began = time.monotonic()
        _step(network, optimizer, _batch(pictures, order, step, 0, False, device))
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic() - began)
    return max(1, int(60 * minutes * KEPT / float(np.median(times)))) * _size(pictures)


def accuracy(network: Classifier, pictures: LabelledPictures, classes: int) -> tuple[float, Any]:
    """Share of pictures whose class it says, and that share in each class (0 where none are)."""
    _, channels, side, _ = pictures.gather(np.zeros(1, np.int64)).shape
    names = tuple(map(str, range(classes)))
    judge = as_extractor(network, "", side=side, channels=channels, classes=names)
    right = np.zeros(len(pictures), bool)
    for start in range(0, len(pictures), 1024):
        rows = np.arange(start, min(start + 1024, len(pictures)))
        said = judge.log_probabilities(pictures.gather(rows)).argmax(1).numpy()
        right[rows] = said == pictures.labels[rows]
    counts = np.bincount(pictures.labels, minlength=classes)
    hits = np.bincount(pictures.labels, right, minlength=classes)
    return float(right.mean()), tuple(float(share) for share in hits / np.maximum(counts, 1))
