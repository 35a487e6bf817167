from __future__ import annotations

import pytest
import torch

from progan.core import distributed
from progan.core.errors import CheckpointError, ConfigError
from progan.core.plan import Plan
from progan.core.specs import Average
from progan.engine.loop import State, Trainer
from toys import ToyData, ToyGrowing, bits, same, toy


def trainer(**options: object) -> Trainer:
    return Trainer(toy(joint=options.pop("joint", False)), ToyData(), **options)


def assert_one_step_is_alike(one: Trainer, other: Trainer) -> None:
    """Of two trainers whose latents are all zero: what pieces draw for themselves is alike."""
    for each in (one, other):
        each.system.draw = lambda n, truncation=None: {"z": torch.zeros(n, 4)}  # type: ignore[method-assign]
        each.step()
    theirs = dict(other.system.named_parameters())
    for name, value in one.system.named_parameters():
        torch.testing.assert_close(value, theirs[name], msg=name)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("cut", [1, 3, 6, 9])
def test_a_run_cut_anywhere_ends_in_the_same_bits(cut: int, joint: bool) -> None:
    whole = trainer(joint=joint)
    kept: State | None = None
    for step in range(12):
        if step == cut:
            state = whole.state()
            kept = State({k: v.clone() for k, v in state.tensors.items()}, dict(state.counters))
        whole.step()
    assert kept is not None
    resumed = trainer(joint=joint)
    resumed.load_state(kept)
    while resumed.steps < 12:
        resumed.step()
    assert same(bits(whole), bits(resumed))
    assert whole.state().counters == resumed.state().counters


def test_images_count_every_real_batch_a_repeated_turn_draws() -> None:
    t = trainer()
    t.step()
    assert t.images == 2 * 8  # the critic moves twice, the other turns look at its last batch


def test_two_shards_add_up_to_the_gradient_of_the_whole_batch() -> None:
    # The toy's critic loss on reals is a mean, so halves average to the whole.
    assert_one_step_is_alike(trainer(), trainer(shards=2))


def test_micro_batches_average_to_the_whole_batch() -> None:
    one, four = trainer(), trainer(micro_batch=2)
    assert_one_step_is_alike(one, four)
    assert one.system.seen == four.system.seen


def test_optimizers_forget_at_both_borders_of_a_fade_and_nowhere_else() -> None:
    t = trainer()
    ages = {}
    while not t.done:
        stage = t.at.index
        t.step()
        memory = t.optimizers["generator"].state
        ages.setdefault(stage, []).append(max(int(m["step"]) for m in memory.values()))
    assert [counts[0] for counts in ages.values()] == [1, 1, 1]
    assert all(counts == list(range(1, len(counts) + 1)) for counts in ages.values())


def test_only_the_players_of_a_turn_want_gradients() -> None:
    t = trainer()
    wanted: list[set[str]] = []
    for name in ("critic_loss", "generator_loss"):
        original = getattr(t.system, name)

        def spy(batch, at, original=original):  # type: ignore[no-untyped-def]
            named = t.system.named_parameters()
            wanted.append({n.split(".")[0] for n, p in named if p.requires_grad})
            return original(batch, at)

        setattr(t.system, name, spy)
    t.step()
    assert wanted == [{"critic"}, {"critic"}, {"generator"}]
    assert all(p.requires_grad for p in t.system.parameters())


def test_the_average_is_half_way_after_one_half_life() -> None:
    t = trainer()
    t.system.average = type(t.system.average)(half_life_images=16)
    before = t.averages.modules["generator"][0].weight.clone()
    t.step()  # draws 16 images: one half-life
    live = t.system.generator[0].weight
    average = t.averages.modules["generator"][0].weight
    torch.testing.assert_close(average, (before + live) / 2)


def test_the_average_of_a_player_without_a_turn_stands_still() -> None:
    """Else it would end at the weights that the player stopped with."""
    t = trainer()
    t.step()
    average = t.averages.modules["generator"]
    kept = [p.clone() for p in average.parameters()]
    both = t.system.turns
    t.system.turns = lambda at: [turn for turn in both(at) if turn.player == "critic"]  # type: ignore[method-assign]
    t.step()
    now = list(average.parameters())
    assert all(torch.equal(a, b) for a, b in zip(kept, now, strict=True))
    t.system.turns = both  # type: ignore[method-assign]
    t.step()
    assert not all(torch.equal(a, b) for a, b in zip(kept, now, strict=True))


def test_until_its_first_step_the_average_is_the_weights_to_the_bit() -> None:
    """Steps 0 and 1 copy; in step 2 it keeps half, and is no longer the weights."""
    system = ToyGrowing(images=640)
    system.average = Average(half_life_images=None, decay=0.5, start_step=2)
    trainer = Trainer(system, ToyData())
    for step in range(3):
        before = [p.clone() for p in trainer.averages.modules["generator"].parameters()]
        trainer.step()
        live = list(system.generator.parameters())
        average = list(trainer.averages.modules["generator"].parameters())
        same = [torch.equal(a, b) for a, b in zip(average, live, strict=True)]
        assert all(same) == (step < 2)
    for old, now, own in zip(before, live, average, strict=True):
        torch.testing.assert_close(own, (old + now) / 2)


def test_joint_statistics_need_a_process_for_each_shard() -> None:
    system = ToyGrowing()
    system.joint_statistics = True
    assert Trainer(system, ToyData()).shards == 1
    with pytest.raises(ConfigError, match="this run has 2 shards on 1 process: --set statistics"):
        Trainer(system, ToyData(), shards=2)


def test_averages_swap_in_and_out_again() -> None:
    t = trainer()
    t.step()
    live = t.system.generator
    with t.averages.swapped_in() as system:
        assert system.generator is t.averages.modules["generator"]
    assert t.system.generator is live


def test_a_batch_that_shards_do_not_divide_has_the_gradient_of_the_whole() -> None:
    # Three shards of 2, 3 and 3 images: a mean of their means would weigh the first too much.
    assert_one_step_is_alike(trainer(), trainer(shards=3))


@pytest.mark.parametrize(("batch", "shards"), [(8, 1), (8, 4), (7, 4), (3, 3), (33, 8)])
def test_shards_are_neighbours_and_differ_by_one_at_most(batch: int, shards: int) -> None:
    pieces = [distributed.piece(batch, shards, shard) for shard in range(shards)]
    assert [row for piece in pieces for row in piece] == list(range(batch))
    assert {len(piece) for piece in pieces} <= {batch // shards, -(-batch // shards)}


def test_no_shard_may_be_empty() -> None:
    with pytest.raises(ConfigError, match="batch 8 at 4 px cannot be cut into 9"):
        trainer(shards=9)


def test_a_state_of_another_system_is_refused() -> None:
    t = trainer()
    state = t.state()
    del state.tensors["system/seen"]
    with pytest.raises(CheckpointError, match="does not fit ToyGrowing"):
        trainer().load_state(state)


def test_a_new_plan_travels_with_the_state() -> None:
    t = trainer()
    t.plan = t.plan.with_lengths([32, 16, 48])
    other = trainer()
    other.load_state(t.state())
    assert other.plan == Plan(t.plan.stages)
    assert other.plan.images == 96
