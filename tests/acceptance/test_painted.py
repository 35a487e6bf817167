"""The tasks of GauGAN: what they hold systems to can be met and can be missed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from progan.acceptance import gaugan, painted_portraits
from progan.acceptance.layouts import COLOURS, NAMES, LayoutDraws, nearest_class, scenes
from progan.metrics.segmentation import confusion, mean_iou


def test_scenes_can_be_read_off_their_colours() -> None:
    some = scenes(60, 5)
    assert some.images.shape == (60, 3, 32, 32)
    found = nearest_class(some.images)
    assert mean_iou(confusion(found, some.classes.numpy(), 4)) > 0.999
    shares = np.bincount(some.classes.flatten().numpy(), minlength=4) / some.classes.numel()
    assert shares.min() > 0.05
    assert float(some.images.abs().max()) <= 1


def test_a_scene_depends_on_its_number_alone_and_its_tint_on_all_its_pixels() -> None:
    some, fewer = scenes(6, 5), scenes(3, 5)
    assert torch.equal(some.images[:3], fewer.images)
    assert not torch.equal(some.images[:3], scenes(3, 6).images)
    assert some.tints is not None
    # noise of at most 0.1 over 1,024 pixels has a mean of about 0.003
    found = gaugan.offsets(some.images, some.classes)
    torch.testing.assert_close(found, some.tints, atol=0.02, rtol=0)
    assert gaugan.correlation(found, some.tints) > 0.98
    assert 0.25 < float(some.tints.abs().max()) <= 0.3


def test_batches_bring_pictures_with_their_own_layouts() -> None:
    some = scenes(12, 5)
    draws = LayoutDraws(known=some, seed=1)
    batch = draws.batch(range(12), 32)
    assert torch.equal(batch.layout.sum(dim=1), torch.ones(12, 32, 32))
    plain = torch.einsum("nlhw,lc->nchw", batch.layout, torch.from_numpy(COLOURS))
    assert float((batch.image - plain).abs().mean()) < 0.25
    assert len(batch.image.unique(dim=0)) == 12
    assert torch.equal(draws.batch(range(3, 5), 32).layout, batch.layout[3:5])
    assert some.spec.layout_names == NAMES
    assert some.spec.layout_colours[0] == (64, 140, 210)  # (−0.5, 0.1, 0.65) · 127.5 + 127.5


class Paints:
    """Paints each class in its colour, moved by the style; and what else is asked of it."""

    style_size = 3

    def __init__(self, heed: float = 1.0, smear: float = 0.0) -> None:
        self.heed, self.smear = heed, smear

    def style(self, image: torch.Tensor, at: Any) -> torch.Tensor:
        return image.mean(dim=(2, 3))

    def styled(self, layout: Any, direction: str, style: torch.Tensor, at: Any) -> torch.Tensor:
        plain = torch.einsum("nlhw,lc->nchw", layout, torch.from_numpy(COLOURS))
        whole = plain.mean(dim=(2, 3), keepdim=True)
        image = torch.lerp(plain, whole, self.smear)
        return image + 0.05 * self.heed * style[:, :, None, None]


def measured(monkeypatch: pytest.MonkeyPatch, system: Any) -> Any:
    monkeypatch.setattr(gaugan, "HELD", 20)
    trainer = SimpleNamespace(system=system, at=None)
    monkeypatch.setattr(gaugan, "trained", lambda known, seed, *, preset: trainer)
    return gaugan.measured(0, preset="colour")


def test_who_paints_layouts_in_styles_meets_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Paints())
    assert found["layout"].value > 0.99
    # deviation of 0.05 · N(0, 1)
    assert found["variety"].value == pytest.approx(0.05, rel=0.15)
    assert found["locality"].value == math.inf
    missed = {name for name, number in found.items() if not number.holds}
    assert missed <= {"style"}  # a mean colour is the layout's too: this style is a poor one


def test_who_ignores_layouts_or_styles_misses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = measured(monkeypatch, Paints(smear=1.0))
    assert not blind["layout"].holds
    assert not blind["layout, style of a picture"].holds
    assert not blind["locality"].holds  # a box that goes changes all pixels alike
    assert blind["locality"].value < 2
    deaf = measured(monkeypatch, Paints(heed=0.0))
    assert not deaf["variety"].holds
    assert deaf["variety"].value == 0
    assert not deaf["style"].holds


def test_likeness_is_the_mean_over_pictures_of_that_of_their_errors() -> None:
    wanted = torch.full((2, 3, 4, 4), -1.0)
    # bytes 51 and 255 too much: 20 log₁₀(255 / 51) = 13.979 dB, and 0 dB
    found = torch.tensor([51 / 127.5 - 1, 1.0]).view(2, 1, 1, 1).expand_as(wanted)
    assert painted_portraits.psnr(found, wanted) == pytest.approx(13.9794 / 2, abs=1e-3)


def test_mean_colours_are_those_of_the_pictures_one_learns_from() -> None:
    some = scenes(30, 5)
    painted = painted_portraits.in_mean_colours(some, some)
    for k in range(4):
        everywhere = painted.movedim(1, 3)[some.classes == k]
        wanted = some.images.movedim(1, 3)[some.classes == k].mean(dim=0)
        torch.testing.assert_close(everywhere, wanted.expand_as(everywhere), atol=1e-4, rtol=0)


def test_a_short_game_of_portraits_gives_all_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painted_portraits, "KNOWN", range(20))
    monkeypatch.setattr(painted_portraits, "HELD", range(100, 112))
    monkeypatch.setattr(painted_portraits, "JUDGED", range(50, 70))
    monkeypatch.setattr(painted_portraits, "JUDGE_IMAGES", 16)
    monkeypatch.setattr(painted_portraits, "SETS", ("images=8", "width=2", "hidden=4"))
    painted_portraits.reader.cache_clear()
    found = painted_portraits.measured(0)
    painted_portraits.reader.cache_clear()
    bars = {name for name, number in found.items() if number.bar}
    assert bars == {
        "layout",
        "layout, other style",
        "layout, gain",
        "likeness, gain",
        "likeness, style",
    }
    assert all(math.isfinite(number.value) for number in found.values())
    assert "segmenter:" in found["judge"].words
