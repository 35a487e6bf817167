"""Judges of translations: they tell a style from another, and one picture from the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from progan.assemble.measuring import judged as judging
from progan.assemble.measuring.judged import Case, judged, small
from progan.core.errors import ConfigError

Pixels = NDArray[np.uint8]
SIDE, COUNT = 16, 64


class Held:
    """Pictures in memory, as a pyramid gives them."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels, self.count = pixels, len(pixels)

    def gather(self, rows: Any, side: int) -> Pixels:
        assert side == SIDE
        return self.pixels[rows]


def drawn(seed: int) -> Pixels:
    """Pictures of blocks in greys of their own, with some grain."""
    dice = np.random.default_rng(seed)
    blocks = dice.integers(60, 236, (COUNT, 1, 4, 4)).repeat(4, axis=2).repeat(4, axis=3)
    return np.clip(blocks + dice.normal(0, 6, (COUNT, 3, SIDE, SIDE)), 20, 255).astype(np.uint8)


def striped(pixels: Pixels) -> Pixels:
    """Every other line darker: the style of the target."""
    found = pixels.copy()
    found[:, :, ::2] -= 20
    return found


def case(translate: Callable[[Pixels], Pixels], **more: Any) -> Case:
    source, target = drawn(0), striped(drawn(1))
    orders = tuple(np.random.default_rng(k).permutation(COUNT) for k in (2, 3))
    made = translate(source)[more.get("orders", orders)[0]]
    return Case(
        **{
            "names": ("plain", "striped"),
            "source": Held(source),
            "target": Held(target),
            "held_out": True,
            "partners": False,
            "orders": orders,
            "made": lambda start, count: made[start : start + count],
            "side": SIDE,
            **more,
        }
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "SHOWN", 6_000)


@pytest.mark.parametrize(
    ("translate", "style", "content"),
    [
        (striped, (0.9, 1), (0.5, 1)),
        (lambda pixels: pixels, (0, 0.1), (0.6, 1)),
        (lambda pixels: striped(np.roll(pixels, 1, axis=0)), (0.9, 1), (0, 0.2)),
    ],
    ids=["right", "nothing done", "another picture"],
)
def test_style_and_content_tell_what_a_translation_kept(
    translate: Callable[[Pixels], Pixels], style: tuple[float, float], content: tuple[float, float]
) -> None:
    rows, notes = judged(case(translate), ["style", "content"])
    found = {row.metric: row for row in rows}
    assert style[0] <= found["style"].value <= style[1]
    assert content[0] <= found["content"].value <= content[1]
    for row in rows:
        assert row.floor is not None
        assert row.floor >= 0.6  # of real pictures
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.value <= row.high
        assert row.images == COUNT // 2
    assert "it calls 0.0" in notes[0]
    assert "by chance 0.031" in notes[1]


def test_where_partners_are_known_they_stand_beside_content() -> None:
    in_order = np.arange(COUNT), np.arange(COUNT)
    partners = case(striped, partners=True, orders=in_order, target=Held(striped(drawn(0))))
    strangers = case(striped, partners=True, orders=in_order)
    ((own,), _), ((other,), _) = (judged(one, ["content"]) for one in (partners, strangers))
    assert own.floor == own.value  # such translations are what they should be
    assert other.floor is not None
    assert other.floor < 0.2


def test_judging_again_says_the_same_and_tells_how_far_it_is() -> None:
    heard: list[tuple[str, float]] = []
    first = judged(case(striped), ["content"], hear=lambda *one: heard.append(one))
    assert judged(case(striped), ["content"]) == first
    assert heard[-1] == ("content", 1.0)


@pytest.mark.parametrize("more", [{"held_out": False}, {"source": Held(drawn(0)[:31])}])
def test_too_few_held_out_pictures_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"held_out=0\.2"):
        judged(case(striped, **more), ["style"])


def test_large_pictures_are_shrunk_by_means_of_blocks() -> None:
    large = np.zeros((1, 3, 1024, 1024), np.uint8)
    large[:, :, :, 1::2] = 100
    assert small(large).shape == (1, 3, 256, 256)
    assert (small(large) == 50).all()
    assert small(large[..., :300, :300]).shape == (1, 3, 300, 300)
