"""One batch that shards do not divide, on one, two and four processes: the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contract.checks import differences, load
from contract.worker import Job, play, spawn

pytestmark = pytest.mark.xdist_group("many processes")

SHARDS, BATCH, STEPS, STAGES = 4, 6, 2, 5
"""Shards of 1, 2, 1 and 2 images; a ProGAN that grows from 4 to 16 pixels."""
END, MIDDLE = STEPS * STAGES, STEPS + 1


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where states lie: <middle or end>.<processes>.<process>.safetensors; `4-1` began on 4."""
    folder = tmp_path_factory.mktemp("many")
    for processes in (1, 2, 4):
        job = Job(
            variant="progan-cpu",
            stage_steps=STEPS,
            saves={MIDDLE: f"{folder}/middle.{processes}", END: f"{folder}/end.{processes}"},
            shards=SHARDS,
            batch=BATCH,
        )
        if processes == 1:
            play(job)
        else:
            spawn([job], folder, processes=processes)
            (folder / "meeting").unlink(missing_ok=True)
    play(replace(job, start=f"{folder}/middle.4.3.safetensors", saves={END: f"{folder}/end.4-1"}))
    return folder


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("moment", ["middle", "end"])
def test_more_processes_hold_the_bits_of_one(processes: int, moment: str, played: Path) -> None:
    one = load(played / f"{moment}.1.0.safetensors")
    for process in range(processes):
        other = load(played / f"{moment}.{processes}.{process}.safetensors")
        assert differences(one, other) == [], f"process {process}"


def test_one_process_goes_on_for_four(played: Path) -> None:
    one = load(played / "end.1.0.safetensors")
    assert differences(one, load(played / "end.4-1.0.safetensors")) == []
