"""The settings of a picture, and the note in its PNG that brings the same pixels back.

The note is a text chunk `progan` that holds one flat JSON object. Notes come from strangers:
nothing in them is believed before its type and range are checked, and no pixels are decoded.
"""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from progan.assemble.models.labels import Asked, asked_from_plain
from progan.core.errors import ConfigError
from progan.core.plan import Size

__all__ = [
    "MOST_SEEDS",
    "MOST_STD",
    "Settings",
    "Term",
    "parse_seeds",
    "parse_sum",
    "read_note",
    "seeds_to_text",
    "sum_to_text",
    "to_note",
]

Term = tuple[int, tuple[int, ...]]
"""1 or −1, and the seeds whose mean is added or taken away."""
MOST_SEEDS = 100_000
MOST_TERMS, MOST_IN_TERM = 16, 32
SUM = "1,2,3 - 4,5,6 + 7,8,9"
LARGEST_NOTE = 64 * 1024
MOST_STD = 100
"""The largest standard deviation of noise."""
LARGEST_SEED = 2**63 - 1
KEY = "progan"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a sheet of pictures is a function of."""

    model: str
    """SHA-256 of the weights."""
    run: str
    """Where the model was found; a home folder is written as ~."""
    images: int
    """Real images it was trained on."""
    weights: Literal["average", "live"] = "average"
    device: Literal["cpu", "cuda"] = "cpu"
    seeds: str
    """As `seeds_to_text` writes them."""
    columns: int
    rows: int
    truncation: float | None = None
    z_std: float | None = None
    """Standard deviation of normal noise; None: 1."""
    resolution: Size
    alpha: float
    labels: tuple[Asked, ...] | None = None
    """One label for all, or one a seed; None: round the classes by seed."""
    traverse: bool = False
    """Whether each row sweeps one code through its values: every code of the first seed, then those
    of the next."""

    to_label: Asked | None = None
    """Where each row, which has one seed, goes from the first label to this one."""

    arithmetic: str | None = None
    """Means of seeds that are added and taken away, a row for each, as `sum_to_text` writes it."""
    way: bool = False
    """Whether each row goes from one seed to the next."""
    start: int = 0
    """Of a model of one picture: the scale from which noise is new."""
    size: tuple[int, int] | None = None
    """Of the same: another height and width than it learnt."""

    @property
    def seed_list(self) -> list[int]:
        """The seeds, one by one."""
        return parse_seeds(self.seeds)


def parse_seeds(text: str) -> list[int]:
    """Read `0,3,600-605`: numbers and ranges, both ends included, in the order given.

    Raises ConfigError for anything else, and above 100,000 seeds.
    """
    seeds: list[int] = []
    shown = text if len(text) <= 60 else text[:60] + "…"
    for part in text.split(","):
        word = part.strip().replace("–", "-")
        if not (match := re.fullmatch(r"([0-9]{1,19})(?:-([0-9]{1,19}))?", word, re.ASCII)):
            raise ConfigError(
                f'seeds are "{shown}"; write numbers and ranges with commas between, '
                "such as --seeds 0,3,600-605"
            )
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first or last > LARGEST_SEED:
            raise ConfigError(
                f'seeds are "{shown}": {word[:40]} must go upwards, and end at 2⁶³ − 1 at most. '
                "For example: --seeds 0-15"
            )
        if len(seeds) + last - first + 1 > MOST_SEEDS:
            raise ConfigError(
                f'seeds are "{shown}", more than {MOST_SEEDS:,}. Make them in parts: '
                f"--seeds {first}-{first + MOST_SEEDS - 1} --separate FOLDER"
            )
        seeds.extend(range(first, last + 1))
    return seeds


def parse_sum(text: str) -> tuple[Term, ...]:
    """Read `1,2,3 - 4,5,6 + 7,8,9`: seeds with commas between, or ranges such as 1-3; signs between
    blanks.

    Raises ConfigError for anything else, for a single term, and above 16 terms of 32 seeds.
    """
    parts = re.split(r"\s+([+\-−–])\s+", text.strip())
    shown = text if len(text) <= 60 else text[:60] + "…"
    example = f'For example: --arithmetic "{SUM}"'
    try:
        seeds = [tuple(parse_seeds(part)) for part in parts[::2]]
    except ConfigError:
        raise ConfigError(
            f'arithmetic is "{shown}"; write seeds with commas between, and + or - between blanks. '
            f"{example}"
        ) from None
    if not 2 <= len(seeds) <= MOST_TERMS or max(map(len, seeds)) > MOST_IN_TERM:
        raise ConfigError(
            f'arithmetic is "{shown}"; it takes 2 to {MOST_TERMS} terms of at most {MOST_IN_TERM} '
            f"seeds, with + or - between blanks. {example}"
        )
    signs = [1, *(1 if sign == "+" else -1 for sign in parts[1::2])]
    return tuple(zip(signs, seeds, strict=True))


def sum_to_text(terms: tuple[Term, ...]) -> str:
    """Write a sum so that `parse_sum` reads it back."""
    text = seeds_to_text(list(terms[0][1]))
    for sign, seeds in terms[1:]:
        text += f" {'+' if sign > 0 else '-'} {seeds_to_text(list(seeds))}"
    return text


def seeds_to_text(seeds: list[int]) -> str:
    """Write seeds so that `parse_seeds` reads them back, runs of three and more as ranges."""
    parts, start = [], 0
    for end in range(1, len(seeds) + 1):
        if end < len(seeds) and seeds[end] == seeds[end - 1] + 1:
            continue
        run = seeds[start:end]
        parts += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(seed) for seed in run]
        start = end
    return ",".join(parts)


def to_note(settings: Settings) -> dict[str, str]:
    """The text chunk of `settings`. Raises ConfigError when it would be above 64 kB."""
    text = json.dumps({"version": VERSION, **asdict(settings)}, ensure_ascii=True)
    if len(text) > LARGEST_NOTE:
        raise ConfigError(
            "So many scattered seeds or labels do not fit into the picture's note. "
            "Use ranges, such as --seeds 0-999, or --separate FOLDER"
        )
    return {KEY: text}


def read_note(path: Path) -> Settings:
    """The settings in a picture's note.

    Raises ConfigError when `path` is no PNG, carries no note, or one that is not ours.
    """
    text = _text_chunk(path)
    try:
        plain = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
        return _settings(plain)
    except (ValueError, RecursionError, TypeError) as error:
        raise ConfigError(
            f"The note in {path} is not one of ours ({str(error)[:80]}), so its picture cannot be "
            "made again. Say the settings instead: progan sample RUN --seeds 0-15"
        ) from error


def _text_chunk(path: Path) -> str:
    """The text chunk `progan` before the pixels; other chunks are passed over unread."""
    if not path.is_file():
        raise ConfigError(f"There is no picture at {path}. Name a PNG that progan sample made.")
    marker = KEY.encode() + b"\x00"
    try:
        with path.open("rb") as file:
            if file.read(8) != b"\x89PNG\r\n\x1a\n":
                raise ConfigError(
                    f"{path} is not a PNG, so it carries no note. Name a PNG that progan sample "
                    "made."
                )
            while len(head := file.read(8)) == 8:
                length, kind = struct.unpack(">I4s", head)
                if kind in (b"IDAT", b"IEND"):
                    break
                if kind == b"tEXt" and length <= LARGEST_NOTE + len(marker):
                    data = file.read(length)
                    if data.startswith(marker):
                        return data[len(marker) :].decode("ascii", "replace")
                    length = 0
                file.seek(length + 4, 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror or error}).") from error
    raise ConfigError(
        f"{path} carries no note of its settings: progan did not make it, or another program has "
        "written it since. Say the settings instead: progan sample RUN --seeds 0-15"
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _settings(plain: Any) -> Settings:
    if not isinstance(plain, dict):
        raise ValueError("it is no object")
    if not _is_whole(plain.pop("version", None), VERSION, VERSION):
        raise ValueError(f"its version is not {VERSION}")
    later = {
        **{"traverse": False, "to_label": None, "arithmetic": None, "way": False},
        **{"z_std": None, "start": 0, "size": None},
    }
    plain = {**later, **plain}  # notes from before there were any
    if plain.keys() != {field.name for field in fields(Settings)}:
        raise ValueError("keys are missing or unknown")
    size = plain["resolution"]
    sides = size if isinstance(size, list) and len(size) == 2 else [size]
    ok = {
        "model": _is_text(plain["model"], 64) and re.fullmatch("[0-9a-f]{64}", plain["model"]),
        "run": _is_text(plain["run"], 4096) and plain["run"].isprintable(),
        "images": _is_whole(plain["images"], 0, LARGEST_SEED),
        "weights": plain["weights"] in ("average", "live"),
        "device": plain["device"] in ("cpu", "cuda"),
        "seeds": _is_text(plain["seeds"], LARGEST_NOTE),
        "columns": _is_whole(plain["columns"], 1, MOST_SEEDS),
        "rows": _is_whole(plain["rows"], 1, MOST_SEEDS),
        "truncation": plain["truncation"] is None or _is_share(plain["truncation"]),
        "z_std": plain["z_std"] is None or _is_deviation(plain["z_std"]),
        "resolution": all(_is_whole(side, 1, 65536) for side in sides),
        "alpha": _is_share(plain["alpha"]),
        "start": _is_whole(plain["start"], 0, 64),
        "size": plain["size"] is None or _is_size(plain["size"]),
        "traverse": isinstance(plain["traverse"], bool),
        "way": isinstance(plain["way"], bool),
        "arithmetic": plain["arithmetic"] is None or _is_text(plain["arithmetic"], LARGEST_NOTE),
        "labels": plain["labels"] is None or isinstance(plain["labels"], list),
    }
    wrong = [name for name, fits in ok.items() if not fits]
    if wrong:
        raise ValueError(f"{wrong[0]} is not what it must be")
    labels = plain["labels"]
    try:
        seeds = parse_seeds(plain["seeds"])
    except ConfigError as error:
        raise ValueError("seeds are not what they must be") from error
    if len(seeds) > plain["columns"] * plain["rows"]:
        raise ValueError("the grid is smaller than its seeds")
    if plain["arithmetic"] is not None and not _fits(plain["arithmetic"], seeds, plain):
        raise ValueError("arithmetic is not that of its seeds")
    if plain["way"] and (plain["columns"] < 2 or plain["rows"] != len(seeds) - 1):
        raise ValueError("rows are not as many as ways between seeds")
    to_label = plain["to_label"]
    if to_label is not None and (labels is None or len(labels) != 1):
        raise ValueError("to_label has no label to begin from")
    if labels is not None and len(labels) not in (1, len(seeds)):
        raise ValueError("labels are not as many as seeds")
    plain["size"] = None if plain["size"] is None else tuple(plain["size"])
    plain["resolution"] = tuple(size) if isinstance(size, list) else size
    plain["labels"] = None if labels is None else tuple(map(asked_from_plain, labels))
    plain["to_label"] = None if to_label is None else asked_from_plain(to_label)
    return Settings(**plain)


def _fits(text: str, seeds: list[int], plain: dict[str, Any]) -> bool:
    """Whether a sum is of these seeds, and fills the grid."""
    try:
        terms = parse_sum(text)
    except ConfigError:
        return False
    shape = (len(terms) + 1, max(len(some) for _, some in terms) + 1)
    each = [seed for _, some in terms for seed in some]
    return each == seeds and (plain["rows"], plain["columns"]) == shape


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_size(value: Any) -> bool:
    whole = isinstance(value, list) and len(value) == 2
    return whole and all(_is_whole(side, 1, 65536) for side in value)


def _is_deviation(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value <= MOST_STD


def _is_share(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= 1
