"""Picture sets that come with the package: no download, no network, no torch.

portraits       faces drawn by our own code, as many as you like, 4 to 1024 pixels
portraits-flat  the same faces without shading; portrait i is the same person in all three
portraits-ink   the same faces as a line drawing
landscape       a single picture of many textures, drawn by our own code, 4 to 1024 pixels
fashion-mnist   the 10,000 real test pictures of Fashion-MNIST (MIT licence)

faces = packaged("portraits", count=500, seed=7)
faces.pictures(np.arange(16), 64)  # uint8 (16, 3, 64, 64)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data.idx import read_idx
from progan.data.landscape import landscape
from progan.data.portraits import (
    COLUMNS,
    HAIR_STYLES,
    LARGEST,
    SMALLEST,
    Portraits,
    Style,
    captions,
    landmarks,
    layout,
    people,
    render,
)
from progan.data.portraits import columns as cells_of

Indices = NDArray[np.integer[Any]]


@runtime_checkable
class PackagedSet(Protocol):
    """What every packaged set offers. Picture i is a pure function of i."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def licence(self) -> str:
        """SPDX name of the licence of the pictures."""

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""

    @property
    def native_resolution(self) -> int:
        """Pixels a side when nobody asks for another."""

    @property
    def resolutions(self) -> range:
        """Every resolution that `pictures` can give."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each label."""

    @property
    def count(self) -> int:
        """How many pictures there are."""

    def pictures(self, indices: Indices, resolution: int) -> NDArray[np.uint8]:
        """Pictures (n, channels, resolution, resolution).

        Raises: DataError for an index outside the set or a resolution it does not have.
        """

    def labels(self, indices: Indices) -> NDArray[np.int64]:
        """The class of each picture, (n,), an index into `classes`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what else is known of each picture."""

    def cells(self, indices: Indices, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """Some of those columns, a cell for each picture: words, or numbers as text."""


@dataclass(frozen=True, kw_only=True)
class PortraitSet:
    """Drawn faces; beside the picture, every truth about it is known.

    `count` and `seed` may be anything, and picture i does not depend on `count`. `classes` are
    the hair styles. `style` is colour, flat or ink: the same people, so pictures come in pairs.
    """

    count: int = 20_000
    seed: int = 0
    style: Style = "colour"
    licence: str = "Apache-2.0"
    channels: int = 3
    native_resolution: int = 64
    resolutions: range = range(SMALLEST, LARGEST + 1)
    classes: tuple[str, ...] = HAIR_STYLES
    columns: tuple[str, ...] = COLUMNS

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 2**63:
            raise DataError(f"count is {self.count}; a set of portraits has 1 to 2**63 of them.")
        if not 0 <= self.seed < 2**64:
            raise DataError(f"seed is {self.seed}; give a whole number from 0 to 2**64 - 1.")

    @property
    def name(self) -> str:
        """`portraits`, with the style behind it unless it is colour."""
        return "portraits" if self.style == "colour" else f"portraits-{self.style}"

    @property
    def title(self) -> str:
        """What people call it."""
        kind = {"colour": "in colour", "flat": "in flat colours", "ink": "in ink"}[self.style]
        return f"Portraits drawn {kind}"

    def people(self, indices: Indices) -> Portraits:
        """The truth behind the pictures."""
        return people(self.seed, _checked(self, indices))

    def pictures(self, indices: Indices, resolution: int) -> NDArray[np.uint8]:
        """Pictures (n, 3, resolution, resolution).

        Raises: DataError for an index outside the set or a resolution it does not have.
        """
        _check_resolution(self, resolution)
        return render(self.people(indices), resolution, self.style)

    def labels(self, indices: Indices) -> NDArray[np.int64]:
        """The hair style of each person, (n,), an index into `classes`."""
        return self.people(indices).style.astype(np.int64)

    def cells(self, indices: Indices, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """Words, switches and numbers of each person."""
        return cells_of(self.people(indices), columns)

    def captions(self, indices: Indices) -> list[str]:
        """One English sentence a picture."""
        return captions(self.people(indices))

    def layouts(self, indices: Indices, resolution: int) -> NDArray[np.uint8]:
        """The class of every pixel, (n, resolution, resolution): ids into `LAYOUT_CLASSES`."""
        _check_resolution(self, resolution)
        return layout(self.people(indices), resolution)

    def landmarks(self, indices: Indices) -> NDArray[np.float32]:
        """Left eye, right eye, nose, left and right mouth corner: (n, 5, 2), x y in [0, 1]."""
        return landmarks(self.people(indices))


@dataclass(frozen=True, kw_only=True)
class FashionMNIST:
    """The 10,000 test pictures of Fashion-MNIST, 28x28 grey, with a border of two zeros.

    Source:  Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST", MIT licence, Zalando SE.
    Departs: padded to 32x32, as ProGAN's own `create_mnist` does with MNIST.
    """

    name: str = "fashion-mnist"
    title: str = "Fashion-MNIST test pictures"
    licence: str = "MIT"
    channels: int = 1
    native_resolution: int = 32
    resolutions: range = range(32, 33)
    count: int = 10_000
    classes: tuple[str, ...] = (
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    )
    columns: tuple[str, ...] = ()

    def cells(self, indices: Indices, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """None: there are no columns."""
        return {}

    def pictures(self, indices: Indices, resolution: int = 32) -> NDArray[np.uint8]:
        """Pictures (n, 1, 32, 32).

        Raises: DataError for an index outside the set or another resolution than 32.
        """
        _check_resolution(self, resolution)
        chosen = _fashion_mnist("images-idx3")[_checked(self, indices).astype(np.int64)]
        return np.pad(chosen, ((0, 0), (2, 2), (2, 2)))[:, None]

    def labels(self, indices: Indices) -> NDArray[np.int64]:
        """The kind of clothing in each picture, (n,), an index into `classes`."""
        chosen = _fashion_mnist("labels-idx1")[_checked(self, indices).astype(np.int64)]
        return chosen.astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """One drawn picture of clouds, mountains, conifers and flowers, for systems that learn from
    one."""

    name: str = "landscape"
    title: str = "A drawn landscape"
    licence: str = "Apache-2.0"
    channels: int = 3
    native_resolution: int = 64
    resolutions: range = range(SMALLEST, LARGEST + 1)
    count: int = 1
    classes: tuple[str, ...] = ("landscape",)
    columns: tuple[str, ...] = ()

    def cells(self, indices: Indices, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """None: there are no columns."""
        return {}

    def pictures(self, indices: Indices, resolution: int) -> NDArray[np.uint8]:
        """Pictures (n, 3, resolution, resolution).

        Raises: DataError for an index outside the set or a resolution it does not have.
        """
        _check_resolution(self, resolution)
        return np.repeat(landscape(resolution)[None], len(_checked(self, indices)), axis=0)

    def labels(self, indices: Indices) -> NDArray[np.int64]:
        """Zeros: there is one picture."""
        return np.zeros(len(_checked(self, indices)), np.int64)


@lru_cache
def _fashion_mnist(part: str) -> NDArray[np.uint8]:
    folder = files("progan.data") / "files" / "fashion_mnist"
    with as_file(folder / f"t10k-{part}-ubyte.gz") as path:
        array = read_idx(path).astype(np.uint8, copy=False)
    array.flags.writeable = False
    return array


def _checked(source: PackagedSet, indices: Indices) -> Indices:
    indices = np.asarray(indices)
    if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < source.count:
        raise DataError(
            f"picture {int(indices.min())} to {int(indices.max())} of {source.name} asked for; "
            f"it has {source.count:,}, numbered from 0."
        )
    return indices.reshape(-1)


def _check_resolution(source: PackagedSet, resolution: int) -> None:
    if resolution not in source.resolutions:
        low, high = source.resolutions[0], source.resolutions[-1]
        raise DataError(
            f"resolution is {resolution}; {source.name} comes at "
            f"{low if low == high else f'{low} to {high}'} pixels. Ask for one of those"
            f"{'; lower ones are made by the data pyramid' if low == high else ''}."
        )


PACKAGED: Mapping[str, PackagedSet] = MappingProxyType(
    {
        "portraits": PortraitSet(),
        "portraits-flat": PortraitSet(style="flat"),
        "portraits-ink": PortraitSet(style="ink"),
        "fashion-mnist": FashionMNIST(),
        "landscape": Landscape(),
    }
)
"""Every packaged set under its name, as it comes."""


def packaged(name: str, *, count: int | None = None, seed: int | None = None) -> PackagedSet:
    """The packaged set of that name; drawn sets take any `count` and `seed`.

    Raises: DataError for an unknown name, or a count or seed where the pictures are given.
    """
    found = PACKAGED.get(name)
    if found is None:
        raise DataError(
            f"there is no packaged set named {name!r}; there are {', '.join(PACKAGED)}."
        )
    changes = {k: v for k, v in (("count", count), ("seed", seed)) if v is not None}
    if not changes:
        return found
    if not isinstance(found, PortraitSet):
        raise DataError(
            f"{name} is {found.count:,} given pictures; it takes no {' or '.join(changes)}. "
            f"Leave it out, or choose portraits."
        )
    return replace(found, **changes)  # type: ignore[arg-type]
