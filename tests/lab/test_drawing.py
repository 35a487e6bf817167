from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from progan.data.worlds import lookup
from progan.lab.canvas import FAKE, LINES, LOOKS_FAKE, LOOKS_REAL, PAPER, REAL, Canvas, Frame, heat
from progan.lab.caption import HEAD, WIDTH
from progan.lab.lesson import PROBABILITY, Scale, lowest_minimax
from progan.lab.line import density, draw_line
from progan.lab.plane import draw_plane
from progan.lab.tone import Calm, calm
from progan.lab.watch import PLACES, SIDE, Moment, lattice

RING, NORMAL = lookup("ring"), lookup("gaussian1d")
STEADY = Calm(low=0.0, middle=0.5, high=1.0, push=1.0)


def moment(fakes: Tensor, **seen: object) -> Moment:
    nothing: dict[str, object] = dict.fromkeys(("field", "scores", "pushes", "threads", "modes"))
    return Moment(step=1, images=1, fakes=fakes, **{**nothing, **seen})  # type: ignore[arg-type]


def coloured(picture: Frame, colour: tuple[int, int, int], within: int = 40) -> np.ndarray:
    """Pixels near a colour, (n, 2) as x and y."""
    apart = np.abs(picture.astype(int) - np.array(colour)).max(axis=2)
    return np.argwhere(apart <= within)[:, ::-1]


def plane(seen: Moment, steady: Calm = STEADY) -> Frame:
    return draw_plane(RING, seen, steady, PROBABILITY, title="game", last=10)


def test_a_fake_stands_where_its_coordinates_say() -> None:
    # the ring is drawn from −1.5 to 1.5: x = 0.75 is at ¾ of the width, y = 0.75 a quarter down
    picture = plane(moment(torch.full((50, 2), 0.75)))
    found = coloured(picture[HEAD : HEAD + WIDTH], FAKE)
    middle = found.mean(axis=0)
    assert middle == pytest.approx([0.75 * WIDTH - 0.5, 0.25 * WIDTH - 0.5], abs=1)


def test_reals_are_drawn_around_the_centres() -> None:
    picture = plane(moment(torch.full((1, 2), 9.0)))  # the fake is outside
    right = coloured(picture[HEAD : HEAD + WIDTH], REAL, within=70)
    nearest = np.abs(right - np.array([WIDTH * 2.5 / 3, WIDTH / 2])).max(axis=1)
    assert (nearest < 0.08 * WIDTH / 3 + 4).sum() > 20


