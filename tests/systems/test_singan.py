from __future__ import annotations

import io
import itertools
import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from progan.assemble.models.build import build_system
from progan.assemble.sampling.remake import usual_start
from progan.core.batch import Images
from progan.core.config import apply_sets
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress, Size, height_width
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.engine.loop import Trainer
from progan.layers.palette import palette_of, recoloured
from progan.layers.resample import resized
from progan.systems.configs.singan import SinGANConfig, sizes
from progan.systems.singan import SinGAN

CPU = torch.device("cpu")
TINY = ("layers=3", "width=4", "min_size=21", "factor=0.85", "iterations=2")
WHOLE = (28, 34)
Y, X = torch.meshgrid(torch.linspace(0, 9, WHOLE[0]), torch.linspace(0, 7, WHOLE[1]), indexing="ij")
PICTURE = torch.stack([torch.sin(X + Y), torch.cos(X), torch.sin(Y * X / 4)])[None]


class OnePicture:
    """The same picture at any size."""

    def batch(self, numbers: range, resolution: Size) -> Images:
        return Images(resized(PICTURE, *height_width(resolution)).repeat(len(numbers), 1, 1, 1))


def tiny(*sets: str, preset: str = "paper", seed: int = 0) -> SinGAN:
    recipe = apply_sets(Recipe(system="singan", preset=preset, train=TrainSettings(seed=seed)), ())
    recipe = apply_sets(recipe, [*TINY, *sets])
    spec = DataSpec(resolution=64, images=1, whole=WHOLE)
    return cast(SinGAN, build_system(recipe, spec, CPU))


def trained(*sets: str, **options: Any) -> Trainer:
    trainer = Trainer(tiny(*sets, **options), OnePicture())
    while not trainer.done:
        trainer.step()
    return trainer


# the sizes of scales


def test_the_scales_of_a_photograph_are_those_of_the_published_formula() -> None:
    # S = ⌈log(24/427)/log .75⌉ + 1 − ⌈log(64/640)/log .75⌉ = 11 + 1 − 9 = 3, h = 42.7 → 43,
    # r = (24/43)^(1/3) = .8234: 43 r² = 29.15, 64 r² = 43.39, 43 r = 35.41, 64 r = 52.70
    found = sizes(427, 640, max_size=64, min_size=24)
    assert found == ((24, 36), (29, 43), (35, 53), (43, 64))


def test_a_picture_of_250_pixels_has_as_many_scales_as_the_published_code_gives_it() -> None:
    # ⌈log(25/188)/log .75⌉ + 1 − 0 = 8 + 1; r = (25/188)^(1/9)
    found = sizes(188, 250)
    assert len(found) == 10
    assert found[0] == (25, 33)
    assert found[-1] == (188, 250)
    ratios = [a[0] / b[0] for a, b in itertools.pairwise(found)]
    assert all(abs(ratio - (25 / 188) ** (1 / 9)) < 0.02 for ratio in ratios)


