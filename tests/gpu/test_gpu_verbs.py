"""What a user asks of a GPU: train, resume, plan, bench, sample. Skipped where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import progan
from progan.assemble.comparing.bench import bench
from progan.assemble.training.ask import Asked, prepare
from progan.assemble.training.forecast import forecast
from progan.assemble.training.train import train_run
from progan.core.config import apply_sets
from progan.core.recipe import Recipe
from progan.engine.backends import TOLERANCES, build, fixed, present
from progan.engine.checkpoint import newest_valid
from progan.engine.precision import has_bf16
from progan.engine.preview import draw_seeds
from quiet import Quiet

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

CUDA = torch.device("cuda", 0)
TINY = ("fmap_max=8", "latent_size=8", "data.images=64", "batch={4: 8}", "stddev_group=4")


def asked(runs: Path, **more: Any) -> Asked:
    options: dict[str, Any] = {"resolution": 8, "images": 96, "sets": TINY, **more}
    return Asked(words="portraits", runs=runs, device="cuda", **options)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_whole_run(precision: str, tmp_path: Path) -> None:
    if precision == "bf16" and not has_bf16(CUDA):
        pytest.skip("this GPU does not multiply in bfloat16")
    sets = (*TINY, f"train.precision={precision}", "train.log_every=1")
    screen = Quiet()
    before = torch.backends.cuda.matmul.fp32_precision
    outcome = train_run(prepare(asked(tmp_path, sets=sets)), screen)
    assert outcome.exit_code == 0
    assert torch.backends.cuda.matmul.fp32_precision == before
    assert (outcome.path / "report.html").is_file()
    machine = next(line for line in screen.lines if line.startswith("Machine"))
    assert torch.cuda.get_device_name(CUDA) in machine
    assert precision in machine
    lines = (outcome.path / "metrics.jsonl").read_text().splitlines()
    assert all(("loss_scale" in json.loads(line)) == (precision == "fp16") for line in lines)
    # what was trained on a GPU is drawn anywhere
    pictures = [
        progan.load(outcome.path, device=device).sample(seeds=[1, 2]) for device in ("cuda", "cpu")
    ]
    apart = np.abs(pictures[0].astype(int) - pictures[1].astype(int))
    assert TOLERANCES["fp32"].accepts(pictures[0], pictures[1]), apart.max()


def test_the_precision_is_chosen_by_measurement(tmp_path: Path) -> None:
    screen = Quiet()
    train_run(prepare(asked(tmp_path)), screen)
    machine = next(line for line in screen.lines if line.startswith("Machine"))
    assert ("measured fastest" in machine) == has_bf16(CUDA)


def test_the_plan_is_measured_on_the_device(tmp_path: Path) -> None:
    found = forecast(prepare(asked(tmp_path)), Quiet(), seconds=2.0)
    assert all(stage.memory and stage.images_per_second > 0 for stage in found.stages)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_the_device_is_benched(precision: str) -> None:
    if precision == "bf16" and not has_bf16(CUDA):
        pytest.skip("this GPU does not multiply in bfloat16")
    recipe = apply_sets(Recipe(), [*TINY, f"train.precision={precision}", "train.device=cuda"])
    found = bench(recipe, resolution=8, seconds=0.01, rounds=1)
    assert found.precision == precision
    assert found.peak_gflops > 0
    assert all(row.peak_bytes and row.images_per_second > 0 for row in found.rows)


@pytest.mark.parametrize("fused", [True, False])
def test_folded_generators_draw_as_those_on_a_cpu_do(fused: bool, tmp_path: Path) -> None:
    """Every backend that is there, against float32 on the CPU."""
    sets = (*TINY, f"fused={str(fused).lower()}")
    outcome = train_run(prepare(asked(tmp_path, sets=sets)), Quiet())
    _, _, meta, _ = newest_valid(outcome.path / "checkpoints")
    assert meta["counters"]["images"]
    models = {kind: progan.load(outcome.path, device=kind) for kind in ("cpu", "cuda")}
    at = models["cpu"].moment
    latents = draw_seeds(models["cpu"].system, range(8))
    reference = build("eager-fp32", models["cpu"].system, at, 8, latents)(latents)
    for name in present(CUDA):
        if name.startswith("compile"):
            continue  # tested by choice, and slow
        assert {p.device for p in fixed(models["cuda"].system, at).parameters()} == {CUDA}
        made = build(name, models["cuda"].system, at, 8, latents)(latents)
        assert TOLERANCES[name.partition("-")[2]].accepts(made, reference), name
