from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from progan.acceptance import table
from progan.acceptance.codes import best_match
from progan.acceptance.conditional import variety
from progan.acceptance.dcgan import largest_jump, linear_accuracy
from progan.acceptance.pictures import Draws, Pictures, begun, drawn, trained
from progan.acceptance.residual import apart, blind, pairs_of_patches
from progan.acceptance.shapes import SIDE, angles, ellipses, ranks_agree, sizes
from progan.core.batch import Images, Labelled
from progan.core.errors import ConfigError
from progan.layers.attention import SelfAttention


def test_names_that_are_not_known_are_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean cgan"):
        table.lookup("cgam")
    with pytest.raises(ConfigError, match=r'"rung" is not a task .*Did you mean ring'):
        table.lookup("infogan", "rung")


def test_every_task_has_a_name_of_its_own() -> None:
    for tasks in table.TASKS.values():
        names = [one.slug for one in tasks]
        assert len(set(names)) == len(names) > 0


def test_a_best_matching_is_no_greedy_one() -> None:
    counts = np.array([[9, 8, 0], [9, 0, 0], [0, 0, 5]])
    assert best_match(counts) == 8 + 9 + 5  # greedy: 9 + 0 + 5
    assert best_match(np.eye(10, dtype=np.int64)[::-1]) == 10


def test_ranks_agree_as_spearman_has_it() -> None:
    # d = 0, 1, 1, 0: 1 − 6 · 2 / (4 · 15) = 0.8
    assert ranks_agree(np.array([1.0, 2, 3, 4]), np.array([10.0, 30, 20, 90])) == pytest.approx(0.8)


def test_size_and_angle_are_read_off_an_ellipse() -> None:
    made = ellipses(400, seed=1)
    assert made.pixels.shape == (400, 1, SIDE, SIDE)
    random = np.random.default_rng(1)
    short = random.uniform(1.5, 3.5, 400)
    angle = random.uniform(-math.pi / 3, math.pi / 3, 400)
    assert ranks_agree(sizes(made.pixels), short) > 0.99
    assert np.abs(angles(made.pixels) - angle).max() < 0.1


def pictures(count: int = 6) -> Pictures:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, 1, 16, 16)).astype(np.uint8)
    return Pictures(pixels=pixels, labels=np.arange(count) % 2, classes=2)


def test_every_picture_comes_once_a_round_with_its_label() -> None:
    some = pictures()
    draws = Draws(pictures=some, seed=3, batch_type=Labelled)
    batch: Any = draws.batch(range(6), 16)
    seen = batch.image.add(1).mul(127.5).round().byte().numpy()
    places = [int(np.flatnonzero((some.pixels == one).all(axis=(1, 2, 3)))[0]) for one in seen]
    assert sorted(places) == list(range(6))
    assert batch.label.tolist() == [place % 2 for place in places]
    plain = Draws(pictures=some, seed=3, batch_type=Images).batch(range(6), 16)
    assert torch.equal(plain.image, batch.image)


def test_pictures_are_drawn_for_the_values_asked_and_the_same_again() -> None:
    sets = ["images=8", "batch=4", "width=1", "latent_size=2"]
    trainer = trained("cgan", pictures(), preset="cpu", seed=0, sets=sets)
    values = torch.tensor([0, 1, 0])
    first = drawn(trainer, "label", values)
    assert first.shape == (3, 1, 16, 16)
    assert np.array_equal(first, drawn(trainer, "label", values))
    other = drawn(trainer, "label", 1 - values)
    assert all((first[k] != other[k]).any() for k in range(3))


def test_digits_held_out_are_none_of_those_to_learn_from() -> None:
    pytest.importorskip("sklearn")
    from progan.acceptance.digits import HELD_OUT, digits

    known, held = digits()
    assert (len(known), len(held)) == (1_797 - HELD_OUT, HELD_OUT)
    assert set(held.labels) == set(known.labels) == set(range(10))
    once = {one.tobytes() for one in known.pixels}
    assert sum(one.tobytes() in once for one in held.pixels) == 0


def test_variety_is_one_of_real_pictures_and_nothing_of_one_picture() -> None:
    some = pictures(40)
    some = Pictures(pixels=some.pixels, labels=np.arange(40) % 10, classes=10)
    assert variety(some.pixels, some.labels, some) == pytest.approx(1.0)
    same = some.pixels[:10].repeat(4, axis=0)  # one picture for each class
    assert variety(same, np.arange(10).repeat(4), some) == 0.0


