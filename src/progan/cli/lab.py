"""The verb `lab`: watch a game of points, or see a question of the survey answered."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from progan.cli.options import Sets
from progan.cli.streams import say
from progan.core.errors import ConfigError, RoomError

__all__ = ["lab"]


def lab(
    games: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GAME",
            help="An objective or a system: minimax, wgan_gp, fgan:kl … Several are compared.",
        ),
    ] = None,
    data: Annotated[str, typer.Option(help="ring, grid, spiral, gaussians1d …")] = "ring",
    steps: Annotated[int | None, typer.Option(help="Generator updates; 2,500 if left out.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    exhibit: Annotated[
        str | None, typer.Option(help="Answer one of the survey's questions instead.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole gallery: every question, every game.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to; runs/lab-NAME if left out.")
    ] = None,
    gif: Annotated[bool, typer.Option("--gif", help="A GIF in the place of a WebP.")] = False,
    sets: Sets = None,
) -> None:
    """Watch GANs play on points of the line or the plane, in seconds."""
    games = games or []
    if sum([bool(games), exhibit is not None, everything]) > 1 or len(games) > 4:
        raise ConfigError(
            "lab takes up to four games, or one of --exhibit and --all. For example: "
            "progan lab minimax wgan_gp"
        )
    if not 0 <= seed < 2**63 or (steps is not None and not 1 <= steps <= 1_000_000):
        raise ConfigError(
            f"--seed is {seed} and --steps {steps}; the first is 0 or more, the second 1 to a "
            "million. Type: progan lab wgan_gp --steps 2500 --seed 0"
        )
    words = _words(games, data, steps, seed, exhibit, gif, sets or [])
    from progan.lab import run

    if not games and exhibit is None and not everything:
        say(f"{run.known()}\n\nFor example: progan lab non-saturating --data ring")
        return
    torch_on_one_thread()
    if everything:
        folder = _taken(to, "lab")
        outcome = run.everything(folder, seed=seed, heard=say)
        say(f"\n{outcome.words}.\n  look    {outcome.page}")
        if not outcome.holds:
            say("Some numbers are not as they must be: see the pages.")
            raise typer.Exit(6)
        return
    if exhibit is not None:
        asked = run.lookup_exhibit(exhibit)
        folder = _taken(to, f"lab-{exhibit}")
        outcome = run.answer(asked, folder, command_line=words, seed=seed)
        say(f"{outcome.words}\n  look    {outcome.page}")
        return
    prepared = [run.prepare(game, data, steps=steps, seed=seed, sets=sets or []) for game in games]
    folder = _taken(to, f"lab-{'-'.join(games)}-{data}")
    film = "film.gif" if gif else "film.webp"
    if len(prepared) > 1:
        page = run.compare(prepared, folder, command_line=words, film=film)
        say(f"  look    {page}\n  film    {folder / film}")
        return
    shown = prepared[0].play(folder, command_line=words, film=film)
    found = ", ".join(
        f"{name.replace('_', ' ')} {'infinite' if value is None else format(value, '.3g')}"
        for name, value in shown.numbers["generated"].items()
    )
    say(f"{prepared[0].lesson.title} on {data}: {found}")
    say(f"  look    {shown.page}\n  film    {shown.film}")


def _words(
    games: list[str],
    data: str,
    steps: int | None,
    seed: int,
    exhibit: str | None,
    gif: bool,
    sets: list[str],
) -> str:
    """The command that makes the same again."""
    if exhibit is not None:
        parts = ["progan", "lab", "--exhibit", exhibit, "--seed", str(seed)]
        return shlex.join(parts)
    parts = ["progan", "lab", *games, "--data", data, "--seed", str(seed)]
    parts += ["--steps", str(steps)] if steps else []
    parts += ["--gif"] if gif else []
    for one in sets:
        parts += ["--set", one]
    return shlex.join(parts)


def torch_on_one_thread() -> None:
    """Networks this small are slower on two threads than on one."""
    import torch

    torch.set_num_threads(1)


def _taken(to: Path | None, name: str) -> Path:
    """The folder to write to: `to`, or a new one in runs."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    try:
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            return to
        for number in range(1, 10_000):
            place = Path("runs") / (safe if number == 1 else f"{safe}-{number}")
            if not place.exists():
                place.mkdir(parents=True)
                return place
    except OSError as error:
        raise RoomError(
            f"{to or 'runs'} cannot be made a folder: {error.strerror or error}. Another place: "
            "--to FOLDER"
        ) from error
    raise RoomError(f"runs holds thousands of {safe}; another place: --to FOLDER")
