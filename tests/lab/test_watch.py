from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress
from progan.core.system import System
from progan.data.toy import ToyDraws
from progan.data.worlds import lookup
from progan.engine.loop import Trainer
from progan.lab.watch import SAMPLES, SIDE, Watch, lattice, watch
from toy_game import ToyGame
from toys import bits, same

RING, NORMAL = lookup("ring"), lookup("gaussian1d")


def game(name: str = "ring", **options: int) -> Trainer:
    world = lookup(name)
    torch.manual_seed(0)
    return Trainer(ToyGame(dims=world.dims, **options), ToyDraws(world))


class Mirror(ToyGame):
    """Its generator is the identity, its score the first coordinate, its push back to 0."""

    higher_is_real = False

    def generate(self, latents: dict[str, Tensor], at: Progress) -> Tensor:
        return latents["z"][:, :, None, None]

    def score(self, batch: Images, at: Progress) -> Tensor:
        return batch.image[:, 0, 0, 0]

    def push(self, points: Tensor, at: Progress, real: Tensor | None = None) -> Tensor:
        return -points


def test_watching_changes_nothing_in_training() -> None:
    alone, watched = game(), game()
    while not alone.done:
        alone.step()
    watch(watched, RING, frames=7)
    assert same(bits(alone), bits(watched))


def test_the_first_and_the_last_moment_are_seen_and_steps_rise() -> None:
    record = watch(game(steps=40), RING, frames=9)
    steps = [moment.step for moment in record.moments]
    assert (steps[0], steps[-1]) == (0, 40)
    assert all(a < b for a, b in itertools.pairwise(steps))
    # frame k after 40 · (k/8)^1.5 steps: 1.8 5 9.2 14.1 19.8 26 32.7, seen at the next whole one
    assert steps[1:-1] == [2, 5, 10, 15, 20, 26, 33]


def test_a_short_training_is_looked_at_once_a_step_at_most() -> None:
    record = watch(game(steps=3), RING, frames=50)
    assert [moment.step for moment in record.moments] == [0, 1, 2, 3]


def test_losses_of_each_player_are_kept_step_by_step() -> None:
    record = watch(game(steps=5), RING, frames=2)
    assert set(record.losses) == {"discriminator", "generator"}
    assert [step for step, _ in record.losses["generator"]] == [1, 2, 3, 4, 5]
    terms = game(steps=5).step().terms
    own = terms["discriminator/real"] + terms["discriminator/fake"]  # and no gradient norm
    assert record.losses["discriminator"][0][1] == pytest.approx(float(own))
    assert record.losses["generator"][0][1] == float(terms["generator/adversarial"])


def test_fakes_are_of_the_same_latents_at_every_moment() -> None:
    record = watch(game(steps=1), RING, frames=2)
    first, last = record.moments
    assert first.fakes.shape == (SAMPLES, 2)
    # one step of Adam at 1e-3 moves no weight by more than 1e-3: points stay near themselves
    assert 0 < float((first.fakes - last.fakes).abs().max()) < 0.1
    again = watch(game(steps=1), RING, frames=2)
    assert torch.equal(again.moments[-1].fakes, last.fakes)


def test_rows_of_a_field_rise_with_y_and_columns_with_x_and_higher_is_more_real() -> None:
    mirror = Mirror()
    moment = Watch(mirror, RING).look(mirror.plan().at(0))
    assert moment.field is not None
    assert moment.field.shape == (SIDE, SIDE)
    # the score is x and low is real here: what is shown is −x, the same in every row
    x = torch.linspace(-1.5 + 1.5 / SIDE, 1.5 - 1.5 / SIDE, SIDE)
    torch.testing.assert_close(moment.field, -x.expand(SIDE, SIDE))
    places = lattice(RING).view(SIDE, SIDE, 2)
    assert float(places[5, 0, 1]) < float(places[6, 0, 1])
    assert float(places[0, 5, 0]) < float(places[0, 6, 0])


