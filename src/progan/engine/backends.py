"""Ways to evaluate one generator for many pictures, behind one call: latents in, uint8 out.

    eager-fp32, eager-bf16          torch, layer by layer
    compile-fp32, compile-bf16      torch.compile: needs a C++ compiler, and time to compile
    openvino-fp32, openvino-bf16    OpenVINO, on CPUs: pip install progan[fast]

All work in whole batches of one size, and pictures depend on nothing but their latents and their
place in the batch. Each agrees with `eager-fp32` within its `Tolerance`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from progan.core.grids import to_uint8
from progan.core.latents import Latents
from progan.core.plan import Progress, height_width
from progan.core.system import Fixed, Folds, Samples, System
from progan.engine.precision import float32_products, has_bf16
from progan.engine.preview import seeded

__all__ = [
    "BACKENDS",
    "TOLERANCES",
    "Backend",
    "Pictures",
    "Plain",
    "Tolerance",
    "batch_for",
    "build",
    "fixed",
    "present",
]

Pictures = np.ndarray[Any, np.dtype[np.uint8]]
"""n c h w."""

LAYER_BYTES = {"cpu": 32 * 2**20, "cuda": 512 * 2**20}
"""What the largest layer's output may take for a batch, counted in float32.

On CPUs larger batches are no faster, and fall out of the cache."""
MOST = 256
"""Pictures of the largest batch."""


@dataclass(frozen=True)
class Tolerance:
    """How far pictures may be from those of `eager-fp32`, in the 256 levels of a value."""

    rms: float
    """Root of the mean square over all values of a batch."""
    most: int
    """999 of 1,000 values. Where a pixel's features are all near zero, pixel norm divides rounding
    by rounding: in narrow networks single values may be anywhere, in float32 too."""

    def accepts(self, made: Pictures, reference: Pictures) -> bool:
        """Whether `made` is as near as that."""
        if made.shape != reference.shape:
            return False
        apart = np.abs(made.astype(np.int16) - reference.astype(np.int16))
        rms = float(np.sqrt(np.mean(np.square(apart, dtype=np.float64))))
        return rms <= self.rms and 1000 * int(np.sum(apart > self.most)) <= apart.size


TOLERANCES: Mapping[str, Tolerance] = {"fp32": Tolerance(0.1, 1), "bf16": Tolerance(2.0, 12)}
"""By precision: float32 sums in another order, and bfloat16 between the layers."""


class Backend(Protocol):
    """A generator, ready to be called."""

    @property
    def name(self) -> str:
        """One of `BACKENDS`."""
        ...

    @property
    def batch(self) -> int:
        """Latents of so many pictures are taken at a call, no more and no fewer."""
        ...

    def __call__(self, latents: Latents) -> Pictures:
        """The pictures of `latents`."""
        ...


class Plain(Fixed):
    """The generator of a system that does not fold, as it stands, at one moment."""

    def __init__(self, system: System[Any], at: Progress, dtype: torch.dtype) -> None:
        super().__init__()
        assert isinstance(system, Samples)
        self.system, self.at, self.dtype = system, at, dtype
        self.names = [field.name for field in system.latent_fields]
        height, width = height_width(at.resolution)
        self.values = 64 * height * width  # a guess: nobody can ask a system for its layers

    def inputs(self, latents: Latents) -> tuple[Tensor, ...]:
        """The latent fields, in order."""
        device = next(self.system.parameters()).device
        return tuple(latents[name].to(device) for name in self.names)

    def forward(self, *fields: Tensor) -> Tensor:
        """Draw the pictures of `fields`."""
        system: Any = self.system
        enabled = self.dtype != torch.float32
        with torch.autocast(fields[0].device.type, dtype=torch.bfloat16, enabled=enabled):
            image: Tensor = system.generate(dict(zip(self.names, fields, strict=True)), self.at)
        return image.float()


def fixed(system: System[Any], at: Progress, dtype: torch.dtype = torch.float32) -> Fixed:
    """The simplest network that draws as `system` does at `at`, in evaluation."""
    folded = system.folded(at, dtype) if isinstance(system, Folds) else None
    return folded or Plain(system, at, dtype)


def batch_for(network: Fixed, device: torch.device) -> int:
    """Pictures at a time: the power of two whose largest layer output fits `LAYER_BYTES`."""
    room = LAYER_BYTES.get(device.type, LAYER_BYTES["cpu"]) // (4 * network.values)
    return 1 << max(1, min(MOST, room)).bit_length() - 1


@dataclass(frozen=True)
class Eager:
    """torch, layer by layer, or as compiled by it."""

    name: str
    batch: int
    network: Fixed
    call: Callable[..., Tensor]

    def __call__(self, latents: Latents) -> Pictures:
        """The pictures of `latents`."""
        with torch.no_grad(), seeded("picture"), float32_products():
            return to_uint8(self.call(*self.network.inputs(latents)))


@dataclass(frozen=True)
class OpenVINO:
    """A network converted for OpenVINO."""

    name: str
    batch: int
    network: Fixed
    compiled: Any

    def __call__(self, latents: Latents) -> Pictures:
        """The pictures of `latents`."""
        with torch.no_grad():
            inputs = [value.numpy() for value in self.network.inputs(latents)]
        return to_uint8(torch.from_numpy(self.compiled(inputs)[0]))


Example = tuple[Tensor, ...]
Maker = Callable[[str, Fixed, int, Example], Backend]


def _eager(name: str, network: Fixed, batch: int, example: Example) -> Backend:
    return Eager(name, batch, network, network)


def _compile(name: str, network: Fixed, batch: int, example: Example) -> Backend:
    call: Callable[..., Tensor] = torch.compile(network, dynamic=False)
    with torch.no_grad(), float32_products():
        call(*example)  # compiled now, so that what fails fails here
    return Eager(name, batch, network, call)


def _openvino(name: str, network: Fixed, batch: int, example: Example) -> Backend:
    # Importing OpenVINO tells its makers, unless this module is missing; nothing is sent from here.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    openvino = import_module("openvino")
    with torch.no_grad():
        model = openvino.convert_model(
            network, example_input=example, input=[list(value.shape) for value in example]
        )
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if name.endswith("bf16") else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    return OpenVINO(name, batch, network, openvino.Core().compile_model(model, "CPU", settings))


@dataclass(frozen=True)
class Kind:
    """A backend by name: its precision, how it is made, and about how long that takes."""

    precision: str
    make: Maker
    seconds: float


BACKENDS: Mapping[str, Kind] = {
    "eager-fp32": Kind("fp32", _eager, 0.0),
    "eager-bf16": Kind("bf16", _eager, 0.0),
    "openvino-fp32": Kind("fp32", _openvino, 5.0),
    "openvino-bf16": Kind("bf16", _openvino, 5.0),
    "compile-fp32": Kind("fp32", _compile, 20.0),
    "compile-bf16": Kind("bf16", _compile, 20.0),
}
"""In the order in which they are tried: what costs little first."""


def present(device: torch.device) -> tuple[str, ...]:
    """The backends that this machine has what it takes for."""
    halves, compiler = has_bf16(device), _can_compile(device)
    openvino = device.type == "cpu" and find_spec("openvino") is not None
    has = {"eager": True, "openvino": openvino, "compile": compiler}
    return tuple(
        name
        for name, kind in BACKENDS.items()
        if has[name.partition("-")[0]] and (halves or kind.precision == "fp32")
    )


def _can_compile(device: torch.device) -> bool:
    """Whether torch.compile finds the compiler it needs: a C++ one, or Triton for CUDA."""
    if device.type == "cuda":
        return find_spec("triton") is not None
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))


def build(name: str, system: System[Any], at: Progress, batch: int, latents: Latents) -> Backend:
    """Make the backend `name` for batches of `batch`; `latents` are those of any one batch.

    The network it evaluates is a copy of the system's weights as they stand, where the system
    folds. Raises whatever the libraries behind it raise.
    """
    kind = BACKENDS[name]
    network = fixed(system, at, torch.bfloat16 if kind.precision == "bf16" else torch.float32)
    if kind.make is _openvino:  # takes its precision as a setting
        network = fixed(system, at)
    return kind.make(name, network, batch, network.inputs(latents))
