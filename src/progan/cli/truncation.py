"""The verb `truncation`: variety against fidelity, as latents are cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from progan.assemble.training.runs import newest_run
from progan.cli.streams import say
from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.assemble.measuring.truncation import Measured
    from progan.metrics.tradeoff import Point

__all__ = ["truncation"]


def truncation(
    run: Annotated[
        Path | None, typer.Argument(help="A run folder or checkpoint; the newest run if none.")
    ] = None,
    extractor: Annotated[
        str | None,
        typer.Option(help="Whose features and classes: inception, effnet-lite0, trained:HASH."),
    ] = None,
    thresholds: Annotated[
        str | None,
        typer.Option(help="Where latents are cut, from loose to tight [none,1.5,1,0.5,0.25,0.04]."),
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="Pictures of each kind [50,000, or as many as are real].")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="DATA", help="Other real pictures than the run's own.")
    ] = None,
    at: Annotated[
        int | None, typer.Option(help="The checkpoint at so many images, not the newest.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this file.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write a line for each point to this file.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw distance over score, as SVG.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Measure a model at several truncations: score, distance, and spread within classes."""
    if extractor is None:
        raise ConfigError(
            "Scores and distances are of features; say whose: progan truncation RUN --extractor "
            "effnet-lite0   Which there are: progan metrics extractors"
        )
    if images is not None and images < 20:
        raise ConfigError(f"--images is {images}; a score of ten parts needs at least 20.")
    if plot is not None and plot.suffix.lower() != ".svg":
        raise ConfigError(f"--plot is {plot}; it is written as SVG: --plot {plot.stem}.svg")
    path = newest_run(runs, draws=True) if run is None else run

    from progan.assemble.measuring.truncation import measure
    from progan.assemble.writing.files import check_free, write_out
    from progan.engine.precision import choose_device
    from progan.extractors.names import lookup
    from progan.metrics.tradeoff import THRESHOLDS

    cuts = THRESHOLDS if thresholds is None else _read(thresholds)
    for place in (to, table, plot):
        if place is not None:
            check_free(place)
    say(f"{'cut at':>8}{'IS':>9}{'± parts':>9}{'FD':>10}{'spread':>9}")
    found = measure(
        path,
        lookup(extractor, device=choose_device(device)),
        thresholds=cuts,
        images=images,
        at_images=at,
        against=against,
        device=device,
        heard=lambda point: say(_line(point)),
    )
    for line in _words(found):
        say(line)
    content = json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n"
    for place, written in ((to, content.encode()), (table, found.to_csv()), (plot, found.to_svg())):
        if place is not None:
            write_out(place, written)
            say(f"Written: {place}")


def _read(text: str) -> list[float | None]:
    cuts: list[float | None] = []
    for part in text.split(","):
        word = part.strip().lower()
        try:
            cuts.append(None if word == "none" else float(word))
        except ValueError:
            raise ConfigError(
                f'--thresholds has "{word[:40]}"; write numbers with commas between, and none '
                "where latents are not cut: --thresholds none,1.5,1,0.5"
            ) from None
    return cuts


def _cut(threshold: float | None) -> str:
    return "nowhere" if threshold is None else f"{threshold:g}"


def _line(point: Point) -> str:
    return (
        f"{_cut(point.threshold):>8}{point.score:>9.3f}{point.score_spread:>9.3f}"
        f"{point.distance:>10.3f}{point.spread:>9.4f}"
    )


def _words(found: Measured) -> list[str]:
    """The three points of the paper's table, and what all rests on."""
    curve, record = found.curve, found.extractor
    real = curve.at_real_score
    passed = "not reached" if real is None else f"FD {real:.3f}"
    return [
        f"Least distance: FD {curve.nearest.distance:.3f}, IS {curve.nearest.score:.3f}, cut at "
        f"{_cut(curve.nearest.threshold)}.",
        f"At the score of real pictures, IS {curve.real_score:.3f}: {passed}.",
        f"Highest score: IS {curve.surest.score:.3f}, FD {curve.surest.distance:.3f}, cut at "
        f"{_cut(curve.surest.threshold)}.",
        f"Of {curve.points[0].images:,} pictures each; features and classes: "
        f"{record['extractor']}, weights {record['weights'][:12]}, {record['resize']}.",
        "The same cut in pictures: progan sample RUN --truncation with half the number.",
        *found.notes,
    ]
