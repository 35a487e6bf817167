"""The verbs about what metrics look through: extractors listed, fetched and trained."""

from __future__ import annotations

import textwrap
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from progan.cli import screen
from progan.cli.figures import clock
from progan.cli.options import Device, Runs, Seed
from progan.cli.streams import say, width_of_screen
from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.assemble.measuring.extractors import ExtractorMade

__all__ = ["app"]

app = typer.Typer(
    help="The networks that metrics look through: extractors.",
    no_args_is_help=False,
    rich_markup_mode=None,
)

FIRST_LINES = """\
progan metrics extractors            those that are ready here
progan metrics train-extractor DATA  one of your own, of labelled pictures
progan metrics get-inception         the weights that FID is defined by
progan metrics --help                all words"""

Inception = Annotated[
    Path | None,
    typer.Option(
        "--inception-weights", metavar="FILE", help="FID's Inception, if not in PROGAN_INCEPTION."
    ),
]


@app.callback(invoke_without_command=True)
def _first(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        say(FIRST_LINES)


@app.command(short_help="Which extractors are ready here.")
def extractors(inception_weights: Inception = None) -> None:
    """Every extractor by its name, with what is missing to use it."""
    from progan.extractors.names import offers

    for offer in offers(inception_weights=inception_weights):
        say(f"{offer.name}  {'ready' if offer.ready else 'not ready'}")
        say(textwrap.indent(textwrap.fill(offer.about, max(40, width_of_screen() - 4)), "    "))


@app.command(short_help="Train an extractor on labelled pictures.")
def train_extractor(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Labelled pictures: a folder with one subfolder for each class, an npz or IDX "
            "file, or a packaged set.",
        ),
    ],
    test: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Labelled pictures to test on; if left out, one in seven is held out.",
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="[extractors/DATA.safetensors]")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Train about so long, rather than so many pictures.")
    ] = None,
    images: Annotated[int | None, typer.Option(help="Pictures to show in training.")] = None,
    resolution: Annotated[
        int | None, typer.Option(help="Side of the pictures; theirs, at most 64, if left out.")
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Mirroring does not change the class.")
    ] = False,
    seed: Seed = None,
    device: Device = None,
    runs: Runs = Path("runs"),
) -> None:
    """Train a small classifier, test it on pictures it has not seen, and keep it.

    Its features serve distances between sets of pictures; its classes tell whether a generator
    draws what it was asked for.
    """
    from progan.assemble.measuring.extractors import ExtractorAsked, train_extractor

    asked = ExtractorAsked(
        data=data,
        test=test,
        to=to,
        minutes=minutes,
        images=images,
        resolution=resolution,
        mirror=mirror,
        seed=seed or 0,
        device=device or "auto",
        runs=runs,
    )
    began = time.monotonic()
    with closing(screen.open_face()) as face:
        made = train_extractor(asked, face)
        _tell(made, face, time.monotonic() - began)


def _tell(made: ExtractorMade, face: screen.Face, seconds: float) -> None:
    facts = made.facts
    face.line("Trained", f"{facts.images:,} pictures shown in {clock(seconds)}, seed {facts.seed}")
    # half of the 95 % interval of a share
    spread = 1.96 * (facts.accuracy * (1 - facts.accuracy) / facts.tested_on) ** 0.5
    face.line(
        "Right",
        f"{facts.accuracy:.2%} (± {spread:.2%}) of {facts.tested_on:,} pictures it has not seen "
        f"({facts.test})",
    )
    named = zip(facts.classes, facts.accuracy_by_class, strict=True)
    face.line("", ", ".join(f"{name} {share:.0%}" for name, share in named))
    face.line("Kept", f"{made.path}, whose name is {made.name}")


@app.command(short_help="The weights that FID is defined by.")
def get_inception(
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the public file (96 MB).")
    ] = False,
    given: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="The public file, if you have it.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="[extractors/inception-2015-12-05.safetensors]"),
    ] = None,
) -> None:
    """Check the public file by its SHA-256, and keep its tensors where metrics find them."""
    if download == (given is not None):
        raise ConfigError(
            "get-inception takes one of two: --download fetches the public file, --from FILE "
            "takes the one you have."
        )
    from progan.extractors import inception_file
    from progan.extractors.names import FOLDER

    place = to or FOLDER / inception_file.FILE
    if place.suffix != ".safetensors":
        raise ConfigError(f"--to is {place}; its name must end in .safetensors.")
    if given is not None:
        inception_file.keep(given.expanduser(), place)
    else:
        with closing(screen.open_face()) as face:
            total = inception_file.PUBLIC.size
            url = inception_file.download(
                place, heard=lambda done: face.counted("Fetching", done, total, "bytes")
            )
            face.line("From", url)
    say(f"Kept in {place}; its SHA-256 was the public one, {inception_file.PUBLIC.sha256[:12]}….")