def test_a_sure_field_is_blue_where_it_looks_real_and_orange_where_fake() -> None:
    field = torch.full((SIDE, SIDE), -20.0)
    field[:, SIDE // 2 :] = 20.0  # to the right, as columns follow x
    field[: SIDE // 2] = -20.0  # rows follow y: only above remains
    picture = plane(moment(torch.full((1, 2), 9.0), field=field, scores=(1.0, -1.0)))
    eighth = WIDTH // 8
    assert tuple(picture[HEAD + eighth // 2, WIDTH - eighth // 2]) == LOOKS_REAL
    assert tuple(picture[HEAD + eighth // 2, eighth // 2]) == LOOKS_FAKE
    assert tuple(picture[HEAD + WIDTH - eighth // 2, WIDTH - eighth // 2]) == LOOKS_FAKE


def test_the_border_between_real_and_fake_is_a_line_as_thin_on_slopes_as_on_flats() -> None:
    x = np.linspace(-1, 1, 400)
    for slope in (0.2, 1.0, 5.0):
        row = heat(np.tile(slope * (x + 0.001), (20, 1)))[10].astype(int)
        # on light colours, ink is what is darker than all of them
        dark = np.flatnonzero(row.sum(axis=1) < sum(LOOKS_FAKE) - 60)
        assert 1 <= len(dark) <= 4
        assert abs(dark.mean() - 199.5) < 3
    assert sum(LINES) < sum(LOOKS_FAKE)


def test_numbers_that_are_lost_do_not_break_a_picture() -> None:
    broken = torch.full((300, 2), math.nan)
    field = torch.full((SIDE, SIDE), math.nan)
    seen = moment(broken, field=field, scores=(math.nan, math.nan), pushes=broken[:9])
    steady = calm([seen], Scale())
    assert draw_plane(RING, seen, steady[0], Scale(), title="", last=0).shape[1] == WIDTH
    line = moment(broken[:, :1], field=field.flatten()[:PLACES].new_full((PLACES,), math.nan))
    draw_line(NORMAL, line, STEADY, PROBABILITY, lattice(NORMAL), title="", last=0)


def arrows(pushes: Tensor, steady: Calm) -> np.ndarray:
    """Dark pixels of the plane around fakes in the middle."""
    seen = moment(torch.zeros(1, 2), pushes=pushes)
    picture = plane(seen, steady)[HEAD : HEAD + WIDTH]
    return coloured(picture, (36, 34, 31), within=60) - WIDTH / 2


def test_an_arrow_points_where_the_fake_is_pushed() -> None:
    up = arrows(torch.tensor([[0.0, 1.0]]), STEADY)
    assert up[:, 1].min() == pytest.approx(-36, abs=2)  # a long push, upwards
    assert np.abs(up[:, 0]).max() < 4
    left = arrows(torch.tensor([[-1.0, 0.0]]), STEADY)
    assert left[:, 0].min() == pytest.approx(-36, abs=2)
    assert np.abs(left[:, 1]).max() < 4


def test_arrows_are_as_long_as_the_root_of_the_push_and_vanish_with_it() -> None:
    quarter = arrows(torch.tensor([[0.25, 0.0]]), STEADY)
    assert quarter[:, 0].max() == pytest.approx(36 / 2, abs=2)
    huge = arrows(torch.tensor([[1e9, 0.0]]), STEADY)
    assert huge[:, 0].max() == pytest.approx(36 * 1.4, abs=3)
    assert len(arrows(torch.tensor([[1e-5, 0.0]]), STEADY)) == 0
    assert len(arrows(torch.tensor([[0.0, 0.0]]), STEADY)) == 0


def test_pushes_keep_one_measure_over_a_film() -> None:
    early, late = (moment(torch.zeros(100, 2), pushes=torch.full((100, 2), v)) for v in (1.0, 1e-4))
    steady = calm([early] * 5 + [late] * 5, PROBABILITY)
    assert [now.push for now in steady] == pytest.approx([math.sqrt(2)] * 10)
    assert [now.push for now in calm([late], PROBABILITY, 3.0)] == [3.0]  # beside a stronger game


def test_scores_with_a_scale_of_their_own_keep_it() -> None:
    wild = moment(torch.zeros(2, 2), field=torch.randn(SIDE, SIDE) * 50, scores=(30.0, -30.0))
    found = [(c.low, c.middle, c.high) for c in calm([wild] * 3, PROBABILITY)]
    assert found == [(0.0, 0.5, 1.0)] * 3


def test_scores_without_a_scale_are_measured_around_the_middle_of_reals_and_fakes() -> None:
    field = torch.linspace(6, 14, SIDE * SIDE).view(SIDE, SIDE)
    seen = moment(torch.zeros(2, 2), field=field, scores=(12.0, 8.0))
    (now,) = calm([seen], Scale())
    # of 8 from end to end: a tenth is below 6.8, half a hundredth above 13.96
    assert (now.low, now.middle, now.high) == pytest.approx((6.8, 10, 13.96), abs=0.01)
    # a critic that lifts all scores by 100 and doubles them keeps the middle at once, and four
    # fifths of the reach: 3.2 · 0.8 + 6.4 · 0.2 below
    moved = replace(seen, field=field * 2 + 100, scores=(124.0, 116.0))
    _, later = calm([seen, moved], Scale())
    assert (later.low, later.middle) == pytest.approx((120 - 3.84, 120), abs=0.02)


def test_tones_reach_both_ends_where_reals_stand_on_a_low_hill_in_a_deep_plain() -> None:
    field = torch.full((SIDE, SIDE), -100.0)
    field[10:20, 10:20] = 5.0  # 100 of 4096 places
    (now,) = calm([moment(torch.zeros(2, 2), field=field, scores=(5.0, -5.0))], Scale())
    assert (now.low, now.middle, now.high) == (-100, 0, 25)  # at least a quarter to either side
    assert now.tone(np.array([-200.0, -100.0, -50.0, 0.0, 12.5, 25.0])).tolist() == [
        *(-2, -1, -0.5, 0, 0.5, 1)
    ]


def test_the_density_of_a_sample_is_near_that_of_its_source() -> None:
    places = lattice(NORMAL)
    found = density(NORMAL.sample(range(20_000)), places, most=0.4)
    true = np.asarray(NORMAL.log_density(places).exp())
    assert np.abs(found - true).max() < 0.02
    assert float(found.sum()) * 9 / PLACES == pytest.approx(1, abs=1e-3)


def test_a_collapsed_sample_has_a_density_that_is_narrow_and_still_sums_to_one() -> None:
    found = density(torch.full((100, 1), 1.0), lattice(NORMAL), most=0.4)
    assert float(found.sum()) * 9 / PLACES == pytest.approx(1, abs=1e-3)
    assert int((found > 0.01 * found.max()).sum()) < 10


def test_densities_move_apart_with_the_samples() -> None:
    def where(shift: float) -> float:
        seen = moment(NORMAL.sample(range(2500)) / 4 + shift)
        picture = draw_line(NORMAL, seen, STEADY, PROBABILITY, lattice(NORMAL), title="", last=1)
        return float(coloured(picture[HEAD + 20 : HEAD + 200], FAKE)[:, 0].mean())

    # 9 units are drawn across the width
    assert where(1.0) - where(-1.0) == pytest.approx(2 / 9 * WIDTH, rel=0.03)


def test_the_lowest_loss_of_a_discriminator_is_log_four_less_twice_js() -> None:
    # N(0, 1) against N(1, 1): 1.16345, by quadrature; equal densities: log 4; apart: 0
    x = torch.linspace(-9, 10, 4001, dtype=torch.float64)

    def normal(mean: float) -> Tensor:
        return torch.exp(-((x - mean) ** 2) / 2) / math.sqrt(2 * math.pi)

    step = float(x[1] - x[0])
    assert lowest_minimax(normal(0), normal(1), step) == pytest.approx(1.16345, abs=1e-5)
    assert lowest_minimax(normal(0), normal(0), step) == pytest.approx(math.log(4), abs=1e-9)
    apart = (normal(0) * (x < 0) * 2, normal(0) * (x > 0) * 2)
    assert lowest_minimax(*apart, step) == pytest.approx(0, abs=1e-9)


def test_the_best_answer_of_a_discriminator_is_the_share_of_the_data() -> None:
    assert PROBABILITY.best is not None
    found = PROBABILITY.best(torch.tensor([3.0, 0.0, 0.0]), torch.tensor([1.0, 2.0, 0.0]))
    assert found.tolist() == [0.75, 0.0, 0.0]


@pytest.mark.parametrize(
    "draw",
    [
        lambda c: c.fill(5, 5, 0, 3),
        lambda c: c.line([(1, 1)], REAL),
        lambda c: c.arrow((5, 5), (0.2, 0.1), REAL),
        lambda c: c.dots(np.zeros((0, 2)), 3, REAL),
    ],
)
def test_shapes_of_no_size_leave_the_paper_white(draw: Callable[[Canvas], None]) -> None:
    canvas = Canvas(20, 20)
    draw(canvas)
    assert (canvas.pixels() == PAPER).all()
