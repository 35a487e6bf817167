"""What is computed in which precision.

Weights, gradients, moments and averages are always float32. With `bf16`, convolutions and matrix
products of a turn run in bfloat16; layers keep their statistics, and systems their scores and
losses, in float32. `fp16` is the same in float16, whose range is short: losses and slopes are
scaled (`progan.engine.scaling`).

fp32 means float32: on GPUs, torch would by default let convolutions round their factors to the
10 bits of TF32. That is switched off wherever progan computes, and only `train.tf32` allows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from progan.core.errors import ConfigError
from progan.core.launch import Launch, launched

__all__ = [
    "HALVES",
    "Precision",
    "choose_device",
    "float32_products",
    "has_bf16",
    "precision_context",
    "refuse_precision",
]

Precision = Literal["fp32", "bf16", "fp16"]

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""The types of half precision."""


def precision_context(precision: Precision, device: torch.device) -> torch.autocast:
    """The context a turn is evaluated in.

    Casts are not cached: a weight cast without a graph must never serve where one is needed.
    """
    kind = HALVES.get(precision, torch.bfloat16)
    return torch.autocast(device.type, dtype=kind, enabled=precision in HALVES, cache_enabled=False)


@contextmanager
def float32_products(*, tf32: bool = False) -> Iterator[None]:
    """Within, products of float32 numbers on a GPU are exact to float32, or to TF32 if `tf32`.

    And they are the same bits each time: cuDNN takes none of its kernels that add in any order.
    Sets torch's flags for cuBLAS and cuDNN, and gives them back as they were. CPUs are not
    concerned.
    """
    cudnn: Any = torch.backends.cudnn
    matmul, conv = torch.backends.cuda.matmul, cudnn.conv
    before = matmul.fp32_precision, conv.fp32_precision, cudnn.deterministic
    matmul.fp32_precision = conv.fp32_precision = "tf32" if tf32 else "ieee"
    cudnn.deterministic = True
    try:
        yield
    finally:
        matmul.fp32_precision, conv.fp32_precision, cudnn.deterministic = before


def refuse_precision(precision: str, device: torch.device) -> None:
    """Refuse what only wastes time there.

    Raises ConfigError for fp16 on a CPU.
    """
    if precision == "fp16" and device.type != "cuda":
        raise ConfigError(
            f"train.precision is fp16, which only GPUs are fast in, and this run is on the "
            f"{device.type.upper()}. Use bf16, fp32, or what is fastest here: "
            "--set train.precision=auto"
        )


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bfloat16, rather than merely being able to emulate it."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if "avx512_bf16" in capability or "amx_bf16" in capability:
        return bool(capability.get("avx512_bf16") or capability.get("amx_bf16"))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and "bf16" in _cpu_flags()


def _cpu_flags() -> str:
    try:
        with open("/proc/cpuinfo") as text:
            for line in text:
                if line.startswith(("flags", "Features")):
                    return line
    except OSError:
        pass
    return ""


def choose_device(name: str) -> torch.device:
    """Read `auto`, `cpu`, `cuda` or `cuda:N`. Each of several processes gets a device of its own.

    Raises ConfigError for other names, and for devices that are not there.
    """
    here = launched()
    if here is not None and name != "cpu" and torch.cuda.is_available():
        return _own_device(name, here)
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f'device is "{name}"; use auto, cpu, cuda or cuda:0.') from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f'device is "{name}"; use auto, cpu, cuda or cuda:0.')
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f'device is "{name}", but no CUDA device is found here; use --device cpu.'
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f'device is "{name}"; this machine has cuda:0 to cuda:{torch.cuda.device_count() - 1}.'
        )
    return device


def _own_device(name: str, here: Launch) -> torch.device:
    """The CUDA device of one of several processes on a machine."""
    if name not in ("auto", "cuda"):
        raise ConfigError(
            f'device is "{name}"; each of several processes takes a device of its own, so use '
            "--device cuda or --device cpu."
        )
    count = torch.cuda.device_count()
    if here.local_world > count:
        raise ConfigError(
            f"{here.local_world} processes were started on a machine with {count} CUDA "
            f"device{'s' * (count > 1)}; start as many as there are, --nproc-per-node {count}, or "
            "use --device cpu."
        )
    return torch.device("cuda", here.local_rank)
