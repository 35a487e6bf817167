"""The verb `remake`: a picture made again by a model of one picture; and its film."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from progan.cli.figures import memory
from progan.cli.streams import say
from progan.core.config import choose
from progan.core.errors import ConfigError

__all__ = ["remake"]


def remake(
    run: Annotated[Path, typer.Argument(help="A run, checkpoint or exported folder.")],
    picture: Annotated[Path | None, typer.Argument(help="Your picture; a film needs none.")] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--as",
            help="paint: a sketch becomes a picture. harmonise: what was pasted in fits. edit: "
            "what was moved fits. larger: more pixels. film: the training picture moves.",
        ),
    ] = "paint",
    mask: Annotated[
        Path | None,
        typer.Option(help="For harmonise and edit: a picture of the same size, white where new."),
    ] = None,
    from_scale: Annotated[
        int | None,
        typer.Option(help="Scale that the picture enters at: finer ones change less [by kind]."),
    ] = None,
    times: Annotated[float | None, typer.Option(help="For larger: how many times [4].")] = None,
    still: Annotated[bool, typer.Option("--still", help="For larger: add no noise.")] = False,
    seconds: Annotated[float | None, typer.Option(help="Length of a film [10].")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second of a film [10].")] = None,
    pull: Annotated[
        float | None, typer.Option(help="For film: how it is drawn back to the picture [0.1].")
    ] = None,
    inertia: Annotated[
        float | None, typer.Option(help="For film: how a movement goes on [0.9].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
    to: Annotated[
        Path | None, typer.Option(help="What to write: .png; .gif .webp .apng .mp4 for films.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Make your picture again out of the patches of the one that a model learnt; or film it."""
    from progan.assemble.models.model import load
    from progan.assemble.sampling import remake as remaking
    from progan.assemble.writing.containers import MADE_HERE
    from progan.assemble.writing.files import check_free, free_name, write_out
    from progan.assemble.writing.film import write_film
    from progan.core.grids import png_bytes, to_picture

    if kind not in remaking.KINDS:
        raise ConfigError(choose("way to remake", kind, remaking.KINDS, "progan remake --help"))
    film = kind == "film"
    films = {"seconds": seconds, "fps": fps, "pull": pull, "inertia": inertia}
    _refuse(kind, films, picture=picture, mask=mask, times=times, still=still)
    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed is {seed}; it must be from 0 to 2⁶³ − 1.")
    suffix = ".gif" if film else ".png"
    if to is not None and not film and to.suffix.lower() != ".png":
        raise ConfigError(f'A picture cannot be written as "{to.name}"; its name must end in .png.')
    model = load(run, device=device)
    path = to or free_name(Path(f"{(picture or run.resolve()).stem}-{kind}{suffix}"))
    check_free(path)
    if film:
        rate = 10.0 if fps is None else fps
        length = 10.0 if seconds is None else seconds
        if not 0 < length <= 3600:
            raise ConfigError(f"--seconds is {length:g}; a film takes up to 3600: --seconds 10")
        frames = remaking.film_frames(
            model,
            max(1, round(rate * length)),
            start=from_scale,
            pull=0.1 if pull is None else pull,
            inertia=0.9 if inertia is None else inertia,
            seed=seed,
        )
        made = write_film(frames, path, fps=rate)
        say(f"{path}  {made.frames:,} frames, {made.width} × {made.height}, {made.seconds:.1f} s")
        return
    assert picture is not None
    channels = model.channels
    given = remaking.read_picture(picture.expanduser(), channels, least=8)
    white = None if mask is None else remaking.read_picture(mask.expanduser(), 1)
    found = remaking.remake(
        model,
        given,
        kind,
        mask=white,
        start=from_scale,
        times=4.0 if times is None else times,
        still=still,
        seed=seed,
    )
    write_out(path, png_bytes(to_picture(found.picture), {"Software": MADE_HERE.decode()}))
    height, width = found.picture.shape[:2]
    say(f"{path}  {height} × {width}, from scale {found.start}, about {memory(found.needed)}")
    if kind not in ("larger", *remaking.MASKED) and from_scale is None:
        finer = shlex.join(["progan", "remake", str(run), str(picture), "--as", kind])
        say(f"Less changed: {finer} --from-scale {found.start + 1}")


def _refuse(
    kind: str,
    films: dict[str, float | None],
    *,
    picture: Path | None,
    mask: Path | None,
    times: float | None,
    still: bool,
) -> None:
    """Raise ConfigError for words that do not go together."""
    from progan.assemble.sampling.remake import MASKED

    if kind == "film" and picture is not None:
        raise ConfigError(
            f"A film is of the training picture, and {picture} is another. Leave it out: "
            "progan remake RUN --as film"
        )
    if kind != "film" and picture is None:
        raise ConfigError(
            f"There is no picture to {kind if kind != 'larger' else 'make larger'}. Name one: "
            f"progan remake RUN PICTURE --as {kind}"
        )
    if kind in MASKED and mask is None:
        raise ConfigError(
            f"--as {kind} needs a mask, a picture of the same size that is white where something "
            "is new: --mask MASK.png"
        )
    if kind not in MASKED and mask is not None:
        raise ConfigError(f"--as {kind} takes no mask; leave --mask out, or say --as harmonise.")
    if kind != "larger" and (times is not None or still):
        word = "times" if times is not None else "still"
        raise ConfigError(f"--{word} is for larger pictures; leave it out, or say --as larger.")
    wrong = [name for name, value in films.items() if value is not None]
    if kind != "film" and wrong:
        raise ConfigError(f"--{wrong[0]} is for films; leave it out, or say --as film.")
