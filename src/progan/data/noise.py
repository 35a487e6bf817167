"""Noise in the shape of a pyramid: what training on pictures costs can be measured without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.core.batch import Batch
from progan.core.specs import DataSpec
from progan.data.labels import Column
from progan.data.layouts import colours_for, usual_names
from progan.data.manifest import Manifest
from progan.data.pyramid import Indices, Pyramid, resolutions_to
from progan.data.two import Domains
from progan.data.two_loader import KINDS

__all__ = ["NoisePyramid", "noise_for", "spec_for"]


class NoisePyramid(Pyramid):
    """Pictures of noise like those that `spec` describes, made as they are asked for.

    Picture and label number n are functions of n.
    """

    def __init__(self, spec: DataSpec, name: str) -> None:
        sides = resolutions_to(spec.resolution)
        manifest = Manifest(
            key="",
            source=name,
            channels=spec.channels,
            count=max(1, spec.images),
            classes=tuple(map(str, range(spec.classes))),
            label_kind=spec.label_kind,
            columns=tuple(Column(str(number)) for number in range(spec.label_size)),
            pictures_per_file=dict.fromkeys(sides, max(1, spec.images)),
            sha256={},
            whole=spec.whole,
        )
        super().__init__(Path(), manifest)

    @property
    def fingerprint(self) -> str:
        """There is nothing to tell apart."""
        return ""

    def gather(self, indices: Indices, resolution: int) -> NDArray[np.uint8]:
        """Pictures (n, c, resolution, resolution), uint8."""
        shape = (self.channels, resolution, resolution)
        rows = [np.random.default_rng(int(i)).bytes(int(np.prod(shape))) for i in indices]
        return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, *shape).copy()

    def labels(self, indices: Indices) -> NDArray[np.int64]:
        """Classes (n,), in turn."""
        rows: NDArray[Any] = np.asarray(indices, np.int64)
        return rows % max(1, len(self.classes))

    def label_rows(self, indices: Indices) -> NDArray[np.float32]:
        """Zeros and ones (n, k): the digits of n."""
        rows: NDArray[Any] = np.asarray(indices, np.int64)
        return (rows[:, None] >> np.arange(len(self.columns)) % 8 & 1).astype(np.float32)


def noise_for(spec: DataSpec, batch_type: type[Batch]) -> Pyramid | Domains:
    """Noise for batches of any type: of two domains, where they are made of two."""
    kind = KINDS.get(batch_type)
    if kind is None:
        return NoisePyramid(spec, "noise")
    channels = 1 if kind == "layouts" else spec.second_channels or spec.channels
    second = replace(spec, channels=channels, images=spec.second_images or spec.images)
    return Domains(
        path=Path(),
        kind=kind,
        names=("a", "b"),
        a=NoisePyramid(spec, "noise"),
        b=NoisePyramid(second, "noise"),
        test=None,
        layout_names=spec.layout_names,
        layout_colours=spec.layout_colours,
        layout_edges=False,
    )


def spec_for(spec: DataSpec, batch_type: type[Batch], classes: int = 8) -> DataSpec:
    """What is said of such noise."""
    kind = KINDS.get(batch_type)
    if kind is None:
        return spec
    if kind == "layouts":
        names, colours = usual_names(classes), colours_for(classes)
        return replace(spec, domains=("a", "b"), layout_names=names, layout_colours=colours)
    return replace(
        spec, domains=("a", "b"), second_channels=spec.channels, second_images=spec.images
    )
