"""Training on a GPU. Every test here needs one, and is skipped where there is none."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from contract.checks import load, save, steps_that_differ
from contract.variants import COLOUR, FakeData, shortened
from progan.assemble.models.build import build_system
from progan.core.batch import Images
from progan.core.plan import Plan, Stage
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.engine.loop import Trainer
from progan.engine.precision import has_bf16

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
TINY = {"fmap_base": 64, "fmap_max": 16, "latent_size": 8, "batch": {4: 4}}
ORDERS = ((0, 2, 3, 1), (1, 2, 3, 0), (2, 3, 0, 1), (2, 3, 1, 0))
"""How kernels may lie in memory: channels last, in or out of them, or tap after tap where a layer
enlarges or shrinks."""
PRECISIONS = pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])


class OnDevice:
    """Made-up pictures, brought to a device as a loader would."""

    def __init__(self, spec: DataSpec, device: torch.device) -> None:
        self.made, self.device = FakeData(spec, Images), device

    def batch(self, numbers: range, resolution: Any) -> Any:
        return self.made.batch(numbers, resolution).to(self.device)


def trainer(
    device: torch.device = CUDA,
    *,
    steps: int = 2,
    spec: DataSpec = COLOUR,
    preset: str = "v2",
    weights: int = 0,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> Trainer:
    """A ProGAN that grows from 4 to 16 pixels, on `device`."""
    train = TrainSettings(seed=weights)
    recipe = Recipe(preset=preset, set={**TINY, **(settings or {})}, train=train)
    system = build_system(recipe, spec, device)
    return Trainer(
        system, OnDevice(spec, device), plan=shortened(system, steps), device=device, **options
    )


def skip_without(precision: str) -> None:
    if precision == "bf16" and not has_bf16(CUDA):
        pytest.skip("this GPU does not multiply in bfloat16")


def kernels(t: Trainer) -> Iterator[tuple[str, Tensor]]:
    for name, value in t.state().tensors.items():
        if value.ndim == 4 and value.shape[2] > 1 and min(value.shape[:2]) > 1:
            yield name, value


@PRECISIONS
def test_it_grows_and_stays_finite_and_float32(precision: Any) -> None:
    skip_without(precision)
    t = trainer(precision=precision)
    while not t.done:
        result = t.step()
        assert result.finite
        assert all(value.isfinite() for value in result.terms.values())
    assert (t.skipped, t.at.resolution) == (0, 16)
    for name, value in t.state().tensors.items():
        assert value.device == CUDA or value.ndim == 0, name
        assert value.dtype in (torch.float32, torch.int64, torch.bool), name
        assert value.isfinite().all(), name


@PRECISIONS
def test_the_numbers_of_a_pixel_stay_side_by_side(precision: Any) -> None:
    """Weights, averages and moments, from the first step to the last and after resuming."""
    skip_without(precision)
    t = trainer(precision=precision)
    again = trainer(precision=precision, weights=1)
    while not t.done:
        t.step()
    again.load_state(t.state())
    for one in (t, again):
        found = dict(kernels(one))
        assert found
        for name, value in found.items():
            assert any(value.permute(order).is_contiguous() for order in ORDERS), name
            average = name.replace("system/", "average/").replace(
                "average/generator.", "average/generator/"
            )
            if average in found:
                assert found[average].stride() == value.stride(), name


def test_adam_is_fused() -> None:
    t = trainer()
    t.step()
    for optimizer in t.optimizers.values():
        assert optimizer.param_groups[0]["fused"] is True
        assert all(memory["step"].device == CUDA for memory in optimizer.state.values())


def test_a_step_in_fp32_is_that_of_a_cpu() -> None:
    """Same weights, pictures and latents; TF32 would be off by a thousandth.

    With SGD: Adam's first step is one of signs, where a gradient of almost nothing is as good as
    any other.
    """
    ends: list[dict[str, Tensor]] = []
    sgd = {"optimizer": {"kind": "SGD", "lr": 0.01}}
    for device in (CPU, CUDA):
        t = trainer(device, preset="paper", settings=sgd)
        t.data.batch(range(16), 16)  # made-up pictures are made once
        terms: dict[str, Tensor] = {}
        draw = torch.Generator().manual_seed(4)
        latents = [torch.randn(4, 8, generator=draw) for _ in range(8)]
        mixes = [torch.rand(4, 1, 1, 1, generator=draw) for _ in range(4)]
        with pytest.MonkeyPatch.context() as patch:

            def randn(*size: Any, device: Any = None, latents: Any = latents, **_: Any) -> Tensor:
                return latents.pop(0).to(device)

            def rand(*size: Any, device: Any = None, mixes: Any = mixes, **_: Any) -> Tensor:
                return mixes.pop(0).to(device)

            patch.setattr(torch, "randn", randn)
            patch.setattr(torch, "rand", rand)
            for step in range(4):  # the fourth is half-way through a fade
                found = t.step().terms
                terms |= {f"{name} {step}": value.cpu() for name, value in found.items()}
        weights = {name: p.detach().cpu() for name, p in t.system.named_parameters()}
        ends.append({**terms, **weights})
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, rtol=2e-4, atol=1e-5, msg=name)


def test_bf16_on_the_way_back_is_bf16() -> None:
    """A gradient beyond 65,504 in a layer's type would be infinite in float16."""
    skip_without("bf16")
    layer = torch.nn.Conv2d(1, 1, 1, bias=False, device=CUDA)
    seen: list[tuple[torch.dtype, bool]] = []
    from progan.core.slopes import verdict_and_slope
    from progan.engine.precision import precision_context

    with precision_context("bf16", CUDA):
        image = torch.ones(2, 1, 2, 2, device=CUDA)

        def critic(x: Tensor) -> Tensor:
            y = layer(x)
            y.register_hook(lambda g: seen.append((g.dtype, bool(g.isfinite().all()))))
            return 1e6 * y.float().square().sum(dim=(1, 2, 3))

        _, slope = verdict_and_slope(critic, image)
        slope.square().sum().backward()
    assert {kind for kind, _ in seen} == {torch.bfloat16}
    assert all(finite for _, finite in seen)
    assert layer.weight.grad is not None
    assert layer.weight.grad.isfinite().all()


