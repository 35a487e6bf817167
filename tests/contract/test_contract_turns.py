"""Turns: who moves, and how a batch may be cut."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from contract.variants import VARIANTS, Variant
from progan.engine import loop
from progan.systems.registry import SYSTEMS


def test_every_system_of_the_registry_stands_in_the_table() -> None:
    assert {variant.system for variant in VARIANTS} == set(SYSTEMS)


def test_only_the_players_of_a_turn_move(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = variant.trainer()
    named = dict(trainer.system.named_parameters())
    next(iter(named.values())).requires_grad_(False)  # somebody's wish, to be found as it was
    wanted = {name: p.requires_grad for name, p in named.items()}
    played = set[str]()

    def watched(system: Any, turn: Any, players: Any, *rest: Any, **options: Any) -> Any:
        before = {name: p.detach().clone() for name, p in named.items()}
        result = play(system, turn, players, *rest, **options)
        moved = {name for name, p in named.items() if not torch.equal(p, before[name])}
        movable = {id(p) for player in turn.players for p in players[player].parameters}
        assert moved, f"the turn of {turn.players} moved nobody"
        assert [name for name in moved if id(named[name]) not in movable] == []
        assert {name: p.requires_grad for name, p in named.items()} == wanted
        assert [name for name, p in named.items() if p.grad is not None] == []
        played.update(turn.players)
        return result

    play = loop.play
    monkeypatch.setattr(loop, "play", watched)
    while not trainer.done:
        trainer.step()
    assert played == set(trainer.players)


def test_a_system_can_be_copied(variant: Variant) -> None:
    """Trials, of speed and of memory, are made with a copy."""
    system = variant.build()
    copied = copy.deepcopy(system)
    assert type(copied) is type(system)
    theirs = copied.state_dict()
    for name, value in system.state_dict().items():
        assert torch.equal(value, theirs[name])
        assert value.data_ptr() != theirs[name].data_ptr() or not value.numel()


def test_every_parameter_belongs_to_a_player(variant: Variant) -> None:
    system = variant.build()
    owned = {id(p) for player in system.players().values() for p in player.parameters}
    assert [name for name, p in system.named_parameters() if id(p) not in owned] == []


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_term_is_a_finite_number(variant: Variant, precision: Any) -> None:
    trainer = variant.trainer(steps=1, precision=precision)
    while not trainer.done:
        result = trainer.step()
        assert result.finite
        for name, value in result.terms.items():
            assert value.shape == (), name
            assert value.isfinite(), name


def test_micro_batches_do_for_a_batch_that_is_too_large(variant: Variant) -> None:
    trainer = variant.trainer(steps=1, micro_batch=2)
    while not trainer.done:
        assert trainer.step().finite
