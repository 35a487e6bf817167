"""What happens within one turn, on games small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.faults import Faults
from progan.core.plan import Plan, Progress, Stage
from progan.core.specs import SGD, Adam, Optimizer, RMSprop
from progan.core.system import JointTurn, Player, System, Terms, Turn
from progan.engine.checkpoint import load_checkpoint, save_checkpoint
from progan.engine.loop import State, Trainer
from progan.engine.play import make_optimizer, only_trainable, play

TENTH = SGD(lr=0.1)
Turns = Callable[["Game"], Sequence[Turn[Images] | JointTurn[Images]]]


class Numbers:
    """Image number n is a single pixel of value n."""

    def __init__(self) -> None:
        self.asked: list[range] = []

    def batch(self, numbers: range, resolution: int) -> Images:
        self.asked.append(numbers)
        return Images(torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1))


class Game(System[Images]):
    """Two players, `a` and `b`, who own one number each: 2 and 3."""

    averaged = ()

    def __init__(self, turns: Turns, optimizer: Optimizer = TENTH, **player: Any) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(3.0))
        self.spare = nn.Parameter(torch.tensor(5.0))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("bound", torch.tensor(float("-inf")))
        self._turns, self._optimizer, self._player = turns, optimizer, player

    def plan(self) -> Plan:
        return Plan((Stage(name="all", images=1000, resolution=1, batch=4),))

    def players(self) -> Mapping[str, Player]:
        return {
            "a": Player((self.a, self.spare), self._optimizer, **self._player),
            "b": Player((self.b,), self._optimizer),
        }

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        return self._turns(self)


def alone(loss: Callable[[Game, Images, Progress], Tensor], **options: Any) -> Turns:
    """The game in which only `a` plays, for `loss`."""

    def of(game: Game) -> Sequence[Turn[Images]]:
        return (Turn("a", lambda batch, at: {"loss": loss(game, batch, at)}, **options),)

    return of


def test_players_who_move_at_once_share_one_evaluation() -> None:
    evaluations: list[Tensor] = []

    def both(game: Game) -> Sequence[JointTurn[Images]]:
        def losses(batch: Images, at: Progress) -> Mapping[str, Terms]:
            product = game.a * game.b  # one graph for both
            evaluations.append(product)
            return {"a": {"product": product}, "b": {"square": product.square()}}

        return (JointTurn(("a", "b"), losses),)

    game = Game(both)
    result = Trainer(game, Numbers()).step()
    # a loses 0.1 · b = 0.3. b loses 0.1 · 2ab · a = 2.4, with the a of before: not 1.7.
    torch.testing.assert_close(game.a.detach(), torch.tensor(1.7))
    torch.testing.assert_close(game.b.detach(), torch.tensor(0.6))
    assert len(evaluations) == 1
    assert float(result.terms["b/square"]) == 36
    assert float(result.terms["b/gradient_norm"]) == 24


def test_a_parameter_the_loss_does_not_reach_stays_whatever_its_momentum() -> None:
    def sometimes(game: Game, batch: Images, at: Progress) -> Tensor:
        return game.a + game.spare if at.step == 0 else game.a.clone()

    game = Game(alone(sometimes), SGD(lr=0.1, momentum=0.9))
    trainer = Trainer(game, Numbers())
    trainer.step()
    torch.testing.assert_close(game.spare.detach(), torch.tensor(4.9))
    trainer.step()
    torch.testing.assert_close(game.spare.detach(), torch.tensor(4.9))
    # 0.1, then 0.1 · (0.9 + 1)
    torch.testing.assert_close(game.a.detach(), torch.tensor(2 - 0.1 - 0.19))


def test_a_parameter_that_is_never_reached_has_no_memory_to_save() -> None:
    game = Game(alone(lambda game, batch, at: game.a.square()), Adam(lr=0.1))
    trainer = Trainer(game, Numbers())
    trainer.step()
    assert list(trainer.optimizers["a"].state) == [game.a]
    assert not any(name.endswith("/spare") for name in trainer.state().tensors if "/a/" in name)


def test_turns_repeat_and_pause_and_look_again_at_the_last_batch() -> None:
    heard: list[tuple[str, int, float]] = []

    def heard_as(game: Game, name: str) -> Callable[[Images, Progress], Terms]:
        def loss(batch: Images, at: Progress) -> Terms:
            heard.append((name, at.step, float(batch.image[0])))
            return {"loss": game.a * game.b}

        return loss

    def turns(game: Game) -> Sequence[Turn[Images]]:
        return (
            Turn("a", heard_as(game, "twice"), repeat=2),
            Turn("b", heard_as(game, "looks"), draws=False),
            Turn("a", heard_as(game, "rarely"), every=2, draws=False),
            Turn("b", heard_as(game, "draws")),
        )

    trainer = Trainer(Game(turns), Numbers())
    for _ in range(2):
        trainer.step()
    step_0 = [("twice", 0, 0), ("twice", 0, 4), ("looks", 0, 4), ("rarely", 0, 4), ("draws", 0, 8)]
    step_1 = [("twice", 1, 12), ("twice", 1, 16), ("looks", 1, 16), ("draws", 1, 20)]
    assert heard == step_0 + step_1
    assert trainer.images == 24  # three draws of four in each step


def test_a_turn_that_does_not_draw_draws_where_nobody_did_before() -> None:
    trainer = Trainer(Game(alone(lambda game, batch, at: game.a * 1, draws=False)), Numbers())
    trainer.step()
    assert trainer.images == 4


def test_the_rate_is_the_settings_times_the_moments_times_the_recoverys() -> None:
    game = Game(alone(lambda game, batch, at: game.a * 1), rate=lambda at: 0.5 + at.step)
    trainer = Trainer(game, Numbers())
    trainer.rate = 0.5
    trainer.step()  # 0.1 · 0.5 · 0.5
    torch.testing.assert_close(game.a.detach(), torch.tensor(2 - 0.025))
    trainer.step()  # 0.1 · 1.5 · 0.5
    torch.testing.assert_close(game.a.detach(), torch.tensor(2 - 0.025 - 0.075))


def test_weights_are_clipped_after_the_step() -> None:
    game = Game(
        alone(lambda game, batch, at: -game.a * 1),
        after_step=lambda: game.a.data.clamp_(max=2.05),
    )
    Trainer(game, Numbers()).step()  # 2 + 0.1, cut
    torch.testing.assert_close(game.a.detach(), torch.tensor(2.05))


@pytest.mark.parametrize("optimizer", [RMSprop(), SGD(momentum=0.9), SGD(), Adam()])
def test_every_optimizers_memory_is_saved_and_resumes(optimizer: Optimizer, tmp_path: Path) -> None:
    def trainer() -> Trainer:
        return Trainer(
            Game(alone(lambda game, batch, at: (game.a * batch.image).mean()), optimizer), Numbers()
        )

    whole = trainer()
    for _ in range(3):
        whole.step()
    path = tmp_path / "3.safetensors"
    save_checkpoint(path, whole.state().tensors, {"counters": whole.state().counters})
    tensors, meta = load_checkpoint(path)
    resumed = trainer()
    resumed.load_state(State(tensors, meta["counters"]))
    for _ in range(3):
        whole.step()
        resumed.step()
    ours, theirs = resumed.state().tensors, whole.state().tensors
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_optimizers_are_what_the_specs_say() -> None:
    weight = nn.Parameter(torch.zeros(1))
    adam = make_optimizer(Player((weight,), Adam(lr=0.2, betas=(0, 0.9), eps=1e-3)))
    assert {k: adam.defaults[k] for k in ("lr", "betas", "eps")} == {
        "lr": 0.2,
        "betas": (0.0, 0.9),
        "eps": 1e-3,
    }
    rms = make_optimizer(Player((weight,), RMSprop(lr=0.2, decay=0.7, eps=1e-3)))
    assert (rms.defaults["lr"], rms.defaults["alpha"], rms.defaults["eps"]) == (0.2, 0.7, 1e-3)
    sgd = make_optimizer(Player((weight,), SGD(lr=0.2, momentum=0.7)))
    assert (sgd.defaults["lr"], sgd.defaults["momentum"]) == (0.2, 0.7)


def test_freezing_gives_everybody_back_as_they_were_also_after_an_error() -> None:
    def wanted() -> list[bool]:
        return [p.requires_grad for p in (game.a, game.b, game.spare)]

    def fail() -> None:
        assert wanted() == [False, True, True]
        raise ZeroDivisionError

    game = Game(alone(lambda game, batch, at: game.a * 1))
    game.spare.requires_grad_(False)
    with pytest.raises(ZeroDivisionError), only_trainable(game, [game.b, game.spare]):
        fail()
    assert wanted() == [True, True, False]


def test_nothing_that_is_not_playing_gets_a_gradient() -> None:
    graphs: list[bool] = []

    def loss(game: Game, batch: Images, at: Progress) -> Tensor:
        graphs.append((game.b * 2).requires_grad)
        return game.a * game.b

    game = Game(alone(loss))
    Trainer(game, Numbers()).step()
    assert graphs == [False]
    assert [game.a.grad, game.b.grad] == [None, None]


class Poison(Faults):
    """Makes one player's gradients infinite."""

    def __init__(self, player: str) -> None:
        self.player = player

    def gradients(self, player: str, step: int, gradients: Sequence[Tensor]) -> None:
        if player == self.player:
            gradients[0].fill_(float("inf"))


