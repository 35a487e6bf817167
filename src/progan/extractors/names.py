"""Extractors by their names.

lookup("effnet-lite0")
lookup("inception-2015-12-05:tf-bilinear")          or shorter: inception
lookup("trained:3f2a9c04b1d7")                      in the folder `extractors`
lookup("extractors/fashion-mnist.safetensors")      a trained one by its file
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from progan.core.errors import ConfigError, ProganError
from progan.core.spelling import nearest
from progan.engine.checkpoint import read_checksum
from progan.extractors import inception_file
from progan.extractors.base import Extractor
from progan.extractors.efficientnet import WEIGHTS, packaged_efficientnet, packaged_weights
from progan.extractors.inception import RESIZES, inception
from progan.extractors.trained import Facts, load_trained, read_facts

__all__ = ["FOLDER", "Offer", "lookup", "offers"]

FOLDER = Path("extractors")
"""Where trained extractors and the kept Inception lie, from the working folder."""
INCEPTION = tuple(f"inception-2015-12-05:{resize}" for resize in RESIZES)
TRAINED = "trained:"


def lookup(
    name: str,
    *,
    device: torch.device | str = "cpu",
    inception_weights: Path | None = None,
    folder: Path = FOLDER,
) -> Extractor:
    """The extractor of that name, with its weights, on `device`.

    Raises: ConfigError for an unknown name, or where weights or their package are missing;
    DataError or CheckpointError where they are not what they must be.
    """
    if name == "effnet-lite0":
        return packaged_efficientnet(device=device)
    if name == "inception" or name in INCEPTION:
        state, sha256 = inception_file.read(inception_file.find(inception_weights, folder))
        resize = name.partition(":")[2] or "tf-bilinear"
        return inception(state, sha256, resize, device=device)
    if name.startswith(TRAINED):
        return load_trained(_by_hash(name, folder), device=device)[0]
    if name.endswith(".safetensors"):
        path = Path(name).expanduser()
        if path.is_file():
            return load_trained(path, device=device)[0]
        raise ConfigError(f"{name} is not there. Give the file of a trained extractor.{_known()}")
    meant = nearest(name, ("effnet-lite0", "inception", *INCEPTION))
    hint = f" Did you mean {meant}?" if meant else ""
    raise ConfigError(f'There is no extractor "{name[:60]}".{hint}{_known()}')


def _known() -> str:
    return f" There are effnet-lite0, {', '.join(INCEPTION)}, and trained:HASH or its file."


def _trained_in(folder: Path) -> Iterator[tuple[Path, str, Facts]]:
    """The trained extractors in a folder, with their checksums; other files are passed over."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            yield path, read_checksum(path), read_facts(path)
        except ProganError:
            continue


def _by_hash(name: str, folder: Path) -> Path:
    wanted = name.removeprefix(TRAINED)
    found = [(path, sha256) for path, sha256, _ in _trained_in(folder) if sha256.startswith(wanted)]
    if wanted and len({sha256 for _, sha256 in found}) == 1:
        return found[0][0]
    if len(found) > 1:
        raise ConfigError(f"{name} fits {len(found)} files in {folder}. Write more of the hash.")
    raise ConfigError(
        f"{name} is not in the folder {folder}. Give its file, or train one: "
        "progan metrics train-extractor DATA"
    )


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An extractor by name: whether it can be had here."""

    name: str
    ready: bool
    about: str
    """What it is; where it is not ready, what is missing and what to do."""


def offers(*, inception_weights: Path | None = None, folder: Path = FOLDER) -> list[Offer]:
    """Every extractor that is known here. Weights are not read."""
    found = []
    try:
        packaged_weights()
    except ConfigError as error:
        found.append(Offer(name="effnet-lite0", ready=False, about=str(error)))
    else:
        about = f"ImageNet, 1280 features, weights {WEIGHTS.sha256[:12]}"
        found.append(Offer(name="effnet-lite0", ready=True, about=about))
    try:
        about = f"2048 features, weights in {inception_file.find(inception_weights, folder)}"
        ready = True
    except ConfigError as error:
        about, ready = str(error), False
    found += [Offer(name=name, ready=ready, about=about) for name in INCEPTION]
    for path, sha256, facts in _trained_in(folder):
        about = (
            f"{len(facts.classes)} classes of {facts.data}, {facts.accuracy:.2%} right on "
            f"{facts.tested_on:,} others; {path}"
        )
        found.append(Offer(name=f"{TRAINED}{sha256[:12]}", ready=True, about=about))
    return found
