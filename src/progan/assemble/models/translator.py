"""A trained translator, ready to use: pictures of one domain in, pictures of the other out.

    model = load_translator("runs/horses-zebras")
    images = model.translate(photos, "ab")      # uint8, n h w c, of any size

Pictures are translated one at a time and on one thread, so that each is a function of itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.assemble.models.export import save_model
from progan.assemble.models.labels import Asked
from progan.assemble.models.model import Model
from progan.assemble.models.passes import LARGEST_TILE, in_one, in_tiles, through_square
from progan.assemble.models.stored import Stored, Weights, fill, open_stored
from progan.core.errors import ConfigError
from progan.core.grids import to_uint8
from progan.core.latents import Latents
from progan.core.plan import Progress, height_width
from progan.core.spelling import nearest
from progan.core.system import Direction, Styles, System, Translates
from progan.engine.precision import choose_device, float32_products
from progan.engine.preview import alone, seeded

__all__ = ["Translator", "Way", "load_translator"]

Frame = NDArray[np.uint8]


def load_translator(
    path: str | Path,
    *,
    at_images: int | None = None,
    weights: Weights = "average",
    device: str = "auto",
) -> Translator:
    """Load a translator from a run folder, a checkpoint file or an exported folder.

    Raises ConfigError when there is no model at `path`, or one that does not translate;
    CheckpointError when it is damaged.
    """
    chosen = choose_device(device)
    return Translator(open_stored(Path(path).expanduser(), at_images), weights, chosen)


@dataclass(frozen=True)
class Way:
    """A direction, in the words of the data."""

    direction: Direction
    source: str
    """Name of what is translated."""
    target: str
    """Name of what comes out."""


class Translator(Model):
    """A model that makes pictures of other pictures, and from noise none."""

    def __init__(
        self, stored: Stored, weights: Weights = "average", device: torch.device | None = None
    ) -> None:
        self.weights = weights
        self.device = device or torch.device("cpu")
        filled = fill(stored, weights, self.device)
        self.stored = replace(stored, tensors={})
        if not isinstance(filled.system, Translates):
            raise ConfigError(
                f"{stored.recipe.system} does not translate pictures. A system that does learns "
                "from two folders: progan train cyclegan A B"
            )
        self.system: System[Any] = filled.system
        self.identity: str = filled.identity
        """SHA-256 of the weights in use."""
        self.moment: Progress = stored.trained
        self.z_std, self.canvas = 1.0, None

    def __repr__(self) -> str:
        ways = ", ".join(f"{way.source} to {way.target}" for way in self.ways)
        return (
            f"Translator({self.stored.recipe.system}, {ways}, {self.trained_images:,} images, "
            f"{self.stored.path})"
        )

    # What it is ---------------------------------------------------------------------------

    @property
    def _translates(self) -> Translates:
        assert isinstance(self.system, Translates)
        return self.system

    @property
    def directions(self) -> tuple[Direction, ...]:
        """From what to what it translates."""
        return self._translates.directions

    @property
    def ways(self) -> tuple[Way, ...]:
        """The same, in the words of the data."""
        names = self.domain_names
        return tuple(
            Way(one, names.get(one.source, one.source), names.get(one.target, one.target))
            for one in self.directions
        )

    @property
    def domain_names(self) -> Mapping[str, str]:
        """Name of each field of its batches: a and b, or image and layout."""
        first, second = self.stored.spec.domains or ("a", "b")
        fields = ("image", "layout") if self.stored.spec.layouts else ("a", "b")
        return dict(zip(fields, (first, second), strict=True))

    def way(self, words: str | None = None) -> Way:
        """The direction that `words` name: ab, the target's name, or `source-target`.

        Raises ConfigError for words that name none, or where there are several and no words.
        """
        ways = self.ways
        if words is None:
            return ways[0]
        found = [way for way in ways if words in _spellings(way)]
        if len(found) != 1:
            known = [spelling for way in ways for spelling in _spellings(way)]
            meant = nearest(words, known)
            hint = f" Did you mean {meant}?" if meant else ""
            listed = ", ".join(f"{w.direction.name} ({w.source} to {w.target})" for w in ways)
            raise ConfigError(
                f'direction is "{words[:60]}"; this model translates {listed}.{hint} '
                f"For example: --direction {ways[0].direction.name}"
            )
        return found[0]

    def channels_of(self, field: str) -> int:
        """Channels of the pictures of a field; of layouts those of their planes."""
        spec = self.stored.spec
        if field == "layout":
            return spec.layouts
        return spec.second_channels if field == "b" else spec.channels

    @property
    def channels(self) -> int:
        """Of the pictures that the first direction makes."""
        return self.channels_of(self.directions[0].target)

    @property
    def classes(self) -> int:
        """None: it is told no class."""
        return 0

    @property
    def class_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def label_ranges(self) -> tuple[tuple[float, float], ...]:
        """None."""
        return ()

    @property
    def trained_images(self) -> int:
        """Real images it was trained on, counting repeats."""
        return self.stored.trained.images

    @property
    def path(self) -> Path:
        """The file it was loaded from."""
        return self.stored.path

    @property
    def side(self) -> int:
        """Side of the pictures it was trained on, in pixels."""
        return max(height_width(self.moment.resolution))

    # What it makes ------------------------------------------------------------------------

    def translate(
        self,
        images: Frame | Sequence[Frame],
        direction: str | None = None,
        *,
        style: Tensor | None = None,
        tile: int | None = None,
    ) -> Any:
        """Pictures translated: uint8 n h w c, one h w c, or a list of pictures of several sizes.

        `direction` as in `way`; the first one without. Layouts come as class maps, h w or n h w.
        `style`, 1 k, is for systems that have styles. What comes has the size of what came; what is
        larger than `tile`, or 1,024 pixels, goes in tiles of that side.

        Raises ConfigError for pictures that do not fit, or an unknown direction.
        """
        way = self.way(direction)
        if isinstance(images, np.ndarray):
            single = images.ndim == (2 if way.direction.source == "layout" else 3)
            rows = [images] if single else list(images)
        else:
            single, rows = False, list(images)
        side = tile or LARGEST_TILE
        made = [self.one(picture, way, style=style, tile=side) for picture in rows]
        if single:
            return made[0]
        return np.stack(made) if isinstance(images, np.ndarray) else made

    def one(
        self, picture: Frame, way: Way, *, style: Tensor | None = None, tile: int = LARGEST_TILE
    ) -> Frame:
        """One picture, h w c, or a class map h w (h w 2 with edges), translated: h w c."""
        given = self.tensor(picture, way.direction.source)
        with torch.inference_mode(), alone(), seeded("translate"), float32_products():
            made = self._made(given.to(self.device), way.direction, style, tile)
        return np.ascontiguousarray(to_uint8(made)[0].transpose(1, 2, 0))

    def tensor(self, picture: Frame, field: str) -> Tensor:
        """A picture as the network takes it: 1 c h w in [-1, 1], or a layout 1 l h w."""
        if field == "layout":
            return self._layout(picture)
        wanted = self.channels_of(field)
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
            raise ConfigError(
                f"A picture came as {picture.dtype} of shape {picture.shape}; give uint8, h w c, "
                "with 1 or 3 channels."
            )
        if picture.shape[2] != wanted:
            if wanted == 1:
                raise ConfigError(
                    "A colour picture came, and this model translates grey ones. Make it grey "
                    "first, or let progan translate read it from its file."
                )
            picture = np.repeat(picture, 3, axis=2)
        pixels = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        return pixels.float().div_(127.5).sub_(1.0)

    def _layout(self, classes: Frame) -> Tensor:
        from progan.data.two_loader import one_hot

        spec = self.stored.spec
        planes = classes[..., None] if classes.ndim == 2 else classes
        if planes.dtype != np.uint8 or planes.ndim != 3:
            raise ConfigError(
                f"A class map came as {classes.dtype} of shape {classes.shape}; give uint8, h w, "
                f"numbers below {len(spec.layout_names)}, or 255 where no class is known."
            )
        strange = np.setdiff1d(planes[..., 0], [*range(len(spec.layout_names)), 255])
        if len(strange):
            raise ConfigError(
                f"A class map holds the number {strange[0]}; this model knows "
                f"{len(spec.layout_names)} classes, from 0 ({', '.join(spec.layout_names[:8])} …)."
            )
        if spec.layout_edges and planes.shape[2] == 1:
            planes = np.concatenate([planes, np.zeros_like(planes)], axis=2)
        stacked = torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)[None]))
        return one_hot(stacked, len(spec.layout_names), spec.layouts)

    def _made(self, given: Tensor, way: Direction, style: Tensor | None, tile: int) -> Tensor:
        system, at = self._translates, self.moment

        def network(image: Tensor) -> Tensor:
            if style is None:
                return system.translate(image, way.name, at)
            assert isinstance(system, Styles)
            return system.styled(image, way.name, style.to(image.device), at)

        if system.fixed:
            side = self.side
            return through_square(network, given, side, classes=way.source == "layout")
        if max(given.shape[2:]) > tile:
            return in_tiles(network, given, system.multiple, tile)
        return in_one(network, given, system.multiple)

    def style_of(self, picture: Frame) -> Tensor:
        """The style, 1 k, of a picture h w c of the target domain.

        Raises ConfigError for a system without styles.
        """
        system = self._styles()
        field = self.directions[0].target
        given = self.tensor(picture, field).to(self.device)
        with torch.inference_mode(), alone(), seeded("style"), float32_products():
            from progan.layers.resample import resized

            return system.style(resized(given, self.side, self.side), self.moment).cpu()

    @property
    def has_styles(self) -> bool:
        """Whether one picture can be made in many styles."""
        return isinstance(self.system, Styles)

    def random_styles(self, count: int, seed: int = 0) -> list[Tensor]:
        """So many styles, 1 k each, drawn from the standard normal: functions of `seed`."""
        system = self._styles()
        found = []
        for number in range(count):
            with seeded("style", seed, number):
                found.append(torch.randn(1, system.style_size))
        return found

    def _styles(self) -> Styles:
        if not isinstance(self.system, Styles):
            raise ConfigError(
                f"{self.stored.recipe.system} makes one picture of each, without a choice of "
                "style. Leave the style out."
            )
        return self.system

    def standing(self, truncation: float | None = None) -> Model:
        """Raises ConfigError, as all that draws from noise."""
        raise self._no_noise()

    def latents(
        self, seed: int, truncation: float | None = None, label: Asked | None = None
    ) -> Latents:
        """Raises ConfigError, as all that draws from noise."""
        raise self._no_noise()

    def with_std(self, z_std: float | None) -> Model:
        """Raises ConfigError, as all that draws from noise."""
        raise self._no_noise()

    def _no_noise(self) -> ConfigError:
        return ConfigError(
            f"{self.stored.recipe.system} makes nothing from noise: it translates pictures. "
            "Give it some: model.translate(pictures), or progan translate RUN PICTURES"
        )

    @property
    def _fields(self) -> tuple[Any, ...]:
        return ()

    # What it leaves -----------------------------------------------------------------------

    def save_pretrained(self, folder: str | Path) -> Path:
        """Save as model.safetensors, config.json and README.md; `load` reads the folder again."""
        return save_model(self, Path(folder).expanduser())


def _spellings(way: Way) -> tuple[str, ...]:
    """What a direction may be called."""
    both = f"{way.source}-{way.target}"
    return (way.direction.name, way.target, both, f"{way.source}2{way.target}")
