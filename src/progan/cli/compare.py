"""The verb `compare`: train several contestants alike, measure them alike, say what is sure."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from progan.cli import screen
from progan.cli.options import Device, Runs
from progan.cli.streams import say
from progan.core.errors import ConfigError

__all__ = ["compare", "train_on_screen"]

MOST_AT_ONCE = 64


def compare(
    what: Annotated[
        list[Path], typer.Argument(help="A comparison (YAML or a packaged one), or finished runs.")
    ],
    to: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to [runs/NAME].")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Of finished runs: swd,msssim; all that fit if left out.")
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="Of finished runs: images of each kind for a measurement.")
    ] = None,
    extractor: Annotated[
        str | None, typer.Option(help="Whose features are measured: progan metrics extractors.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Minutes of each training, in place of what it says.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="LIST", help="Seeds in place of those it names: 0,1.")
    ] = None,
    at_once: Annotated[
        int, typer.Option(metavar="K", help="Trainings side by side, each with its share of cores.")
    ] = 1,
    device: Device = None,
    runs: Runs = Path("runs"),
) -> None:
    """Compare trainings over several seeds: pictures, numbers, and what they allow to be said."""
    if images is not None and images < 4:
        raise ConfigError(f"--images is {images}; it must be at least 4.")
    if not 1 <= at_once <= MOST_AT_ONCE:
        raise ConfigError(f"--at-once is {at_once}; it must be from 1 to {MOST_AT_ONCE}.")
    finished = [path for path in what if path.is_dir()]
    if finished and len(finished) < len(what):
        raise ConfigError(
            "compare takes one comparison, or finished runs, not both: progan compare runs/A runs/B"
        )
    if not finished and len(what) > 1:
        raise ConfigError(
            f"{len(what)} comparisons came; one is carried out at a time: progan compare {what[0]}"
        )
    if not finished and (metrics is not None or images is not None):
        raise ConfigError(
            "A comparison says itself what is measured: metrics: [swd], images: 4096."
        )
    if finished and (minutes is not None or seeds is not None or at_once > 1):
        raise ConfigError(
            "Finished runs are not trained again: leave out --minutes, --seeds and --at-once."
        )
    given = {
        **{"--to": to, "--metrics": metrics, "--images": images, "--extractor": extractor},
        **{"--minutes": minutes, "--seeds": seeds, "--at-once": at_once if at_once > 1 else None},
    }
    options = [str(word) for pair in given.items() if pair[1] is not None for word in pair]
    words = shlex.join(["progan", "compare", *map(str, what), *options])

    from progan.assemble.comparing import contest

    if finished:
        names = None if metrics is None else [name.strip() for name in metrics.split(",")]
        comparison, entries = contest.gather(
            finished, metrics=names, images=images, extractor=extractor, heard=say
        )
        folder = to or runs / "comparison"
    else:
        comparison = contest.read_comparison(
            str(what[0]), extractor, minutes=minutes, seeds=_seeds(seeds)
        )
        folder = to or runs / comparison.name
        try:
            entries = contest.carry_out(
                comparison,
                folder,
                trains=train_on_screen,
                heard=say,
                device=device,
                at_once=at_once,
                worker="progan.cli.contestant",
                words=shlex.split(words)[1:],
            )
        except contest.StoppedError as stopped:
            say(str(stopped))
            raise typer.Exit(stopped.exit_code) from None
    _write(comparison, entries, folder, words)


def _seeds(words: str | None) -> list[int] | None:
    """Read `0,1,2`."""
    if words is None:
        return None
    parts = [part.strip() for part in words.split(",")]
    if not all(part.isdecimal() and len(part) < 19 for part in parts) or len(set(parts)) < len(
        parts
    ):
        raise ConfigError(
            f'--seeds is "{words[:60]}"; write numbers with commas between, each once: --seeds 0,1'
        )
    return [int(part) for part in parts]


def train_on_screen(work: Callable[[Any], Any]) -> int:
    """Play a training on this process's screen; its exit code. Others may have come before it."""
    face = screen.open_face(time.monotonic())
    try:
        outcome = work(face)
    finally:
        face.close()
    return int(outcome.exit_code)


def _write(comparison: Any, entries: Any, folder: Path, words: str) -> None:
    from progan.assemble.comparing.numbers import write_table
    from progan.assemble.comparing.verdicts import answers_of, lines_of
    from progan.report.contest import write_page
    from progan.report.contest_markdown import write_markdown, write_sheets

    folder.mkdir(parents=True, exist_ok=True)
    lines, answers = lines_of(comparison, entries), answers_of(comparison, entries)
    table = write_table(entries, folder / "comparison.csv")
    page = write_page(comparison, entries, lines, answers, folder / "comparison.html", words)
    sheets = write_sheets(comparison, entries, folder)
    text = write_markdown(
        comparison, entries, lines, answers, sheets, folder / "comparison.md", words
    )
    for line in lines:
        if line.said:
            level = f" {line.level}" if line.level not in ("", "mean") else ""
            say(f"{line.title}{level}: {line.said}")
    for answer in answers:
        say(f"{answer.outcome:<8} {answer.words}\n         {answer.because}")
    say(f"  look     {page}\n  numbers  {table}\n  text     {text}")
