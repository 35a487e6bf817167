"""Train an encoder of texts on captioned pictures, once for many runs.

    phi(t)   the captions' network; a network that looks at pictures learns beside it and is dropped
    loss     `objectives.captions.joint_embedding`, as in StackGAN's first stage
    test     share of held-out pictures that find their own caption among a hundred

made = train_encoder(EncoderAsked(data="portraits"))
made.path, made.learned.found
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.assemble.writing.files import free_name
from progan.core.errors import ConfigError, DataError
from progan.core.randomness import seed_of
from progan.core.recipe import DataSettings
from progan.core.text import gram_rows
from progan.data.build import open_or_build
from progan.data.order import Order
from progan.data.pyramid import Pyramid
from progan.data.sources import open_source
from progan.data.task import choose_resolution
from progan.data.trained_texts import ENDING, Learned, packed_texts
from progan.engine.checkpoint import write_atomically
from progan.engine.precision import choose_device, float32_products
from progan.engine.preview import seeded
from progan.extractors.weights import room_for
from progan.networks.text import PictureVector, TextVector
from progan.objectives.captions import joint_embedding

__all__ = ["FOLDER", "EncoderAsked", "EncoderMade", "train_encoder"]

FOLDER = Path("encoders")
"""Where trained encoders lie unless asked otherwise, from the working folder."""
SMALLEST, LARGEST = 8, 32
"""Sides of the pictures that are looked at."""
BATCH = 64
RATE, TEMPERATURE = 1e-3, 0.1
BUCKETS = 16_384
"""Hashes of words and pairs that are told apart."""
HELD_OUT, MOST_HELD = 7, 1_000
"""One picture of so many is held out, and no more than so many."""
AMONG = 100
"""Captions among which a held-out picture seeks its own."""
LEAST = 20
"""Different captions that a test needs at least."""


class Hears(Protocol):
    """Where the work tells how far it is."""

    def line(self, head: str, text: str) -> None:
        """A line under a head."""

    def building(self, done: int, total: int) -> None:
        """Pictures read so far."""

    def counted(self, head: str, done: int, total: int, what: str) -> None:
        """How many of something are done."""


@dataclass(frozen=True, kw_only=True)
class EncoderAsked:
    """What a user wants trained."""

    data: str
    captions: str = "found"
    """As `data.captions`."""
    to: Path | None = None
    images: int = 60_000
    resolution: int | None = None
    features: int = 128
    """Numbers of a vector."""
    seed: int = 0
    device: str = "auto"
    runs: Path = Path("runs")
    """Pictures are kept read in its folder `.data`."""


@dataclass(frozen=True, kw_only=True)
class EncoderMade:
    """What came of it."""

    path: Path
    learned: Learned


def train_encoder(asked: EncoderAsked, hears: Hears) -> EncoderMade:
    """Train, test on pictures it has not seen, and keep the captions' network.

    Raises: ConfigError for words that do not fit together, DataError for pictures without captions
    or too few of them, RoomError when the file cannot be written.
    """
    to, device = _place(asked), choose_device(asked.device)
    pyramid = _pyramid(asked, hears)
    known, held = _split(pyramid)
    hears.line(
        "Data",
        f"{len(known):,} pictures to learn from, {len(held):,} held out, "
        f"{pyramid.resolutions[-1]} px",
    )
    with room_for(to):
        pass  # better said before training than after
    text, look = _trained(asked, pyramid, known, device, hears)
    found, among = _tested(text, look, pyramid, held, device)
    learned = Learned(
        data=pyramid.manifest.source,
        data_fingerprint=pyramid.fingerprint,
        seed=asked.seed,
        images=-(-asked.images // BATCH) * BATCH,
        trained_on=len(known),
        tested_on=len(held),
        found=found,
        among=among,
    )
    with room_for(to):
        write_atomically(to, packed_texts(text, learned))
    return EncoderMade(path=to, learned=learned)


def _place(asked: EncoderAsked) -> Path:
    """Where the file goes. An encoder that is there is never replaced: models name its hash."""
    if asked.images < 1:
        raise ConfigError(f"--images is {asked.images}; it must be above 0: --images 60000")
    if not 2 <= asked.features <= 4_096:
        raise ConfigError(
            f"--features is {asked.features}; a vector has 2 to 4,096 numbers: --features 128"
        )
    side = asked.resolution
    if side is not None and not (side.bit_count() == 1 and 8 <= side <= 256):
        raise ConfigError(
            f"--resolution is {side}; it must be a power of two from 8 to 256: --resolution 32"
        )
    if asked.to is None:
        return free_name(FOLDER / f"{Path(asked.data).name or 'captions'}{ENDING}")
    to = asked.to.expanduser()
    if to.suffix != ENDING:
        raise ConfigError(f"--to is {to}; its name must end in {ENDING}: --to {to}{ENDING}")
    if to.exists() or to.is_symlink():
        raise ConfigError(
            f"{to} is there already, and encoders are never replaced, because models name their "
            f"hash. Choose another name: --to {free_name(to)}"
        )
    return to


def _pyramid(asked: EncoderAsked, hears: Hears) -> Pyramid:
    settings = DataSettings(source=asked.data, captions=asked.captions, labels="none")
    source = open_source(asked.data, settings)
    side = asked.resolution
    if side is None:
        side = min(LARGEST, max(SMALLEST, choose_resolution(source, settings)))
    cache = asked.runs / ".data"
    return open_or_build(source, settings, cache, resolution=side, progress=hears.building)


def _split(pyramid: Pyramid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pictures to learn from, and those held out; the same for every seed of the training.

    Raises: DataError where too few are left to tell anything.
    """
    count = pyramid.count
    order = Order(count, seed_of("held out")).indices(np.arange(count))
    first = min(count // HELD_OUT, MOST_HELD)
    held = np.sort(order[:first])
    if len({own[0] for own in pyramid.captions(held)}) < LEAST:
        raise DataError(
            f"{pyramid.manifest.source} has {count:,} pictures with captions; one in {HELD_OUT} is "
            f"held out, and those must have {LEAST} different captions. Give more pictures, or "
            "let the run train its own captions' network: leave data.vectors out"
        )
    return np.sort(order[first:]), held


def _trained(
    asked: EncoderAsked,
    pyramid: Pyramid,
    known: NDArray[np.int64],
    device: torch.device,
    hears: Hears,
) -> tuple[TextVector, PictureVector]:
    """Everything random is a function of the seed and the number of the step."""
    side = pyramid.resolutions[-1]
    with seeded(asked.seed, "text encoder"):
        text = TextVector(buckets=BUCKETS, features=asked.features)
        look = PictureVector(resolution=side, channels=pyramid.channels, features=asked.features)
    text, look = text.to(device), look.to(device)
    optimizer = torch.optim.Adam([*text.parameters(), *look.parameters()], lr=RATE)
    order, steps = Order(len(known), seed_of(asked.seed, "text encoder")), -(-asked.images // BATCH)
    with float32_products():
        for step in range(steps):
            places = order.indices(np.arange(step * BATCH, (step + 1) * BATCH))
            image, grams, kind = _batch(pyramid, known[places], seed_of(asked.seed, step))
            optimizer.zero_grad()
            terms = joint_embedding(
                look(image.to(device)), text(grams.to(device)), kind.to(device), TEMPERATURE
            )
            torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            hears.counted("Training", (step + 1) * BATCH, steps * BATCH, "pictures")
    return text.eval(), look.eval()


def _batch(pyramid: Pyramid, rows: NDArray[np.int64], seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures, one caption of each, and their kinds: that of their first caption."""
    own = pyramid.captions(rows)
    drawn = np.random.default_rng(seed).integers(2**31, size=len(own)).tolist()
    texts = [some[number % len(some)] for some, number in zip(own, drawn, strict=True)]
    kind = torch.tensor([seed_of(some[0]) for some in own])
    return _pictures(pyramid, rows), torch.tensor(gram_rows(texts)), kind


def _pictures(pyramid: Pyramid, rows: NDArray[np.int64]) -> Tensor:
    pixels = torch.from_numpy(pyramid.gather(rows, pyramid.resolutions[-1]))
    return pixels.float().div_(127.5).sub_(1.0)


@torch.no_grad()
def _tested(
    text: TextVector,
    look: PictureVector,
    pyramid: Pyramid,
    held: NDArray[np.int64],
    device: torch.device,
) -> tuple[float, int]:
    """Share of held-out pictures nearest to their own first caption of up to a hundred others."""
    firsts = [own[0] for own in pyramid.captions(held)]
    rows = np.array([firsts.index(one) for one in dict.fromkeys(firsts)])  # a picture a caption
    among = min(AMONG, len(rows))
    right = total = 0
    for start in range(0, len(rows) - among + 1, among):
        some = rows[start : start + among]
        grams = torch.tensor(gram_rows([firsts[row] for row in some.tolist()]))
        likeness = look(_pictures(pyramid, held[some]).to(device)) @ text(grams.to(device)).T
        nearest = likeness.argmax(dim=1).cpu()
        right, total = right + int((nearest == torch.arange(among)).sum()), total + among
    return right / total, among
