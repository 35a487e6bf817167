"""Checks of compiled turns, run by test_functional.py in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from contract.variants import SMALL as GREY
from contract.variants import FakeData, Variant, shortened
from engine.test_functional import GP, R1, SMALL, assert_same, at, played, progan
from progan.engine.functional import Functional
from progan.engine.loop import Trainer
from progan.engine.precision import float32_products, has_bf16, precision_context

CPU = torch.device("cpu")
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """Nothing was compiled before."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


class Counted:
    """A backend for torch.compile that evaluates what was traced, and counts the graphs."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: Any, example: Any) -> Callable[..., Any]:
        self.graphs += 1
        return graph.forward


@pytest.mark.parametrize(("player", "graphs"), [("critic", 2), ("generator", 1)], ids=str)
def test_a_fade_is_traced_once_and_gives_what_autograd_gives(player: str, graphs: int) -> None:
    """In one graph without a break; the critic's with its lazy penalty and without."""
    system, backend = progan(**R1), Counted()
    form = Functional(system, backend=backend)
    for step in range(6):
        moment = at(8, step / 8, step=step)
        assert_same(played(system, player, moment, form), played(system, player, moment), **CLOSE)
    assert backend.graphs == graphs


def test_a_scale_that_changes_is_not_traced_anew() -> None:
    system, backend = progan(**GP), Counted()
    form = Functional(system, backend=backend)
    for step, scale in enumerate((2.0**16, 2.0**10, 2.0**4)):  # in float32 S changes nothing
        moment = at(8, step / 8, step=step)
        found = played(system, "critic", moment, form, scale=scale)
        assert_same(found, played(system, "critic", moment), **CLOSE)
    assert backend.graphs == 1


class OnDevice(FakeData):
    """Made-up pictures, brought to a device as a loader would."""

    device = CPU

    def batch(self, numbers: range, resolution: Any) -> Any:
        return super().batch(numbers, resolution).to(self.device)


def trainer(
    compiled: bool, *, device: torch.device = CPU, precision: Any = "fp32", **settings: Any
) -> Trainer:
    sets = {**SMALL, "optimizer": {"kind": "SGD", "lr": 0.01}, **settings}
    system = Variant(system="progan", name="", preset="cpu", set=sets).build().to(device)
    data = OnDevice(GREY, system.batch_type)
    data.device = device
    return Trainer(
        system,
        data,
        plan=shortened(system, 2),
        compiled=compiled,
        precision=precision,
        device=device,
    )


@pytest.mark.slow
def test_a_compiled_run_ends_where_the_other_does() -> None:
    """Every stage of growth; more kinds of turns than torch may compile of one code."""
    backend = Counted()
    plain, traced = trainer(False, **GP), trainer(True, **GP)
    assert traced.form is not None
    traced.form.backend = backend
    with torch._dynamo.config.patch(recompile_limit=2):
        while not plain.done:
            theirs, mine = plain.step().terms, traced.step().terms
            assert mine.keys() == theirs.keys()
            for name, value in theirs.items():
                torch.testing.assert_close(mine[name], value, rtol=1e-3, atol=1e-5)
    assert backend.graphs == 3 * 2  # three stages, two players


@pytest.mark.slow
@pytest.mark.parametrize("player", ["critic", "generator"])
@pytest.mark.parametrize("settings", [GP, R1], ids=["gp", "r1"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_compiled_in_earnest_it_gives_what_autograd_gives(
    player: str, settings: dict[str, Any], precision: Any
) -> None:
    """By inductor, draws included."""
    system, moment = progan(**settings), at(8, 0.3)
    form = Functional(system)
    with precision_context(precision, CPU):
        expected = played(system, player, moment)
        for _ in range(2):
            found = played(system, player, moment, form)
            if precision == "fp32":
                assert_same(found, expected, **CLOSE)
    rows = [
        torch.cat([g.flatten() for g in one[0][player] if g is not None])
        for one in (found, expected)
    ]
    assert torch.nn.functional.cosine_similarity(*rows, dim=0) > 0.99


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, in inductor
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_on_a_gpu_compiled_runs_end_where_others_do(precision: Any) -> None:
    device = torch.device("cuda", 0)
    if precision == "bf16" and not has_bf16(device):
        pytest.skip("this GPU does not multiply in bfloat16")
    ends = []
    for compiled in (False, True):
        one = trainer(compiled, device=device, precision=precision, **R1)
        while not one.done:
            assert one.step().finite
        ends.append(torch.cat([p.detach().flatten() for p in one.system.parameters()]))
    assert torch.nn.functional.cosine_similarity(*ends, dim=0) > 0.999


def test_compile_bears_both_kinds_of_float32() -> None:
    """It reads torch's older flags too, which must not contradict the newer ones."""
    double = torch.compile(lambda x: 2 * x, backend="eager")
    for tf32 in (False, True):
        with float32_products(tf32=tf32):
            assert float(double(torch.ones(()))) == 2.0
