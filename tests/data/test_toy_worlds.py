from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from progan.core.batch import Labelled
from progan.core.errors import ConfigError
from progan.data.toy import Mixture, ToyDraws, World, images_of, points_of, uniforms
from progan.data.worlds import WORLDS, lookup

MANY = range(20_000)
every_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


def centres_of(name: str) -> Tensor:
    world = lookup(name)
    assert isinstance(world, Mixture)
    return torch.tensor(world.centres, dtype=torch.float64)


@pytest.mark.parametrize(("name", "radius"), [("ring", 1.0), ("ring-wgan-gp", 2 / 1.414)])
def test_a_ring_has_eight_different_modes_neighbours_equally_far_apart(
    name: str, radius: float
) -> None:
    # angles that include both 0 and 2π would put two of the eight in one place
    apart = torch.pdist(centres_of(name))
    side = 2 * radius * math.sin(math.pi / 8)  # of a regular octagon
    assert len(apart) == 28
    assert float(apart.min()) == pytest.approx(side)
    assert int((apart < side + 1e-9).sum()) == 8


@pytest.mark.parametrize(("name", "spacing"), [("grid", 2.0), ("grid-wgan-gp", 2 / 2.828)])
def test_a_grid_has_twenty_five_modes_around_the_origin(name: str, spacing: float) -> None:
    centres = centres_of(name)
    apart = torch.pdist(centres)
    assert len(centres) == 25
    assert float(apart.min()) == pytest.approx(spacing)
    assert int((apart < spacing + 1e-9).sum()) == 40  # 5 rows and 5 columns of 4 neighbours
    torch.testing.assert_close(centres.mean(dim=0), torch.zeros(2, dtype=torch.float64))


@every_world
def test_a_point_depends_on_its_number_only(world: World) -> None:
    whole = world.sample(range(40), seed=3)
    parts = torch.cat([world.sample(range(17), seed=3), world.sample(range(17, 40), seed=3)])
    alone = torch.cat([world.sample(range(k, k + 1), seed=3) for k in range(40)])
    assert torch.equal(whole, parts)
    assert torch.equal(whole, alone)
    assert whole.shape == (40, world.dims)
    assert not torch.equal(whole, world.sample(range(40), seed=4))


@every_world
def test_points_lie_in_the_part_that_is_drawn(world: World) -> None:
    points = world.sample(MANY)
    assert bool((points > torch.tensor(world.low)).all())
    assert bool((points < torch.tensor(world.high)).all())


def test_uniform_numbers_fill_their_interval_evenly_and_columns_do_not_follow_each_other() -> None:
    u = torch.from_numpy(uniforms(0, MANY))
    assert float(u.min()) > 0
    assert float(u.max()) < 1
    # 20 cells of 1000 expected: χ² has mean 19 and deviation √38; five deviations
    for column in u.T:
        counts = torch.histc(column, 20, 0, 1)
        assert float(((counts - 1000) ** 2 / 1000).sum()) < 19 + 5 * math.sqrt(38)
    correlation = torch.corrcoef(torch.cat([u[:-1].T, u[1:].T]))
    off = correlation - torch.eye(8, dtype=torch.float64)
    assert float(off.abs().max()) < 5 / math.sqrt(len(MANY))


@every_world
def test_the_density_of_a_world_sums_to_one(world: World) -> None:
    # the rectangle rule is exact to 2 exp(−2π²) in each direction where its step is σ
    steps = [int((high - low) / world.sigma) for low, high in _corners(world)]
    axes = [
        torch.linspace(low, high, n, dtype=torch.float64)
        for (low, high), n in zip(_corners(world), steps, strict=True)
    ]
    points = torch.cartesian_prod(*axes).reshape(-1, world.dims)
    cell = math.prod(float(axis[1] - axis[0]) for axis in axes)
    assert float(world.log_density(points).exp().sum()) * cell == pytest.approx(1, abs=1e-5)


def _corners(world: World) -> list[tuple[float, float]]:
    return list(zip(world.low, world.high, strict=True))


@pytest.mark.parametrize(
    ("name", "modes"),
    [("ring", 8), ("ring-pacgan", 8), ("grid", 25), ("grid-wgan-gp", 25), ("gaussian1d", 1)],
)
def test_the_mean_surprise_of_its_own_points_is_the_entropy_of_the_world(
    name: str, modes: int
) -> None:
    # modes that do not touch: entropy = log K + d/2 · log(2πe σ²); a variance in the place of σ
    # would be off by log σ in each dimension, 3.9 nats for σ = 0.02
    world = lookup(name)
    entropy = math.log(modes) + world.dims / 2 * math.log(2 * math.pi * math.e * world.sigma**2)
    surprise = -world.log_density(world.sample(MANY))
    # its deviation is that of half a χ² with d degrees: √(d/2)
    error = math.sqrt(world.dims / 2 / len(MANY))
    assert float(surprise.mean()) == pytest.approx(entropy, abs=4 * error)


def test_unequal_modes_get_their_shares_and_their_spreads() -> None:
    # mean: −0.33 + 2 · 0.67 = 1.01; variance: 0.33 (1 + 0.255²) + 0.67 (4 + 1.415²) − 1.01²
    points = lookup("gaussians1d").sample(MANY).double()
    variance = 0.33 * (1 + 0.255**2) + 0.67 * (4 + 1.415**2) - 1.01**2
    error = math.sqrt(variance / len(MANY))
    assert float(points.mean()) == pytest.approx(1.01, abs=4 * error)
    assert float(points.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / len(MANY)))


