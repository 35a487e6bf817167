"""The losses and gradients of a turn as one function, so that torch.compile can take the whole.

    f(w, batch, α, S) = (∂(S · Σ terms)/∂w, terms)

Compiled code cannot be differentiated twice, as a penalty on a slope asks. So nothing is left to
be differentiated: torch.func.grad takes the slope inside, torch.func.grad_and_value the gradient
around it, and what is compiled is a plain function of tensors. Layers take their plain form in it
(`progan.core.slopes.plain_form`).

What is compiled is kept by player and stage, and by torch itself for what else the turn reads: a
penalty that is due or not, the size of a micro-batch. What changes from step to step comes in as a
tensor (α of a fade, S), so that nothing is compiled twice.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from progan.core.batch import Batch
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.slopes import autocast_as_now, plain_form, slopes_scaled, without_autocast
from progan.core.system import JointTurn, Player, System, Terms, Turn
from progan.engine.scaling import slope_factor

__all__ = ["Functional"]

Gradients = dict[str, Tensor]
Function = Callable[
    [dict[str, Tensor], Batch, Progress, Tensor, Tensor | None], tuple[Gradients, Terms]
]
"""Parameters by name, batch, moment, factor on the loss, factor on slopes."""


class Functional:
    """Evaluates and differentiates the turns of a system that is `functional`: see `Form`.

    `backend` is torch.compile's, or None to compile nothing. Random numbers are drawn as without
    compiling, from the same seeds.

    Raises ConfigError for a system that is not functional.
    """

    def __init__(
        self, system: System[Any], *, backend: str | Callable[..., Any] | None = "inductor"
    ) -> None:
        if not system.functional:
            raise ConfigError(
                f"train.compile is true, but the turns of {type(system).__name__} as set cannot be "
                "compiled: they change buffers (batch norm, noise), or move two players at once. "
                "Type: --set train.compile=false"
            )
        self.system, self.backend = system, backend
        self._names = {p: f"system.{name}" for name, p in system.named_parameters()}
        self._functions: dict[object, Function] = {}
        self._reached: dict[object, frozenset[nn.Parameter]] = {}

    def __call__(
        self,
        turn: Turn[Any] | JointTurn[Any],
        players: Mapping[str, Player],
        batch: Batch,
        at: Progress,
        parts: int,
        scale: float,
    ) -> list[tuple[str, Terms, list[Tensor | None]]]:
        """The terms of the player, and `scale / parts` times the gradients of their sum."""
        assert isinstance(turn, Turn)
        device = next(iter(batch.tensors().values())).device
        moment = self._moment(at, device)
        parameters = players[turn.player].parameters
        kind = (turn, moment.stage)
        if kind not in self._functions:
            self._functions[kind] = _function(_Evaluated(self.system, turn.loss), self.backend)
        if (kind, moment.step) not in self._reached:
            self._reached[kind, moment.step] = _reached(turn, parameters, batch, at)
        reached = self._reached[kind, moment.step]
        given = {self._names[p]: p.detach() for p in parameters if p in reached}
        share = torch.full((), scale / parts, device=device)
        slopes = None if scale == 1 else torch.full((), slope_factor(scale), device=device)
        with plain_form():
            gradients, terms = self._functions[kind](given, batch, moment, share, slopes)
        return [(turn.player, terms, [gradients.get(self._names[p]) for p in parameters])]

    def _moment(self, at: Progress, device: torch.device) -> Progress:
        """What a functional turn may know of `at`; what changes from step to step as a tensor."""
        stage = replace(at.stage, name="", images=1, fresh_optimizers=False)
        alpha: Any = torch.full((), at.alpha, device=device) if stage.fade else 0.0
        due = at.step % self.system.period(at) == 0
        return Progress(images=0, step=0 if due else 1, index=0, stage=stage, fraction=alpha)


def _reached(
    turn: Turn[Any], parameters: Sequence[nn.Parameter], batch: Batch, at: Progress
) -> frozenset[nn.Parameter]:
    """The parameters that the loss depends on at this stage, seen on two pictures.

    torch.func gives zeros for the others, which an optimizer would remember.
    """
    device = next(iter(batch.tensors().values())).device
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        total = torch.stack([term.float() for term in turn.loss(batch[:2], at).values()]).sum()
        with without_autocast(device):
            found = torch.autograd.grad(total, parameters, allow_unused=True)
    return frozenset(p for p, one in zip(parameters, found, strict=True) if one is not None)


class _Evaluated(nn.Module):
    """A turn's loss as a module that owns the system's parameters: they can be exchanged."""

    def __init__(self, system: System[Any], loss: Callable[[Any, Progress], Terms]) -> None:
        super().__init__()
        self.system, self.loss = system, loss

    def forward(self, batch: Batch, at: Progress) -> Terms:
        """The named terms."""
        return self.loss(batch, at)


def _function(evaluated: _Evaluated, backend: str | Callable[..., Any] | None) -> Function:
    """Gradients and terms as a function of parameters, compiled where there is a backend.

    Called within autocast, which then holds for the way forward alone.
    """

    def function(
        parameters: dict[str, Tensor],
        batch: Batch,
        at: Progress,
        share: Tensor,
        slopes: Tensor | None,
    ) -> tuple[Gradients, Terms]:
        inside = autocast_as_now(share.device)

        def loss(parameters: dict[str, Tensor]) -> tuple[Tensor, Terms]:
            with inside:
                if slopes is None:
                    terms = torch.func.functional_call(evaluated, parameters, (batch, at))
                else:
                    with slopes_scaled(slopes):
                        terms = torch.func.functional_call(evaluated, parameters, (batch, at))
            total = torch.stack([term.float() for term in terms.values()]).sum()
            return total * share, terms

        with without_autocast(share.device):
            gradients, (_, terms) = torch.func.grad_and_value(loss, has_aux=True)(parameters)
        return gradients, terms

    return function if backend is None else _compiled(function, backend)


def _compiled(function: Any, backend: str | Callable[..., Any]) -> Function:
    """`function`, compiled when it is first called."""
    # torch counts how often a code object was compiled, and gives up after eight times. There are
    # more stages, so the function of each gets a code object of its own.
    own = types.FunctionType(
        function.__code__.replace(), function.__globals__, closure=function.__closure__
    )
    options: Any = {"fallback_random": True} if backend == "inductor" else None
    compiled = torch.compile(own, fullgraph=True, dynamic=False, backend=backend, options=options)
    done: list[bool] = []

    def call(*given: Any) -> tuple[Gradients, Terms]:
        if done:
            return compiled(*given)
        with warnings.catch_warnings():  # compilers talk a great deal
            warnings.simplefilter("ignore")
            found = compiled(*given)
        done.append(True)
        return found

    return call