def test_means_of_scores_are_of_reals_and_of_fakes() -> None:
    mirror = Mirror()
    moment = Watch(mirror, lookup("grid")).look(mirror.plan().at(0))
    assert moment.scores is not None
    # both have mean 0; x of the grid has deviation √8, of the latents 1
    assert abs(moment.scores[0]) < 4 * math.sqrt(8 / SAMPLES)
    assert moment.scores[1] == pytest.approx(-float(moment.fakes[:, 0].mean()), abs=1e-6)


def test_pushes_belong_to_the_first_fakes() -> None:
    mirror = Mirror()
    moment = Watch(mirror, RING).look(mirror.plan().at(0))
    assert moment.pushes is not None
    assert torch.equal(moment.pushes, -moment.fakes[: len(moment.pushes)])
    assert moment.mean_push == pytest.approx(float(moment.pushes.norm(dim=1).mean()))


def test_threads_are_equally_likely_latents_in_order() -> None:
    mirror = Mirror(dims=1, latent=1)
    moment = Watch(mirror, NORMAL).look(mirror.plan().at(0))
    assert moment.threads is not None
    before, after = moment.threads
    assert torch.equal(before, after)
    below = torch.special.ndtr(before.double()).flatten()
    torch.testing.assert_close(below, (torch.arange(41).double() + 0.5) / 41, atol=1e-6, rtol=0)


def test_modules_that_count_are_left_as_they_were() -> None:
    system = ToyGame()
    system.generator.append(nn.BatchNorm1d(2))
    system.discriminator.eval()
    before = {name: value.clone() for name, value in system.state_dict().items()}
    Watch(system, RING).look(system.plan().at(0))
    assert all(torch.equal(value, before[name]) for name, value in system.state_dict().items())
    assert system.generator[-1].training
    assert not system.discriminator.training


class Bare(System[Images]):
    """Has nothing to show."""


class Silent(System[Images]):
    """Samples, but gives neither scores nor pushes."""

    def __init__(self) -> None:
        super().__init__()
        self.game = ToyGame()
        self.latent_fields = self.game.latent_fields

    def draw(self, n: int, truncation: float | None = None) -> dict[str, Tensor]:
        return self.game.draw(n, truncation)

    def generate(self, latents: dict[str, Tensor], at: Progress) -> Tensor:
        return self.game.generate(latents, at)


def test_a_system_without_scores_is_watched_all_the_same() -> None:
    silent = Silent()
    moment = Watch(silent, RING).look(silent.game.plan().at(0))
    assert (moment.field, moment.scores, moment.pushes) == (None, None, None)
    assert moment.modes is not None


def test_a_system_that_makes_nothing_cannot_be_watched() -> None:
    with pytest.raises(ConfigError, match="nothing to watch"):
        Watch(Bare(), RING)


class Breaking(ToyGame):
    """Loses its numbers after three steps."""

    def generator_loss(self, batch: Images, at: Progress) -> dict[str, Tensor]:
        terms = super().generator_loss(batch, at)
        return {name: value * (math.nan if at.step > 2 else 1) for name, value in terms.items()}


def test_a_training_whose_numbers_are_lost_is_stopped_and_says_so() -> None:
    record = watch(Trainer(Breaking(steps=500), ToyDraws(RING)), RING, frames=4)
    assert record.diverged
    assert record.moments[-1].step == 3 + 50
    assert len(record.losses["generator"]) == 3
    assert not watch(game(steps=4), RING, frames=2).diverged


def test_two_frames_are_the_least() -> None:
    with pytest.raises(ConfigError, match="--frames 60"):
        watch(game(), RING, frames=1)


def test_a_plan_without_images_shows_one_moment_twice() -> None:
    trainer = game()
    trainer.plan = Plan(tuple(trainer.plan.stages)).with_lengths([0])
    record = watch(trainer, RING, frames=5)
    assert [moment.step for moment in record.moments] == [0, 0]
