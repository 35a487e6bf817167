"""A judge of layouts: a small U-Net that learns to read layouts off real pictures.

    loss       cross entropy of every pixel
    optimizer  Adam at 10⁻², betas 0.9 and 0.99, falling to 0 in a line; batches of 16

To measure a translator, train it on other pairs than the translator's, with another seed: then what
measures is not what was aimed at. Its name is the beginning of the SHA-256 of its weights, and what
it reads of real pictures that neither has seen stands beside every number it gives.

The file is a checkpoint (`progan.engine.checkpoint`) whose header tells all this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from progan.core.errors import CheckpointError, DataError
from progan.core.randomness import seed_of
from progan.data.order import Order
from progan.engine.checkpoint import load_checkpoint, save_checkpoint
from progan.engine.precision import float32_products
from progan.engine.preview import seeded
from progan.extractors.weights import filled, room_for
from progan.metrics.segmentation import confusion, mean_iou, pixel_accuracy
from progan.networks.segmenter import Segmenter

__all__ = [
    "LaidOutPictures",
    "LayoutFacts",
    "LayoutJudge",
    "load_judge",
    "save_judge",
    "train_judge",
]

KIND = "segmenter"
BATCH = 16
BLOCK = 128
RATE = 1e-2


@dataclass(frozen=True, kw_only=True)
class LaidOutPictures:
    """Pictures and the class of each pixel, by index."""

    gather: Callable[[NDArray[np.int64]], tuple[NDArray[np.uint8], NDArray[np.integer[Any]]]]
    """Indices n -> uint8 n c h w, and classes n h w."""
    count: int
    name: str = ""
    """What they are called."""

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True, kw_only=True)
class LayoutFacts:
    """What is known of a judge. Nothing in it depends on the clock."""

    channels: int
    width: int
    classes: tuple[str, ...]
    data: str
    """Name of the pictures it learned from."""
    test: str
    """Name of those it was tested on; it has not learned from them."""
    seed: int
    images: int
    """Pictures shown in training."""
    trained_on: int
    """Different ones among them."""
    tested_on: int
    mean_iou: float
    """Of the tested pictures."""
    accuracy: float
    """Share of their pixels whose class it says."""


@dataclass(frozen=True, kw_only=True)
class LayoutJudge:
    """A trained segmenter, and what is known of it."""

    network: Segmenter
    facts: LayoutFacts
    sha256: str
    """Of its weights."""

    @property
    def name(self) -> str:
        """As it stands beside numbers."""
        return f"segmenter:{self.sha256[:12]}"

    @torch.no_grad()
    def read(self, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The class of every pixel, n h w, of pictures n c h w."""
        device = next(self.network.parameters()).device
        found = [
            self.network(_prepared(some).to(device)).argmax(dim=1).cpu().numpy()
            for some in np.array_split(pixels, max(1, -(-len(pixels) // BLOCK)))
        ]
        return np.concatenate(found)

    def agreement(
        self, pixels: NDArray[np.uint8], wanted: NDArray[np.integer[Any]]
    ) -> tuple[float, float]:
        """mIoU and share of pixels, of what it reads with the classes wanted, n h w."""
        counts = confusion(self.read(pixels), wanted, len(self.facts.classes))
        return mean_iou(counts), pixel_accuracy(counts)


def train_judge(
    known: LaidOutPictures,
    test: LaidOutPictures,
    classes: tuple[str, ...],
    *,
    images: int,
    seed: int = 0,
    width: int = 16,
    device: torch.device | str = "cpu",
) -> LayoutJudge:
    """A judge that was shown `images` pictures of `known`, and how well it reads those of `test`.

    The same pictures, seed and machine give the same bits.

    Raises: DataError for sides that are no multiples of 4, or no pictures.
    """
    first, _ = known.gather(np.zeros(1, np.int64)) if len(known) else (np.zeros((0, 1, 1, 1)), None)
    if not len(known) or not len(test) or first.shape[2] % 4 or first.shape[3] % 4:
        raise DataError(
            f"there are {len(known)} pictures to learn from and {len(test)} to test on, of "
            f"{first.shape[2]} x {first.shape[3]} pixels; it takes some of each, with sides that "
            "are multiples of 4."
        )
    with seeded(seed, "segmenter"):
        network = Segmenter(channels=first.shape[1], classes=len(classes), width=width).to(device)
    _train(network, known, images, seed)
    network.eval().requires_grad_(False)
    blank = LayoutFacts(
        channels=first.shape[1],
        width=width,
        classes=classes,
        data=known.name,
        test=test.name,
        seed=seed,
        images=images,
        trained_on=len(known),
        tested_on=len(test),
        mean_iou=0.0,
        accuracy=0.0,
    )
    judge = LayoutJudge(network=network, facts=blank, sha256=_sha256(network))
    share, right = judge.agreement(*test.gather(np.arange(len(test))))
    facts = LayoutFacts(**{**asdict(blank), "mean_iou": share, "accuracy": right})
    return LayoutJudge(network=network, facts=facts, sha256=judge.sha256)


def _train(network: Segmenter, known: LaidOutPictures, images: int, seed: int) -> None:
    device = next(network.parameters()).device
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, betas=(0.9, 0.99))
    order, steps = Order(len(known), seed_of(seed, "segmenter")), max(1, images // BATCH)
    with float32_products():
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
            pixels, wanted = known.gather(
                order.indices(np.arange(step * BATCH, (step + 1) * BATCH))
            )
            logits = network(_prepared(pixels).to(device))
            target = torch.from_numpy(wanted.astype(np.int64)).to(device)
            optimizer.zero_grad()
            cross_entropy(logits, target).backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _prepared(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).float() / 127.5 - 1


def _weights(network: nn.Module) -> dict[str, Tensor]:
    """All that it computes with: counters of batches, which nothing reads, are left out."""
    state = network.state_dict()
    return {n: tensor for n, tensor in state.items() if not n.endswith("num_batches_tracked")}


def _sha256(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(_weights(network).items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_judge(path: Path, judge: LayoutJudge) -> None:
    """Write a judge and what is known of it.

    Raises: RoomError when it cannot be written.
    """
    meta = {**asdict(judge.facts), "kind": KIND, "sha256": judge.sha256}
    with room_for(path):
        save_checkpoint(path, _weights(judge.network), meta)


def load_judge(path: Path, *, device: torch.device | str = "cpu") -> LayoutJudge:
    """A judge, after every byte was checked against its checksum.

    Raises: CheckpointError where it is damaged or something else.
    """
    tensors, meta = load_checkpoint(path)
    facts = _facts(meta, path)
    build = partial(
        Segmenter, channels=facts.channels, classes=len(facts.classes), width=facts.width
    )
    network = filled(build, tensors, f"the segmenter in {path}").to(device)
    network.eval().requires_grad_(False)
    return LayoutJudge(network=network, facts=facts, sha256=_sha256(network))


def _facts(meta: Mapping[str, Any], path: Path) -> LayoutFacts:
    if meta.get("kind") != KIND:
        raise CheckpointError(f"{path} is no segmenter that reads layouts. Name one.")
    values = {one.name: meta[one.name] for one in fields(LayoutFacts)}
    return LayoutFacts(**{**values, "classes": tuple(values["classes"])})
