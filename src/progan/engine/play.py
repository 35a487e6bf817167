"""One turn: freeze everybody else, evaluate shard by shard, add the gradients, step.

Only the players of the turn have `requires_grad`: no other player can move, and what the others
compute (fakes in the critic's turn) carries no graph.

All memory is taken before anybody moves. A turn that does not get it leaves nothing behind, and
can be played again in smaller pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer as TorchOptimizer

from progan.core import distributed
from progan.core.batch import Batch
from progan.core.errors import RoomError, is_out_of_memory
from progan.core.faults import Faults
from progan.core.plan import Progress
from progan.core.randomness import seed_of
from progan.core.slopes import slopes_scaled, without_autocast
from progan.core.specs import SGD, Adam, RMSprop
from progan.core.system import JointTurn, Player, System, Terms, Turn
from progan.engine.buffers import TurnBuffers
from progan.engine.pieces import parts_of
from progan.engine.precision import Precision, precision_context
from progan.engine.scaling import slope_factor

__all__ = [
    "Form",
    "Move",
    "NoMemoryError",
    "Played",
    "gradients_of",
    "make_optimizer",
    "only_trainable",
    "play",
]

Gradients = dict[str, list[Tensor | None]]
"""Of each player, in the order of its parameters; None where the loss does not reach."""

Move = tuple[str, Terms, Sequence[Tensor | None]]
"""A player, its terms, and its gradients."""


class Form(Protocol):
    """Another way to evaluate and differentiate a turn than by autograd, layer by layer."""

    def __call__(
        self,
        turn: Turn[Any] | JointTurn[Any],
        players: Mapping[str, Player],
        batch: Batch,
        at: Progress,
        parts: int,
        scale: float,
    ) -> Iterable[Move]:
        """Terms of each player that moves; `scale / parts` times the gradients of their sum."""
        ...


class NoMemoryError(Exception):
    """A turn did not fit into memory. Nobody moved, and nothing of it is left."""


@dataclass(frozen=True)
class Played:
    """What came of a turn."""

    terms: Mapping[str, Tensor]
    """Means over shards, as `player/term`, and each player's `player/gradient_norm`."""
    finite: bool
    """False when a gradient was not finite; then nobody moved."""


def _seed(seed: int, device: torch.device) -> None:
    """As `torch.manual_seed`, for the CPU and `device` alone: that asks every kind of device."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)


def make_optimizer(player: Player) -> TorchOptimizer:
    """The torch optimizer a player asks for, with no memory."""
    parameters, spec = player.parameters, player.optimizer
    fused = all(p.dtype is torch.float32 for p in parameters)
    match spec:
        case Adam():
            betas = (float(spec.betas[0]), float(spec.betas[1]))
            return torch.optim.Adam(
                parameters,
                lr=spec.lr,
                betas=betas,
                eps=spec.eps,
                weight_decay=spec.weight_decay,
                fused=fused or None,
            )
        case RMSprop():
            return torch.optim.RMSprop(parameters, lr=spec.lr, alpha=spec.decay, eps=spec.eps)
        case SGD():
            return torch.optim.SGD(parameters, lr=spec.lr, momentum=spec.momentum)


@contextmanager
def only_trainable(system: nn.Module, parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Within, `requires_grad` holds for `parameters` and for nobody else in `system`."""
    keep = set(parameters)
    before = [(p, p.requires_grad) for p in system.parameters()]
    for p, was in before:
        if was != (p in keep):
            p.requires_grad_(p in keep)
    try:
        yield
    finally:
        for p, was in before:
            p.requires_grad_(was)


def gradients_of(
    turn: Turn[Any] | JointTurn[Any],
    players: Mapping[str, Player],
    batch: Batch,
    at: Progress,
    *,
    micro_batch: int | None,
    scale: float = 1.0,
    form: Form | None = None,
    faults: Faults | None = None,
) -> tuple[Gradients, dict[str, Tensor]]:
    """Gradients of one shard, averaged over its micro-batches, and the means of its terms.

    A parameter the loss does not reach has gradient None. Losses are differentiated `scale` times
    as large, and the gradients divided by it; slopes are scaled by its root. Where there is a
    `form`, it differentiates; otherwise autograd does.
    """
    faults = faults or Faults()
    parts = parts_of(len(batch), micro_batch)
    gradients: Gradients = {}
    terms: dict[str, Tensor] = {}
    for piece in batch.split(parts):
        faults.memory("forward", at.step, len(piece))
        if form is None:
            with slopes_scaled(slope_factor(scale)) if scale != 1 else nullcontext():
                losses = turn.losses(piece, at)
            faults.memory("backward", at.step, len(piece))
            moves: Iterable[Move] = _differentiated(losses, players, parts, scale)
        else:
            faults.memory("backward", at.step, len(piece))
            moves = form(turn, players, piece, at, parts, scale)
        for name, named, found in moves:
            if name in gradients:
                gradients[name] = [
                    new if old is None else old if new is None else old + new
                    for old, new in zip(gradients[name], found, strict=True)
                ]
            else:
                gradients[name] = list(found)
            for term, value in named.items():
                key = f"{name}/{term}"
                share = value.detach().float() / parts
                terms[key] = terms[key] + share if key in terms else share
    if scale != 1:
        for name, found in gradients.items():
            gradients[name] = [None if one is None else one / scale for one in found]
    return gradients, terms


