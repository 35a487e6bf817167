"""What runs in bfloat16, and what never does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import Adam
from progan.core.system import Player, Terms
from progan.engine import precision
from progan.engine.loop import Trainer
from progan.engine.play import gradients_of
from progan.engine.precision import (
    choose_device,
    float32_products,
    has_bf16,
    precision_context,
    refuse_precision,
)
from progan.engine.preview import generate
from toys import ToyData, ToyGrowing

CPU = torch.device("cpu")


def test_bf16_is_the_precision_of_products_alone() -> None:
    layer, x = nn.Linear(3, 2), torch.randn(4, 3)
    with precision_context("bf16", CPU):
        y = layer(x)
        (gradient,) = torch.autograd.grad(y.float().sum(), layer.weight)
    assert y.dtype is torch.bfloat16
    assert layer.weight.dtype is gradient.dtype is torch.float32
    with precision_context("fp32", CPU):
        assert layer(x).dtype is torch.float32


def test_a_weight_first_used_without_a_graph_still_gets_its_gradient() -> None:
    """A cast that is remembered may serve its graphless copy again, in some versions of torch."""
    layer, x = nn.Linear(3, 2), torch.randn(4, 3)
    with precision_context("bf16", CPU):
        with torch.no_grad():
            layer(x)
        (gradient,) = torch.autograd.grad(layer(x).float().sum(), layer.weight)
    torch.testing.assert_close(gradient, x.sum(0).expand(2, 3), atol=0.02, rtol=0.02)


def test_in_bf16_everything_that_survives_is_finite_and_float32() -> None:
    torch.manual_seed(0)
    trainer = Trainer(ToyGrowing(images=32), ToyData(), precision="bf16")
    while not trainer.done:
        result = trainer.step()
        assert result.finite
        assert all(value.dtype is torch.float32 for value in result.terms.values())
    for name, value in trainer.state().tensors.items():
        assert value.dtype is torch.float32, name
        assert value.isfinite().all(), name


def test_bf16_moves_weights_about_as_fp32_does() -> None:
    ends = []
    for kind in ("fp32", "bf16"):
        torch.manual_seed(0)
        trainer = Trainer(ToyGrowing(), ToyData(), precision=kind)  # type: ignore[arg-type]
        trainer.step()
        ends.append(torch.cat([p.detach().flatten() for p in trainer.system.parameters()]))
    assert not torch.equal(*ends)
    assert torch.nn.functional.cosine_similarity(*ends, dim=0) > 0.999


def test_devices_are_read_by_name() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "", "mps", "meta", "cpu:x"])
def test_a_device_that_is_none_of_ours_is_refused_with_the_choice(name: str) -> None:
    with pytest.raises(ConfigError, match=r"use auto, cpu, cuda or cuda:0"):
        choose_device(name)


def test_a_device_this_machine_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no CUDA device is found here; use --device cpu"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match="this machine has cuda:0 to cuda:1"):
        choose_device("cuda:2")


def test_each_of_several_processes_gets_a_device_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = {"RANK": 3, "WORLD_SIZE": 4, "LOCAL_RANK": 1, "LOCAL_WORLD_SIZE": 2}
    for name, value in {**words, "MASTER_ADDR": "here", "MASTER_PORT": 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 1)
    assert choose_device("cpu") == CPU
    with pytest.raises(ConfigError, match="takes a device of its own, so use --device cuda"):
        choose_device("cuda:0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match=r"2 processes .* 1 CUDA device; .*--nproc-per-node 1"):
        choose_device("auto")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == CPU


@pytest.mark.parametrize("major", [7, 8, 9])
def test_gpus_multiply_in_bf16_from_generation_8_on(
    major: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (major, 0))
    assert has_bf16(torch.device("cuda", 0)) == (major >= 8)


@pytest.mark.parametrize("instruction", ["avx512_bf16", "amx_bf16", ""])
def test_a_cpu_must_have_an_instruction_for_bf16(
    instruction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = dict.fromkeys(("avx512_bf16", "amx_bf16"), False)
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: {**known, instruction: True}, raising=False
    )
    monkeypatch.setattr(precision, "_cpu_flags", lambda: "")
    assert has_bf16(CPU) == bool(instruction)


# TF32 ------------------------------------------------------------------------------------------


def tf32_flags() -> tuple[str, str]:
    """What torch allows products of float32 numbers: in cuBLAS, and in cuDNN's convolutions."""
    conv: Any = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    return torch.backends.cuda.matmul.fp32_precision, conv.fp32_precision


class Watched(ToyGrowing):
    """Notes how float32 is multiplied while it plays, and may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.flags: list[tuple[str, str]] = []
        self.fails = fails

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        self.flags.append(tf32_flags())
        if self.fails:
            raise ZeroDivisionError
        return super().critic_loss(batch, at)

    def generate(self, latents: Mapping[str, Tensor], at: Progress) -> Tensor:
        self.flags.append(tf32_flags())
        return super().generate(latents, at)


@pytest.mark.parametrize(("tf32", "kind"), [(False, "ieee"), (True, "tf32")])
def test_a_step_multiplies_float32_as_asked_and_leaves_torch_as_it_was(
    tf32: bool, kind: str
) -> None:
    before = tf32_flags()
    system = Watched()
    Trainer(system, ToyData(), tf32=tf32).step()
    assert set(system.flags) == {(kind, kind)}
    assert tf32_flags() == before
    broken = Watched(fails=True)
    with pytest.raises(ZeroDivisionError):
        Trainer(broken, ToyData(), tf32=tf32).step()
    assert broken.flags == [(kind, kind)]
    assert tf32_flags() == before


def test_pictures_are_exact_whatever_torch_would_allow() -> None:
    system = Watched()
    before = tf32_flags()
    with float32_products(tf32=True):
        list(generate(system, system.draw(2), system.plan().at(0)))
        assert tf32_flags() == ("tf32", "tf32")
    assert system.flags == [("ieee", "ieee")]
    assert tf32_flags() == before


# Where float16 has no place -------------------------------------------------------------------


def test_fp16_is_refused_on_a_cpu_in_one_line() -> None:
    with pytest.raises(ConfigError, match=r"fp16, which only GPUs.*--set train.precision=auto"):
        refuse_precision("fp16", CPU)
    refuse_precision("fp16", torch.device("cuda", 0))
    for name in ("auto", "bf16", "fp32"):
        refuse_precision(name, CPU)


def test_gradients_are_not_taken_in_half_precision_where_the_way_forward_was_not() -> None:
    """A score in float32 has a gradient in float32: not one rounded to 8 bits."""
    weight = nn.Parameter(torch.full((1, 3), 1 / 3))
    x = torch.tensor([[1.0001, 0.5003, 0.2507]])

    class Exact(ToyGrowing):
        def critic_loss(self, batch: Images, at: Progress) -> Terms:
            with torch.autocast("cpu", enabled=False):
                return {"score": (x @ weight.t()).sum()}

    system = Exact()
    turn = system.turns(system.plan().at(0))[0]
    players = {"critic": Player((weight,), Adam())}
    with precision_context("bf16", CPU):
        found, _ = gradients_of(
            turn, players, ToyData().batch(range(1), 4), system.plan().at(0), micro_batch=None
        )
    assert torch.equal(found["critic"][0], x)  # type: ignore[arg-type]
