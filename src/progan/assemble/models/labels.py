"""Labels as people ask for them, and as generators take them.

    classes        3, or a name
    several        glasses=1,hat=0              0 or 1 for each that is named
    numbers        age=37, in the data's units  within what the data have
    captions       any text

What a label does not name stays as the picture's seed draws it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.core.errors import ConfigError
from progan.core.latents import LatentField, Latents
from progan.core.specs import DataSpec
from progan.core.spelling import nearest
from progan.core.text import cleaned

__all__ = ["Asked", "Caption", "Label", "Words", "asked_from_plain", "plain", "told"]

Label = int | str | Mapping[str, float]
"""A class by number or name; several labels or numbers as text or by name; a caption."""


@dataclass(frozen=True)
class Caption:
    """What a picture is asked to show."""

    text: str


Asked = int | tuple[tuple[int, float], ...] | Caption
"""A class; or the numbers of a label's row that are asked for, each with its place; or a text."""


class Phrases(Protocol):
    """A system that draws what captions say."""

    def phrased(self, texts: Sequence[str]) -> Tensor:
        """Captions as vectors, n f."""
        ...

    def caption_rows(self, caption: Tensor) -> Tensor:
        """Captions as they are drawn, as vectors."""
        ...


SWITCHES = {"true": 1.0, "yes": 1.0, "on": 1.0, "false": 0.0, "no": 0.0, "off": 0.0}
MOST_NUMBERS = 1024
LEVELS = 5
"""Values of each number that rows of a sheet show."""


@dataclass(frozen=True)
class Words:
    """The labels that a model knows."""

    classes: int = 0
    """Number of classes."""
    class_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Of the numbers of a label that is no class."""
    ranges: tuple[tuple[float, float], ...] = ()
    """Of each of them, what may be asked for."""
    on_off: bool = False
    """Whether they are 0 or 1."""
    captions: bool = False
    """Whether any text can be asked for."""

    @classmethod
    def of(
        cls, fields: Sequence[LatentField], spec: DataSpec, class_names: tuple[str, ...]
    ) -> Words:
        """The labels that a generator with these inputs takes."""
        if any(field.role == "caption" for field in fields):
            return cls(captions=True)
        classes = max((field.choices for field in fields if field.role == "class"), default=0)
        rows = [field for field in fields if field.role == "class" and not field.choices]
        if classes or not rows:
            return cls(classes, class_names)
        size, on_off = math.prod(rows[0].shape), rows[0].prior == "bernoulli"
        names = spec.label_names or tuple(str(number + 1) for number in range(size))
        own = ((0.0, 1.0) if on_off else (-1.0, 1.0),) * size
        return cls(names=names, ranges=own if on_off else spec.label_ranges or own, on_off=on_off)

    def read(self, label: Label) -> Asked:
        """What is asked for by `label`.

        Raises ConfigError for a class or name that is not known, and a value out of range.
        """
        if self.captions:
            return Caption(cleaned(str(label)))
        if self.names:
            given = label if isinstance(label, Mapping) else self._pairs(str(label))
            return tuple(sorted(self._entry(name, value) for name, value in given.items()))
        return self._class(label)

    def fits(self, asked: Asked) -> bool:
        """Whether something asked of another model can be asked of this one."""
        if isinstance(asked, int):
            return asked < self.classes
        if isinstance(asked, Caption):
            return self.captions
        return not self.captions and all(place < len(self.names) for place, _ in asked)

    def rows(self) -> list[Asked]:
        """What the rows of a sheet ask for: each class; each label off, then on; or each number
        from least to greatest."""
        if not self.names:
            return list(range(self.classes))
        low, count = (0.0, 2) if self.on_off else (-1.0, LEVELS)
        values = torch.linspace(low, 1.0, count).tolist()
        return [((place, value),) for place in range(len(self.names)) for value in values]

    def in_units(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Rows of labels as generators take them, n k, in the data's units."""
        if self.on_off:
            return rows.astype(np.float64)
        low, high = np.array(self.ranges).T
        return low + (rows + 1) / 2 * (high - low)

    def _class(self, label: Label) -> int:
        if isinstance(label, str) and label in self.class_names:
            return self.class_names.index(label)
        text = str(label)
        if text.isdecimal() and len(text) < 10 and int(text) < self.classes:
            return int(text)
        names = ", ".join(self.class_names[:12]) + (", …" if len(self.class_names) > 12 else "")
        meant = nearest(text, self.class_names)
        hint = f" Did you mean {meant}?" if meant else ""
        raise ConfigError(
            f'There is no class "{text[:60]}". It must be a number from 0 to {self.classes - 1}'
            + (f" or a name ({names})." if names else ".")
            + hint
        )

    def _pairs(self, text: str) -> Mapping[str, str]:
        pairs: dict[str, str] = {}
        for word in text.split(","):
            name, equals, value = (part.strip() for part in word.rpartition("="))
            if not equals or not name or not value or name in pairs:
                raise ConfigError(
                    f'A label is "{text[:60]}"; write names with values, each once, such as '
                    f"--label {self.example}. The labels: {self._listed()}"
                )
            pairs[name] = value
        return pairs

    @property
    def example(self) -> str:
        """A label that can be asked for."""
        return ",".join(
            f"{name}={1 if self.on_off else f'{(low + high) / 2:.3g}'}"
            for name, (low, high) in list(zip(self.names, self.ranges, strict=True))[:2]
        )

    def _entry(self, name: str, value: float | str) -> tuple[int, float]:
        """A place in a label's row, and the number that stands there."""
        if name not in self.names:
            meant = nearest(name, self.names)
            hint = f" Did you mean {meant}?" if meant else ""
            raise ConfigError(
                f'There is no label "{name[:60]}". The labels: {self._listed()}.{hint}'
            )
        place = self.names.index(name)
        low, high = self.ranges[place]
        try:
            number = SWITCHES.get(str(value).lower(), math.nan)
            number = float(value) if math.isnan(number) else number
        except ValueError:
            number = math.nan
        if not (low <= number <= high) or (self.on_off and number not in (0.0, 1.0)):
            must = "0 or 1" if self.on_off else f"a number from {low:g} to {high:g}, as the data's"
            raise ConfigError(
                f'{name} is "{str(value)[:40]}"; it must be {must}. For example: '
                f"--label {name}={1 if self.on_off else f'{(low + high) / 2:.3g}'}"
            )
        if self.on_off:
            return place, number
        return place, (number - low) / (high - low) * 2 - 1

    def _listed(self) -> str:
        """The labels with their values, at most twelve."""
        few = list(zip(self.names, self.ranges, strict=True))[:12]
        values = "" if not self.on_off else " (0 or 1 each)"
        said = [name if self.on_off else f"{name} ({a:g} to {b:g})" for name, (a, b) in few]
        return ", ".join(said) + (", …" if len(self.names) > 12 else "") + values


