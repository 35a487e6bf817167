"""Canvases: where shapes, given as signed distances, become colours, ink or classes.

The painter says the same things to every canvas; what a canvas does with them is its style. A
distance d is negative inside; the share of a pixel of size p that a shape covers is taken as

    cover(d) = clip(1/2 - d/p, 0, 1)

the overlap of a pixel with a straight edge. Arrays are float32 (n, h, w); n people at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Style = Literal["colour", "flat", "ink"]
Colour = Any
"""Red, green, blue in [0, 1]: three numbers, or an array (3, n, 1, 1) with one for each person."""

LAYOUT_CLASSES = ("background", "skin", "hair", "clothes", "eyes", "mouth", "glasses", "hat")
_CLASS = {name: i for i, name in enumerate(LAYOUT_CLASSES)}

PAPER = np.array([0.985, 0.97, 0.94], np.float32).reshape(3, 1, 1, 1)
INK = np.array([0.13, 0.13, 0.19], np.float32).reshape(3, 1, 1, 1)


def bump(r2: Array) -> Array:
    """A soft hill: 1 where `r2` is 0, 0 from 1 on."""
    return np.square(np.maximum(1 - r2, 0))


def wave(t: Array) -> Array:
    """A smooth wave of period 1 between -1 and 1, made of cubics: near to cos(2 pi t)."""
    s = t - np.rint(t)
    np.abs(s, out=s)
    s *= -4
    s += 1
    square = s * s
    square *= -0.5
    square += 1.5
    s *= square
    return s


def step(x: Array, low: Any, high: Any) -> Array:
    """0 below `low`, 1 above `high`, a cubic between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def ellipse(x: Array, y: Array, rx: Any, ry: Any) -> Array:
    """Signed distance to an ellipse, to first order: k0 (k0 - 1) / k1 with k1 the slope of k0."""
    u, v = np.square(x / rx), np.square(y / ry)
    k0 = np.sqrt(u + v + np.float32(1e-6))
    k1 = np.sqrt(u / np.square(rx) + v / np.square(ry) + np.float32(1e-6) / (rx * ry))
    return k0 * (k0 - 1) / k1


def polygon(x: Array, y: Array, *corners: tuple[Any, Any]) -> Array:
    """Signed distance, exact along the edges, to a convex polygon given clockwise on the screen."""
    far = np.full_like(x, -9)
    for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
        across, down = bx - ax, by - ay
        length = np.sqrt(np.square(across) + np.square(down))
        np.maximum(far, ((x - ax) * down - (y - ay) * across) / length, out=far)
    return far


def box(x: Array, y: Array, rx: Any, ry: Any, corner: float = 0.0) -> Array:
    """Signed distance to a rectangle of half sides rx, ry with round corners."""
    u, v = np.abs(x) - rx + corner, np.abs(y) - ry + corner
    outside = np.sqrt(np.square(np.maximum(u, 0)) + np.square(np.maximum(v, 0)))
    return outside + np.minimum(np.maximum(u, v), 0) - corner


def _between(ends: Array, low: float, high: float, within: slice) -> slice:
    """The part of `within` where values (n, 2, length) may lie between `low` and `high`."""
    some = (ends.max((0, 1)) > low) & (ends.min((0, 1)) < high)
    at = np.flatnonzero(some)
    if not at.size:
        return slice(within.start, within.start + 1)  # one line off the shape does no harm
    return slice(within.start + int(at[0]), within.start + int(at[-1]) + 1)


