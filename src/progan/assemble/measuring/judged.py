"""Style and content of translations, called by judges who learn from the run's own pictures.

    style     share of translations that a judge of both domains calls the wanted one; it learnt
              from one half of the held-out pictures, and is asked about the other
    content   share of translations that are known as what they were made of, by a judge who tells
              those pictures apart by windows of them, in colours of chance

Beside them stand the shares of real pictures: of the target domain, and for content, where partners
are known, those; else the pictures as they were.

Source:  Hicsonmez et al. 2020 (GANILLA), section 4.3; `progan.extractors.style_content`.
Departs: see there; here half of what the run held out teaches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.core.words import typed
from progan.extractors.style_content import Judge, picture_judge, style_judge
from progan.metrics.intervals import of_share
from progan.metrics.report import Row

if TYPE_CHECKING:
    from progan.data.pyramid import Pyramid

__all__ = ["Case", "judged"]

Pixels = NDArray[np.uint8]
Hears = Callable[[str, float], None]
Rows = NDArray[np.int64]
LEAST = 32
"""Held-out pictures of each kind: half of them teach, and half are judged."""
MOST = 500
"""Pictures of each kind that teach, and that are judged."""
TOLD_APART = 50
"""Pictures that the judge of content tells apart, at most."""
SHOWN = 16_000
"""Patches that each judge is shown."""
SIDE = 256
"""Larger pictures are shrunk to it: as wide as those of the published judges."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What judges are asked about: held-out pictures of both domains, and translations by
    number."""

    names: tuple[str, str]
    source: Pyramid
    target: Pyramid
    held_out: bool
    partners: bool
    """Whether pictures with the same number belong together."""
    orders: tuple[Rows, Rows]
    """A shuffle of each; `made` counts along the first."""
    made: Callable[[int, int], Pixels]
    """Translations from a number on, so many of them: n c side side."""
    side: int

    def given(self, start: int, count: int) -> Pixels:
        """Pictures of the source."""
        return self._held(self.source, self.orders[0], start, count)

    def real(self, start: int, count: int) -> Pixels:
        """Pictures of the target."""
        return self._held(self.target, self.orders[1], start, count)

    def translated(self, start: int, count: int) -> Pixels:
        """Translations, in the size that judges look at."""
        return small(self.made(start, count))

    def _held(self, pyramid: Pyramid, order: Rows, start: int, count: int) -> Pixels:
        return small(pyramid.gather(order[start : start + count], self.side))


def judged(
    case: Case, names: Sequence[str], *, seed: int = 0, hear: Hears | None = None
) -> tuple[list[Row], tuple[str, ...]]:
    """Rows of `names`, style or content, and a sentence on each.

    Raises: ConfigError where too few pictures are held out.
    """
    fewest = min(case.source.count, case.target.count) if case.held_out else 0
    if fewest < LEAST:
        again = typed("progan", "train", "A", "B", "--set", "data.held_out=0.2")
        raise ConfigError(
            f"{names[0]} asks judges who must not have seen what they judge, and {fewest} pictures "
            f"of a kind are held out; it takes {LEAST}. Hold out more: {again}"
        )
    half = min(MOST, fewest // 2)
    found = [{"style": _style, "content": _content}[name](case, half, seed, hear) for name in names]
    return [row for row, _ in found], tuple(note for _, note in found)


def _style(case: Case, half: int, seed: int, hear: Hears | None) -> tuple[Row, str]:
    learnt = [case.given(0, half), case.real(0, half)]
    judge = style_judge(learnt, case.names, images=SHOWN, seed=seed, heard=_share("style", hear))
    row = _row(
        "style", judge, case.translated(half, half), 1, judge.share(case.real(half, half), 1)
    )
    left = judge.share(case.given(half, half), 1)
    return row, (
        f"style: a judge of {case.names[0]} and {case.names[1]}, who learnt from {half:,} other "
        f"held-out pictures of each. Of pictures left as they were it calls {left:.3f} "
        f"{case.names[1]}."
    )


def _content(case: Case, half: int, seed: int, hear: Hears | None) -> tuple[Row, str]:
    count = min(half, TOLD_APART)
    given, own = case.given(half, count), np.arange(count)
    judge = picture_judge(given, images=SHOWN, seed=seed, heard=_share("content", hear))
    real = case.real(half, count) if case.partners else given
    row = _row("content", judge, case.translated(half, count), own, judge.share(real, own))
    beside = "of their partners" if case.partners else "of themselves, left as they were"
    return row, (
        f"content: a judge who tells {count} pictures apart by windows of them, in any colours; "
        f"real is {beside}, and by chance {1 / count:.3f} are known."
    )


def _row(name: str, judge: Judge, made: Pixels, wanted: int | Rows, real: float) -> Row:
    share = judge.share(made, wanted)
    known = of_share(round(share * len(made)), len(made))
    return Row(
        metric=name,
        level="",
        value=share,
        spread=None,
        low=known.low,
        high=known.high,
        interval=known.how,
        floor=real,
        images=len(made),
        floor_images=len(made),
        repeats=1,
        extractor="none",
    )


def _share(name: str, hear: Hears | None) -> Callable[[int], None] | None:
    return None if hear is None else lambda seen: hear(name, min(1.0, seen / SHOWN))


def small(pixels: Pixels) -> Pixels:
    """Pictures n c side side, brought to `SIDE` by means of blocks where they are larger."""
    times = pixels.shape[-1] // SIDE
    if times < 2:
        return pixels
    n, c, h, w = pixels.shape
    blocks = pixels.reshape(n, c, h // times, times, w // times, times)
    found: Pixels = np.rint(blocks.mean(axis=(3, 5))).astype(np.uint8)
    return found
