"""One turn: freeze everybody else, evaluate shard by shard, add the gradients, step.

Only the players of the turn have `requires_grad`: no other player can move, and what the others
compute (fakes in the critic's turn) carries no graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer as TorchOptimizer

from progan.core import distributed
from progan.core.batch import Batch
from progan.core.faults import Faults
from progan.core.plan import Progress
from progan.core.randomness import seed_of
from progan.core.specs import SGD, Adam, RMSprop
from progan.core.system import JointTurn, Player, System, Turn
from progan.engine.buffers import TurnBuffers
from progan.engine.precision import Precision, precision_context

__all__ = ["Played", "gradients_of", "make_optimizer", "only_trainable", "play"]


@dataclass(frozen=True)
class Played:
    """What came of a turn."""

    terms: Mapping[str, Tensor]
    """Means over shards, as `player/term`, and each player's `player/gradient_norm`."""
    finite: bool
    """False when a gradient was not finite; then nobody moved."""


def make_optimizer(player: Player) -> TorchOptimizer:
    """The torch optimizer a player asks for, with no memory."""
    parameters, spec = player.parameters, player.optimizer
    fused = all(p.dtype is torch.float32 for p in parameters)
    match spec:
        case Adam():
            betas = (float(spec.betas[0]), float(spec.betas[1]))
            return torch.optim.Adam(
                parameters, lr=spec.lr, betas=betas, eps=spec.eps, fused=fused or None
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
) -> tuple[dict[str, list[Tensor | None]], dict[str, Tensor]]:
    """Gradients of one shard, averaged over its micro-batches, and the means of its terms.

    A parameter the loss does not reach has gradient None.
    """
    parts = 1 if micro_batch is None else max(1, len(batch) // micro_batch)
    while len(batch) % parts:
        parts += 1
    gradients: dict[str, list[Tensor | None]] = {}
    terms: dict[str, Tensor] = {}
    for piece in batch.split(parts):
        losses = turn.losses(piece, at)
        last = list(losses)[-1]
        for name, named in losses.items():
            total = torch.stack([term.float() for term in named.values()]).sum() / parts
            found = torch.autograd.grad(
                total, players[name].parameters, retain_graph=name != last, allow_unused=True
            )
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
    return gradients, terms


def _mean_over_shards(
    found: Sequence[dict[str, list[Tensor | None]]],
    termed: Sequence[dict[str, Tensor]],
    weights: Sequence[float],
    count: int,
) -> tuple[dict[str, list[Tensor | None]], dict[str, Tensor]]:
    """Means of the shards' gradients and terms, added in shard order over all processes."""
    if count == 1:
        return found[0], termed[0]
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
) -> Played:
    """Play `turn` on the shards this process owns, and step its players.

    A shard counts as much as its share of the batch, so that the gradient is the mean over the
    whole batch. Randomness inside shard s is seeded by (`seed_words`, s). When a gradient is not
    finite, on any process, nobody moves, and no buffer.
    """
    moving = {name: players[name] for name in turn.players}
    parameters = [p for player in moving.values() for p in player.parameters]
    buffers = TurnBuffers(system)
    found, termed, changes, weights = [], [], [], []
    with only_trainable(system, parameters):
        for shard, batch in shards.items():
            torch.manual_seed(seed_of(*seed_words, shard))
            with precision_context(precision, device):
                gradients, terms = gradients_of(turn, moving, batch, at, micro_batch=micro_batch)
            found.append(gradients)
            termed.append(terms)
            weights.append(len(batch) * shard_count / at.batch)
            if shard_count > 1:
                changes.append(buffers.changes(shard, weights[-1]))
                buffers.rewind()
    if shard_count > 1:
        buffers.settle(changes, shard_count)
    summed, logged = _mean_over_shards(found, termed, weights, shard_count)
    finite = True
    for name, gradient_list in summed.items():
        present = [gradient for gradient in gradient_list if gradient is not None]
        faults.gradients(name, at.step, present)
        norm = torch.stack(torch._foreach_norm(present)).norm()
        logged[f"{name}/gradient_norm"] = norm
        finite = finite and bool(norm.isfinite())
    if not finite:
        buffers.rewind()
        return Played(logged, finite=False)
    for name, gradient_list in summed.items():
        player, optimizer = moving[name], optimizers[name]
        for parameter, gradient in zip(player.parameters, gradient_list, strict=True):
            parameter.grad = gradient
        for group in optimizer.param_groups:
            group["lr"] = player.optimizer.lr * player.rate(at) * rate
        optimizer.step()
        for parameter in player.parameters:
            parameter.grad = None
        if player.after_step is not None:
            player.after_step()
    return Played(logged, finite=True)
