"""The verb `translate`: pictures of one domain become pictures of the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from progan.cli import screen
from progan.cli.streams import say
from progan.core.errors import ConfigError, RoomError

if TYPE_CHECKING:
    from torch import Tensor

    from progan.assemble.models.model import Frame
    from progan.assemble.models.translator import Translator, Way
    from progan.assemble.sampling.translated import Inputs, Made

__all__ = ["translate"]

MOST_STYLES = 32
FILMS = (".gif", ".webp", ".apng", ".mp4")


def translate(
    run: Annotated[Path, typer.Argument(help="A run, checkpoint or exported folder.")],
    pictures: Annotated[
        list[str],
        typer.Argument(help="Pictures, or folders of them; class maps for a system of layouts."),
    ],
    direction: Annotated[
        str | None,
        typer.Option(help="ab or ba, or what it becomes: the name of that folder [first]."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="A .png for one picture, a folder for several.")
    ] = None,
    size: Annotated[
        str, typer.Option(help="as-is, or pixels of the shorter side before it is translated.")
    ] = "as-is",
    page: Annotated[
        bool | None, typer.Option("--page/--no-page", help="index.html of both, side by side.")
    ] = None,
    film: Annotated[
        Path | None, typer.Option(help="Also one film of them all: .gif .webp .apng .mp4.")
    ] = None,
    fps: Annotated[float, typer.Option(help="Frames a second of a film.")] = 25.0,
    style: Annotated[
        list[Path] | None, typer.Option(help="A picture whose style is taken; may come again.")
    ] = None,
    styles: Annotated[int | None, typer.Option(help="So many styles drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Of random styles.")] = 0,
    tile: Annotated[
        int | None, typer.Option(help="Larger pictures go in tiles of so many pixels [1024].")
    ] = None,
    at_images: Annotated[
        int | None, typer.Option(help="The checkpoint at so many images [newest].")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Translate pictures, or folders of them, by a model that learnt two domains."""
    from progan.assemble.models.passes import LARGEST_TILE
    from progan.assemble.models.translator import load_translator
    from progan.assemble.sampling.translated import made_from, open_inputs

    side = _side(size)
    _check(styles, tile, seed, film)
    inputs = open_inputs(pictures)
    model = load_translator(run, at_images=at_images, device=device)
    way = model.way(direction)
    chosen, names = _styles(model, style or [], styles, seed)
    out = _Out(model, way, inputs, to, run, names, page=inputs.several if page is None else page)
    with closing(screen.open_face()) as face:
        made = made_from(model, way, inputs, size=side, tile=tile or LARGEST_TILE, styles=chosen)
        frames = out.take(made, face.counted)
        if film is not None:
            _write_film(frames, film, fps)
        else:
            for _ in frames:
                pass
    out.finish()
    if film is not None:
        say(f"{film}")


def _side(size: str) -> int | None:
    if size == "as-is":
        return None
    if not size.isdecimal() or not 8 <= int(size) <= 4096:
        raise ConfigError(
            f'--size is "{size[:40]}"; it must be as-is, or pixels from 8 to 4096: --size 256'
        )
    return int(size)


def _check(styles: int | None, tile: int | None, seed: int, film: Path | None) -> None:
    if styles is not None and not 1 <= styles <= MOST_STYLES:
        raise ConfigError(f"--styles is {styles}; it must be from 1 to {MOST_STYLES}: --styles 4")
    if tile is not None and not 64 <= tile <= 8192:
        raise ConfigError(f"--tile is {tile}; it must be from 64 to 8192: --tile 512")
    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed is {seed}; it must be from 0 to 2⁶³ − 1.")
    if film is not None and film.suffix.lower() not in FILMS:
        raise ConfigError(
            f'A film cannot be written as "{film.name}"; its name must end in {", ".join(FILMS)}.'
        )


def _styles(
    model: Translator, given: list[Path], count: int | None, seed: int
) -> tuple[list[Tensor], list[str]]:
    """Styles of reference pictures, then random ones; and their names in files."""
    from progan.assemble.measuring.reals import channels_of
    from progan.data.sources.files import Files, read_whole

    found: list[Tensor] = []
    names: list[str] = []
    channels = channels_of(model.channels)
    for read in read_whole(Files(given), channels, model.stored.recipe.data.background):
        path = given[read.place]
        if read.pixels is None:
            raise ConfigError(
                f"{path} cannot be used as a style: {read.reason}. Give another picture."
            )
        found.append(model.style_of(read.pixels))
        names.append(f"style-{path.stem}")
    if count is not None:
        found += model.random_styles(count, seed)
        names += [f"style-{number}" for number in range(count)]
    return found, names


