"""float16: losses and slopes scaled, so that nothing small is lost and nothing large cut off."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contract.checks import steps_that_differ
from contract.variants import VARIANTS
from progan.core.batch import Images
from progan.core.faults import Faults
from progan.core.plan import Plan, Progress, Stage
from progan.core.slopes import verdict_and_slope
from progan.core.specs import SGD
from progan.core.system import Player, System, Terms, Turn
from progan.engine import play, scaling
from progan.engine.loop import Trainer
from progan.engine.play import gradients_of
from progan.engine.precision import precision_context
from progan.engine.record import RunFolder
from progan.engine.run import Run, RunOptions
from progan.engine.scaling import LossScale, slope_factor
from progan.objectives.penalty import gradient_penalty, r1
from toys import ToyData, ToyGrowing

CPU = torch.device("cpu")
PROGAN = next(variant for variant in VARIANTS if variant.id == "progan-cpu")


# The scale -------------------------------------------------------------------------------------


def test_the_scale_halves_at_once_and_doubles_after_long_patience() -> None:
    scale = LossScale()
    assert (scale.value, scale.again(finite=False), scale.value) == (2.0**16, True, 2.0**15)
    told = [scale.again(finite=True) for _ in range(scaling.PATIENCE)]
    assert not any(told)
    assert (scale.value, scale.good) == (2.0**16, 0)
    scale.again(finite=True)
    assert scale.again(finite=False)
    assert (scale.value, scale.good) == (2.0**15, 0)  # patience begins anew


def test_a_gradient_that_no_scale_mends_is_not_the_scales_fault() -> None:
    scale = LossScale()
    tries = 1
    while scale.again(finite=False):
        tries += 1
    assert tries == 17  # at 2^16, 2^15, … 2^0
    assert scale.value == 2.0**16


def test_the_scale_never_grows_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "PATIENCE", 1)
    scale = LossScale()
    for _ in range(99):
        scale.again(finite=True)
    assert scale.value == scaling.LARGEST


@pytest.mark.parametrize(
    ("scale", "factor"), [(2.0**16, 256.0), (2.0**17, 256.0), (2.0**24, 4096.0), (1.0, 1.0)]
)
def test_slopes_carry_the_root_of_the_scale(scale: float, factor: float) -> None:
    assert slope_factor(scale) == factor


# What it is worth --------------------------------------------------------------------------------


def penalties(system: Any, kind: str, image: Tensor) -> Terms:
    """A penalty on the critic's slope at `image`, whatever the point between drawn."""

    def critic(x: Tensor) -> Tensor:
        return system.critic(x, 16)[:, 0]

    if kind == "gp":
        return {"penalty": 10 * gradient_penalty(critic, image, image)}
    return {"penalty": 10 * r1(verdict_and_slope(critic, image)[1])}


def penalised(system: Any, kind: str, image: Tensor, *, scale: float = 1.0) -> tuple[float, Tensor]:
    """Value and gradient of the penalty, all parameters in one row."""
    turn = Turn[Images]("critic", lambda batch, at: penalties(system, kind, batch.image))
    players = {"critic": system.players()["critic"]}
    gradients, terms = gradients_of(
        turn, players, Images(image), system.plan().at(0), micro_batch=None, scale=scale
    )
    rows = [g.double().flatten() for g in gradients["critic"] if g is not None]
    return float(terms["critic/penalty"]), torch.cat(rows)


