from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import progan
from progan.assemble.models.model import load
from progan.assemble.models.walks import (
    code_rows,
    ease,
    loop_walk,
    slerp,
    smooth_noise,
    smooth_walk,
)
from progan.core.errors import CheckpointError, ConfigError
from progan.core.latents import LatentField
from progan.core.recipe import Recipe
from progan.engine.checkpoint import load_checkpoint

MakeRun = Callable[..., Path]


def test_a_picture_is_a_function_of_its_seed_alone(make_run: MakeRun) -> None:
    model = load(make_run())
    alone = model.sample([11])
    assert alone.shape == (1, 16, 16, 3)
    assert alone.dtype == np.uint8
    for seeds, place in (([11, 4], 0), ([4, 11, 2], 1), (range(12), 11)):
        assert np.array_equal(model.sample(seeds)[place], alone[0])
    assert not np.array_equal(model.sample([12]), alone)


def test_the_number_of_threads_changes_no_pixel_and_stays_as_it_was(make_run: MakeRun) -> None:
    model = load(make_run())
    one = model.sample(range(4))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert np.array_equal(model.sample(range(4)), one)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_sampling_leaves_the_callers_randomness_alone(make_run: MakeRun) -> None:
    model = load(make_run())
    torch.manual_seed(1)
    expected = torch.randn(3)
    torch.manual_seed(1)
    model.sample([1, 2])
    assert torch.equal(torch.randn(3), expected)


def test_averaged_weights_are_used_unless_live_ones_are_asked_for(make_run: MakeRun) -> None:
    run = make_run()
    tensors, _ = load_checkpoint(run / "checkpoints" / "000000450.safetensors")
    name = "blocks.4.1.conv.weight"
    for weights, stored in (
        ("average", f"average/generator/{name}"),
        ("live", f"system/generator.{name}"),
    ):
        model = load(run, weights=weights)  # type: ignore[arg-type]
        assert torch.equal(model.system.state_dict()[f"generator.{name}"], tensors[stored])
    assert load(run).identity != load(run, weights="live").identity


def test_the_newest_checkpoint_is_taken_unless_another_is_named(make_run: MakeRun) -> None:
    run = make_run(50, 450)
    assert load(run).trained_images == 450
    early = load(run, at_images=50)
    assert (early.trained_images, early.resolution) == (50, 4)
    with pytest.raises(ConfigError, match="no checkpoint at 60 images; it keeps 50, 450"):
        load(run, at_images=60)


def test_a_damaged_checkpoint_is_passed_over_with_a_word(make_run: MakeRun) -> None:
    run = make_run(50, 450)
    newest = run / "checkpoints" / "000000450.safetensors"
    content = bytearray(newest.read_bytes())
    content[-3] ^= 1
    newest.write_bytes(content)
    model = load(run)
    assert model.trained_images == 50
    assert "damaged" in model.stored.passed[0]
    with pytest.raises(CheckpointError, match="damaged"):
        load(newest)


def test_at_a_stage_border_the_model_is_the_end_of_the_stage_before(make_run: MakeRun) -> None:
    # 300 images: the settled stage of 8 px has ended, and nobody has entered the fade to 16.
    model = load(make_run(300))
    assert (model.resolution, model.alpha, model.resolutions) == (8, 1.0, (4, 8))


def test_within_a_fade_resolution_and_alpha_come_from_the_file(make_run: MakeRun) -> None:
    model = load(make_run(325))
    assert (model.resolution, model.alpha) == (16, 0.25)
    assert model.at(resolution=8).alpha == 1.0
    assert model.at(resolution=16).alpha == 0.25


def test_at_the_start_of_a_fade_the_picture_is_the_smaller_one_doubled(make_run: MakeRun) -> None:
    model = load(make_run())
    small = model.at(resolution=4).sample(range(3))
    doubled = small.repeat(2, axis=1).repeat(2, axis=2)
    assert np.array_equal(model.at(resolution=8, alpha=0.0).sample(range(3)), doubled)
    assert not np.array_equal(model.at(resolution=8).sample(range(3)), doubled)
    assert model.resolution == 16  # a view leaves the model as it was