class Canvas:
    """Pictures of n people being drawn. `x y` are head coordinates, `bx by` upright ones."""

    shaded = False
    """Whether soft light and shadow show."""
    inked = False
    """Whether ink shows."""

    def __init__(self, image: Any, grids: Iterable[Array], px: Array, where: Any = None) -> None:
        self.image, self.px = image, px
        self.x, self.y, self.bx, self.by = grids
        self.where = where or (slice(None), *(slice(0, n) for n in self.x.shape[1:]))
        """People, rows and columns of the whole canvas that this one covers."""

    def cut(self, array: Array) -> Array:
        """The same part of an array (n, h, w) that was made for the whole canvas."""
        people, rows, columns = self.where
        return array[:, rows, columns][people]

    @classmethod
    def blank(cls, n: int, size: int) -> Any:
        """The image that this kind of canvas starts from: (layers, n, size, size)."""
        return np.zeros((3, n, size, size), np.float32)

    def window(self, x0: float, x1: float, y0: float, y1: float) -> Canvas:
        """The part of the canvas that surely holds this box of head coordinates, as views."""
        # x and y are affine in the pixel, so the ends of a row or column bound what lies between.
        rows, columns = slice(0, self.x.shape[1]), slice(0, self.x.shape[2])
        for _ in range(2):
            rows = _between(self.y[:, rows, columns][:, :, [0, -1]].swapaxes(1, 2), y0, y1, rows)
            columns = _between(self.x[:, rows, columns][:, [0, -1]], x0, x1, columns)
        people, down, right = self.where
        where = (
            people,
            slice(down.start + rows.start, down.start + rows.stop),
            slice(right.start + columns.start, right.start + columns.stop),
        )
        at = (..., rows, columns)
        grids = (a[at] for a in (self.x, self.y, self.bx, self.by))
        return type(self)(self.image[at], grids, self.px, where)

    def beside(self, side: int, x0: float, x1: float, y0: float, y1: float) -> Canvas:
        """That window on the right, or its mirror image on the left where `side` is -1."""
        return self.window(min(side * x0, side * x1), max(side * x0, side * x1), y0, y1)

    def only(self, chosen: NDArray[np.bool_]) -> Iterator[Canvas]:
        """A canvas of some of the people, if there are any; its drawing lands here afterwards.

        `for part in canvas.only(chosen):` so that the body is left out where nobody is chosen.
        Of a canvas with everybody.
        """
        if chosen.any():
            grids = (a[chosen] for a in (self.x, self.y, self.bx, self.by))
            where = (chosen, *self.where[1:])
            part = type(self)(self.image[:, chosen], grids, self.px[chosen], where)
            yield part
            self.image[:, chosen] = part.image

    def cover(self, d: Array) -> Array:
        """The share of each pixel that lies inside the shape."""
        m = d * (-1 / self.px)
        m += 0.5
        return np.clip(m, 0, 1, out=m)

    def line(self, d: Array, width: Any) -> Array:
        """Cover of a line of that width along d = 0; right even when thinner than a pixel."""
        d = np.abs(d)
        return self.cover(d - 0.5 * width) - self.cover(d + 0.5 * width)

    def fill(
        self,
        d: Array,
        light: Colour,
        cls: str | None = None,
        *,
        dark: Colour | None = None,
        tone: Any = None,
        alpha: Any = 1.0,
        ink: Any = 0.0,
        outline: float = 1.0,
    ) -> None:
        """Fill a shape; `tone` mixes from `dark` at 0 to `light` at 1, where light shows at all.

        In ink the shape is paper darkened by `ink`, with an outline (0 none, 1 full width).
        """
        self._fill(d, _Paint(light, dark, tone, cls, alpha, ink, outline))

    def stroke(
        self,
        d: Array,
        width: Any,
        colour: Colour,
        cls: str | None = None,
        *,
        alpha: Any = 1.0,
        ink: float = 1.0,
    ) -> None:
        """Draw a line along d = 0, in ink only if `ink` is above 0."""
        self._stroke(d, width, _Paint(colour, None, None, cls, alpha, ink, 0.0))

    def back(self, light: Colour, dark: Colour, tone: Array) -> None:
        """Cover everything, where a style has a background."""

    def glaze(self, amount: Array, colour: Colour) -> None:
        """Mix a colour in softly, for light, blush and shadow, where they show."""

    def average(self, factor: int) -> None:
        """Shrink the picture by a whole factor; nothing can be drawn afterwards."""
        if factor > 1:
            parts = [
                self.image[..., i::factor, j::factor] for i in range(factor) for j in range(factor)
            ]
            total = parts[0].copy()
            for part in parts[1:]:  # one after the other: the same rounding everywhere
                total += part
            self.image = total / np.float32(factor**2)

    def finish(self) -> NDArray[np.uint8]:
        """The pictures (n, 3, h, w), or maps (n, h, w)."""
        raise NotImplementedError

    def _fill(self, d: Array, paint: _Paint) -> None:
        raise NotImplementedError

    def _stroke(self, d: Array, width: Any, paint: _Paint) -> None:
        raise NotImplementedError