Divergence = Callable[[Tensor, Tensor], Tensor]
DIVERGENCES: Mapping[str, Divergence] = {
    "KL": lambda p, q: p * (p / q).log(),
    "reverse KL": lambda p, q: q * (q / p).log(),
    "JS": lambda p, q: p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log(),
    "Jeffrey": lambda p, q: (p - q) * (p / q).log(),
    "Pearson": lambda p, q: (p - q).square() / q,
}


@pytest.mark.parametrize(
    ("name", "value", "mean", "deviation"),
    [
        ("KL", 0.2831, 1.0100, 1.8308),
        ("reverse KL", 0.2480, 1.5782, 1.6319),
        ("JS", 0.1280, 1.3070, 1.7542),
        ("Jeffrey", 0.5705, 1.3218, 1.7034),
        ("Pearson", 0.6457, 0.5737, 1.9274),
    ],
)
def test_the_mixture_in_the_manner_of_f_gan_has_the_optima_it_was_fitted_to(
    name: str, value: float, mean: float, deviation: float
) -> None:
    # the normal distribution nearest to it in each divergence; the values are those we remember
    # of Nowozin et al. 2016, section 2.4, and are those of this mixture whatever the paper has
    x = torch.linspace(-15, 18, 6001, dtype=torch.float64)
    p = lookup("gaussians1d").log_density(x[:, None]).exp()
    place = torch.tensor([mean, deviation], dtype=torch.float64, requires_grad=True)
    q = torch.exp(-((x - place[0]) / place[1]).square() / 2) / place[1] / math.sqrt(2 * math.pi)
    found = torch.trapezoid(DIVERGENCES[name](p, q), x)
    found.backward()
    assert found.item() == pytest.approx(value, abs=2e-4)
    assert place.grad is not None
    assert float(place.grad.abs().max()) < 1e-3  # it is the lowest: printed digits leave this much


@pytest.mark.parametrize("name", ["spiral", "moons", "two-rings"])
def test_points_of_a_curve_are_spread_as_its_density_says(name: str) -> None:
    # E[1/p] over the points that lie in a region is its area: here the part with density above 1 %
    # of the highest, whose area a fine lattice measures
    world = lookup(name)
    lattice = torch.cartesian_prod(
        *(torch.linspace(low, high, 130) for low, high in _corners(world))
    )
    density = world.log_density(lattice).exp()
    least = float(density.max()) / 100
    cell = math.prod((high - low) / 129 for low, high in _corners(world))
    area = float((density > least).sum()) * cell
    own = world.log_density(world.sample(range(6000))).exp()
    inverse = torch.where(own > least, 1 / own, torch.zeros_like(own))
    assert float(inverse.mean()) == pytest.approx(area, rel=0.06)


def test_points_travel_as_pictures_of_one_pixel() -> None:
    world = lookup("grid")
    batch = ToyDraws(world, seed=5).batch(range(8, 12), 1)
    assert batch.image.shape == (4, 2, 1, 1)
    assert torch.equal(points_of(batch.image), world.sample(range(8, 12), seed=5))
    assert torch.equal(images_of(points_of(batch.image)).image, batch.image)
    assert (world.spec.resolution, world.spec.channels) == (1, 2)


def test_an_unknown_world_is_told_which_there_are() -> None:
    with pytest.raises(ConfigError, match=r"spirla.*ring-pacgan.*Did you mean spiral\?"):
        lookup("spirla")


def test_labels_of_a_mixture_are_its_modes() -> None:
    """Each point of the ring lies at its label's mode: neighbours are 38 sigma apart."""
    world = lookup("ring")
    assert isinstance(world, Mixture)
    points, labels = world.sample(range(500), seed=3), world.labels(range(500), seed=3)
    assert labels.dtype is torch.int64
    assert (points - torch.tensor(world.centres)[labels]).norm(dim=1).max() < 6 * world.sigma
    assert torch.equal(labels[100:110], world.labels(range(100, 110), seed=3))
    assert (world.spec.classes, world.spec.label_kind) == (8, "class")
    assert lookup("gaussian1d").spec.classes == 0  # one mode tells nothing


def test_attributes_say_where_a_corner_is() -> None:
    world = lookup("corners")
    points, labels = world.sample(range(400)), world.labels(range(400))
    assert torch.equal(labels, (points > 0).float())  # whether right, whether up: 10 sigma away
    spec = world.spec
    assert (spec.classes, spec.label_kind, spec.label_size) == (0, "multi-label", 2)
    assert spec.label_shares == (0.5, 0.5)


def test_the_label_of_a_curve_is_the_place_along_it() -> None:
    world = lookup("moons")
    points, labels = world.sample(range(400)), world.labels(range(400))
    assert labels.shape == (400, 1)
    assert labels.abs().max() <= 1
    angle = math.pi * (labels[:, 0] + 1)  # the first half of the line is the upper moon
    upper = labels[:, 0] < 0
    arc = torch.stack([torch.cos(angle) - 0.5, torch.sin(angle) - 0.25], dim=1)
    assert (points - arc)[upper].norm(dim=1).max() < 6 * world.sigma
    assert (world.spec.label_kind, world.spec.label_size) == ("continuous", 1)


def test_labelled_batches_are_asked_for_by_their_type() -> None:
    world = lookup("ring")
    batch = ToyDraws(world, 7, Labelled).batch(range(4, 9), 1)
    assert isinstance(batch, Labelled)
    assert torch.equal(batch.label, world.labels(range(4, 9), seed=7))
    assert torch.equal(batch.image, ToyDraws(world, 7).batch(range(4, 9), 1).image)