def _write_film(frames: Iterator[Frame], film: Path, fps: float) -> None:
    from progan.assemble.writing.files import check_free
    from progan.assemble.writing.film import write_film

    check_free(film)
    write_film(frames, film, fps=fps, scale=1)


class _Out:
    """Where pictures go, and what is said of them."""

    def __init__(
        self,
        model: Translator,
        way: Way,
        inputs: Inputs,
        to: Path | None,
        run: Path,
        styles: list[str],
        *,
        page: bool,
    ) -> None:
        from progan.assemble.sampling.translated_page import SidePage

        self.model, self.way, self.inputs, self.styles = model, way, inputs, styles
        self.alone = not inputs.several and len(styles) < 2
        self.to = self._place(to, run)
        self.failed: list[str] = []
        self.written: list[Path] = []
        self.notes: dict[str, None] = {}
        columns = tuple(names for names in (way.source, *(styles or [way.target])))
        title = f"{way.source} to {way.target}"
        self.page = SidePage(title, columns) if page else None
        self.note = self._note(run)

    def _place(self, to: Path | None, run: Path) -> Path:
        """A file for one picture, a folder for several; made where it is missing."""
        from progan.assemble.writing.files import check_free, free_name

        if self.alone:
            name = f"{self.inputs.paths[0].stem}-{self.way.direction.name}.png"
            path = free_name(Path(name)) if to is None else to
            if to is not None and to.is_dir():
                path = to / name
            elif path.suffix.lower() != ".png":
                raise ConfigError(
                    f'A picture cannot be written as "{path.name}"; its name must end in .png.'
                )
            check_free(path)
            return path
        name = f"{run.resolve().name}-{self.way.direction.name}"
        folder = to or free_name(Path(name))
        if folder.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp") or folder.is_file():
            raise ConfigError(
                f'"{folder}" is one file, and several pictures come of this. Name a folder: '
                "--to FOLDER"
            )
        return folder

    def _note(self, run: Path) -> dict[str, str]:
        """The text of every PNG: which model made it, and how."""
        from progan.assemble.writing.containers import MADE_HERE

        plain = {
            "model": self.model.identity,
            "images": self.model.trained_images,
            "direction": self.way.direction.name,
        }
        return {"Software": MADE_HERE.decode(), "progan-translate": json.dumps(plain)}

    def take(
        self, made: Iterable[Made], tick: Callable[[str, int, int, str], None]
    ) -> Iterator[Frame]:
        """Write what comes, one after the other; the frames of a film."""
        total, done = len(self.inputs.paths), 0
        for one in made:
            done += 1
            tick("Translate", done, total, "pictures")
            if one.reason:
                self.failed.append(f"{one.name}: {one.reason}")
                continue
            self.notes |= dict.fromkeys(one.notes)
            self._write(one)
            yield one.made[0]

    def _write(self, one: Made) -> None:
        from progan.assemble.writing.files import check_free, write_out
        from progan.core.grids import png_bytes, to_picture
        from progan.data.records import shown

        for number, frame in enumerate(one.made):
            path = self.to
            if not self.alone:
                style = f"-{self.styles[number]}" if len(self.styles) > 1 else ""
                path = self.to / f"{one.name}{style}.png"
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise RoomError(
                        f"{path.parent} cannot be made ({error.strerror or error}). Name another "
                        "place: --to FOLDER"
                    ) from error
                check_free(path)
            write_out(path, png_bytes(to_picture(frame), self.note))
            self.written.append(path)
        if self.page is not None and one.given is not None:
            self.page.add(shown(one.name), [one.given, *one.made])

    def finish(self) -> None:
        """Say what was done; ConfigError where nothing could be."""
        from progan.data.records import shown

        if not self.written:
            raise ConfigError(
                f"None of them could be translated: {shown(self.failed[0])[:300]}. Give pictures."
            )
        way = f"{self.way.source} to {self.way.target}"
        if self.alone:
            say(f"{self.to}  {way}")
        else:
            say(f"{self.to}  {len(self.written):,} pictures, {way}")
        for note in self.notes:
            say(f"Note: {note}")
        for line in self.failed[:12]:
            say(f"Not translated: {shown(line)}")
        if len(self.failed) > 12:
            say(f"and {len(self.failed) - 12:,} more")
        if self.page is not None:
            folder = self.to.parent if self.alone else self.to
            self.page.failed = [shown(line) for line in self.failed]
            where = folder / ("index.html" if not self.alone else f"{self.to.stem}.html")
            say(f"Look: {self.page.write(where, [f'{note}.' for note in self.notes])}")
