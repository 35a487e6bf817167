"""An extractor of one's own: a small classifier of labelled pictures, kept in one checked file.

    features   mean over the places of the last convolution, 128 numbers
    logits     W · features + b, one for each class

Four 3 × 3 convolutions with batch normalization and ReLU, 32, 64, 128 and 128 channels, a maximum
over 2 × 2 after the second and the third. The first strides so that the next see 16 to 31 places a
side: 2 for pictures of 32, 4 for 64.

The file is a checkpoint (`progan.engine.checkpoint`) whose header tells what was trained on what,
and how well it does on pictures it has not seen; its checksum names the extractor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from progan.core.errors import CheckpointError
from progan.engine.checkpoint import load_checkpoint, read_checksum, read_header, save_checkpoint
from progan.extractors.base import Extractor
from progan.extractors.resize import smooth
from progan.extractors.weights import filled, room_for

__all__ = ["Classifier", "Facts", "as_extractor", "load_trained", "read_facts", "save_trained"]

KIND = "extractor"
WIDTHS = (32, 64, 128, 128)
PLACES = 16


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a trained extractor. Nothing in it depends on the clock."""

    side: int
    channels: int
    classes: tuple[str, ...]
    data: str
    """Name of the pictures it learned from."""
    data_fingerprint: str
    test: str
    """Which pictures it was tested on; it has not learned from them."""
    test_fingerprint: str
    seed: int
    images: int
    """Pictures shown in training."""
    trained_on: int
    """Different ones among them."""
    tested_on: int
    accuracy: float
    """Share of the tested pictures whose class it says."""
    accuracy_by_class: tuple[float, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "kind": KIND}

    @classmethod
    def from_json(cls, meta: Mapping[str, Any], path: Path) -> Facts:
        """The facts in a header.

        Raises: CheckpointError where it tells of something else.
        """
        if meta.get("kind") != KIND:
            raise CheckpointError(
                f"{path} is no trained extractor. Train one: progan metrics train-extractor DATA"
            )
        values = {one.name: meta[one.name] for one in fields(cls)}
        values["classes"] = tuple(values["classes"])
        values["accuracy_by_class"] = tuple(values["accuracy_by_class"])
        return cls(**values)


class Classifier(nn.Module):
    """Pictures n c side side, in [-1, 1] -> features n 128, logits n k."""

    def __init__(self, side: int, channels: int, classes: int) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        stride = max(1, side // PLACES)
        size = max(3, stride + 1 + stride % 2)
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel, step, kernel // 2, bias=False)
            for inputs, outputs, kernel, step in (
                (channels, a, size, stride),
                (a, b, 3, 1),
                (b, c, 3, 1),
                (c, d, 3, 1),
            )
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in WIDTHS)
        self.head = nn.Linear(d, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features n 128 and logits n k."""
        for place, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = F.relu(norm(conv(x)), inplace=True)
            if place in (1, 2):
                x = F.max_pool2d(x, 2)
        features = x.mean((2, 3))
        return features, self.head(features)


def prepared(x: Tensor, side: int) -> Tensor:
    """Bytes of any size as the classifier sees them."""
    return smooth(x.float(), side) / 127.5 - 1


def as_extractor(
    network: nn.Module,
    sha256: str,
    *,
    side: int,
    channels: int,
    classes: tuple[str, ...],
    batch: int = 256,
) -> Extractor:
    """A classifier as an extractor; its name is the beginning of its checksum."""
    return Extractor(
        name=f"trained:{sha256[:12]}",
        sha256=sha256,
        resize=f"bilinear without aliasing to {side} × {side}, x / 127.5 − 1",
        side=side,
        channels=channels,
        dimension=WIDTHS[-1],
        classes=len(classes),
        class_names=classes,
        network=network,
        prepare=partial(prepared, side=side),
        batch=batch,
    )


def save_trained(path: Path, network: Classifier, facts: Facts) -> str:
    """Write the classifier and what is known of it; the checksum of the file's content.

    Raises: RoomError when it cannot be written.
    """
    state = {n: t for n, t in network.state_dict().items() if not n.endswith("_tracked")}
    with room_for(path):
        save_checkpoint(path, state, facts.to_json())
    return read_checksum(path)


def read_facts(path: Path) -> Facts:
    """What the header of a trained extractor says, unchecked.

    Raises: CheckpointError where there is no such file, or it is something else.
    """
    return Facts.from_json(read_header(path), path)


def load_trained(path: Path, *, device: torch.device | str = "cpu") -> tuple[Extractor, Facts]:
    """A trained extractor, after every byte was checked against its checksum.

    Raises: CheckpointError where it is damaged or something else.
    """
    tensors, meta = load_checkpoint(path)
    facts = Facts.from_json(meta, path)
    build = partial(Classifier, facts.side, facts.channels, len(facts.classes))
    network = filled(build, tensors, f"the extractor in {path}").to(device)
    extractor = as_extractor(
        network,
        read_checksum(path),
        side=facts.side,
        channels=facts.channels,
        classes=facts.classes,
    )
    return extractor, facts