@pytest.mark.parametrize(("kind", "small", "scale"), [("gp", 2e-6, 2.0**16), ("r1", 5e-6, 2.0**24)])
def test_a_penalty_in_float16_is_that_of_float64_though_its_slope_is_too_small_for_it(
    kind: str, small: float, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores so small that float16 loses their gradients, unless they are scaled."""
    system: Any = PROGAN.build()
    with torch.no_grad():
        system.critic.verdict.score.weight.mul_(small)
    image = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with pytest.MonkeyPatch.context() as patch:  # the reference never turns to float32
        patch.setattr(Tensor, "float", Tensor.double)
        patch.setattr(torch, "rand", lambda *size, **_: torch.full(size, 0.5, dtype=torch.float64))
        value, expected = penalised(copy.deepcopy(system).double(), kind, image.double())

    def wrong(scale: float) -> float:
        """Relative error of value and gradient; the larger."""
        with precision_context("fp16", CPU):
            found, gradient = penalised(system, kind, image, scale=scale)
        apart = (gradient - expected).norm() / expected.norm()
        return max(abs(found / value - 1), float(apart.nan_to_num(nan=torch.inf)))

    assert wrong(scale) < 0.02
    monkeypatch.setattr(play, "slope_factor", lambda scale: 1.0)
    for alone in (1.0, 2.0**8, 2.0**16, 2.0**24):  # scaling losses alone never does it
        assert wrong(alone) > 0.1


# Steps -------------------------------------------------------------------------------------------


class Steep(System[Images]):
    """One number, whose gradient in float16 overflows at the first scale: `slope` times it."""

    averaged = ()

    def __init__(self, slope: float = 5.0) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(1, 1))
        self.slope = slope
        self.register_buffer("played", torch.zeros(()))
        self.draws: list[float] = []

    def plan(self) -> Plan:
        return Plan((Stage(name="all", images=1000, resolution=1, batch=2),))

    def players(self) -> Mapping[str, Player]:
        return {"a": Player((self.a,), SGD(lr=0.01))}

    def turns(self, at: Progress) -> Sequence[Turn[Images]]:
        return (Turn("a", self.loss),)

    def loss(self, batch: Images, at: Progress) -> Terms:
        self.played += 1
        self.draws.append(float(torch.rand(())))
        size = batch.image.mean().view(1, 1)
        return {"loss": nn.functional.linear(size, self.a).float().sum() * self.slope}


class Ones:
    def batch(self, numbers: range, resolution: int) -> Images:
        return Images(torch.ones(len(numbers), 1, 1, 1))


def test_a_turn_that_overflows_is_played_again_at_half_the_scale_and_no_step_is_lost() -> None:
    system = Steep()  # 2^16 · 5 and 2^15 · 5 are beyond 65,504; 2^14 · 5 is too, 2^13 · 5 is not
    trainer = Trainer(system, Ones(), precision="fp16")
    result = trainer.step()
    assert result.finite
    assert float(result.terms["loss_scale"]) == trainer.scale.value == 2.0**13
    assert (trainer.skipped, trainer.recoveries, trainer.steps, trainer.images) == (0, 0, 1, 2)
    assert len(system.draws) == 4
    assert len(set(system.draws)) == 1  # the same draws each time
    assert float(system.played) == 1  # buffers too are as if played once
    torch.testing.assert_close(system.a.detach(), torch.full((1, 1), 1 - 0.01 * 5))
    trainer.step()
    assert len(system.draws) == 5  # the scale is remembered


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_other_precisions_have_no_scale(precision: Any) -> None:
    system = Steep()
    result = Trainer(system, Ones(), precision=precision).step()
    assert "loss_scale" not in result.terms
    assert len(system.draws) == 1


class Poison(Faults):
    """Gradients of some steps are not numbers."""

    def __init__(self, *steps: int) -> None:
        self.steps = steps

    def gradients(self, player: str, step: int, gradients: Sequence[Tensor]) -> None:
        if step in self.steps:
            gradients[0].fill_(float("nan"))


def test_what_no_scale_mends_is_skipped_and_recovered_as_ever(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trainer = Trainer(ToyGrowing(), ToyData(), precision="fp16", faults=Poison(3))
    folder = RunFolder.create(tmp_path, "run")
    run = Run(folder, trainer, options=RunOptions(log_every=1, previews=4))
    assert run.go() == "done"
    kinds = [record["kind"] for record in folder.read_lines("decisions.jsonl")]
    assert kinds == ["skip"]
    assert trainer.scale.value >= 2.0**10  # it was 1 for a moment
    scales = [record["loss_scale"] for record in folder.read_lines("metrics.jsonl")]
    assert min(scales) == trainer.scale.value


def test_a_run_in_fp16_cut_anywhere_ends_in_the_bits_of_the_uncut_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a scale that moves both ways on the way."""
    monkeypatch.setattr(scaling, "PATIENCE", 3)
    monkeypatch.setattr(scaling, "LARGEST", 2.0**60)
    seen = set()
    whole = PROGAN.trainer(precision="fp16")
    step = whole.step

    def watched() -> Any:
        result = step()
        seen.add(whole.scale.value)
        return result

    monkeypatch.setattr(whole, "step", watched)
    again = lambda: PROGAN.trainer(precision="fp16", weights=1)  # noqa: E731 - all are loaded
    assert steps_that_differ(whole, again, tmp_path) == {}
    assert len(seen) > 2
