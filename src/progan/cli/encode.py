"""The verbs of encoders: pictures drawn again, their codes in a file, and their neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.cli.streams import say
from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.assemble.encoding.encode import Coder
    from progan.assemble.encoding.given import Given

__all__ = ["AtImages", "Device", "Run", "Weights", "encode", "neighbours", "reconstruct"]

FILMS = (".gif", ".webp", ".apng", ".mp4")
MOST_SHOWN = 1_000
CLASSED = 2_000
"""Labelled pictures on which codes are tried."""

Run = Annotated[Path, typer.Argument(help="A run folder, checkpoint or exported folder.")]
Pictures = Annotated[
    str,
    typer.Argument(
        help="One picture, a folder, zip, npz or IDX file of them, or a packaged set. They are "
        "made square and equal as the run's own were."
    ),
]
Weights = Annotated[str, typer.Option(help="average, or live: as last trained.")]
AtImages = Annotated[
    int | None, typer.Option(help="The checkpoint at so many images, not the newest.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]


def reconstruct(
    run: Run,
    pictures: Pictures,
    out: Annotated[
        Path | None, typer.Argument(help="PNG to write, or with --between a film: .gif …")
    ] = None,
    show: Annotated[int, typer.Option(help="Pictures on the sheet.")] = 16,
    attribute: Annotated[
        str | None,
        typer.Option(help="A class or label: two more rows, with and without more of it."),
    ] = None,
    learn_from: Annotated[
        str | None,
        typer.Option("--from", metavar="DATA", help="Labelled pictures it is learned from."),
    ] = None,
    strength: Annotated[float, typer.Option(help="How far pictures are moved along it.")] = 1.0,
    between: Annotated[
        str | None, typer.Option(metavar="A,B", help="The way from one picture to another: 0,5.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Pictures on that way.")] = 10,
    seconds: Annotated[float, typer.Option(help="Length of a film.")] = 4.0,
    weights: Weights = "average",
    at_images: AtImages = None,
    device: Device = "auto",
) -> None:
    """Draw pictures again from their codes: originals above, reconstructions below."""
    _check(show=show)
    if between is not None and attribute is not None:
        raise ConfigError("--between and --attribute do not go together; leave one out.")
    if attribute is None and learn_from is not None:
        raise ConfigError("--from says what an attribute is learned from: --attribute NAME")
    if not -100 <= strength <= 100:
        raise ConfigError(f"--strength is {strength:g}; it must be from -100 to 100.")
    film = out is not None and out.suffix.lower() in FILMS
    if film and between is None:
        raise ConfigError(f'"{out}" is a film; say between which pictures: --between 0,1')

    from progan.assemble.encoding.sheets import bands, check_sheet, write_sheet
    from progan.assemble.writing.files import check_free, free_name

    path = out or free_name(Path(f"{run.resolve().stem}-reconstructions.png"))
    (check_free if film else check_sheet)(path)
    coder, given = _opened(run, pictures, weights, at_images, device)
    if between is not None:
        _between(coder, given, between, path, steps, seconds, film=film)
        return
    rows = given.spread(show)
    pixels = given.pixels(rows)
    codes = coder.encode(pixels)
    shown = [pixels, coder.draw(codes)]
    if attribute is not None:
        from progan.assemble.encoding.encode import direction, moved
        from progan.assemble.encoding.given import run_of, with_column

        labelled, has = with_column(attribute, learn_from or pictures, coder.model, run_of(run))
        along = direction(coder.encode_all(labelled, labelled.spread(labelled.count)), has)
        shown += [coder.draw(moved(codes, along, sign * strength)) for sign in (1, -1)]
        say(
            f"{attribute}: mean code of {int(has.sum()):,} pictures that have it, less that of "
            f"{int((~has).sum()):,} others; row 3 has {strength:+g} of it, row 4 {-strength:+g}"
        )
    picture = write_sheet(path, bands(shown, 8), given.side)
    _done(path, f"{picture.width} × {picture.height}", coder)
    say(f"Likeness  {coder.likeness(given).text}")


def _between(
    coder: Coder, given: Given, between: str, path: Path, steps: int, seconds: float, *, film: bool
) -> None:
    """The way from one picture to another, as a row or a film."""
    from progan.assemble.encoding.sheets import bands, write_sheet
    from progan.assemble.writing.film import write_film

    words = between.split(",")
    places = [int(word) if word.strip().isdecimal() else given.count for word in words]
    if len(places) != 2 or max(places) >= given.count:
        raise ConfigError(
            f'--between is "{between[:40]}"; write the numbers of two of the {given.count:,} '
            "pictures, counted from 0: --between 0,1"
        )
    if not 2 <= steps <= MOST_SHOWN or not 0 < seconds <= 600:
        raise ConfigError(
            f"--steps is {steps} and --seconds {seconds:g}; a way has from 2 to {MOST_SHOWN:,} "
            "steps, a film up to 600 seconds: --steps 10 --seconds 4"
        )
    pixels = given.pixels(places)
    if film:
        found = write_film(coder.walk(pixels, max(2, round(30 * seconds))), path, fps=30.0)
        _done(path, f"{found.frames:,} frames, {found.width} × {found.height}", coder)
        return
    row = coder.way(pixels, steps)
    picture = write_sheet(path, bands([row], steps), given.side)
    _done(path, f"{picture.width} × {picture.height}", coder)


def encode(
    run: Run,
    pictures: Pictures,
    out: Annotated[Path, typer.Argument(help="What to write: .npz, or .parquet.")],
    weights: Weights = "average",
    at_images: AtImages = None,
    device: Device = "auto",
) -> None:
    """Write the codes of pictures; of labelled ones, say how well codes tell classes apart."""
    from progan.assemble.encoding.latent_files import check_latents_file, write_latents

    check_latents_file(out)
    coder, given = _opened(run, pictures, weights, at_images, device)

    import numpy as np

    from progan.assemble.encoding.encode import flat, one_nearest

    rows = given.spread(given.count)
    codes = coder.encode_all(given, rows)
    labels = given.labels(rows) if given.classes else None
    write_latents(
        out,
        {name: np.asarray(value.numpy()) for name, value in codes.items()},
        labels=labels,
        classes=given.classes,
        names=given.names,
    )
    size = flat({name: value[:1] for name, value in codes.items()}).shape[1]
    many = f"{given.count:,} codes" if given.count > 1 else "one code"
    _done(out, f"{many} of {size} numbers", coder)
    if labels is not None and given.count > len(given.classes):
        some = given.spread(CLASSED)
        found = one_nearest(
            flat({name: value[some] for name, value in codes.items()}),
            given.pixels(some),
            labels[some],
        )
        say(f"Class of the nearest other of {len(some):,} pictures is the same: {found.text}")


def neighbours(
    run: Run,
    pictures: Pictures,
    out: Annotated[Path | None, typer.Argument(help="PNG to write.")] = None,
    of: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURES", help="Whose neighbours among PICTURES; their own if none."
        ),
    ] = None,
    show: Annotated[int, typer.Option(help="Pictures whose neighbours are shown.")] = 8,
    k: Annotated[int, typer.Option("--k", help="Neighbours of each.")] = 7,
    weights: Weights = "average",
    at_images: AtImages = None,
    device: Device = "auto",
) -> None:
    """A row for each picture: itself, then those whose codes are nearest."""
    _check(show=show, k=k)
    from progan.assemble.encoding.sheets import check_sheet, write_sheet
    from progan.assemble.writing.files import free_name

    path = out or free_name(Path(f"{run.resolve().stem}-neighbours.png"))
    check_sheet(path)
    coder, given = _opened(run, pictures, weights, at_images, device)
    least = 1 if of is not None else 2
    if given.count < least:
        raise ConfigError(
            f"{pictures} is one picture, which has no neighbours. Name those among which to look, "
            "and it behind: progan neighbours RUN PICTURES --of PICTURE"
        )

    import numpy as np

    from progan.assemble.encoding.encode import flat
    from progan.assemble.encoding.encode import neighbours as nearest_of
    from progan.assemble.encoding.given import Given, run_of
    from progan.core.grids import tile

    codes = flat(coder.encode_all(given, given.spread(given.count)))
    if of is None:
        asked = given.spread(show)
        shown = given.pixels(asked)
        found = nearest_of(codes, codes[asked], min(k, given.count - 1), asked)
    else:
        others = Given.open(of, coder.model, run_of(run))
        shown = others.pixels(others.spread(show))
        found = nearest_of(codes, flat(coder.encode(shown)), min(k, given.count))
    rows = [np.concatenate([shown[i : i + 1], given.pixels(found[i])]) for i in range(len(shown))]
    picture = write_sheet(path, tile(np.concatenate(rows), 1 + found.shape[1]), given.side)
    _done(path, f"{picture.width} × {picture.height}", coder)
    if given.names:
        for row in found[: min(8, len(found))]:
            say("  " + ", ".join(given.names[place] for place in row[:4]))


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if not 1 <= number <= MOST_SHOWN:
            raise ConfigError(
                f"--{name} is {number:,}; it must be from 1 to {MOST_SHOWN:,}: --{name} 8"
            )


def _opened(
    run: Path, pictures: str, weights: Any, at_images: int | None, device: str
) -> tuple[Coder, Given]:
    """The model with its encoder, and the pictures that were named."""
    from progan.assemble.encoding.encode import Coder
    from progan.assemble.encoding.given import Given, run_of
    from progan.assemble.models.model import load

    coder = Coder(load(run, at_images=at_images, weights=weights, device=device))
    given = Given.open(pictures, coder.model, run_of(run))
    for line in coder.model.stored.passed:
        say(f"{line} Using {coder.model.path.name}.")
    return coder, given


def _done(path: Path, what: str, coder: Coder) -> None:
    model = coder.model
    say(f"{path}  {what}, from {model.path} at {model.trained_images:,} images")