def watchful(game: Game, batch: Images) -> None:
    """Let the game's buffers take in a batch, as running statistics do."""
    game.mean.lerp_(batch.image.mean(), 0.5)
    game.count.add_(1)


@pytest.mark.parametrize("player", ["a", "b"])
@pytest.mark.parametrize("shards", [1, 2])
def test_when_one_gradient_is_not_finite_neither_player_nor_buffer_moves(
    player: str, shards: int
) -> None:
    def both(game: Game) -> Sequence[JointTurn[Images]]:
        def losses(batch: Images, at: Progress) -> Mapping[str, Terms]:
            watchful(game, batch)
            return {"a": {"loss": game.a * 1}, "b": {"loss": game.b * 1}}

        return (JointTurn(("a", "b"), losses),)

    game = Game(both, Adam())
    trainer = Trainer(game, Numbers(), faults=Poison(player), shards=shards)
    before = {name: value.clone() for name, value in trainer.state().tensors.items()}
    result = trainer.step()
    assert not result.finite
    after = trainer.state().tensors
    assert after.keys() == before.keys()  # no optimizer has begun to remember
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert (trainer.skipped, trainer.skipped_in_a_row, trainer.images) == (1, 1, 4)


def test_buffers_take_the_mean_of_what_the_shards_did_to_them() -> None:
    seen: list[float] = []

    def loss(game: Game, batch: Images, at: Progress) -> Tensor:
        seen.append(float(game.mean))
        watchful(game, batch)
        return game.a * 1

    game = Game(alone(loss))
    game.mean.fill_(8.0)
    Trainer(game, Numbers(), shards=2).step()
    assert seen == [8.0, 8.0]  # the second shard does not see what the first one did
    # Shards hold images 0, 1 and 2, 3. From 8 half-way to 0.5 and to 2.5: 4.25 and 5.25.
    assert float(game.mean) == 4.75
    assert int(game.count) == 1  # an integer has no mean: shard 0's
    assert float(game.bound) == float("-inf")


