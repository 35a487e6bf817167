"""Turns as functions of parameters: what they give is what autograd gives, compiled or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from contract.variants import COLOUR, VARIANTS, FakeData, Variant
from progan.assemble.models.build import build_system
from progan.core.errors import ConfigError
from progan.core.plan import Progress, Stage
from progan.core.recipe import Recipe, TrainSettings
from progan.core.slopes import in_plain_form, plain_form
from progan.core.system import System
from progan.engine.functional import Functional
from progan.engine.play import Gradients, gradients_of, only_trainable
from progan.engine.precision import precision_context
from small_world import environment

CPU = torch.device("cpu")
SMALL = {"fmap_base": 64, "fmap_max": 8, "latent_size": 8, "batch": {4: 4}}
GP: dict[str, Any] = {"penalty.every": 1}
R1: dict[str, Any] = {"penalty.kind": "r1", "penalty.every": 2, "objective": "non-saturating"}


def progan(**settings: Any) -> System[Any]:
    return Variant(
        system="progan", name="", preset="cpu", set={**SMALL, **settings}, data=COLOUR
    ).build()


def at(resolution: int, alpha: float, step: int = 0) -> Progress:
    stage = Stage(name="x", images=100, resolution=resolution, batch=4, fade=alpha < 1)
    return Progress(images=7, step=step, index=0, stage=stage, fraction=alpha)


def played(
    system: System[Any],
    name: str,
    moment: Progress,
    form: Functional | None = None,
    *,
    scale: float = 1.0,
    micro_batch: int | None = None,
) -> tuple[Gradients, dict[str, Tensor]]:
    """Gradients and terms of the turn of `name`, drawn from one seed."""
    turn = next(turn for turn in system.turns(moment) if turn.players == (name,))
    data: Any = system.data  # type: ignore[attr-defined]
    batch = FakeData(data, system.batch_type).batch(range(moment.batch), moment.resolution)
    players = {name: system.players()[name]}
    torch.manual_seed(3)
    with only_trainable(system, players[name].parameters):
        return gradients_of(
            turn, players, batch, moment, micro_batch=micro_batch, scale=scale, form=form
        )


def assert_same(
    mine: tuple[Gradients, dict[str, Tensor]],
    theirs: tuple[Gradients, dict[str, Tensor]],
    **tolerance: float,
) -> None:
    assert mine[1].keys() == theirs[1].keys()
    for name, value in theirs[1].items():
        torch.testing.assert_close(mine[1][name], value, **tolerance)
    for name, gradients in theirs[0].items():
        assert [g is None for g in mine[0][name]] == [g is None for g in gradients]
        assert any(g is None for g in gradients)  # 16 pixels are never reached here
        for a, b in zip(mine[0][name], gradients, strict=True):
            if b is not None:
                torch.testing.assert_close(a, b, **tolerance)


TURNS = pytest.mark.parametrize("player", ["critic", "generator"])
KINDS = pytest.mark.parametrize("settings", [GP, R1], ids=["gp", "r1"])


@TURNS
@KINDS
@pytest.mark.parametrize(("resolution", "alpha"), [(8, 1.0), (8, 0.3), (8, 0.0), (4, 1.0)])
def test_the_function_gives_what_autograd_gives(
    player: str, settings: dict[str, Any], resolution: int, alpha: float
) -> None:
    system, moment = progan(**settings), at(resolution, alpha)
    form = Functional(system, backend=None)
    expected = played(system, player, moment)
    for _ in range(2):  # the first call also looks which parameters are reached
        found = played(system, player, moment, form)
        assert_same(found, expected, rtol=1e-4, atol=1e-6)
    assert not in_plain_form()


@pytest.mark.parametrize("variant", ["progan-paper", "progan-labelled", "progan-table1-e*"])
@TURNS
def test_other_forms_of_progan_are_functions_too(variant: str, player: str) -> None:
    system = next(one for one in VARIANTS if one.id == variant).build()
    moment = at(4, 1.0)
    form = Functional(system, backend=None)
    assert_same(
        played(system, player, moment, form),
        played(system, player, moment),
        rtol=1e-4,
        atol=1e-6,
    )


@TURNS
def test_in_micro_batches_too(player: str) -> None:
    system, moment = progan(stddev_group=1), at(8, 0.5)
    form = Functional(system, backend=None)
    found = played(system, player, moment, form, micro_batch=2)
    assert_same(found, played(system, player, moment, micro_batch=2), rtol=1e-4, atol=1e-6)


@TURNS
@KINDS
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_in_half_precision_it_is_as_near_as_that(
    player: str, settings: dict[str, Any], precision: Any
) -> None:
    system, moment = progan(**settings), at(8, 0.3)
    form = Functional(system, backend=None)
    scale = 2.0**10 if precision == "fp16" else 1.0
    with precision_context(precision, CPU):
        ours = played(system, player, moment, form, scale=scale)
        theirs = played(system, player, moment, scale=scale)
    exact = played(system, player, moment)

    def row(found: Any) -> Tensor:
        return torch.cat([g.flatten() for g in found[0][player] if g is not None])

    def like(a: Tensor, b: Tensor) -> float:
        return float(torch.cosine_similarity(a, b, dim=0))

    assert like(row(ours), row(theirs)) > 0.999
    assert 0.98 < like(row(ours), row(exact)) < 1 - 1e-6


# Compiled ----------------------------------------------------------------------------------------


def checked(*options: str) -> None:
    """Run the checks of compiled code in a process where shapes are not checked.

    torch.compile does not follow the checker through every function.
    """
    checks = Path(__file__).with_name("compiled_checks.py")
    pytest_ = ["-m", "pytest", "--noconftest", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [sys.executable, *pytest_, str(checks)],
        cwd=Path(__file__).parents[2],
        env={**environment(), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_traced_it_still_gives_what_autograd_gives_and_nothing_is_traced_twice() -> None:
    checked("-m", "not slow")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_compiled_runs_end_where_others_do() -> None:
    checked("-m", "slow", "--timeout", "1800")


# What is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "preset", "sets"),
    [
        ("gan", "dcgan", {}),
        ("progan", "table1-c", {}),
        ("progan", "cpu", {"objective": "least-squares", "noise": 0.2}),
        ("progan", "cpu", {"simultaneous": True}),
    ],
)
def test_turns_that_are_no_functions_are_refused(
    system: str, preset: str, sets: dict[str, Any]
) -> None:
    recipe = Recipe(system=system, preset=preset, set=sets, train=TrainSettings(compile=True))
    with pytest.raises(ConfigError, match=r"cannot be compiled.*--set train.compile=false"):
        build_system(recipe, COLOUR, CPU)


def test_compiling_and_computing_activations_again_exclude_each_other() -> None:
    train = TrainSettings(compile=True, checkpoint_activations=True)
    with pytest.raises(ConfigError, match=r"both true.*--set train.checkpoint_activations=false"):
        build_system(Recipe(preset="cpu", set=SMALL, train=train), COLOUR, CPU)


def test_in_plain_form_layers_are_torchs_own_and_nothing_is_kept() -> None:
    system = progan()
    image = torch.ones(2, 3, 8, 8, requires_grad=True)
    usual = system.critic(image, 8)  # type: ignore[operator]
    with plain_form():
        plain = system.critic(image, 8)  # type: ignore[operator]
    torch.testing.assert_close(plain, usual)

    def names(node: Any) -> set[str]:
        if node is None:
            return set()
        return {type(node).__name__}.union(*(names(inner) for inner, _ in node.next_functions))

    assert any(name.startswith("_") for name in names(usual.grad_fn))
    assert not any(name.startswith("_") for name in names(plain.grad_fn))