# Resuming --------------------------------------------------------------------------------------


@PRECISIONS
def test_a_run_cut_anywhere_ends_in_the_bits_of_the_uncut_one(
    precision: Any, tmp_path: Path
) -> None:
    skip_without(precision)
    whole = trainer(precision=precision)
    again = lambda: trainer(precision=precision, weights=1)  # noqa: E731 - all are loaded
    assert steps_that_differ(whole, again, tmp_path) == {}


def test_a_run_in_float32_goes_on_on_a_cpu_and_comes_back(tmp_path: Path) -> None:
    """Not in the same bits; but counts of steps and moments lie where they must."""
    t = trainer()
    for device in (CPU, CUDA):
        t.step()
        save(t, tmp_path / "state.safetensors")
        t = trainer(device)
        t.load_state(load(tmp_path / "state.safetensors"))
        assert t.step().finite


# Memory ------------------------------------------------------------------------------------------


def test_a_step_that_runs_out_of_memory_is_played_in_smaller_pieces() -> None:
    spec = DataSpec(resolution=64, channels=3, images=64)
    stage = Stage(name="64", images=10**6, resolution=64, batch=64)
    settings = {"fmap_base": 1024, "fmap_max": 64, "stddev_group": 4}

    def peaks(micro_batch: int) -> tuple[int, int]:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        t = trainer(spec=spec, settings=settings, micro_batch=micro_batch)
        t.plan = Plan((stage,))
        t.step()
        return torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()

    (all_, _), (few, room) = peaks(64), peaks(4)
    assert few < all_ / 3
    total = torch.cuda.get_device_properties(CUDA).total_memory
    gc.collect()
    torch.cuda.empty_cache()
    # A little more than four at a time need. Half-way would not do: of what 64 take, much is
    # space that makes convolutions faster, and they go on with less.
    torch.cuda.set_per_process_memory_fraction(1.25 * room / total, CUDA)
    try:
        t = trainer(spec=spec, settings=settings)
        t.plan = Plan((stage,))
        result = t.step()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, CUDA)
    assert result.finite
    assert result.pieces[0] == 64
    assert result.pieces[1] < 64
    assert t.micro_batch == {64: result.pieces[1]}


def test_the_measured_peak_is_that_of_the_device() -> None:
    from progan.assemble.training.memory import fit_memory

    needs = fit_memory(trainer(), every=True)
    assert [need.stage.resolution for need in needs] == [4, 8, 16]
    total = torch.cuda.mem_get_info(CUDA)[1]
    for need in needs:
        assert need.bytes is not None
        assert need.room is not None
        assert 0 < need.bytes < need.room <= total


# Several -----------------------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_gpus_end_near_where_one_does(tmp_path: Path) -> None:
    """By torchrun and NCCL, as a user would start it."""
    sets = ["fmap_max=8", "latent_size=8", "data.images=64", "batch={4: 8}", "train.shards=2"]
    words = ["train", "portraits", "--images", "64", "--resolution", "8", "--device", "cuda"]
    words += ["--set", "train.precision=fp32"]
    words += [word for text in sets for word in ("--set", text)]
    ends = []
    for count in (1, 2):
        runs = tmp_path / f"runs{count}"
        command = ["-m", "torch.distributed.run", "--nproc-per-node", str(count), "-m", "progan"]
        done = subprocess.run(
            [sys.executable, *command, *words, "--runs", str(runs)],
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        from progan.engine.checkpoint import newest_valid

        ends.append(newest_valid(runs / "portraits" / "checkpoints")[1])
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, rtol=1e-3, atol=1e-5, msg=name)