def told(
    fields: Sequence[LatentField],
    latents: Latents,
    asked: Sequence[Asked | None],
    system: Any = None,
) -> dict[str, Tensor]:
    """`latents` with the labels asked for, one for each row; None leaves a row as it is.

    Captions are read by `system`.
    """
    found = dict(latents)
    for field in fields:
        if field.role == "caption":
            found[field.name] = _captioned(found[field.name], asked, system)
        if field.role != "class":
            continue
        rows = found[field.name].clone()
        for row, label in enumerate(asked):
            if isinstance(label, int):
                rows[row] = label
            elif isinstance(label, tuple):
                for place, value in label:
                    rows[row].view(-1)[place] = value
        found[field.name] = rows
    return found


@torch.no_grad()
def _captioned(drawn: Tensor, asked: Sequence[Asked | None], system: Phrases) -> Tensor:
    """Vectors of captions, in place of those that were drawn."""
    rows = system.caption_rows(drawn).to(drawn.device, copy=True)
    for row, label in enumerate(asked):
        if isinstance(label, Caption):
            rows[row] = system.phrased([label.text])[0]
    return rows


def plain(asked: Asked | None) -> Any:
    """What is asked for, as JSON holds it."""
    if isinstance(asked, Caption):
        return {"text": asked.text}
    return [list(pair) for pair in asked] if isinstance(asked, tuple) else asked


def asked_from_plain(value: Any) -> Asked:
    """Read what `plain` wrote. Raises ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**31:
        return value
    if isinstance(value, dict) and value.keys() == {"text"} and isinstance(value["text"], str):
        try:
            return Caption(cleaned(value["text"]))
        except ConfigError as error:
            raise ValueError("a text is not what it must be") from error
    if isinstance(value, list) and len(value) <= MOST_NUMBERS:
        pairs = tuple(_pair(pair) for pair in value)
        if len({place for place, _ in pairs}) == len(pairs):
            return pairs
    raise ValueError("labels is not what it must be")


def _pair(value: Any) -> tuple[int, float]:
    if isinstance(value, list) and len(value) == 2:
        place, number = value
        if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < MOST_NUMBERS:
            fits = isinstance(number, int | float) and not isinstance(number, bool)
            if fits and math.isfinite(number) and -1 <= number <= 1:
                return place, float(number)
    raise ValueError("labels is not what it must be")
