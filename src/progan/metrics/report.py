"""What a measurement found: rows with all that is needed to judge them, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from progan.metrics.known import METRICS, title_of

__all__ = ["Report", "Row"]

HEAD = ("metric", "level", "value", "spread", "95 %", "real", "perfect", "n", "n real", "extractor")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number, with what is needed to judge it."""

    metric: str
    level: str
    """Resolution of the level, "mean" over levels, or "" where there is one value."""
    value: float
    """Mean over repeats."""
    spread: float | None
    """Standard deviation over repeats; None for a single one."""
    low: float | None = None
    """Lower end of the 95 % interval of `value`; None where nothing tells it."""
    high: float | None = None
    interval: str = ""
    """What the interval takes to be drawn anew, and how it was found."""
    floor: float | None
    """The same between two draws of real images, or on real images alone; None where real images
    have no such value."""
    chance: float | None = None
    """What pictures of the very distribution of the reals give on average at this n, by theory."""
    images: int
    """Generated images per repeat."""
    floor_images: int
    """Images in each draw behind `floor`."""
    repeats: int
    extractor: str
    """Name of the extractor, or none."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the method chose and counted, of the first repeat."""

    @property
    def title(self) -> str:
        """How the metric is called on these features."""
        return title_of(self.metric, self.extractor)

    @property
    def bias(self) -> str:
        """What few pictures do to it."""
        return METRICS[self.metric].bias

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists."""
        return {**asdict(self), "title": self.title, "bias": self.bias}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `evaluate` found."""

    rows: Sequence[Row]
    extractor: Mapping[str, str] | None = None
    """Name, hash of the weights and resize of the extractor, where features were measured."""
    resolution: int
    seed: int
    seconds: float
    warnings: Sequence[str] = ()
    """What a metric tells of this measurement, in sentences."""

    def value(self, metric: str, level: str | None = None) -> Row:
        """The row of `metric` at `level`; without a level, its mean, single or first value."""
        rows = [row for row in self.rows if row.metric == metric]
        wanted = ("mean", "") if level is None else (level,)
        for row in rows:
            if row.level in wanted:
                return row
        if level is None and rows:
            return rows[0]
        raise KeyError((metric, level))

    def notes(self) -> list[str]:
        """What a reader must know to compare the numbers, in sentences."""
        notes = []
        for row in self.rows:
            if row.level not in ("mean", "") or row.floor is None:
                continue
            if row.floor_images == row.images:
                continue
            note = (
                f"{row.metric}: the real images suffice for a floor of n = {row.floor_images:,}, "
                f"not {row.images:,}"
            )
            falls = METRICS[row.metric].falls
            if falls is not None:
                expected = (row.floor_images / row.images) ** falls * row.floor
                law = "1/√n" if falls == 0.5 else "1/n"
                note += f"; it falls as {law}, so expect about {expected:.2f} at the full n"
            notes.append(note + ".")
        return [*notes, *self.warnings]

    def meanings(self) -> list[str]:
        """A line for each metric: how its intervals were found, and its bias."""
        lines = []
        for metric in dict.fromkeys(row.metric for row in self.rows):
            rows = [row for row in self.rows if row.metric == metric]
            found = "; ".join(dict.fromkeys(row.interval for row in rows if row.interval))
            interval = f"95 % over {found}" if found else "no interval of one measurement"
            bias = METRICS[metric].bias
            lines.append(f"{rows[0].title}: {interval}." + (f" Bias: {bias}." if bias else ""))
        return lines

    def to_json(self) -> dict[str, Any]:
        """The report in plain numbers, texts and lists."""
        return {
            "resolution": self.resolution,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "extractor": dict(self.extractor) if self.extractor else None,
            "rows": [row.to_json() for row in self.rows],
            "notes": self.notes(),
        }

    def table(self) -> list[str]:
        """The rows below a head, in columns; a column that is empty throughout is left out."""
        lines = [HEAD, *map(_cells, self.rows)]
        kept = [i for i in range(len(HEAD)) if any(line[i] for line in lines[1:])]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
        return ["  ".join(f"{line[i]:<{widths[i]}}" for i in kept).rstrip() for line in lines]

    def __str__(self) -> str:
        return "\n".join([*self.table(), *self.notes()])


def _cells(row: Row) -> tuple[str, ...]:
    digits = METRICS[row.metric].digits

    def shown(value: float | None, before: str = "") -> str:
        return "" if value is None else f"{before}{value:.{digits}f}"

    between = "" if row.low is None else f"{shown(row.low)} … {shown(row.high)}"
    return (
        *(row.title, row.level, shown(row.value), shown(row.spread, "± "), between),
        *(shown(row.floor), shown(row.chance), f"{row.images:,}"),
        *(f"{row.floor_images:,}" if row.floor_images else "", row.extractor),
    )
