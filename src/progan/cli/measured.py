"""What `evaluate` shows and writes: a table, JSON, CSV, a plot, and numbers for the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from progan.cli.figures import clock
from progan.cli.streams import say
from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.assemble.measuring.evaluate import Evaluated

__all__ = ["check_places", "head_of_all", "keep_in_run", "line_of_all", "table_of", "write_all"]

COLUMN = 26
"""Characters of a column of `--all`."""


def table_of(one: Evaluated) -> list[str]:
    """Everything about one checkpoint."""
    weights = "averaged weights" if one.weights == "average" else "weights as last trained"
    where = f"{one.run} at {one.images:,} images, {one.report.resolution} px, {weights}"
    if one.checkpoint == one.run:
        where = f"{one.run}: {one.images:,} pictures, {one.report.resolution} px"
    explained = [
        "± is the standard deviation over repeats; real is the same measured on real images.",
    ]
    if any(row.chance is not None for row in one.report.rows):
        explained.append(
            "perfect is what pictures as good as real ones give on average at this n, by theory."
        )
    explained += one.report.meanings()
    if one.report.extractor is not None:
        record = one.report.extractor
        weights = record["weights"][:12]
        explained.append(f"Features: {record['extractor']}, weights {weights}, {record['resize']}.")
    return [where, "", *str(one.report).splitlines(), *explained, *one.notes]


def head_of_all(names: Sequence[str]) -> list[str]:
    """The line above those of `--all`."""
    from progan.metrics.run import METRICS

    titles = "".join(f"{METRICS[name].title + ' (real)':>{COLUMN}}" for name in names)
    return [f"{'images':>14}{'px':>6}{'time':>10}{titles}"]


def line_of_all(one: Evaluated, names: Sequence[str]) -> str:
    """One line of `--all`: the mean over levels of each metric, with its floor."""
    from progan.metrics.run import METRICS

    time = clock(one.seconds) if one.seconds is not None else "–"
    cells = []
    for name in names:
        try:
            row = one.report.value(name)
        except KeyError:
            cells.append("–")
            continue
        digits = METRICS[name].digits
        spread = "" if row.spread is None else f" ± {row.spread:.{digits}f}"
        real = "" if row.floor is None else f" ({row.floor:.{digits}f})"
        cells.append(f"{row.value:.{digits}f}{spread}{real}")
    shown = "".join(f"{cell:>{COLUMN}}" for cell in cells)
    return f"{one.images:>14,}{one.report.resolution:>6}{time:>10}{shown}"


def check_places(*, to: Path | None, table: Path | None, plot: Path | None, every: bool) -> None:
    """Refuse places that cannot be written to, before anything is measured."""
    from progan.assemble.writing.files import check_free

    if plot is not None and not every:
        raise ConfigError(
            "--plot draws measures over training, so it needs every checkpoint: progan evaluate "
            "RUN --all --plot FILE.svg"
        )
    if plot is not None and plot.suffix.lower() != ".svg":
        raise ConfigError(f"--plot is {plot}; it is written as SVG: --plot {plot.stem}.svg")
    places = [place for place in (to, table, plot) if place is not None]
    if len({place.resolve() for place in places}) < len(places):
        raise ConfigError("--json, --csv and --plot name one file; give each its own.")
    for place in places:
        check_free(place)


def keep_in_run(one: Evaluated) -> list[str]:
    """Keep the numbers for the run's report; a line where that could not be done."""
    from progan.assemble.measuring.kept import keep

    said = keep(one)
    return [said] if said else []


def write_all(
    found: Sequence[Evaluated], *, to: Path | None, table: Path | None, plot: Path | None
) -> None:
    """Write what was asked for, each with a line that says so."""
    if to is not None:
        _write_json(to, found)
    if table is not None:
        from progan.assemble.measuring.kept import as_csv
        from progan.assemble.writing.files import write_out

        write_out(table, as_csv(found))
        say(f"Written: {table}")
    if plot is not None:
        _write_plot(plot, found)


def _write_json(to: Path, found: Sequence[Evaluated]) -> None:
    import json

    from progan.assemble.writing.containers import MADE_HERE
    from progan.assemble.writing.files import write_out

    content = {"note": MADE_HERE.decode(), "evaluated": [one.to_json() for one in found]}
    write_out(to, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    say(f"Written: {to}")


def _write_plot(to: Path, found: Sequence[Evaluated]) -> None:
    from progan.assemble.measuring.kept import records_of
    from progan.assemble.writing.containers import MADE_HERE
    from progan.assemble.writing.files import write_out
    from progan.report.evaluated import lines_over_training
    from progan.report.figure import figures

    several = len({one.run for one in found}) > 1
    records = [
        {**record, "who": one.run.name if several else ""}
        for one in found
        for record in records_of(one)
    ]
    charts = [(lines.title, lines.series) for lines in lines_over_training(records)]
    if not charts:
        say(f"{to} is not written: no measure was taken at two checkpoints of one resolution.")
        return
    by = MADE_HERE.decode()
    write_out(to, figures(charts, x_label="images", by=by).encode())
    say(f"Written: {to}")
