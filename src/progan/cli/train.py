"""The verbs that train: demo, train, resume."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from progan.assemble.training.ask import Asked, prepare
from progan.assemble.training.runs import newest_run
from progan.assemble.training.screens import Onlooking
from progan.cli import options, processes, screen
from progan.cli.streams import say
from progan.core.errors import ConfigError, RoomError
from progan.core.spelling import nearest
from progan.data.records import shown
from progan.systems.registry import SYSTEMS

__all__ = ["check_numbers", "check_words", "demo", "resume", "spoken", "train"]


def train(
    source: options.Source,
    more: options.More = None,
    minutes: options.Minutes = None,
    images: Annotated[
        int | None, typer.Option(help="Train on so many images in all, instead of minutes.")
    ] = None,
    resolution: options.Resolution = None,
    seed: options.Seed = None,
    system: options.System = None,
    preset: options.Preset = None,
    sets: options.Sets = None,
    name: Annotated[str | None, typer.Option(help="Name of the run folder.")] = None,
    device: options.Device = None,
    exact: options.Exact = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard files.")
    ] = False,
    runs: options.Runs = Path("runs"),
) -> None:
    """Train on pictures: plan, training, report. Only the first word is needed."""
    check_numbers(minutes=minutes, images=images, resolution=resolution)
    check_words(source=source, system=system, preset=preset, name=name, device=device)
    words, second, system = spoken(source, more, system, "progan train")
    _train(
        Asked(
            words=words,
            second=second,
            system=system,
            preset=preset,
            resolution=resolution,
            minutes=minutes,
            images=images,
            seed=seed,
            name=name,
            device=device,
            exact=exact,
            sets=tuple(sets or ()),
            runs=runs,
            tensorboard=tensorboard,
            began=screen.BEGAN,
        )
    )


def demo(
    minutes: Annotated[float, typer.Option(help="How long.")] = 3.0,
    device: options.Device = None,
    runs: options.Runs = Path("runs"),
) -> None:
    """Three minutes on portraits drawn by progan itself."""
    check_numbers(minutes=minutes)
    check_words(device=device)
    _train(
        Asked(
            words="portraits",
            minutes=minutes,
            name="demo",
            device=device,
            runs=runs,
            sets=("data.images=3000",),
            began=screen.BEGAN,
        )
    )


def resume(
    run: Annotated[
        Path | None, typer.Argument(help="A run folder; the newest if left out.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Train for so much longer.")] = None,
    images: Annotated[int | None, typer.Option(help="Train on so many images more.")] = None,
    accept_new_data: Annotated[
        bool, typer.Option("--accept-new-data", help="Go on although the pictures changed.")
    ] = False,
    runs: options.Runs = Path("runs"),
) -> None:
    """Go on exactly where a run stopped."""
    check_numbers(minutes=minutes, images=images)
    first = processes.join()
    path = (run or newest_run(runs)) if first else None
    began = screen.BEGAN

    def work(face: Any) -> Any:
        from progan.assemble.training.train import resume_run

        return resume_run(
            path,
            face,
            minutes=minutes,
            images=images,
            accept_new_data=accept_new_data,
            began=began,
        )

    if path is not None and not (path / "recipe.lock.yaml").is_file():
        raise ConfigError(_no_run(path, runs))
    _session(work)


def _no_run(path: Path, runs: Path) -> str:
    """What to say where there is no run."""
    known = {run.parent.name: run.parent for run in runs.glob("*/recipe.lock.yaml")}
    meant = nearest(path.name, known)
    if path.is_dir():
        text = f"{path} is not a run: it has no recipe.lock.yaml, which progan train makes first."
    elif path.exists():
        text = f"{path} is a file; a run is the folder that progan train made."
    else:
        text = f"There is no run at {path}."
    if meant is not None:
        return f"{text} Did you mean this? progan resume {shlex.quote(str(known[meant]))}"
    if path.is_dir() and not known:
        return f"{text} To train on the pictures in it: progan train {shlex.quote(str(path))}"
    see = f"Runs made so far: ls {shlex.quote(str(runs))}" if known else "Make one: progan demo"
    return f"{text} {see}"


def check_numbers(
    minutes: float | None = None, images: int | None = None, resolution: int | None = None
) -> None:
    """Refuse lengths and sizes that cannot be."""
    if minutes is not None and not 0 < minutes < 10**7:
        raise ConfigError(f"--minutes is {minutes:g}; it must be above 0: --minutes 10")
    if images is not None and images < 1:
        raise ConfigError(f"--images is {images}; it must be at least 1: --images 100000")
    if minutes is not None and images is not None:
        raise ConfigError("--minutes and --images both say how long; give one: --minutes 10")
    if resolution is not None and resolution < 4:
        raise ConfigError(
            f"--resolution is {resolution}; it must be a power of two from 4 to 1024: "
            "--resolution 32"
        )


def check_words(**words: str | None) -> None:
    """Refuse options that were given without a word."""
    for option, word in words.items():
        if word is not None and not word.strip():
            name = option if option == "source" else f"--{option}"
            raise ConfigError(f"{name} is empty; say one, or leave it out: progan train --help")


def spoken(
    source: str, more: list[str] | None, system: str | None, path: str
) -> tuple[str, str | None, str | None]:
    """First source, second one and system: a system's name may stand in front of the sources.

    Raises ConfigError for more words than two sources.
    """
    words = [source, *(more or ())]
    if len(words) > 1 and words[0] in SYSTEMS and system is None:
        system, words = words[0], words[1:]
    if len(words) > 2:
        raise ConfigError(
            f'"{shown(words[2])[:80]}" is too much: {path} takes a source, or two for a system '
            f"that translates. Put a name with spaces in quotes. All words of it: {path} --help"
        )
    return words[0], words[1] if len(words) > 1 else None, system


def _train(asked: Asked) -> None:
    first = processes.join()
    if first and asked.runs.exists() and not asked.runs.is_dir():
        raise RoomError(
            f"{asked.runs} is a file, so no run folder can be made in it. "
            "Choose another place: --runs FOLDER"
        )
    # Alone, wrong words are told before torch is loaded; of several, the first one reads them.
    prepared = prepare(asked) if first else None

    def work(face: Any) -> Any:
        from progan.assemble.training.train import train_run

        return train_run(prepared, face)

    _session(work)


def _session(work: Callable[[Any], Any]) -> None:
    if not processes.join():
        outcome = work(Onlooking())
        raise typer.Exit(outcome.exit_code)
    face = screen.open_face()
    try:
        outcome = work(face)
    except KeyboardInterrupt:
        face.line("Stopped", "what was saved so far is kept")
        raise
    finally:
        face.close()
    if outcome.exit_code:
        say(
            f"Stopped after saving at {outcome.images:,} images. "
            f"Continue: progan resume {shlex.quote(str(outcome.path))}"
        )
        raise typer.Exit(outcome.exit_code)
    face.summary(outcome.path, outcome.images, outcome.seconds)
