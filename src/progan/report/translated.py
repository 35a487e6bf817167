"""The parts of a report that only a translator's has."""

from __future__ import annotations

from progan.report.markup import Html, element, join, text
from progan.report.page import Section, paragraph, picture, table
from progan.report.pictures import Album
from progan.report.read import Run
from progan.report.values import Record, number, whole, words
from progan.report.words import count

__all__ = ["likeness_part", "translations_part"]

_ROOM = 900_000
"""Bytes of the picture files of all directions."""
_MOST_ROWS = 24


def translations_part(run: Run, album: Album) -> Section | None:
    """Pictures beside what became of them, a sheet for each direction."""
    rows = _rows(run.review.get("translations"))
    shown = album.series([f"review/{words(row.get('picture'))}" for row in rows], _ROOM)
    body: list[Html] = []
    for row, image in zip(rows, shown, strict=True):
        if image is None:
            continue
        columns = row.get("columns")
        names = [words(name) for name in columns] if isinstance(columns, list) else []
        strong = element("strong", text(words(row.get("way"))))
        from_left = f"from left to right: {', '.join(names)}. {words(row.get('note'))}"
        caption = join([strong, text(from_left)], " ")
        body.append(picture(image, f"Translated pictures, {from_left}", caption))
    if not body:
        return None
    return Section(
        slug="translations",
        title="Translated",
        body=[element("div", *body, class_="pair")],
    )


def likeness_part(run: Run) -> Section | None:
    """How near translations come to the truth, beside what takes no skill."""
    rows = [
        (
            f"{words(row.get('way'))}: {words(row.get('of'))}",
            _digits(row.get("psnr"), 2),
            _digits(row.get("ssim"), 3),
            "–" if whole(row.get("n")) is None else count(whole(row.get("n")) or 0),
        )
        for row in _rows(run.review.get("likeness"))
    ]
    if not rows:
        return None
    hint = (
        "Of held-out pairs the truth is known. A copy is what was to be translated, as it was; the "
        "mean picture is that of the training pictures; another truth is the true picture of "
        "another pair. Higher is better in both."
    )
    head = ("picture", "PSNR, dB", "SSIM", "n")
    return Section(
        slug="likeness",
        title="Nearness to the truth",
        short="Nearness",
        body=[paragraph(hint, "quiet"), table("Nearness", head, rows, numeric=(1, 2, 3))],
    )


def _digits(value: object, places: int) -> str:
    found = number(value)
    return "–" if found is None else f"{found:.{places}f}"


def _rows(value: object) -> list[Record]:
    if not isinstance(value, list):
        return []
    found: list[Record] = [row for row in value if isinstance(row, dict)]
    return found[:_MOST_ROWS]