@pytest.mark.parametrize(
    ("resolution", "alpha", "words"),
    [
        (32, None, "trained at 4, 8, 16"),
        (6, None, "trained at 4, 8, 16"),
        (4, 0.5, "nothing fades in at 4 px"),
        (8, 1.5, "from 0 to 1"),
        (8, math.nan, "from 0 to 1"),
    ],
)
def test_a_moment_that_never_was_is_refused(
    make_run: MakeRun, resolution: int, alpha: float | None, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        load(make_run()).at(resolution, alpha)


def test_levels_not_yet_trained_are_refused(make_run: MakeRun) -> None:
    with pytest.raises(ConfigError, match="trained at 4, 8"):
        load(make_run(150)).at(resolution=16)


def test_truncation_and_seeds_out_of_range_are_refused(make_run: MakeRun) -> None:
    model = load(make_run())
    for truncation in (0.0, -1.0, 1.5, math.nan):
        with pytest.raises(ConfigError, match="truncation is"):
            model.sample([0], truncation=truncation)
    with pytest.raises(ConfigError, match="A seed is -1"):
        model.sample([-1])
    with pytest.raises(ConfigError, match="no seeds"):
        model.sample([])


def test_members_of_an_ensemble_are_chosen_by_number_and_not_named_after_classes(
    make_run: MakeRun,
) -> None:
    recipe = Recipe(system="ensemble", set={"members": 2, "width": 4, "latent_size": 8})
    model = load(make_run(recipe=recipe, classes=("cat", "dog")))
    assert (model.classes, model.class_names) == (2, ())
    second = model.sample(range(3), labels=1)
    assert np.array_equal(second[1:2], model.sample([1]))  # members go round by seed
    assert not np.array_equal(second[:1], model.sample([0]))
    with pytest.raises(ConfigError, match='no class "dog"'):
        model.sample([0], labels="dog")


def test_labels_choose_the_class_by_name_or_number(make_run: MakeRun) -> None:
    model = load(make_run(classes=("cat", "dog", "7")))
    assert model.class_names == ("cat", "dog", "7")
    dogs = model.sample(range(3), labels="dog")
    assert np.array_equal(dogs, model.sample(range(3), labels=1))
    assert np.array_equal(dogs, model.sample(range(3), labels=["dog", "1", 1]))
    # Without labels classes go round by seed, so seed 4 is a dog.
    assert np.array_equal(model.sample([4]), model.sample([4], labels="dog"))
    assert not np.array_equal(model.sample([4]), model.sample([4], labels="cat"))
    assert model.asked("7", 1) == (2,)  # a name goes before a number


@pytest.mark.parametrize("label", ["dgo", "3", -1, 10**30, "²"])
def test_a_class_that_is_not_there_is_refused(make_run: MakeRun, label: int | str) -> None:
    model = load(make_run(classes=("cat", "dog", "cow")))
    with pytest.raises(ConfigError, match="There is no class"):
        model.sample([0], labels=label)
    with pytest.raises(ConfigError, match="Did you mean dog"):
        model.sample([0], labels="dgo")
    with pytest.raises(ConfigError, match="2 labels came for 3 seeds"):
        model.sample([0, 1, 2], labels=["cat", "dog"])


def test_a_model_without_classes_takes_no_label(make_run: MakeRun) -> None:
    with pytest.raises(ConfigError, match="without classes"):
        load(make_run()).sample([0], labels=0)


def test_grey_models_give_one_channel(make_run: MakeRun) -> None:
    model = load(make_run(channels=1))
    assert model.channels == 1
    assert model.sample([0, 1]).shape == (2, 16, 16, 1)


# Where models are -----------------------------------------------------------------------------


def test_what_is_no_model_is_named_with_what_to_do(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(name="cats")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.safetensors").write_text("hello, this is no safetensors file")
    young = tmp_path / "runs" / "young"
    (young / "checkpoints").mkdir(parents=True)
    (young / "recipe.lock.yaml").touch()
    os.mkfifo(tmp_path / "pipe")
    for path, kind, words in (
        (tmp_path / "empty", ConfigError, "neither a run nor an exported model"),
        (tmp_path / "runs" / "cast", ConfigError, "Did you mean .*cats"),
        (tmp_path / "text.safetensors", CheckpointError, "damaged"),
        (young, ConfigError, "progan resume"),
        (tmp_path / "pipe", ConfigError, "neither a file nor a folder"),
    ):
        with pytest.raises(kind, match=words):
            load(path)
    with pytest.raises(ConfigError, match="holds one model"):
        load(run / "checkpoints" / "000000450.safetensors", at_images=450)
    with pytest.raises(ConfigError, match="average or live"):
        load(run, weights="best")  # type: ignore[arg-type]


def test_odd_names_are_just_names(make_run: MakeRun) -> None:
    assert progan.load(make_run(name="猫 画像 #1 🐈")).sample([0]).shape == (1, 16, 16, 3)


def test_a_saved_model_gives_the_same_pixels_and_holds_nothing_else(
    make_run: MakeRun, tmp_path: Path
) -> None:
    model = load(make_run(325, classes=("cat", "dog")))
    folder = model.save_pretrained(tmp_path / "給 my-model")
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    again = load(folder)
    assert again.identity == model.identity
    assert (again.resolution, again.alpha, again.class_names) == (16, 0.25, ("cat", "dog"))
    assert np.array_equal(again.sample(range(5)), model.sample(range(5)))
    assert np.array_equal(again.at(8, 0.5).sample([3]), model.at(8, 0.5).sample([3]))

    tensors, meta = load_checkpoint(folder / "model.safetensors")
    assert tensors
    assert all(name.startswith("average/generator/") for name in tensors)
    assert "/home/somebody" not in str(meta)  # whose pictures lay where is nobody's business
    assert (
        "/home/somebody"
        not in (folder / "README.md").read_text() + (folder / "config.json").read_text()
    )
    with pytest.raises(CheckpointError, match="averaged weights only"):
        load(folder, weights="live")


def test_a_saved_model_may_be_saved_over_but_nothing_else_may(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    model = load(run)
    folder = model.save_pretrained(tmp_path / "model")
    model.save_pretrained(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine")
    with pytest.raises(ConfigError, match="holds other things"):
        model.save_pretrained(tmp_path / "mine")
    assert (tmp_path / "mine" / "README.md").read_text() == "mine"
    with pytest.raises(ConfigError, match="averaged weights only"):
        load(run, weights="live").save_pretrained(tmp_path / "live")


def test_a_run_with_only_its_exported_model_left_still_loads(make_run: MakeRun) -> None:
    run = make_run()
    load(run).save_pretrained(run / "model")
    (run / "checkpoints" / "000000450.safetensors").unlink()
    assert load(run).path == run / "model" / "model.safetensors"


# Walks ----------------------------------------------------------------------------------------


def test_a_loop_rests_at_each_seed_and_comes_back(make_run: MakeRun) -> None:
    model = load(make_run())
    frames = list(model.walk([0, 3, 7], 12))
    assert len(frames) == 12
    for place, seed in ((0, 0), (4, 3), (8, 7)):
        assert np.array_equal(frames[place], model.sample([seed])[0])
    assert not np.array_equal(frames[11], frames[0])


def test_a_walk_is_refused_when_it_goes_nowhere(make_run: MakeRun) -> None:
    model = load(make_run())
    with pytest.raises(ConfigError, match="goes nowhere"):
        model.walk([1], 10)
    with pytest.raises(ConfigError, match="takes one"):
        model.walk([1, 2], 10, kind="smooth")
    with pytest.raises(ConfigError, match="at least 1"):
        model.walk([1, 2], 0)
    with pytest.raises(ConfigError, match='"loop" or "smooth"'):
        model.walk([1, 2], 5, kind="zigzag")  # type: ignore[arg-type]


def test_a_smooth_walk_depends_on_its_seed_only(make_run: MakeRun) -> None:
    model = load(make_run())
    first, again, other = (
        np.stack(list(model.walk(seed, 6, kind="smooth", sigma=1.0))) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_slerp_keeps_to_the_sphere_and_moves_evenly() -> None:
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    third = slerp(a, b, 1 / 3)  # 30 degrees of 90, at radius 2
    torch.testing.assert_close(third, torch.tensor([math.sqrt(3), 1.0]))
    # Of different lengths: half-way between 1 and 3 at 45 degrees.
    middle = slerp(a / 2, 1.5 * b, 0.5)
    torch.testing.assert_close(middle, torch.tensor([math.sqrt(2), math.sqrt(2)]))


def test_slerp_without_an_arc_takes_the_line() -> None:
    a = torch.tensor([1.0, 2.0])
    torch.testing.assert_close(slerp(a, a, 0.3), a)
    torch.testing.assert_close(slerp(a, -a, 0.25), a / 2)
    torch.testing.assert_close(slerp(a, torch.zeros(2), 0.5), a / 2)


def test_easing_starts_and_ends_at_rest() -> None:
    assert (ease(0.0), ease(0.5), ease(1.0)) == (0.0, 0.5, 1.0)
    assert ease(0.01) < 0.0004


def test_smooth_noise_is_the_wrapped_gaussian_of_normal_noise() -> None:
    frames, sigma = 7, 0.8
    torch.manual_seed(3)
    noise = torch.randn(frames, 2).double()
    expected = torch.zeros(frames, 2, dtype=torch.float64)
    reach = 3  # int(4 * 0.8 + 0.5)
    weights = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-reach, reach + 1)]
    for frame in range(frames):
        for k, weight in zip(range(-reach, reach + 1), weights, strict=True):
            expected[frame] += weight / sum(weights) * noise[(frame - k) % frames]
    expected /= expected.square().mean().sqrt()
    torch.manual_seed(3)
    torch.testing.assert_close(smooth_noise(frames, (2,), sigma), expected.float())


def test_smooth_noise_wanders_slowly_and_closes() -> None:
    torch.manual_seed(0)
    noise = smooth_noise(200, (64,), 20.0)
    steps = (noise - noise.roll(1, 0)).square().mean(1).sqrt()
    # Neighbours of Gaussian-smoothed noise correlate by exp(−1/(4σ²)): they differ by 1/(σ√2).
    assert steps.max() < 0.06
    assert steps[0] < 0.06  # from the last frame to the first too
    torch.testing.assert_close(noise.square().mean(), torch.tensor(1.0))


def test_priors_hold_on_walks() -> None:
    fields = (
        LatentField(name="z", shape=(300,)),
        LatentField(name="u", shape=(300,), prior="uniform"),
        LatentField(name="label", shape=(), prior="categorical", role="class", choices=5),
    )
    rows = list(smooth_walk(fields, 9, 40, sigma=3.0, truncation=0.5))
    z, u = (torch.cat([row[name] for row in rows]) for name in ("z", "u"))
    assert 0.9 < z.abs().max() <= 1.0  # cut at 2 · 0.5
    assert 0.9 < u.abs().max() <= 1.0
    assert abs(float(u.square().mean()) - 1 / 3) < 0.02
    assert len({int(row["label"]) for row in rows}) == 1

    keys = {
        "z": torch.ones(2, 300),
        "u": torch.tensor([[-1.0] * 300, [1.0] * 300]),
        "label": torch.tensor([1, 4]),
    }
    loop = list(loop_walk(fields, keys, 8))
    assert [int(row["label"]) for row in loop] == [1, 1, 4, 4, 4, 4, 1, 1]
    assert float(loop[2]["u"][0, 0]) == pytest.approx(0.0)
    assert loop[3]["z"].shape == (1, 300)


def test_classes_that_can_be_mixed_glide_into_each_other() -> None:
    fields = (
        LatentField(name="z", shape=(2,)),
        LatentField(
            name="label", shape=(), prior="categorical", role="class", choices=3, mixes=True
        ),
    )
    keys = {"z": torch.ones(2, 2), "label": torch.tensor([0, 2])}
    rows = [row["label"] for row in loop_walk(fields, keys, 8)]
    assert rows[0].tolist() == [[1.0, 0.0, 0.0]]
    torch.testing.assert_close(rows[2], torch.tensor([[0.5, 0.0, 0.5]]))  # half-way: ease(½) = ½
    assert rows[4].tolist() == [[0.0, 0.0, 1.0]]
    same = {**keys, "label": torch.tensor([1, 1])}
    assert [int(row["label"]) for row in loop_walk(fields, same, 4)] == [1] * 4


def test_every_code_is_swept_while_all_else_stays() -> None:
    fields = (
        LatentField(name="z", shape=(3,)),
        LatentField(name="kind", shape=(), prior="categorical", role="code", choices=3),
        LatentField(name="size", shape=(2,), prior="uniform", role="code"),
        LatentField(name="on", shape=(1,), prior="bernoulli", role="class"),
    )
    row = {
        "z": torch.randn(1, 3),
        "kind": torch.tensor([1]),
        "size": torch.tensor([[0.25, -0.5]]),
        "on": torch.tensor([[1.0]]),
    }
    rows = dict(code_rows(fields, row, 5))
    assert list(rows) == ["kind", "size 1", "size 2", "on 1"]
    assert [int(one["kind"]) for one in rows["kind"]] == [0, 1, 2]
    assert [one["size"][0].tolist() for one in rows["size 2"]] == [
        [0.25, value] for value in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    assert [float(one["on"]) for one in rows["on 1"]] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert row["size"].tolist() == [[0.25, -0.5]]  # as it was
    for name, swept in rows.items():
        for one in swept:
            assert all(torch.equal(one[f], row[f]) for f in row if not name.startswith(f))
    assert len(dict(code_rows(fields, row, 5, most=2))["kind"]) == 2
