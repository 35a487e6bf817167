"""Latents that are cut or scaled, and statistics measured for them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from progan.assemble.models.model import Model, load
from progan.core.errors import ConfigError
from progan.core.latents import LatentField, scaled
from progan.core.recipe import DataSettings, Recipe
from progan.engine.preview import draw_seeds, seeded
from progan.engine.standing import BATCH, standing
from sampled import pixels_of, run_verb

MakeRun = Callable[..., Path]
TINY = {"width": 2, "latent_size": 6, "shared": 3, "standing_passes": 3}


@pytest.fixture
def run(make_run: MakeRun, here: Path) -> Path:
    recipe = Recipe(
        system="biggan",
        preset="tiny",
        data=DataSettings(source="/home/somebody/toys", resolution=16),
        set=TINY,
    )
    return make_run(name="big", classes=("cat", "dog"), recipe=recipe)


@pytest.fixture
def model(run: Path) -> Model:
    return load(run)


def means_of(system: Any) -> list[Any]:
    return [m.running_mean for m in system.generator.modules() if isinstance(m, _BatchNorm)]


def test_statistics_are_the_means_over_passes_of_those_latents(model: Model) -> None:
    """Of the first norm, whose input is a dense layer of the first piece of the latent."""
    system: Any = model.system
    found: Any = standing(system, model.moment, truncation=0.25)
    means, variances = [], []
    for number in range(3):
        with seeded("standing", number), torch.no_grad():
            z = system.draw(BATCH, 0.25)["z"]
            assert float(z.abs().max()) <= 0.5
            x = system.generator.dense(z[:, :2]).unflatten(1, (-1, 4, 4))
        means.append(x.mean((0, 2, 3)))
        variances.append(x.var((0, 2, 3)))
    norm = found.generator.blocks[0][0].norm1.norm
    torch.testing.assert_close(norm.running_mean, sum(means) / 3)
    torch.testing.assert_close(norm.running_var, sum(variances) / 3)
    assert not norm.training
    assert norm.momentum == 0.1


def test_nothing_but_the_generators_statistics_is_new(model: Model) -> None:
    system: Any = model.system
    before = {name: value.clone() for name, value in system.state_dict().items()}
    torch.manual_seed(3)
    dice = torch.get_rng_state()
    found: Any = standing(system, model.moment)
    assert torch.equal(dice, torch.get_rng_state())
    assert found.discriminator is system.discriminator
    after = found.state_dict()
    for name, value in before.items():
        assert torch.equal(system.state_dict()[name], value)
        new = name.endswith(("running_mean", "running_var", "num_batches_tracked"))
        assert torch.equal(after[name], value) != new, name


def test_pictures_are_of_the_statistics_of_their_truncation(model: Model) -> None:
    own: Any = model.standing(0.25).system
    pairs = zip(means_of(own), means_of(model.system), strict=True)
    assert not any(torch.equal(one, other) for one, other in pairs)
    row = model.latents(3, 0.25)
    (picture,) = model.sample([3], truncation=0.25)
    assert np.array_equal(picture, model.standing(0.25).picture(row))
    assert not np.array_equal(picture, model.picture(row))
    assert np.array_equal(model.sample([3], truncation=0.25)[0], picture)  # after another one
    model.sample([1])
    assert np.array_equal(model.sample([3], truncation=0.25)[0], picture)
    fast = np.concatenate(list(model.many([3], truncation=0.25, backend="eager-fp32")))
    assert np.abs(fast[0].astype(int) - picture).max() <= 2


def test_systems_that_do_not_ask_for_it_keep_their_statistics(make_run: MakeRun) -> None:
    plain = load(make_run(name="plain"))
    assert plain.standing(0.5) is plain


def test_a_standard_deviation_scales_normal_noise_alone(model: Model) -> None:
    half = model.with_std(0.5)
    one, other = (m.latents(7) for m in (model, half))
    assert torch.equal(other["z"], 0.5 * one["z"])
    assert torch.equal(other["label"], one["label"])
    assert model.z_std == 1.0
    fields = (
        LatentField(name="u", shape=(2,), prior="uniform"),
        LatentField(name="n", shape=(2,)),
    )
    drawn = {"u": torch.ones(1, 2), "n": torch.ones(1, 2)}
    found = scaled(fields, drawn, 0.1)
    assert torch.equal(found["u"], drawn["u"])
    assert torch.equal(found["n"], torch.full((1, 2), 0.1))


def test_a_walk_is_scaled_once_whichever_way_it_goes(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[torch.Tensor] = []
    monkeypatch.setattr(Model, "picture", lambda self, row: rows.append(row["z"]))
    for kind in ("loop", "smooth"):
        rows.clear()
        seeds = [1, 2] if kind == "loop" else [1]
        for std in (None, 0.5):
            list(model.with_std(std).walk(seeds, 3, kind=kind))  # type: ignore[arg-type]
        torch.testing.assert_close(torch.cat(rows[3:]), 0.5 * torch.cat(rows[:3]))


@pytest.mark.parametrize("std", [0.0, -1.0, 101.0, float("inf"), float("nan")])
def test_a_deviation_that_is_none_is_refused(model: Model, std: float) -> None:
    with pytest.raises(ConfigError, match="above 0 and at most 100: --z-std"):
        model.with_std(std)


def test_a_deviation_of_uniform_latents_is_refused(make_run: MakeRun) -> None:
    recipe = Recipe(system="gan", preset="toy", set={"latent_prior": "uniform"})
    uniform = load(make_run(name="uniform", recipe=recipe))
    with pytest.raises(ConfigError, match="are not normal, so --z-std changes nothing"):
        uniform.with_std(0.5)


def test_both_options_of_sample_are_in_the_note_and_bring_the_pixels_back(run: Path) -> None:
    run_verb(run, "--seeds", "0-1", "cut.png", "--truncation", 0.25)
    run_verb(run, "--seeds", "0-1", "narrow.png", "--z-std", 0.25)
    run_verb(run, "--seeds", "0-1", "plain.png")
    pixels = [pixels_of(f"{name}.png") for name in ("cut", "narrow", "plain")]
    for i in range(3):
        assert not np.array_equal(pixels[i], pixels[i - 1])
    run_verb("--like", "narrow.png", "again.png")
    assert np.array_equal(pixels_of("again.png"), pixels[1])


def test_many_pictures_are_of_the_same_latents(run: Path) -> None:
    said = run_verb(run, "many", "--n", 2, "--exact", "--z-std", 0.25)
    assert "--z-std 0.25" in said
    few = load(run).with_std(0.25).sample(range(2))
    assert all(np.array_equal(pixels_of(f"many/seed00000{k}.png"), few[k]) for k in range(2))
    assert json.loads(Path("many/sample.json").read_text())["z_std"] == 0.25
    shutil.rmtree("many")


def test_a_seed_draws_the_same_as_before_there_was_a_deviation(model: Model) -> None:
    system: Any = model.system
    assert torch.equal(draw_seeds(system, [5])["z"], draw_seeds(system, [5], None, 1.0)["z"])