def test_an_exact_factor_is_kept_and_the_coarsest_scale_has_the_least_size_or_more() -> None:
    factor = 4 ** (-1 / 6)
    found = sizes(160, 200, max_size=200, factor=factor, exact=True)
    # ⌊log(25/160)/log r⌋ = 8 scales below the finest; 160 r⁸ = 25.2
    assert len(found) == 9
    assert found[0] == (25, 31)
    assert [h for h, _ in found] == [round(160 * factor**k) for k in range(8, -1, -1)]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((20, 300), r"20 × 300 pixels, shrunk to 17 × 250 .*cut or enlarge the picture"),
        ((24, 24), "24 × 24 pixels; its shorter side must have 25"),
        ((60, 1200), r"shrunk to 12 × 250 by max_size 250; .* set max_size=521"),
    ],
)
def test_a_picture_that_is_too_narrow_is_refused(size: tuple[int, int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sizes(*size)


def test_no_scale_is_too_small_for_its_critic_to_judge() -> None:
    with pytest.raises(ConfigError, match="from 21 to 1024"):
        SinGANConfig(min_size=20)


def test_networks_grow_wider_every_four_scales_up_to_the_widest() -> None:
    config = SinGANConfig()
    widths = [config.width_at(scale) for scale in range(13)]
    assert widths == [32] * 4 + [64] * 4 + [128] * 5


def test_several_pictures_are_refused() -> None:
    with pytest.raises(ConfigError, match="learns from one picture, and the data hold 7"):
        SinGAN(SinGANConfig(), DataSpec(resolution=64, images=7))


# the game


def test_a_round_is_three_moves_of_each_and_the_rate_falls_to_a_tenth_at_four_fifths() -> None:
    system = tiny()
    at = system.plan().at(0)
    critic, generator = system.turns(at)
    assert (critic.repeat, generator.repeat, generator.draws) == (3, 3, False)
    stage = system.plan().stages[0]
    assert stage.images == 2 * 3

    def moment(fraction: float) -> Progress:
        return Progress(images=0, step=0, index=0, stage=stage, fraction=fraction)

    rates = [system.rate(moment(fraction)) for fraction in (0.0, 0.79, 0.8, 1.0)]
    assert rates == [1.0, 1.0, 0.1, 0.1]


def test_a_new_scale_begins_with_the_weights_below_it_where_it_is_as_wide() -> None:
    trainer = Trainer(tiny("doubling=2"), OnePicture())
    system = cast(SinGAN, trainer.system)
    assert len(system.sizes) >= 3
    for scale in (1, 2):
        while trainer.at.index < scale:
            trainer.step()
        before = {k: v.clone() for k, v in system.generators[scale].state_dict().items()}
        trainer._enter(trainer.at)
        below = system.generators[scale - 1].state_dict()
        for name, value in system.generators[scale].state_dict().items():
            assert torch.equal(value, below[name] if scale == 1 else before[name])


def test_the_amplitude_is_a_tenth_of_what_the_scales_below_lack() -> None:
    system = cast(SinGAN, trained().system)
    assert system.amplitude[0] == 1
    for scale in range(1, len(system.sizes)):
        with torch.no_grad():
            base = resized(system.reconstruction(scale - 1), *system.sizes[scale])
        lacking = (resized(PICTURE, *system.sizes[scale]) - base).square().mean().sqrt()
        torch.testing.assert_close(system.amplitude[scale], 0.1 * lacking)
        torch.testing.assert_close(system.base(scale), base)


def test_scales_that_are_done_stay_bit_for_bit() -> None:
    trainer = Trainer(tiny(), OnePicture())
    system = cast(SinGAN, trainer.system)
    while trainer.at.index < 1:
        trainer.step()

    def of_scale_0() -> dict[str, Tensor]:
        state = system.state_dict()
        of_it = ("generators.0.", "critics.0.", "anchor")
        names = [name for name in state if name.startswith(of_it)]
        return {name: state[name].clone() for name in names}

    before = of_scale_0()
    assert any("running_mean" in name for name in before)
    while not trainer.done:
        trainer.step()
    after = of_scale_0()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_generator_lowers_the_error_of_the_fixed_noise_and_not_of_others() -> None:
    system = tiny("reconstruction=7")
    at = system.plan().at(0)
    batch = OnePicture().batch(range(1), system.sizes[0])
    terms = system.generator_loss(batch, at)
    with torch.no_grad():
        again = system.step(0, system.base(0), system.anchor, training=True)
    expected = 7 * (again - batch.image).square().mean()
    torch.testing.assert_close(terms["reconstruction"].detach(), expected)


@pytest.mark.parametrize("norm", ["pixel", "image"])
def test_the_penalty_is_of_the_norm_that_is_asked_for(norm: str) -> None:
    system = tiny(f"penalty_norm={norm}")
    for critic in system.critics:  # score: the sum of all pixels under the patches, times 0.01
        for module in critic.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.zeros_(module.weight)
    at = system.plan().at(0)
    batch = OnePicture().batch(range(2), system.sizes[0])
    terms = system.critic_loss(batch, at)
    # a critic without slope is charged (0 − 1)² = 1 by either norm, times λ
    torch.testing.assert_close(terms["penalty"].detach(), torch.tensor(0.1))


# what it draws


def end(system: SinGAN) -> Progress:
    return system.plan().at(10**9)


def test_the_fixed_noise_draws_the_saved_reconstruction_bit_for_bit_after_reloading() -> None:
    system = cast(SinGAN, trained().system)
    last = len(system.sizes) - 1
    with torch.no_grad():
        before = system.reconstruction(last)
        fixed = {f"z{scale}": system.fixed_noise(scale) for scale in range(last + 1)}
        through = system.generate(fixed, end(system))
    file = io.BytesIO()
    torch.save(system.state_dict(), file)
    file.seek(0)
    other = tiny(seed=5)
    other.load_state_dict(torch.load(file, weights_only=True))
    with torch.no_grad():
        assert torch.equal(other.reconstruction(last), before)
    torch.testing.assert_close(through, before)


def test_pictures_that_start_at_a_scale_are_as_the_fixed_noise_below_it() -> None:
    system = cast(SinGAN, trained().system)
    torch.manual_seed(0)
    latents = system.held(system.draw(2), 1)
    plan = system.plan()
    first, second = (plan.at(plan.start(k)) for k in (0, 1))
    with torch.no_grad():
        low = system.generate(latents, first)
        assert torch.equal(low[0], low[1])
        torch.testing.assert_close(low[:1], system.reconstruction(0))
        high = system.generate(latents, second)
    assert not torch.equal(high[0], high[1])


@pytest.mark.parametrize("size", [(28, 70), (45, 25)])
def test_pictures_of_any_size_have_it(size: tuple[int, int]) -> None:
    for sets in ((), ("border=noise",)):
        system = tiny(*sets)
        fields = system.fields_of(system.sizes_for(*size))
        latents = {field.name: torch.randn(2, *field.shape) for field in fields}
        with torch.no_grad():
            assert system.generate(latents, end(system)).shape == (2, 3, *size)


def test_a_changed_pixel_of_noise_changes_one_patch_and_no_more() -> None:
    recipe = Recipe(system="singan", preset="paper", set={"width": 4, "max_size": 40})
    spec = DataSpec(resolution=64, images=1, whole=(40, 40))
    system = cast(SinGAN, build_system(recipe, spec, CPU))
    height, width = system.sizes[0]
    noise = torch.randn(1, 1, height, width)
    other = noise.clone()
    other[0, 0, 12, 13] += 1
    with torch.no_grad():
        a, b = (system.step(0, system.blank(noise), z) for z in (noise, other))
    changed = (a != b).any(dim=1)[0].nonzero()
    assert changed[:, 0].min() == 12 - 5
    assert changed[:, 0].max() == 12 + 5
    assert changed[:, 1].min() == 13 - 5
    assert changed[:, 1].max() == 13 + 5


def test_what_enters_at_a_scale_keeps_what_is_coarser() -> None:
    system = tiny()
    last = len(system.sizes) - 1
    for network in system.generators:  # detail of none: tanh(0)
        torch.nn.init.zeros_(network.body[-1].weight)
        torch.nn.init.zeros_(network.body[-1].bias)
    latents = system.draw(1)
    with torch.no_grad():
        made = system.refined(PICTURE, last, latents)
        expected = resized(resized(PICTURE, *system.sizes[last - 1]), *system.sizes[last])
    torch.testing.assert_close(made, expected)


def test_enlarging_goes_in_steps_like_those_of_the_training() -> None:
    recipe = Recipe(system="singan", preset="larger", set={"width": 4, "layers": 3})
    spec = DataSpec(resolution=128, images=1, whole=(100, 120))
    system = cast(SinGAN, build_system(recipe, spec, CPU))
    factors = system.enlargements(4.0)
    assert len(factors) == 6  # k of the paper, for four times
    assert factors[-1] == pytest.approx(4.0)
    assert factors[0] == pytest.approx(4 ** (1 / 6))
    with torch.no_grad():
        made = system.enlarged(torch.zeros(1, 3, 25, 30), 4.0, 0.0)
        again = system.enlarged(torch.zeros(1, 3, 25, 30), 4.0, 0.0)
    assert made.shape == (1, 3, 100, 120)
    assert torch.equal(made, again)


def test_an_enlarged_picture_shrinks_to_the_one_that_was_given() -> None:
    recipe = Recipe(system="singan", preset="larger", set={"width": 4, "layers": 3})
    spec = DataSpec(resolution=128, images=1, whole=(100, 120))
    system = cast(SinGAN, build_system(recipe, spec, CPU)).eval()
    torch.manual_seed(3)
    given = resized(torch.rand(1, 3, 5, 6) * 2 - 1, 25, 30)
    with torch.no_grad():
        torch.nn.init.constant_(system.generators[-1].body[-1].bias, 0.1)  # a fault at every step
        found = {n: system.enlarged(given, 2.0, 0.0, projections=n) for n in (0, 1, 3)}
    off = {n: float((resized(made, 25, 30) - given).abs().mean()) for n, made in found.items()}
    assert off[0] > 0.1
    assert off[3] < off[1] < off[0] / 5
    assert off[3] < 0.005


def test_a_film_begins_near_the_picture_and_is_drawn_back_to_it() -> None:
    system = tiny()
    torch.manual_seed(0)
    rows = list(system.wander(40, start=1, pull=0.1, inertia=0.9))
    assert len(rows) == 40
    assert all(torch.equal(row["z0"], system.anchor) for row in rows)
    # all the pull: the noise is the fixed one from the second frame on
    still = list(system.wander(3, start=0, pull=1.0))
    assert torch.equal(still[1]["z0"], system.anchor)
    # no pull, no inertia: z_{t+1} − z_t = u, of deviation 1
    free = list(system.wander(40, start=1, pull=0.0, inertia=0.0))
    steps = torch.stack([b["z1"] - a["z1"] for a, b in itertools.pairwise(free)])
    assert float(steps.std()) == pytest.approx(1.0, abs=0.02)


def test_batches_of_fakes_learn_from_as_many_copies() -> None:
    trainer = Trainer(tiny("batch=3"), OnePicture())
    result = trainer.step()
    assert result.finite
    assert trainer.images == 9


def test_a_scale_can_be_tried_alone() -> None:
    """Speed and memory are measured so: the plan then has that one stage."""
    system = tiny()
    trainer = Trainer(system, OnePicture(), plan=Plan(system.plan().stages[-1:]))
    assert trainer.step().finite
    assert math.isfinite(float(system.amplitude[-1]))


# sketches


def test_a_scale_can_learn_to_draw_upon_few_colours() -> None:
    system = cast(SinGAN, trained("paint_scale=1", "paint_colours=3").system)
    base = system.base(1)
    torch.testing.assert_close(system.palette, palette_of(base, 3))
    assert len(few := recoloured(base, system.palette)[0].flatten(1).unique(dim=1).t()) == 3
    assert all((few == colour).all(dim=1).any() for colour in system.palette)
    quiet = system.fixed_noise(1)
    with torch.no_grad():
        there = system.step(1, base, quiet)
        torch.testing.assert_close(
            there, system.generators[1](quiet, recoloured(base, system.palette)), rtol=0, atol=0
        )
        assert not torch.equal(there, system.generators[1](quiet, base))


def test_sketches_enter_where_few_colours_were_learnt_and_need_not_hit_them() -> None:
    system = cast(SinGAN, trained("paint_scale=1", "paint_colours=3").system)
    assert usual_start(system, "paint") == 1
    sketch = torch.full((1, 3, *WHOLE), -0.9)
    sketch[..., WHOLE[0] // 2 :, :] = 0.0
    latents = system.draw(1)
    with torch.no_grad():
        made, again = (system.refined(x, 1, latents) for x in (sketch, sketch * 0.9))
    torch.testing.assert_close(made, again)


def test_a_scale_of_few_colours_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="paint_scale is 40; this picture has the scales 0 to"):
        tiny("paint_scale=40")
    with pytest.raises(ConfigError, match="paint_colours 1"):
        tiny("paint_colours=1")
