"""A comparison as Markdown: numbers, claims, and a sheet of pictures of each contestant.

The table has a line for each contestant; of many measures, a line for each of them and its levels.

For documents that show results: every number is one that was measured, and none is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from progan.core.comparison import Comparison, Entry, slug_of
from progan.core.errors import RoomError
from progan.report.contest import Answer, Cell, Line
from progan.report.read import Run, read_run
from progan.report.words import count, duration

__all__ = ["PICTURES", "write_markdown", "write_sheets"]

COSTS = ("images", "time", "generator", "all networks")
PICTURES = "pictures"
"""Folder of the sheets, beside the page."""
MOST_COLUMNS = 16
ROWS_SHOWN = 0.5
"""Share of a grid's rows that a sheet shows, from the top: four of eight."""


def write_sheets(comparison: Comparison, entries: Sequence[Entry], folder: Path) -> dict[str, Path]:
    """Write `pictures/NAME.png` for each contestant, and `real.png`; each name → its file.

    They are the first rows of the grid in the review of its first seed. A contestant without a
    review has none.

    Raises: RoomError when they cannot be written.
    """
    found: dict[str, Path] = {}
    for name in comparison.contestants:
        one = next((e for e in entries if e.contestant == name and not e.failed), None)
        if one is None:
            continue
        run = read_run(one.run)
        if _sheet(run, "samples", to := folder / PICTURES / f"{slug_of(name)}.png"):
            found[name] = to
        if "real pictures" not in found and _sheet(run, "real", to := to.with_name("_real.png")):
            found["real pictures"] = to
    return found


def _sheet(run: Run, kind: str, to: Path) -> bool:
    """Whether the grid was there, and its first rows are written."""
    place = run.review.get(kind)
    path = run.folder / "review" / str(place)
    if not isinstance(place, str) or "/" in place or not path.is_file():
        return False
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as grid:
            grid.crop((0, 0, grid.width, round(ROWS_SHOWN * grid.height))).save(to)
    except OSError as error:
        raise RoomError(f"{to} cannot be written: {error.strerror or error}.") from error
    return True


def write_markdown(
    comparison: Comparison,
    entries: Sequence[Entry],
    lines: Sequence[Line],
    answers: Sequence[Answer],
    sheets: Mapping[str, Path],
    to: Path,
    command: str,
) -> Path:
    """Write table, claims, what failed, and the sheets, as Markdown into the file `to`; its path.

    Raises: RoomError when it cannot be written.
    """
    few = [line for line in lines if not line.level.isdecimal()]
    shown = few if len(few) + len(COSTS) < MOST_COLUMNS else list(lines)
    runs = {one.run: read_run(one.run) for one in entries if not one.failed}
    parts = [
        f"# {comparison.title}\n",
        f"```bash\n{command}\n```\n",
        _table(comparison, entries, shown, runs),
        _notes(comparison, shown),
        *([_claims(answers)] if answers else []),
        *(f"{one.contestant}, seed {one.seed}, failed: {one.failed}\n" for one in _failed(entries)),
        *(
            f"**{name}**\n\n![{name}]({path.relative_to(to.parent).as_posix()})\n"
            for name, path in sheets.items()
        ),
    ]
    try:
        to.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        raise RoomError(f"{to} cannot be written: {error.strerror or error}.") from error
    return to


def _table(
    comparison: Comparison,
    entries: Sequence[Entry],
    lines: Sequence[Line],
    runs: Mapping[Path, Run],
) -> str:
    rows = [["", *[_title(line) for line in lines], *COSTS]]
    for name in comparison.contestants:
        mine = [one for one in entries if one.contestant == name and not one.failed]
        if not mine:
            continue
        cells = [_cell(line.cells.get(name), line.digits) for line in lines]
        rows.append([_plain(name), *cells, *_costs(mine, runs)])
    reals = ["–" if math.isnan(one.real) else f"{one.real:.{one.digits}f}" for one in lines]
    rows.append(["real pictures", *reals, *[""] * len(COSTS)])
    if len(rows[0]) > MOST_COLUMNS:
        rows = [list(column) for column in zip(*rows, strict=True)]
    return _drawn(rows)


def _drawn(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table; the first is its head."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _claims(answers: Sequence[Answer]) -> str:
    return _drawn(
        [
            ("claim", "outcome", "why"),
            *((_plain(one.words), one.outcome, _plain(one.because)) for one in answers),
        ]
    )


def _title(line: Line) -> str:
    return line.title if line.level in ("", "mean") else f"{line.title}, {line.level}"


def _plain(name: str) -> str:
    return name.replace("|", "/")


def _cell(cell: Cell | None, digits: int) -> str:
    if cell is None:
        return "–"
    spread = "" if math.isnan(cell.spread) else f" ± {cell.spread:.{digits}f}"
    return f"{cell.mean:.{digits}f}{spread}"


def _costs(entries: Sequence[Entry], runs: Mapping[Path, Run]) -> list[str]:
    """Images and time, means over seeds; numbers that are learned."""
    mine = [runs[one.run] for one in entries]
    images = round(sum(run.images for run in mine) / len(mine))
    times = [run.seconds for run in mine if run.seconds is not None]
    weights = entries[0].weights
    return [
        count(images),
        duration(sum(times) / len(times)) if times else "–",
        *(count(weights[part]) if part in weights else "–" for part in ("generator", "all")),
    ]


def _notes(comparison: Comparison, lines: Sequence[Line]) -> str:
    """How many seeds and pictures, and whose features."""
    seeds = len(comparison.seeds)
    numbers = sorted({line.images for line in lines})
    named = sorted({line.extractor for line in lines} - {"none", ""})
    said = [
        f"{seeds} seed{'s' * (seeds > 1)}" + (", mean ± standard deviation" if seeds > 1 else ""),
        *([f"n = {', '.join(count(n) for n in numbers)}"] if numbers else []),
        *([f"features of {', '.join(named)}"] if named else []),
        "time is of training",
        "generator and all networks: numbers that are learned",
    ]
    return "; ".join(said) + ".\n"


def _failed(entries: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if one.failed]
