"""What a model of one picture is worth: its reconstruction, its patches, its variety."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from progan.assemble.models.model import load
from progan.assemble.models.one_picture import of_one_picture
from progan.core.grids import to_uint8
from progan.core.plan import Progress
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.precision import float32_products
from progan.engine.preview import seeded
from progan.metrics.one_picture import diversity, patch_distance, spatial_distance
from progan.systems.singan import SinGAN

if TYPE_CHECKING:
    from progan.extractors.base import Extractor

__all__ = [
    "PICTURES",
    "OfOne",
    "Start",
    "measure_run",
    "measure_starts",
    "pictures_from",
    "reconstruction_error",
]

PICTURES = 100
"""Generated pictures behind a diversity, as in the paper."""
COMPARED = 16
"""Of them, those whose patches are compared."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Start:
    """Pictures that begin with noise at one scale."""

    scale: int
    """0 is the coarsest; below it stands what the fixed noise draws."""
    swd7: float
    """Mean over pictures."""
    diversity: float
    pictures: int
    compared: int
    """Pictures behind SWD7 and SIFID."""
    sifid: float | None = None
    sifid_name: str = ""
    """sifid, or sifid-effnet: of whose features."""
    extractor: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {name: value for name, value in vars(self).items() if value not in (None, "")}


@dataclass(frozen=True, kw_only=True)
class OfOne:
    """What a run of one picture is worth."""

    size: tuple[int, int]
    error: float
    """Of the reconstruction at the finest scale, see `reconstruction_error`."""
    starts: tuple[Start, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        starts = [start.plain() for start in self.starts]
        return {"size": list(self.size), "reconstruction": self.error, "starts": starts}


def measure_run(
    path: Path, *, pictures: int, extractor: Extractor | None = None, device: str = "auto"
) -> OfOne:
    """Measure the newest checkpoint of a run of one picture against that picture.

    Raises: ConfigError for other runs, DataError where the picture is gone.
    """
    model = load(path, device=device)
    system, data = of_one_picture(model), model.stored.recipe.data
    run = path if path.is_dir() else path.resolve().parent.parent
    source = open_source(data.source, data)
    pyramid = open_or_build(source, data, run.parent / ".data")
    loader = Loader(pyramid, seed=0, device=model.device)
    scale = system.scale_of(model.moment)
    size = system.sizes[scale]
    image = next(iter(loader.batch(range(1), size).tensors().values()))
    starts = measure_starts(
        system, model.moment, to_uint8(image)[0], pictures=pictures, extractor=extractor
    )
    error = reconstruction_error(system, image, scale)
    return OfOne(size=size, error=error, starts=tuple(starts))


def reconstruction_error(system: SinGAN, real: torch.Tensor, scale: int) -> float:
    """Root mean square error of what the fixed noise draws at a scale, on the scale of [0, 1].

    `real`: the picture at that scale, 1 c h w in [-1, 1].
    """
    with torch.no_grad(), float32_products():
        error = system.reconstruction(scale) - real.to(system.device)
    return float(error.square().mean().sqrt()) / 2


@torch.no_grad()
def pictures_from(
    system: SinGAN,
    at: Progress,
    scale: int,
    count: int,
    size: tuple[int, int] | None = None,
    words: Sequence[int | str] = ("one picture",),
) -> Pixels:
    """`count` pictures n c h w that begin with noise at `scale`; functions of `words` and number.

    With a `size`, of that height and width.
    """
    fields = system.latent_fields if size is None else system.fields_of(system.sizes_for(*size))
    made = []
    for number in range(count):
        with seeded(*words, number), float32_products():
            latents = {f.name: torch.randn(1, *f.shape) for f in fields}
            if scale:
                latents = system.held(latents, scale)
            made.append(to_uint8(system.generate(latents, at)))
    return np.concatenate(made)


def measure_starts(
    system: SinGAN,
    at: Progress,
    real: Pixels,
    *,
    scales: Sequence[int] = (0, 1),
    pictures: int = PICTURES,
    extractor: Extractor | None = None,
) -> list[Start]:
    """SWD7, diversity and, with an extractor, SIFID of pictures that begin at each of `scales`.

    `real` is the picture at the size of `at`, c h w.
    """
    found = []
    for scale in scales:
        if scale > system.scale_of(at):
            break
        made = pictures_from(system, at, scale, pictures)
        some = made[:COMPARED]
        extra: dict[str, Any] = {}
        if extractor is not None:
            extra = _sifid(real, some, extractor)
        found.append(
            Start(
                scale=scale,
                swd7=float(np.mean([patch_distance(real, one) for one in some])),
                diversity=diversity(real, made),
                pictures=len(made),
                compared=len(some),
                **extra,
            )
        )
    return found


def _sifid(real: Pixels, made: Pixels, extractor: Extractor) -> dict[str, Any]:
    from progan.extractors.spatial import score_name, spatial_features

    there = spatial_features(extractor, real).numpy()
    distances = [spatial_distance(there, spatial_features(extractor, one).numpy()) for one in made]
    return {
        "sifid": float(np.mean(distances)),
        "sifid_name": score_name(extractor),
        "extractor": extractor.name,
    }