def test_a_larger_shard_counts_for_more() -> None:
    def loss(game: Game, batch: Images, at: Progress) -> Tensor:
        watchful(game, batch)
        return game.a * batch.image.square().mean()

    game = Game(alone(loss))
    game.mean.fill_(8.0)
    terms = Trainer(game, Numbers(), shards=3).step().terms
    # Shards hold images 0; 1; and 2, 3. The mean over images of x², not that over shards.
    torch.testing.assert_close(terms["a/loss"], torch.tensor(2 * (0 + 1 + 4 + 9) / 4))
    torch.testing.assert_close(terms["a/gradient_norm"], torch.tensor((0 + 1 + 4 + 9) / 4))
    # From 8 half-way to 0, to 1 and to 2.5: 4, 4.5 and 5.25, and the last counts twice.
    torch.testing.assert_close(float(game.mean), (4 + 4.5 + 2 * 5.25) / 4)
    assert int(game.count) == 1


def test_shards_whose_losses_reach_different_weights_are_an_error_not_a_mixture() -> None:
    def loss(game: Game, batch: Images, at: Progress) -> Tensor:
        bright = float(batch.image.max()) > 1
        return game.a * 1.0 if bright else torch.zeros((), requires_grad=True)

    trainer = Trainer(Game(alone(loss)), Numbers(), shards=2)
    with pytest.raises(RuntimeError, match="on one shard of the batch than on another"):
        trainer.step()


