"""What listeners hear, and in which order."""

from __future__ import annotations

from pathlib import Path

import torch

from progan.core.plan import Plan, Progress
from progan.engine.events import (
    Decided,
    Ended,
    Event,
    Measured,
    Pictured,
    Replanned,
    Saved,
    StageBegan,
    Started,
    Stepped,
)
from progan.engine.loop import Trainer
from progan.engine.record import RunFolder
from progan.engine.run import Quality, Run, RunOptions
from toys import ToyData, ToyGrowing


class Ear:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def hear(self, event: Event) -> None:
        self.heard.append(event)

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.heard if isinstance(event, kind)]


def run_with(ear: Ear, folder: Path, **options: object) -> Run:
    torch.manual_seed(0)
    trainer = Trainer(ToyGrowing(images=32), ToyData())  # two steps a stage
    every = RunOptions(log_every=2, previews=1, save_seconds=1e9, keep_last=9)
    return Run(RunFolder.create(folder, "run"), trainer, options=every, listeners=[ear], **options)  # type: ignore[arg-type]


def test_a_run_is_heard_from_start_to_end_in_the_order_of_things(tmp_path: Path) -> None:
    ear = Ear()
    run_with(ear, tmp_path).go()
    stage = ["StageBegan", "Stepped", "Pictured", "Stepped", "Pictured", "Saved"]
    kinds = [type(event).__name__ for event in ear.heard]
    assert kinds == ["Saved", "Started", *3 * stage, "Ended"]
    assert isinstance(ear.heard[-1], Ended)
    assert ear.heard[-1].reason == "done"


def test_moments_are_those_of_the_run(tmp_path: Path) -> None:
    ear = Ear()
    run = run_with(ear, tmp_path)
    run.go()
    began = [event.at for event in ear.of(StageBegan)]
    assert [(at.images, at.index, at.fraction) for at in began] == [
        (0, 0, 0),
        (32, 1, 0),
        (64, 2, 0),
    ]
    steps = [(event.at.images, event.at.index, event.at.fraction) for event in ear.of(Stepped)]
    assert steps == [(16, 0, 0.5), (32, 0, 1), (48, 1, 0.5), (64, 1, 1), (80, 2, 0.5), (96, 2, 1)]
    (started,) = ear.of(Started)
    assert started.plan is run.trainer.plan
    assert all(event.path.is_file() for event in [*ear.of(Pictured), *ear.of(Saved)])
    assert [event.at.images for event in ear.of(Saved)] == [0, 32, 64, 96]


def test_terms_are_told_as_often_as_they_are_logged_and_time_goes_forward(tmp_path: Path) -> None:
    ear = Ear()
    run_with(ear, tmp_path).go()
    steps = ear.of(Stepped)
    told = [sorted(event.terms) for event in steps]
    names = ["critic/gradient_norm", "critic/score", "generator/gradient_norm", "generator/score"]
    # The penalty is played in every third step, so at steps 0 and 3; told at 0, 2 and 4.
    with_penalty = sorted([*names, "critic/penalty"])
    assert told == [with_penalty, [], names, [], names, []]
    seconds = [event.seconds for event in steps]
    assert seconds == sorted(seconds)
    assert all(event.images_per_second > 0 for event in steps if event.terms)


def test_quality_and_decisions_are_heard(tmp_path: Path) -> None:
    ear = Ear()
    run = run_with(
        ear,
        tmp_path,
        measure=lambda trainer, at: [Quality("swd", "mean", 100.0 - at.images, 8)],
        over=lambda: run.trainer.images >= 80,
    )
    run.go()
    (first, *_, last) = ear.of(Measured)
    assert (first.at.images, first.metric, first.level, first.value, first.n) == (
        16,
        "swd",
        "mean",
        84.0,
        8,
    )
    assert last.value == 20.0
    (decided,) = ear.of(Decided)
    assert (decided.images, decided.kind) == (80, "until")
    assert run.best == (20.0, 80)


def test_one_that_fails_is_not_asked_again_and_the_others_are(tmp_path: Path) -> None:
    class Deaf(Ear):
        def hear(self, event: Event) -> None:
            super().hear(event)
            raise RuntimeError("what?")

    ear, deaf = Ear(), Deaf()
    run = run_with(ear, tmp_path)
    run.listeners.insert(0, deaf)
    run.go()
    assert len(deaf.heard) == 1
    assert isinstance(ear.heard[-1], Ended)
    assert "Deaf failed and was dropped: RuntimeError('what?')" in (
        run.folder.path / "log.txt"
    ).read_text(encoding="utf-8")


def test_a_plan_fitted_again_in_the_last_stage_is_heard_also_where_who_fits_it_sets_it(
    tmp_path: Path,
) -> None:
    ear = Ear()

    def refit(plan: Plan, at: Progress, seconds: float) -> Plan | None:
        if at.images != 80:
            return None
        run.trainer.plan = plan.with_lengths([32, 32, 48])
        return run.trainer.plan

    run = run_with(ear, tmp_path, refit=refit)
    run.go()
    (told,) = ear.of(Replanned)
    assert (told.at.images, told.plan.images) == (80, 112)
    assert ear.of(Stepped)[-1].at.images == 112
