"""Portraits, what their captions say of them, and a reader of that.

A caption names an attribute (`glasses`), or leaves it out because it is not there. Of a bald head
it does not say a colour, and of a beard not whether a moustache belongs to it; those do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from progan.acceptance.captioned import CaptionedPictures
from progan.acceptance.pictures import BLOCK, Pictures
from progan.core.randomness import seed_of
from progan.data.order import Order
from progan.data.packaged import PortraitSet
from progan.data.portraits import ATTRIBUTES, attributes, captions, render
from progan.engine.precision import float32_products
from progan.engine.preview import seeded
from progan.layers.resample import down

__all__ = [
    "OPTIONAL",
    "READ",
    "Portrayed",
    "Reader",
    "Said",
    "portrayed",
    "said_of",
    "share",
    "trained",
]

ALWAYS = ("skin", "style", "garment", "palette", "scene")
"""Named in every caption."""
OPTIONAL = (
    "beard",
    "moustache",
    "glasses",
    "earrings",
    "freckles",
    "hat",
    "scarf",
    "smiling",
    "old",
)
"""Left out where the first of their values holds."""
READ = (*ALWAYS, "hair", *OPTIONAL)
"""What captions say."""
UNSAID = -100
"""Label of what does not count."""
BATCH = 128
RATE = 1e-3
"""Highest rate of the reader, by Adam; falls to 0 on a line."""

Ids = NDArray[np.int64]
Switches = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the captions of n portraits say: arrays of n for each attribute of `READ`."""

    value: Mapping[str, Ids]
    named: Mapping[str, Switches]
    """Whether words of the caption name it."""
    left_out: Mapping[str, Switches]
    """Whether the caption says by silence that it is not there."""

    def part(self, rows: Ids) -> Said:
        """Of some of the portraits, or in another order."""
        return Said(
            value={k: v[rows] for k, v in self.value.items()},
            named={k: v[rows] for k, v in self.named.items()},
            left_out={k: v[rows] for k, v in self.left_out.items()},
        )

    @property
    def labels(self) -> Ids:
        """n a, with `UNSAID` for what does not count."""
        columns = [np.where(self.named[k] | self.left_out[k], self.value[k], UNSAID) for k in READ]
        return np.stack(columns, axis=1)


@dataclass(frozen=True, kw_only=True)
class Portrayed:
    """Portraits with their captions, and what those say."""

    pictures: CaptionedPictures
    """Of one kind are pictures with the same caption."""
    said: Said


def share(read: Mapping[str, Ids], said: Said, which: Mapping[str, Switches]) -> float:
    """Share of what captions say, of all pictures and attributes in `which`, that is read so."""
    right = sum(int((read[k] == said.value[k])[rows].sum()) for k, rows in which.items())
    return right / max(1, sum(int(rows.sum()) for rows in which.values()))


@lru_cache(maxsize=4)
def portrayed(count: int, seed: int, side: int) -> Portrayed:
    """The first `count` of the packaged portraits with this seed; other seeds are other people."""
    people = PortraitSet(count=count, seed=seed).people(np.arange(count))
    texts = captions(people)
    kinds = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    labels = np.array([kinds[text] for text in texts], np.int64)
    pictures = Pictures(pixels=render(people, side), labels=labels, classes=len(kinds))
    return Portrayed(
        pictures=CaptionedPictures(pictures=pictures, texts=tuple(texts)),
        said=said_of(attributes(people)),
    )


def said_of(table: Mapping[str, Ids]) -> Said:
    """What captions say of people with these attributes (`data/portraits/truth.py:captions`)."""
    every = np.ones(len(table["skin"]), bool)
    bearded = table["beard"] > 0
    told = dict.fromkeys(READ, every) | {"hair": table["style"] > 0, "moustache": ~bearded}
    there = {k: table[k] > 0 if k in OPTIONAL else every for k in READ}
    return Said(
        value={k: table[k] for k in READ},
        named={k: told[k] & there[k] for k in READ},
        left_out={k: told[k] & ~there[k] for k in READ},
    )


class AttributeNetwork(nn.Module):
    """Pictures n 3 side side to logits, n k: of every attribute's values side by side.

        3×3 → [4×4, halving] … → 8×8 96 → half of them dropped → dense

    Faces stand where faces stand, so that places count: no mean is taken over them.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        halves = [side >= 32, side >= 16]
        layers, inputs = convolution(3, 24, halve=False), 24
        for outputs, halve in zip((48, 96), halves, strict=True):
            layers += convolution(inputs, outputs, halve=halve)
            inputs = outputs
        dense = nn.Linear(64 * inputs, sum(sizes()))
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.5), dense)

    def forward(self, image: Tensor) -> Tensor:
        """Logits."""
        found: Tensor = self.body(image)
        return found


def convolution(inputs: int, outputs: int, *, halve: bool) -> list[nn.Module]:
    """With batch norm and the rectifier."""
    kernel, stride = (4, 2) if halve else (3, 1)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU()]


class Reader:
    """Reads every attribute of `READ` in pictures of one side, 16 or 32."""

    def __init__(self, network: AttributeNetwork, side: int) -> None:
        self.network, self.side = network, side

    @torch.no_grad()
    def read(self, image: Tensor) -> Mapping[str, Ids]:
        """The value of each attribute that is seen in pictures n 3 h w, which are made smaller."""
        image = down(image, image.shape[-1] // self.side)
        parts = [self.network(some) for some in torch.split(image, BLOCK)]
        found = torch.split(torch.cat(parts), sizes(), dim=1)
        return {k: one.argmax(dim=1).numpy() for k, one in zip(READ, found, strict=True)}


def trained(known: Portrayed, side: int, *, images: int, seed: int) -> Reader:
    """A reader that has been shown so many pictures, at `side`, each as often as the others.

    Lowers the sum over attributes of the mean cross entropy of what the captions say of each.
    """
    large = known.pictures.pictures.images
    small = down(large, large.shape[-1] // side)
    labels = torch.from_numpy(known.said.labels)
    with seeded(seed, "attributes"):
        network = AttributeNetwork(side).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    order, steps = Order(len(small), seed_of(seed, "attributes")), images // BATCH
    with float32_products(), seeded(seed, "dropped"):
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
            rows = torch.from_numpy(order.indices(np.arange(step * BATCH, (step + 1) * BATCH)))
            optimizer.zero_grad()
            found = torch.split(network(small[rows]), sizes(), dim=1)
            _loss(found, labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return Reader(network.eval().requires_grad_(False), side)


def sizes() -> list[int]:
    """How many values each attribute has."""
    return [len(ATTRIBUTES[name]) for name in READ]


def _loss(found: tuple[Tensor, ...], labels: Tensor) -> Tensor:
    parts = [
        cross_entropy(one, labels[:, place], ignore_index=UNSAID, reduction="sum")
        / (labels[:, place] != UNSAID).sum().clamp(min=1)
        for place, one in enumerate(found)
    ]
    return torch.stack(parts).sum()
