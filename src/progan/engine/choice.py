"""Which backend makes so many pictures soonest: measured, on this machine, with this generator."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from progan.core.errors import ConfigError
from progan.core.latents import Latents
from progan.core.plan import Progress
from progan.core.spelling import nearest
from progan.core.system import Samples, System
from progan.engine.backends import (
    BACKENDS,
    TOLERANCES,
    Backend,
    Pictures,
    batch_for,
    build,
    fixed,
    present,
)
from progan.engine.preview import draw_seeds

__all__ = ["Choice", "choose"]

WORTH = 10
"""A backend is tried when making it takes less than a tenth of the time the best so far needs."""
TRIALS = 3
"""Batches timed for each; the best counts, after one that is not timed."""


@dataclass(frozen=True)
class Choice:
    """The backend taken, and why."""

    backend: Backend
    rates: dict[str, float] = field(default_factory=dict)
    """Pictures a second of each backend tried."""
    notes: tuple[str, ...] = ()
    """What did not work, a line each."""


def choose(
    system: System[Any],
    at: Progress,
    images: int,
    *,
    name: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Choice:
    """The fastest backend for `images` pictures of `system` at `at`, or the one `name`d.

    `eager-fp32` is the measure of the others: one that cannot be made here, or whose pictures are
    not within its tolerance, is left out with a note. What is slow to make is tried only for many
    pictures. Raises ConfigError when the one named cannot be had.
    """
    assert isinstance(system, Samples)
    device = next(system.parameters()).device
    here = present(device)
    if name is not None and name not in here:
        raise ConfigError(_absent(name, here))
    batch = batch_for(fixed(system, at), device)
    latents = draw_seeds(system, range(batch))
    best = build("eager-fp32", system, at, batch, latents)
    if name in (None, "eager-fp32") and (images <= 2 * batch or name is not None):
        return Choice(best)
    reference = best(latents)
    if name is not None:
        return Choice(_checked(name, system, at, latents, reference))
    seconds = _seconds(best, latents, clock)
    rates, notes = {best.name: batch / seconds}, []
    for other in here:
        if other in rates or images / rates[best.name] <= WORTH * BACKENDS[other].seconds:
            continue
        try:
            found = _checked(other, system, at, latents, reference)
        except ConfigError as error:
            notes.append(str(error))
            continue
        rates[other] = batch / _seconds(found, latents, clock)
        if rates[other] > rates[best.name]:
            best = found
    return Choice(best, rates, tuple(notes))


def _checked(
    name: str, system: System[Any], at: Progress, latents: Latents, reference: Pictures
) -> Backend:
    """The backend `name`, if its pictures of `latents` are near enough to `reference`."""
    tolerance = TOLERANCES[BACKENDS[name].precision]
    try:
        with _quiet():
            backend = build(name, system, at, len(reference), latents)
            made = backend(latents)
    except Exception as error:  # these libraries raise anything
        said = " ".join(str(error).split())[:160]
        raise ConfigError(
            f"The backend {name} does not work here ({type(error).__name__}: {said}). "
            "Leave --backend out, and the fastest that works is taken."
        ) from error
    if not tolerance.accepts(made, reference):
        raise ConfigError(
            f"Pictures of the backend {name} are further than {tolerance.rms:g} levels rms, or one "
            f"value in a thousand further than {tolerance.most}, from those of eager-fp32. "
            "Leave --backend out, and one that agrees is taken."
        )
    return backend


def _seconds(backend: Backend, latents: Latents, clock: Callable[[], float]) -> float:
    """The best time of a few batches; the backend has made one before."""
    times = []
    for _ in range(TRIALS):
        began = clock()
        backend(latents)
        times.append(clock() - began)
    return max(min(times), 1e-9)


def _absent(name: str, here: tuple[str, ...]) -> str:
    if name not in BACKENDS:
        meant = nearest(name, tuple(BACKENDS))
        hint = f" Did you mean {meant}?" if meant else ""
        return f'backend is "{name[:40]}"; it must be one of {", ".join(BACKENDS)}.{hint}'
    if name.startswith("openvino") and "openvino-fp32" not in here:
        return f"The backend {name} needs OpenVINO, on a CPU: pip install progan[fast]"
    need = "bfloat16 in hardware" if name.endswith("bf16") else "a C++ compiler"
    return f"The backend {name} needs {need}. Here are: {', '.join(here)}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Compilers warn a great deal about what does not concern the user."""
    loggers = [logging.getLogger(name) for name in ("torch", "openvino", "nncf")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