def test_a_jump_is_counted_in_median_steps() -> None:
    assert largest_jump(torch.tensor([1.0, 2.0, 2.0, 3.0, 8.0])) == pytest.approx(4.0)


def test_a_linear_machine_tells_what_a_line_can_part() -> None:
    """Two clouds ten deviations apart; with their labels shuffled, about half."""
    pytest.importorskip("sklearn")
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    rows = (random.normal(size=(120, 3)) + 10 * (labels[:, None] - 0.5)).astype(np.float32)
    few = np.arange(10)
    for numbers in (np.arange(80), few):
        told = linear_accuracy(rows[:80], labels[:80], numbers, rows[80:], labels[80:])
        assert told == 1.0
    wrong = random.permutation(labels)
    told = linear_accuracy(rows[:80], wrong[:80], few, rows[80:], wrong[80:])
    assert 0.2 < told < 0.8


def test_a_system_that_has_not_begun_is_drawn_from_like_one_that_has() -> None:
    trainer = begun("dcgan", pictures(), preset="tiny", seed=0, sets=["width=2", "latent_size=3"])
    made = drawn(trainer, "z", torch.randn(5, 3))
    assert made.shape == (5, 1, 16, 16)
    assert trainer.images == 0


def test_patches_of_one_picture_have_one_colour_and_others_another() -> None:
    some = pairs_of_patches(300, seed=0)
    assert some.pixels.shape == (300, 3, 16, 16)
    assert some.spec.channels == 3
    assert apart(some.pixels) == 0
    mixed = some.pixels.copy()
    mixed[:, :, 8:] = np.roll(mixed[:, :, 8:], 1, axis=0)
    # two even numbers from 0 to 255 are 255/3 = 85 apart on average
    assert apart(mixed) == pytest.approx(85, abs=5)


def test_blind_attention_sees_its_own_places_alone_with_as_many_parameters() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(8, spectral_norm=False)
    torch.nn.init.ones_(layer.gamma)
    count = sum(p.numel() for p in layer.parameters())
    blind(layer)
    x = torch.randn(1, 8, 4, 4, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x)[0, :, 0, 1].sum(), x)
    assert sum(p.numel() for p in layer.parameters()) == count
    assert float(slope[0, :, 2:].abs().max()) == float(slope[0, :, :, 2:].abs().max()) == 0
    assert float(slope[0, :, :2, :2].abs().max()) > 0


class Judge:
    """Reads the digit that a picture's first pixels happen to spell."""

    def log_probabilities(self, images: np.ndarray) -> torch.Tensor:
        return (
            torch.from_numpy(images[:, 0].reshape(len(images), -1)[:, :10]).double().log_softmax(1)
        )


def test_a_short_game_of_digits_gives_all_numbers_with_their_bars(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("sklearn")
    from progan.acceptance import residual

    def briefly(system: str, pictures: Pictures, **options: Any) -> Any:
        sets = ["images=8", "batch=4", "width=2", "latent_size=6", "standing_passes=1"]
        return trained(system, pictures, **options, sets=sets)

    monkeypatch.setattr(residual, "trained", briefly)
    monkeypatch.setattr(residual, "classifier", lambda seed, side: (Judge(), 0.5))
    monkeypatch.setattr(residual, "EACH", 2)
    found = residual.on_digits("biggan", 0)
    bars = {name: number.bar for name, number in found.items() if number.bar}
    assert bars == {
        "agreement": "at least 0.9",
        "score": "at least 8.5",
        "distance": "at least 0, at most 6",
        "score falls": "at most 0.1",
        "spread rises": "at most 0.1",
    }
    assert sum(name.startswith("cut at") for name in found) == 5
    assert all(math.isfinite(number.value) for number in found.values())


def test_a_short_game_of_patches_tells_both_and_has_no_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from progan.acceptance import residual

    sets = ("width=2", "latent_size=16", "images=8", "batch=4")
    monkeypatch.setattr(residual, "PROBE", sets)
    found = residual.on_patches(0)
    assert found.keys() == {"attention", "blind", "unrelated"}
    assert all(not number.bar and number.value >= 0 for number in found.values())
