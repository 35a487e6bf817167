"""What the contract compares: two states, tensor by tensor and bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from progan.engine.checkpoint import load_checkpoint, save_checkpoint
from progan.engine.loop import State, Trainer

__all__ = ["copy_of", "differences", "load", "save", "steps_that_differ"]


def copy_of(state: State) -> State:
    """A state that stays as it is while training goes on."""
    tensors = {name: value.detach().clone() for name, value in state.tensors.items()}
    return State(tensors, dict(state.counters))


def save(trainer: Trainer, path: Path) -> None:
    """Write a trainer's state as a run does."""
    state = trainer.state()
    save_checkpoint(path, state.tensors, {"counters": state.counters})


def load(path: Path) -> State:
    """Read what `save` wrote."""
    tensors, meta = load_checkpoint(path)
    return State(tensors, meta["counters"])


def differences(one: State, other: State) -> list[str]:
    """Names of tensors and counters that are not the same in both, to the last bit."""
    names = one.tensors.keys() | other.tensors.keys()
    counters = one.counters.keys() | other.counters.keys()
    return [
        *(name for name in sorted(names) if not _same_bits(one, other, name)),
        *(n for n in sorted(counters) if one.counters.get(n) != other.counters.get(n)),
    ]


def _same_bits(one: State, other: State, name: str) -> bool:
    a, b = one.tensors.get(name), other.tensors.get(name)
    if a is None or b is None or (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    return torch.equal(*(x.cpu().contiguous().reshape(-1).view(torch.uint8) for x in (a, b)))


def steps_that_differ(
    whole: Trainer, fresh: Callable[[], Trainer], folder: Path
) -> dict[int, list[str]]:
    """Play `whole` to its end and save before each step; then play each step again from its file.

    Returns what differed, by step. Nothing at all means that a run cut anywhere, any number of
    times, ends in the bits of the uncut one.
    """
    while not whole.done:
        save(whole, folder / f"{whole.steps}.safetensors")
        whole.step()
    save(whole, folder / f"{whole.steps}.safetensors")
    found: dict[int, list[str]] = {}
    for step in range(whole.steps):
        again = fresh()
        again.load_state(load(folder / f"{step}.safetensors"))
        torch.manual_seed(step)  # what others drew in between does not matter
        again.step()
        if differs := differences(again.state(), load(folder / f"{step + 1}.safetensors")):
            found[step] = differs
    return found