class _Paint(NamedTuple):
    light: Colour
    dark: Colour | None
    tone: Any
    cls: str | None
    alpha: Any
    ink: Any
    outline: float


def _bytes(image: Array) -> NDArray[np.uint8]:
    """(3, n, h, w) in [0, 1] to (n, 3, h, w) in 0..255."""
    return np.ascontiguousarray((image * 255 + 0.5).astype(np.uint8).swapaxes(0, 1))


class _ColourCanvas(Canvas):
    """Full colour with light and shadow."""

    shaded = True

    def back(self, light: Colour, dark: Colour, tone: Array) -> None:
        for k, layer in enumerate(self.image):
            layer[...] = dark[k] + (light[k] - dark[k]) * tone

    def glaze(self, amount: Array, colour: Colour) -> None:
        self._mix(amount, colour, None, None)

    def average(self, factor: int) -> None:
        np.clip(self.image, 0, 1, out=self.image)
        super().average(factor)

    def finish(self) -> NDArray[np.uint8]:
        return _bytes(self.image)

    def _fill(self, d: Array, paint: _Paint) -> None:
        m = self.cover(d)
        if np.ndim(paint.alpha) or paint.alpha != 1:
            m *= paint.alpha
        self._mix(m, paint.light, paint.dark, paint.tone)

    def _stroke(self, d: Array, width: Any, paint: _Paint) -> None:
        self._mix(self.line(d, width) * paint.alpha, paint.light, None, None)

    def _mix(self, m: Array, light: Colour, dark: Colour | None, tone: Any) -> None:
        for k, layer in enumerate(self.image):
            target = light[k] if dark is None else dark[k] + (light[k] - dark[k]) * tone
            change = target - layer
            change *= m
            np.add(layer, change, out=layer)


class _FlatCanvas(_ColourCanvas):
    """Each shape in one colour."""

    shaded = False

    def back(self, light: Colour, dark: Colour, tone: Array) -> None:
        super().back(light, dark, np.full_like(tone, 0.5))

    def glaze(self, amount: Array, colour: Colour) -> None:
        pass

    def _mix(self, m: Array, light: Colour, dark: Colour | None, tone: Any) -> None:
        super()._mix(m, light, dark, 0.75)


class _InkCanvas(Canvas):
    """One layer, the amount of ink."""

    inked = True

    @classmethod
    def blank(cls, n: int, size: int) -> Array:
        return np.zeros((1, n, size, size), np.float32)

    def finish(self) -> NDArray[np.uint8]:
        return _bytes(PAPER + (INK - PAPER) * self.image)

    def _fill(self, d: Array, paint: _Paint) -> None:
        layer, on = self.image[0], paint.alpha > 0
        layer += (paint.ink - layer) * (self.cover(d) * on)
        if paint.outline:
            width = paint.outline * np.maximum(0.017, 0.55 * self.px)
            np.maximum(layer, 0.92 * self.line(d, width) * on, out=layer)

    def _stroke(self, d: Array, width: Any, paint: _Paint) -> None:
        if paint.ink > 0:
            layer = self.image[0]
            layer += (paint.ink - layer) * self.line(d, width) * paint.alpha


class _MapCanvas(Canvas):
    """One layer, the class of each pixel: the last shape with a class that covers its middle."""

    @classmethod
    def blank(cls, n: int, size: int) -> NDArray[np.uint8]:
        return np.zeros((1, n, size, size), np.uint8)

    def finish(self) -> NDArray[np.uint8]:
        return np.asarray(self.image[0], np.uint8)

    def _fill(self, d: Array, paint: _Paint) -> None:
        if paint.cls is not None:
            self.image[0][(d < 0) & (np.asarray(paint.alpha) > 0.3)] = _CLASS[paint.cls]

    def _stroke(self, d: Array, width: Any, paint: _Paint) -> None:
        self._fill(np.abs(d) - 0.5 * np.maximum(width, self.px), paint)


CANVASES: dict[str, type[Canvas]] = {
    "colour": _ColourCanvas,
    "flat": _FlatCanvas,
    "ink": _InkCanvas,
    "map": _MapCanvas,
}
