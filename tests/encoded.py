"""A tiny run with an encoder, pictures with labels, and the verbs in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import typer
from PIL import Image
from typer.testing import CliRunner

from progan.cli.encode import encode, neighbours, reconstruct
from progan.cli.project import project
from progan.core.recipe import DataSettings, Recipe

__all__ = ["draw_two_kinds", "encoder_run", "verb"]

app = typer.Typer(pretty_exceptions_enable=False)
for command in (encode, neighbours, reconstruct, project):
    app.command()(command)


def verb(*words: object) -> str:
    """What a verb prints; whatever went wrong is raised."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def encoder_run(make_run: Callable[..., Path], **settings: Any) -> Path:
    """A VAE-GAN for grey pictures of 16 pixels, never trained."""
    recipe = Recipe(
        system="vaegan",
        data=DataSettings(source="/home/somebody/toys", resolution=16),
        set={"width": 2, "latent_size": 3, **settings},
    )
    return make_run(name="codes", channels=1, recipe=recipe)


def draw_two_kinds(folder: Path, each: int = 4) -> Path:
    """Bright and dark grey pictures, in a subfolder each."""
    for kind, low in (("bright", 200), ("dark", 0)):
        (folder / kind).mkdir(parents=True)
        for number in range(each):
            pixels = np.random.default_rng(number).integers(low, low + 50, (20, 24), np.uint8)
            Image.fromarray(pixels).save(folder / kind / f"{number}.png")
    return folder
