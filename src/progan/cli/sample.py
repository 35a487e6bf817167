"""The verb `sample`: sheets, many pictures, walks, the growth of a run, a picture made again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.assemble.training.runs import newest_run
from progan.cli import many, processes
from progan.cli.asked import refuse_mixtures
from progan.cli.figures import memory
from progan.cli.streams import say
from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.assemble.models.model import Model
    from progan.assemble.models.notes import Settings
    from progan.assemble.writing.film import Film

__all__ = ["sample"]

FILMS = (".gif", ".webp", ".apng", ".mp4")
WRITTEN = (".png", *FILMS)
MANY = (".npz", ".zip")


def sample(
    run: Annotated[
        str | None,
        typer.Argument(help="A run folder, checkpoint or exported folder; the newest run if none."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Argument(
            help="What to write: .png, or .gif .webp .apng .mp4 for films; a folder, .zip or "
            ".npz for many."
        ),
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Which pictures: 0,3,600-605.")] = None,
    grid: Annotated[str | None, typer.Option(help="Columns x rows: 6x4.")] = None,
    truncation: Annotated[
        float | None, typer.Option(help="Above 0 to 1: smaller is safer and more alike.")
    ] = None,
    z_std: Annotated[
        float | None,
        typer.Option("--z-std", help="Standard deviation of the noise, instead of 1."),
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(help="Of the half-grown network: 16, or 64x96.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Of a model of one picture: pictures of any height x width, 64x128."),
    ] = None,
    from_scale: Annotated[
        int | None,
        typer.Option(
            help="Of the same: the scale from which noise is new; coarser ones keep the picture's "
            "layout [0]."
        ),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Within a fade: 0 to 1, the weight of the newest layers.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A class by name or number, or labels such as glasses=1,age=37; once, or once a "
            "seed."
        ),
    ] = None,
    to_label: Annotated[
        str | None,
        typer.Option(help="With --label: a row for each seed, or a film, from that to this label."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="What to draw, in words; several times: a row for each."),
    ] = None,
    to_text: Annotated[
        str | None,
        typer.Option(help="With --text: a row for each seed, or a film, from that to this text."),
    ] = None,
    grid_by_class: Annotated[
        bool,
        typer.Option(
            "--grid-by-class",
            help="A row for each class or value of a label, the same seeds in each.",
        ),
    ] = False,
    traverse: Annotated[
        bool,
        typer.Option("--traverse", help="A row for each code or label, swept through its values."),
    ] = False,
    arithmetic: Annotated[
        str | None,
        typer.Option(help='Means of seeds, added and taken away: "1,2,3 - 4,5,6 + 7,8,9".'),
    ] = None,
    walk: Annotated[
        str | None,
        typer.Option(
            help="Film a walk through these seeds: 0,3,7. One seed: a random walk. A .png: a row "
            "from each to the next."
        ),
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of a walk [8].")] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames a second [walk 30, time-lapse 6].")
    ] = None,
    timelapse: Annotated[
        bool, typer.Option("--timelapse", help="Film how the run's pictures grew.")
    ] = False,
    like: Annotated[
        Path | None, typer.Option(help="Make the pixels of this picture again.")
    ] = None,
    separate: Annotated[
        bool, typer.Option("--separate", help="One PNG for each seed, into the folder OUT.")
    ] = False,
    n: Annotated[
        int | None,
        typer.Option("--n", help="Pictures of seeds 0 to N-1, fast: into a folder, .zip or .npz."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="With --n: each picture alone, to the last bit.")
    ] = False,
    backend: Annotated[
        str | None, typer.Option(help="With --n: what to compute with [the fastest here].")
    ] = None,
    weights: Annotated[str, typer.Option(help="average, or live: as last trained.")] = "average",
    at_images: Annotated[
        int | None, typer.Option(help="The checkpoint at so many images, not the newest.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N [auto].")] = None,
) -> None:
    """Make pictures or films with a trained model; prints where they are."""
    options = {
        **{"seeds": seeds, "grid": grid, "truncation": truncation, "resolution": resolution},
        **{"alpha": alpha, "label": label or None, "walk": walk, "seconds": seconds, "fps": fps},
        **{"timelapse": timelapse or None, "separate": separate or None, "at-images": at_images},
        **{"n": n, "exact": exact or None, "backend": backend, "z-std": z_std},
        **{
            "to-label": to_label,
            "text": text or None,
            "to-text": to_text,
            "grid-by-class": grid_by_class or None,
            "traverse": traverse or None,
            "arithmetic": arithmetic,
            "size": size,
            "from-scale": from_scale,
        },
        **{"weights": None if weights == "average" else weights, "like": like, "device": device},
    }
    given = {name: value for name, value in options.items() if value is not None}
    refuse_mixtures(given)
    if n is not None and not processes.join():
        many.help_out(device or "auto")
    source, target = _places(run, out, separate=separate or n is not None)
    if target is not None:
        _check_suffix(target, given)
    if like is not None:
        _again(like, source, target, device)
    elif timelapse:
        _timelapse(source, target, fps)
    else:
        _fresh(source, target, given)


def _places(run: str | None, out: str | None, *, separate: bool) -> tuple[Path | None, Path | None]:
    """Which word is the run and which the file to write: a lone `walk.gif` is no run."""
    if run is not None and out is None:
        path = Path(run).expanduser()
        if not path.exists() or (path.is_file() and path.suffix != ".safetensors"):
            written = path.suffix.lower() in (*WRITTEN, *(MANY if separate else ()))
            if written or (separate and not path.suffix and "runs" not in path.parts):
                return None, path
    source = None if run is None else Path(run).expanduser()
    return source, None if out is None else Path(out).expanduser()


def _check_suffix(target: Path, given: Mapping[str, Any]) -> None:
    """Say before anything is loaded that this cannot be written under this name."""
    if "separate" in given or "n" in given:
        return
    film = "walk" in given or "timelapse" in given
    either = {"to-label", "to-text"} & given.keys() or (
        "walk" in given and not {"seconds", "fps"} & given.keys()
    )
    kinds = (".png", *FILMS) if either else FILMS if film else (".png",)
    if target.suffix.lower() not in kinds:
        what = "A film" if film else "A picture"
        also = "" if film else " (PNG alone keeps pixels and settings; films need --walk)"
        raise ConfigError(
            f'{what} cannot be written as "{target.name}"; its name must end in '
            f"{', '.join(kinds)}{also}. For example: {target.stem or 'samples'}{kinds[0]}"
        )


def _again(like: Path, source: Path | None, target: Path | None, device: str | None) -> None:
    from progan.assemble.sampling.like import picture_like
    from progan.assemble.sampling.sheets import save_picture
    from progan.assemble.writing.files import free_name

    like = like.expanduser()
    model, settings = picture_like(like, source, device)
    path = target or free_name(Path(f"{like.stem}-again.png"))
    picture = save_picture(model, settings, path)
    if model.device.type != settings.device:
        say(f"Made on {model.device.type}, not {settings.device}: single pixels may differ by 1.")
    _done(path, f"{picture.width} × {picture.height}", model)
    _repeat([*_words(source), "--like", str(like), str(path)])


def _timelapse(source: Path | None, target: Path | None, fps: float | None) -> None:
    from progan.assemble.writing.files import check_free, free_name
    from progan.assemble.writing.film import SNAPSHOTS_A_SECOND, write_timelapse

    run = source or newest_run(draws=True)
    if not run.is_dir():
        raise ConfigError(
            f"{run} is not a run folder, and only a run keeps the pictures of its growth. "
            "Name one: progan sample runs/NAME --timelapse"
        )
    path = target or free_name(Path(f"{run.resolve().name}-growth.webp"))
    check_free(path)
    film = write_timelapse(run, path, fps=fps or SNAPSHOTS_A_SECOND)
    _done(path, _film_words(film), None, run)
    _repeat([str(run), "--timelapse", *(["--fps", f"{fps:g}"] if fps else []), str(path)])


def _fresh(source: Path | None, target: Path | None, given: Mapping[str, Any]) -> None:
    from progan.assemble.models.model import load
    from progan.assemble.sampling import sheets
    from progan.assemble.writing.files import free_name

    source = source or newest_run(draws=True)
    model = load(
        source,
        at_images=given.get("at-images"),
        weights=given.get("weights", "average"),
        device=given.get("device", "auto"),
    )
    for line in model.stored.passed:
        say(f"{line} Using {model.path.name}.")
    size = _size(given["resolution"]) if "resolution" in given else None
    model = model.at(size, given.get("alpha")).with_std(given.get("z-std"))
    model = _on_canvas(model, given)
    name = source.resolve().stem if source.is_file() else source.resolve().name
    words = [str(source), *_option_words(given)]
    given = _as_labels(given, model)
    seeds, labels = given.get("walk"), given.get("label")
    if "to-label" in given and _is_film(target, given):
        one = given.get("seeds", "0")
        seeds, labels = f"{one},{one}", [*given["label"], given["to-label"]]
    way = seeds is not None and "walk" in given and target is not None and _is_png(target, given)
    if seeds is not None and not way:
        path = target or free_name(Path(f"{name}-walk.gif"))
        film = sheets.save_walk(
            model,
            seeds,
            path,
            seconds=given.get("seconds", 8.0),
            fps=given.get("fps", 30.0),
            truncation=given.get("truncation"),
            labels=labels,
        )
        _done(path, _film_words(film), model)
        _repeat([*words, str(path)])
        return
    if "n" in given:
        many.many(model, given, target or free_name(Path(f"{name}-pictures")), words)
        return
    settings = _settings(model, given, way=way)
    if "separate" in given:
        path = target or free_name(Path(f"{name}-pictures"))
        places = sheets.save_separate(model, settings, path)
        _done(path, f"{len(places):,} pictures", model)
        _repeat([*words, str(path)])
        return
    path = target or free_name(Path(f"{name}.png"))
    picture = sheets.save_picture(model, settings, path)
    _done(path, f"{picture.width} × {picture.height}", model)
    _repeat([*words, str(path)])
    say(f"The same pixels, whatever the run does: progan sample --like {shlex.quote(str(path))}")


def _on_canvas(model: Model, given: Mapping[str, Any]) -> Model:
    """The model on the canvas that is asked for; what a large picture takes is said."""
    if not {"size", "from-scale"} & given.keys():
        return model
    from progan.assemble.models.one_picture import bytes_for, of_one_picture, on_canvas
    from progan.core.plan import height_width

    size = height_width(_size(given["size"], "size")) if "size" in given else None
    view = on_canvas(model, given.get("from-scale"), size)
    if size is not None:
        needed = bytes_for(of_one_picture(model), size)
        say(f"Memory   about {memory(needed)} for each picture of {size[0]} × {size[1]}")
    return view


def _settings(model: Model, given: Mapping[str, Any], *, way: bool) -> Settings:
    """The settings of the sheet that is asked for."""
    from progan.assemble.sampling import settings as asked

    common = {"seeds": given.get("seeds"), "truncation": given.get("truncation")}
    if way:
        return asked.ways(model, given["walk"], truncation=given.get("truncation"))
    if "arithmetic" in given:
        return asked.summed(model, given["arithmetic"], truncation=given.get("truncation"))
    if "grid-by-class" in given:
        return asked.by_class(model, **common)
    if "to-label" in given:
        return asked.between(model, given["label"][0], given["to-label"], **common)
    if model.words.captions and len(given.get("label", ())) > 1:
        return asked.by_text(model, given["label"], **common)
    if "traverse" in given:
        return asked.traversal(model, **common)
    return asked.settings_for(model, **common, grid=given.get("grid"), labels=given.get("label"))


def _as_labels(given: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """The same, where a text is asked for as a label is.

    Raises ConfigError for a text where the model takes none.
    """
    if {"text", "to-text"} & given.keys() and not model.words.captions:
        raise ConfigError(
            "This model was trained without captions, so it takes no text. Leave --text out, or "
            "train one that does: progan train portraits --system stackgan"
        )
    names = {"text": "label", "to-text": "to-label"}
    return {names.get(name, name): value for name, value in given.items()}


def _is_png(target: Path, given: Mapping[str, Any]) -> bool:
    """Whether a walk is drawn as rows of pictures.

    Raises ConfigError for labels, which such rows do not take.
    """
    if target.suffix.lower() != ".png":
        return False
    if "label" in given:
        raise ConfigError(
            "A label or text is for a film; a picture of a walk keeps each seed's own. Leave it "
            "out, or name a film: walk.gif"
        )
    return True


def _is_film(target: Path | None, given: Mapping[str, Any]) -> bool:
    """Whether the way from one label to another is filmed.

    Raises ConfigError for a film of several seeds.
    """
    timed = "seconds" in given or "fps" in given
    film = target.suffix.lower() in FILMS if target is not None else timed
    if timed and not film:
        raise ConfigError(
            f'"{target}" is no film, so it has no --seconds and no --fps. Leave them out, or name '
            "a film: labels.gif"
        )
    if film and not given.get("seeds", "0").isdecimal():
        raise ConfigError(
            f"A film from one label to another shows one seed, and seeds are "
            f'"{given["seeds"][:40]}". For example: --seeds 3'
        )
    return film


def _size(text: str, name: str = "resolution") -> int | tuple[int, int]:
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(s.isascii() and s.isdigit() and len(s) < 6 for s in sides):
        raise ConfigError(
            f'{name} is "{text[:40]}"; write a side in pixels, or height x width: --{name} 64x96'
        )
    numbers = [int(side) for side in sides]
    return numbers[0] if len(numbers) == 1 or numbers[0] == numbers[1] else (numbers[0], numbers[1])


def _option_words(given: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            words += [f"--{name}"] if one is True else [f"--{name}", f"{one}"]
    return words


def _words(source: Path | None) -> list[str]:
    return [] if source is None else [str(source)]


def _film_words(film: Film) -> str:
    return f"{film.frames:,} frames, {film.width} × {film.height}, {film.seconds:.1f} s"


def _done(path: Path, what: str, model: Model | None, run: Path | None = None) -> None:
    origin = run if model is None else model.path
    trained = "" if model is None else f" at {model.trained_images:,} images"
    say(f"{path}  {what}, from {origin}{trained}")


def _repeat(words: list[str]) -> None:
    say(f"Again: progan sample {shlex.join(words)}")
