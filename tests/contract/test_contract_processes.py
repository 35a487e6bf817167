"""The same bits from any number of processes, in any surroundings."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.checks import differences, load, save
from contract.variants import VARIANTS, Variant
from contract.worker import Job, play, spawn

# One worker of pytest-xdist for all of them (--dist loadgroup), for they share their setup.
pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(900)]

STEPS = 4
"""Steps in each stage: 20 in all for a system that grows from 4 to 16 pixels."""

ODD = {"variant": "progan-cpu", "stage_steps": 2, "shards": 4, "batch": 6}
"""Shards of 1, 2, 1 and 2 images; the ProGAN grows from 4 to 16 pixels in 10 steps."""
ODD_MOMENTS = {3: "middle", 10: "end"}

JOINT = {"variant": "biggan-split", "stage_steps": STEPS, "shards": 2}
"""Two processes whose batch norm looks at both, and each at its own."""

FIRST = {variant.system: variant for variant in reversed(VARIANTS)}
"""The first variant of every system."""


def end_and_middle(variant: Variant) -> tuple[int, int]:
    """Steps in the whole plan, and up to a cut half-way through its second stage, mid-fade."""
    stages = len(variant.build().plan().stages)
    return STEPS * stages, STEPS // 2 + STEPS * (stages > 1)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where states lie: <variant>.<middle or end>.<who played>[.<process>].safetensors.

    `one`: one process with two shards; `two`: two processes with a shard each; `one-two`: begun
    by the one and ended by the two; `bare`: one process with one shard, in other surroundings.
    odd.<middle or end>.<processes>.<process>.safetensors: a batch that shards do not divide.
    joint.<middle or end>.<process>.safetensors, and again.end: statistics of both processes.
    """
    folder = tmp_path_factory.mktemp("played")
    together, alone = list[Job](), list[Job]()
    for variant in VARIANTS:
        end, middle = end_and_middle(variant)
        trainer = variant.trainer(steps=STEPS, shards=2)
        while not trainer.done:
            trainer.step()
            if trainer.steps in (end, middle):
                moment = "end" if trainer.done else "middle"
                save(trainer, folder / f"{variant.id}.{moment}.one.safetensors")
        stem = f"{folder}/{variant.id}"
        common = {"variant": variant.id, "stage_steps": STEPS}
        saves = {middle: f"{stem}.middle.two", end: f"{stem}.end.two"}
        together.append(Job(**common, shards=2, saves=saves))
        if variant in FIRST.values():
            saves, start = {end: f"{stem}.end.one-two"}, f"{stem}.middle.one.safetensors"
            together.append(Job(**common, shards=2, saves=saves, start=start))
        alone.append(Job(**common, saves={middle: f"{stem}.middle.bare"}, until=middle))
    odd = [
        Job(**ODD, saves={step: f"{folder}/odd.{m}.{count}" for step, m in ODD_MOMENTS.items()})
        for count in (1, 2, 4)
    ]
    play(odd[0])
    saves = {STEPS // 2: f"{folder}/joint.middle", STEPS: f"{folder}/joint.end"}
    joint = [
        Job(**JOINT, joint=True, saves=saves),
        Job(
            **JOINT,
            joint=True,
            start=f"{folder}/joint.middle.1.safetensors",
            saves={STEPS: f"{folder}/again.end"},
        ),
    ]
    spawn([*together, odd[1], *joint], folder, processes=2)
    spawn([odd[2]], tmp_path_factory.mktemp("four"), processes=4)
    elsewhere = tmp_path_factory.mktemp("else where ü")
    spawn(alone, elsewhere, PYTHONHASHSEED="4711", LC_ALL="C", TZ="Asia/Tokyo")
    return folder


def test_two_processes_hold_the_bits_of_one(variant: Variant, played: Path) -> None:
    for moment in ("middle", "end"):
        one = load(played / f"{variant.id}.{moment}.one.safetensors")
        for process in (0, 1):
            two = load(played / f"{variant.id}.{moment}.two.{process}.safetensors")
            assert differences(one, two) == [], f"{moment}, process {process}"


@pytest.mark.parametrize("system", FIRST)
def test_a_run_goes_on_with_more_processes(system: str, played: Path) -> None:
    variant = FIRST[system]
    one = load(played / f"{variant.id}.end.one.safetensors")
    more = load(played / f"{variant.id}.end.one-two.0.safetensors")
    assert differences(one, more) == []


def test_a_run_goes_on_with_fewer_processes(variant: Variant, played: Path) -> None:
    trainer = variant.trainer(steps=STEPS, shards=2, weights=1)
    trainer.load_state(load(played / f"{variant.id}.middle.two.0.safetensors"))
    while not trainer.done:
        trainer.step()
    assert differences(load(played / f"{variant.id}.end.one.safetensors"), trainer.state()) == []


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("moment", ["middle", "end"])
def test_a_batch_that_shards_do_not_divide(processes: int, moment: str, played: Path) -> None:
    one = load(played / f"odd.{moment}.1.0.safetensors")
    for process in range(processes):
        other = load(played / f"odd.{moment}.{processes}.{process}.safetensors")
        assert differences(one, other) == [], f"process {process}"


def test_statistics_of_both_processes_are_the_same_in_both_and_go_on(played: Path) -> None:
    end = load(played / "joint.end.0.safetensors")
    assert differences(end, load(played / "joint.end.1.safetensors")) == []
    for process in (0, 1):
        assert differences(end, load(played / f"again.end.{process}.safetensors")) == []
    apart = load(played / "biggan-split.end.two.0.safetensors")
    assert any("running_mean" in name for name in differences(end, apart))


def test_one_process_goes_on_for_four(played: Path, tmp_path: Path) -> None:
    start = f"{played}/odd.middle.4.3.safetensors"
    play(Job(**ODD, start=start, saves={10: f"{tmp_path}/end"}))
    one = load(played / "odd.end.1.0.safetensors")
    assert differences(one, load(tmp_path / "end.0.safetensors")) == []


def test_surroundings_change_no_bit(variant: Variant, played: Path) -> None:
    """R9: another folder, hash seed, locale and time zone, and no checker of shapes."""
    trainer = variant.trainer(steps=STEPS)
    for _ in range(end_and_middle(variant)[1]):
        trainer.step()
    bare = load(played / f"{variant.id}.middle.bare.0.safetensors")
    assert differences(trainer.state(), bare) == []
