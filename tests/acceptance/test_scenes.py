"""What the tasks of translators are made of: scenes as they are said to be, and fair judges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from progan.acceptance.scenes import (
    CLASSES,
    PALETTES,
    SceneDraws,
    held_scenes,
    mean_image_of,
    mean_iou,
    nearest_colour,
    psnr,
    rolled,
    scenes,
    training_scenes,
)
from progan.core.batch import Layout, Paired, Unpaired

SKY, DISC, SQUARE, GROUND = range(len(CLASSES))


def test_every_scene_has_its_parts_where_they_belong() -> None:
    made = scenes(300, 1)
    assert made.a.shape == made.b.shape == (300, 3, 32, 32)
    for classes in made.classes:
        horizon = int((classes == GROUND).any(axis=1).argmax())
        assert 13 <= horizon <= 19
        assert not (classes[:horizon] == SQUARE).any()
        assert not (classes[horizon:] == DISC).any()
        assert not (classes[:horizon] == GROUND).any()
        disc, square = (classes == DISC).sum(), (classes == SQUARE).sum()
        assert math.pi * 3**2 * 0.8 < disc < math.pi * 5**2 * 1.1
        assert square in (16, 36, 64)


def test_colours_tell_every_pixels_class_in_both_domains() -> None:
    made = scenes(50, 2, scale=2)
    for domain in PALETTES:
        assert mean_iou(nearest_colour(made.image(domain), domain), made.classes) == 1.0


def test_discs_of_b_have_stripes_and_nothing_else_has() -> None:
    made = scenes(50, 3)
    for number in range(len(CLASSES)):
        colours = np.unique(made.b.transpose(0, 2, 3, 1)[made.classes == number], axis=0)
        assert len(colours) == (2 if number == DISC else 1)
        assert len(np.unique(made.a.transpose(0, 2, 3, 1)[made.classes == number], axis=0)) == 1


def test_twice_as_large_is_the_same_scene() -> None:
    once, twice = scenes(20, 4), scenes(20, 4, scale=2)
    assert twice.side == 64
    agree = (once.classes.repeat(2, axis=1).repeat(2, axis=2) == twice.classes).mean()
    assert agree > 0.98  # all but the edges of discs


def test_domains_to_learn_from_are_other_scenes_unless_they_are_paired() -> None:
    apart, paired = training_scenes(0), training_scenes(0, paired=True)
    assert np.array_equal(apart.a, paired.a)
    same = (apart.b == paired.b).all(axis=(1, 2, 3))
    assert same.mean() < 0.05
    held = held_scenes(0)
    known = {one.tobytes() for one in apart.a}
    assert sum(one.tobytes() in known for one in held.a) <= 2
    assert not np.array_equal(training_scenes(1).a, apart.a)


def test_pairs_are_drawn_as_pairs_and_domains_each_in_its_order() -> None:
    known = training_scenes(0, paired=True)
    pairs = SceneDraws(known=known, seed=0, batch_type=Paired).batch(range(40), 32)
    assert isinstance(pairs, Paired)
    found = [nearest_colour(image, domain) for image, domain in ((pairs.a, "a"), (pairs.b, "b"))]
    assert np.array_equal(*found)
    apart = SceneDraws(known=known, seed=0).batch(range(400), 32)
    assert isinstance(apart, Unpaired)
    assert len({one.numpy().tobytes() for one in apart.b}) == len(
        {one.tobytes() for one in known.b}
    )
    first, second = (nearest_colour(getattr(apart, name), name) for name in ("a", "b"))
    assert (first == second).all(axis=(1, 2)).mean() < 0.05


def test_layouts_say_the_class_of_every_pixel() -> None:
    known = training_scenes(0)
    draws = SceneDraws(known=known, seed=0, batch_type=Layout, domain="a")
    batch = draws.batch(range(8), 32)
    assert isinstance(batch, Layout)
    assert batch.layout.shape == (8, len(CLASSES), 32, 32)
    assert np.array_equal(batch.layout.argmax(dim=1).numpy(), nearest_colour(batch.image, "a"))
    assert known.layout_spec("a").layouts == len(CLASSES)
    assert known.layout_spec("a").layout_colours[0] == (38, 51, 128)


def test_psnr_is_that_of_pictures_from_zero_to_one() -> None:
    x = torch.zeros(2, 3, 4, 4)
    assert psnr(x + 0.2, x) == pytest.approx(20.0, abs=1e-4)  # an error of 0.1 in [0, 1]
    assert psnr(x + 5, x + 1) > 100  # beyond the range there is nothing


def test_iou_is_the_mean_over_classes() -> None:
    truth = np.array([[[SKY, SKY, DISC, DISC, SQUARE, GROUND]]])
    found = np.array([[[SKY, DISC, DISC, DISC, SQUARE, GROUND]]])
    assert mean_iou(truth, truth) == 1.0
    assert mean_iou(found, truth) == pytest.approx((1 / 2 + 2 / 3 + 1 + 1) / 4)
    assert mean_iou(np.full_like(truth, GROUND), truth) == pytest.approx(1 / 6 / 4)


def test_baselines_are_what_they_are_called() -> None:
    known = torch.stack([torch.full((3, 2, 2), float(v)) for v in (0, 1, 2)])
    assert torch.equal(mean_image_of(known, 5), torch.ones(5, 3, 2, 2))
    assert torch.equal(rolled(known)[:, 0, 0, 0], torch.tensor([2.0, 0.0, 1.0]))


def test_nobody_meets_the_bars_without_translating() -> None:
    held, known = held_scenes(0), training_scenes(0)
    truth = held.image("b")
    assert 13 < psnr(held.image("a"), truth) < 14
    assert 16 < psnr(mean_image_of(known.image("b"), len(held)), truth) < 17
    assert mean_iou(nearest_colour(held.image("a"), "b"), held.classes) < 0.2
