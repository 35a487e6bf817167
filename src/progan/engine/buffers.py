"""What a turn does to the system's buffers: running statistics, counters, flags.

    buffer ← buffer + mean over shards of (buffer as the shard left it − buffer)

The mean is weighted by the shards' sizes where those are not the same.

Every shard finds the buffers as they were before the turn, so the result does not depend on who
computes which shard. Integers and flags have no mean: they end as shard 0 leaves them. Neither
has a buffer that is no statistic, such as a pool of old pictures: where a system names it among
its `memories` it ends as shard 0 leaves it, too. Every shard still finds what is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from progan.core import distributed

__all__ = ["TurnBuffers"]


class TurnBuffers:
    """The buffers of `system` as they are now, and the way back to them."""

    def __init__(self, system: nn.Module) -> None:
        self.system = system
        self.before = {name: buffer.clone() for name, buffer in system.named_buffers()}
        memories = tuple(f"{name}." for name in getattr(system, "memories", ()))
        self.averaged = {
            name
            for name, buffer in self.before.items()
            if buffer.is_floating_point() and not name.startswith(memories)
        }

    @torch.no_grad()
    def rewind(self) -> None:
        """Make them again what they were."""
        for name, buffer in self.system.named_buffers():
            buffer.copy_(self.before[name])

    @torch.no_grad()
    def changes(self, shard: int, weight: float = 1.0) -> Tensor:
        """What `shard` did to them, times its weight in the mean, as one flat row in float64."""
        rows = []
        for name, buffer in self.system.named_buffers():
            old = self.before[name]
            # Where nothing changed, exactly zero: infinities stay what they are.
            row = torch.where(buffer == old, 0.0, buffer.double() - old.double()).flatten()
            if name in self.averaged:
                rows.append(row if weight == 1 else weight * row)
            else:
                rows.append(row if shard == 0 else torch.zeros_like(row))
        return torch.cat(rows) if rows else torch.zeros(0)

    @torch.no_grad()
    def settle(self, changes: Sequence[Tensor], shards: int) -> None:
        """Apply the changes of all `shards`; `changes` holds those of the shards owned here."""
        if not self.before:
            return
        total = distributed.sum_shards(changes)
        start = 0
        for name, buffer in self.system.named_buffers():
            old = self.before[name]
            change = total[start : start + old.numel()].view(old.shape)
            start += old.numel()
            if name in self.averaged:
                change = change / shards
            buffer.copy_(torch.where(change == 0, old, (old + change).to(old.dtype)))
