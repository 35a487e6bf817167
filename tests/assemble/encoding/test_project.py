"""Latents found by search: what the model itself has drawn is found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from encoded import encoder_run
from progan.assemble.encoding.encode import Coder
from progan.assemble.encoding.project import Search, project
from progan.assemble.models.model import load
from progan.core.recipe import DataSettings, Recipe
from progan.extractors.base import Extractor

MakeRun = Callable[..., Path]

QUICK = Search(starts=2, tried=16, steps=60, rate=0.1)


def own(run: Path, seed: int = 1000) -> tuple[object, np.ndarray]:
    model = load(run)
    return model, model.sample([seed]).transpose(0, 3, 1, 2)


def test_a_picture_of_the_model_is_found_again(make_run: MakeRun) -> None:
    model, target = own(encoder_run(make_run))
    found = project(model, target, QUICK)  # type: ignore[arg-type]
    assert found.loss < found.before / 2
    assert found.losses[0] == found.loss == min(found.losses)
    off = np.square(target.astype(float) - found.picture).mean() / 127.5**2
    assert off == pytest.approx(found.loss, rel=0.1, abs=1e-4)


def test_a_model_that_grows_is_searched_too_and_the_same_again(make_run: MakeRun) -> None:
    model, target = own(make_run())
    search = Search(starts=1, tried=4, steps=4)
    first, again = (project(model, target, search) for _ in range(2))  # type: ignore[arg-type]
    assert first.loss < first.before
    assert torch.equal(first.latents["z"], again.latents["z"])


def test_uniform_latents_stay_within_their_range(make_run: MakeRun) -> None:
    recipe = Recipe(
        system="gan",
        data=DataSettings(source="/home/somebody/toys", resolution=16),
        set={"width": 2, "latent_size": 3},
    )
    model, _ = own(make_run(channels=1, recipe=recipe))
    white = np.full((1, 1, 16, 16), 255, np.uint8)
    # The first step of Adam is its rate in every number: 10 would leave the range on either side.
    found = project(model, white, Search(starts=2, tried=4, steps=1, rate=10.0))  # type: ignore[arg-type]
    assert torch.equal(found.latents["z"].abs(), torch.ones(1, 3))


def test_a_model_with_an_encoder_begins_from_what_that_says(make_run: MakeRun) -> None:
    """With a rate of next to nothing the last start is the code's own picture."""
    model, target = own(encoder_run(make_run))
    still = Search(starts=1, tried=1, steps=1, rate=1e-9)
    found = project(model, target, still)  # type: ignore[arg-type]
    code = Coder(model).encode(target)["z"]  # type: ignore[arg-type]
    torch.testing.assert_close(found.latents["z"], code, rtol=0, atol=1e-4)


class Brightness(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean = self.weight * x.mean(dim=(1, 2, 3))[:, None]
        return mean, mean


def test_features_count_beside_pixels(make_run: MakeRun) -> None:
    """Black is asked of a network that sees 255 as 2 and 0 as 1: with w = 3 the loss is that of
    pixels plus 3 (F − 1)² / 1."""
    model, _ = own(encoder_run(make_run))
    eye = Extractor(
        name="brightness",
        sha256="",
        resize="none",
        side=16,
        channels=1,
        dimension=1,
        classes=1,
        network=Brightness(),
        prepare=lambda x: x / 255 + 1,
    )
    black = np.zeros((1, 1, 16, 16), np.uint8)
    search = Search(starts=1, tried=2, steps=1, rate=1e-9, features=3.0)
    found = project(model, black, search, extractor=eye)  # type: ignore[arg-type]
    picture = found.picture.astype(float)
    pixels = np.square(picture / 127.5).mean()
    feature = picture.mean() / 255
    assert found.loss == pytest.approx(pixels + 3 * feature**2, rel=1e-2)
