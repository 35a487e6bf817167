"""MNIST, out of the folder of its four files. They do not come with the package."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.acceptance.digits import CLASSES, reader
from progan.acceptance.pictures import Pictures
from progan.core.errors import ConfigError, DataError
from progan.data.idx import read_idx
from progan.extractors.base import Extractor

__all__ = ["FILES", "NEEDED", "classifier", "halved", "mnist"]

SHOWN = 80_000
"""Pictures a classifier is shown in its training."""
FILES = {
    "train-images-idx3-ubyte": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "train-labels-idx1-ubyte": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "t10k-images-idx3-ubyte": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "t10k-labels-idx1-ubyte": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
"""Its files, and the SHA-256 of the numbers in each, without the header."""
NEEDED = "MNIST's four files"


@lru_cache(maxsize=1)
def mnist(folder: Path) -> tuple[Pictures, Pictures]:
    """The 60,000 pictures to learn from and the 10,000 held out, of 28 pixels.

    Raises: ConfigError where a file is missing; DataError where one is none of MNIST's.
    """
    known, labels, held, truth = (_read(folder, name) for name in FILES)
    return _pictures(known, labels), _pictures(held, truth)


def halved(pictures: Pictures) -> Pictures:
    """Pictures of 16 pixels: of 32 with a black border, each four pixels become their mean."""
    wide = np.pad(pictures.pixels, ((0, 0), (0, 0), (2, 2), (2, 2)))
    n, channels, side, _ = wide.shape
    means = wide.reshape(n, channels, side // 2, 2, side // 2, 2).mean(axis=(3, 5))
    pixels = np.rint(means).astype(np.uint8)
    return Pictures(pixels=pixels, labels=pictures.labels, classes=pictures.classes)


def _pictures(pixels: NDArray[Any], labels: NDArray[Any]) -> Pictures:
    return Pictures(pixels=pixels[:, None], labels=labels.astype(np.int64), classes=CLASSES)


def _read(folder: Path, name: str) -> NDArray[Any]:
    """The numbers of one file, gzipped or not."""
    places = [folder.expanduser() / one for one in (name, f"{name}.gz")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ConfigError(
            f"{folder} has no {name}, gzipped or not. Give the folder of MNIST's four files, "
            f"{', '.join(FILES)}: --data FOLDER"
        )
    numbers = read_idx(found)
    if sha256(numbers.tobytes()).hexdigest() != FILES[name]:
        raise DataError(
            f"{found} is an IDX file, but its numbers are not MNIST's: a bar of MNIST is none of "
            "other pictures. Fetch it again."
        )
    return numbers


@lru_cache(maxsize=1)
def classifier(folder: Path, seed: int) -> tuple[Extractor, float]:
    """A classifier of MNIST, and the share of the held-out pictures that it reads rightly."""
    return reader(*mnist(folder), f"mnist-{seed}", images=SHOWN, seed=seed)