def test_each_shard_draws_by_its_own_number() -> None:
    drawn: dict[int, list[float]] = {}

    def trainer(shards: int) -> Trainer:
        def loss(game: Game, batch: Images, at: Progress) -> Tensor:
            drawn.setdefault(shards, []).append(float(torch.rand(())))
            return game.a * 1

        return Trainer(Game(alone(loss)), Numbers(), shards=shards)

    for shards in (1, 2, 4):
        torch.manual_seed(shards)  # whatever was drawn before
        trainer(shards).step()
    assert drawn[1] == drawn[4][:1]
    assert drawn[2] == drawn[4][:2]
    assert len(set(drawn[4])) == 4


def test_terms_are_means_over_shards_and_micro_batches() -> None:
    def loss(game: Game, batch: Images, at: Progress) -> Tensor:
        return game.a * batch.image.square().mean()

    whole = (0 + 1 + 4 + 9) / 4
    for shards, micro_batch in ((1, None), (2, None), (4, None), (1, 2), (1, 1), (2, 1), (1, 3)):
        trainer = Trainer(Game(alone(loss)), Numbers(), shards=shards, micro_batch=micro_batch)
        terms = trainer.step().terms
        assert float(terms["a/loss"]) == 2 * whole
        assert float(terms["a/gradient_norm"]) == whole


def test_gradients_that_lie_otherwise_in_memory_move_the_same_numbers() -> None:
    """Torch's fused Adam does not look at strides: it would mix the numbers up."""
    weight = torch.randn(4, 3, 2, 2)

    class Kernel(Game):
        def __init__(self, order: torch.memory_format) -> None:
            nn.Module.__init__(self)
            self.weight = nn.Parameter(weight.clone())
            self.order = order

        def loss(self, batch: Images, at: Progress) -> Terms:
            laid = self.weight.contiguous(memory_format=self.order) * 1.0
            return {"loss": (laid * torch.arange(48.0).view(4, 3, 2, 2)).square().sum()}

    def moved(order: torch.memory_format) -> Tensor:
        game = Kernel(order)
        player = Player((game.weight,), Adam(lr=0.1))
        optimizers = {"a": make_optimizer(player)}
        play(
            game,
            Turn("a", game.loss),
            {"a": player},
            optimizers,
            {0: Images(torch.zeros(1, 1, 4, 4))},
            Plan((Stage(name="x", images=9, resolution=4, batch=1),)).at(0),
            seed_words=(0,),
            shard_count=1,
            micro_batch=None,
            precision="fp32",
            device=torch.device("cpu"),
            rate=1.0,
            faults=Faults(),
        )
        return torch.stack([game.weight.detach(), optimizers["a"].state[game.weight]["exp_avg_sq"]])

    assert torch.equal(moved(torch.channels_last), moved(torch.contiguous_format))