def _differentiated(
    losses: Mapping[str, Terms], players: Mapping[str, Player], parts: int, scale: float
) -> Iterator[Move]:
    """Each player's terms, and `scale` times the gradients of one of so many parts of their sum."""
    last = list(losses)[-1]
    for name, named in losses.items():
        total = torch.stack([term.float() for term in named.values()]).sum() / parts
        if scale != 1:
            total = total * scale
        with without_autocast(total.device):
            found = torch.autograd.grad(
                total, players[name].parameters, retain_graph=name != last, allow_unused=True
            )
        yield name, named, found


def _laid_out_like(
    parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """The same gradients, each in memory as its parameter is.

    Torch's fused optimizers walk through both side by side: where they lie differently, a
    parameter would be moved by the gradient of another of its numbers, without a word.
    """
    return [
        gradient
        if gradient is None or gradient.stride() == parameter.stride()
        else torch.empty_like(parameter).copy_(gradient)
        for parameter, gradient in zip(parameters, gradients, strict=True)
    ]


def _mean_over_shards(
    found: Sequence[dict[str, list[Tensor | None]]],
    termed: Sequence[dict[str, Tensor]],
    weights: Sequence[float],
    count: int,
) -> tuple[dict[str, list[Tensor | None]], dict[str, Tensor]]:
    """Means of the shards' gradients and terms, added in shard order over all processes."""
    if count == 1:
        return found[0], termed[0]
    reached = [[g is not None for one in gradients.values() for g in one] for gradients in found]
    if any(one != reached[0] for one in reached):
        raise RuntimeError(
            "a loss reached other parameters on one shard of the batch than on another: every part "
            "of the networks must play a part for every example, if only times zero"
        )
    rows = []
    for gradients, terms, weight in zip(found, termed, weights, strict=True):
        pieces = [g.flatten() for one in gradients.values() for g in one if g is not None]
        row = torch.cat([*pieces, torch.stack(list(terms.values()))])
        rows.append(row if weight == 1 else weight * row)
    total = distributed.sum_shards(rows) / count
    start = 0

    def next_like(shape: Tensor) -> Tensor:
        nonlocal start
        start += shape.numel()
        return total[start - shape.numel() : start].view(shape.shape).to(shape.dtype)

    means = {
        name: [None if gradient is None else next_like(gradient) for gradient in one]
        for name, one in found[0].items()
    }
    return means, {name: next_like(term) for name, term in termed[0].items()}


def _ran_out(work: Callable[[], None]) -> bool:
    """Do `work`; whether memory ran out on the way, in this process or in another."""
    short = False
    try:
        work()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        short = True
    return bool(distributed.largest(short)[0])


def _newcomers(
    optimizer: TorchOptimizer, player: Player, gradients: Sequence[Tensor | None]
) -> list[nn.Parameter]:
    """The parameters that Adam is to move and has no memory of."""
    if not isinstance(optimizer, torch.optim.Adam):
        return []
    pairs = zip(player.parameters, gradients, strict=True)
    return [p for p, gradient in pairs if gradient is not None and p not in optimizer.state]


def _remember(
    optimizer: TorchOptimizer, parameters: Sequence[nn.Parameter], taking: Callable[[], None]
) -> None:
    """Make the memory that Adam makes in its first step; the step itself then takes none."""
    fused = optimizer.param_groups[0]["fused"]
    for parameter in parameters:
        memory = optimizer.state[parameter]
        memory["step"] = torch.zeros((), device=parameter.device if fused else "cpu")
        memory["exp_avg"] = torch.zeros_like(parameter)
        taking()
        memory["exp_avg_sq"] = torch.zeros_like(parameter)


def play(
    system: System[Any],
    turn: Turn[Any] | JointTurn[Any],
    players: Mapping[str, Player],
    optimizers: Mapping[str, TorchOptimizer],
    shards: Mapping[int, Batch],
    at: Progress,
    *,
    seed_words: tuple[int | str, ...],
    shard_count: int,
    micro_batch: int | None,
    precision: Precision,
    device: torch.device,
    rate: float,
    faults: Faults,
    scale: float = 1.0,
    form: Form | None = None,
) -> Played:
    """Play `turn` on the shards this process owns, and step its players.

    A shard counts as much as its share of the batch, so that the gradient is the mean over the
    whole batch. Randomness inside shard s is seeded by (`seed_words`, s). When a gradient is not
    finite, on any process, nobody moves, and no buffer. `scale` is that of losses and slopes in
    float16, `form` as in `gradients_of`.

    Raises NoMemoryError when memory ran out, on any process, before anybody moved: the turn can
    be played again. RoomError when it ran out later, as it can with SGD and RMSprop, which take
    memory between two parameters.
    """
    moving = {name: players[name] for name in turn.players}
    buffers = TurnBuffers(system)
    found: list[Gradients] = []
    termed: list[dict[str, Tensor]] = []
    changes: list[Tensor] = []
    weights: list[float] = []
    summed: Gradients = {}
    logged: dict[str, Tensor] = {}

    def taking(point: str) -> None:
        size = min((len(batch) for batch in shards.values()), default=0)
        faults.memory(point, at.step, size // parts_of(size, micro_batch))

    def evaluate() -> None:
        parameters = [p for player in moving.values() for p in player.parameters]
        with only_trainable(system, parameters):
            for shard, batch in shards.items():
                _seed(seed_of(*seed_words, shard), device)
                with precision_context(precision, device):
                    gradients, terms = gradients_of(
                        turn,
                        moving,
                        batch,
                        at,
                        micro_batch=micro_batch,
                        scale=scale,
                        form=form,
                        faults=faults,
                    )
                found.append(gradients)
                termed.append(terms)
                weights.append(len(batch) * shard_count / at.batch)
                if shard_count > 1:
                    changes.append(buffers.changes(shard, weights[-1]))
                    buffers.rewind()

    def add() -> None:
        if shard_count > 1:
            buffers.settle(changes, shard_count)
        means, terms = _mean_over_shards(found, termed, weights, shard_count)
        for name, gradients in means.items():
            summed[name] = _laid_out_like(moving[name].parameters, gradients)
        logged.update(terms)
        for name, gradients in summed.items():
            present = [gradient for gradient in gradients if gradient is not None]
            faults.gradients(name, at.step, present)
            logged[f"{name}/gradient_norm"] = torch.stack(torch._foreach_norm(present)).norm()

    def prepare() -> None:
        for name, parameters in new.items():
            _remember(optimizers[name], parameters, lambda: taking("moments"))

    if _ran_out(evaluate) or _ran_out(add):
        buffers.rewind()
        raise NoMemoryError
    if not all(bool(logged[f"{name}/gradient_norm"].isfinite()) for name in summed):
        buffers.rewind()
        return Played(logged, finite=False)
    new = {name: _newcomers(optimizers[name], moving[name], summed[name]) for name in summed}
    if any(new.values()) and _ran_out(prepare):
        buffers.rewind()
        for name, parameters in new.items():
            for parameter in parameters:
                optimizers[name].state.pop(parameter, None)
        raise NoMemoryError
    with _no_way_back(at):
        for name, gradients in summed.items():
            taking("step")
            _step(moving[name], optimizers[name], gradients, at, rate)
    return Played(logged, finite=True)


@contextmanager
def _no_way_back(at: Progress) -> Iterator[None]:
    """Within, memory that runs out ends the run: somebody may have moved."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise RoomError(
            f"Out of memory at {at.images:,} images in the middle of an optimizer's step, which "
            "cannot be taken back. Less is taken by --set optimizer.kind=Adam."
        ) from error


def _step(
    player: Player,
    optimizer: TorchOptimizer,
    gradients: Sequence[Tensor | None],
    at: Progress,
    rate: float,
) -> None:
    """Move one player along `gradients`."""
    for parameter, gradient in zip(player.parameters, gradients, strict=True):
        parameter.grad = gradient
    for group in optimizer.param_groups:
        group["lr"] = player.optimizer.lr * player.rate(at) * rate
    optimizer.step()
    for parameter in player.parameters:
        parameter.grad = None
    if player.after_step is not None:
        player.after_step()
