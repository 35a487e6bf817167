"""Processes and the shards they own: no-ops when there is only one process.

A recipe fixes the number of shards. A shard is a part of every batch, with its own seed; who
owns a shard computes it, and gradients are added in shard order. So one, two and four processes
end in the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from progan.core import meeting
from progan.core.errors import ConfigError
from progan.core.launch import cores, launched

__all__ = [
    "agree",
    "broadcast",
    "first",
    "gather",
    "hand_over",
    "is_first",
    "largest",
    "mean",
    "own_cores",
    "owned",
    "piece",
    "rank",
    "share",
    "share_cores",
    "sum_shards",
    "take_from",
    "world",
]

T = TypeVar("T")

SMALL = 4096
"""Values up to which all shards' parts go to everybody: one message more costs longer."""


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes files and talks."""
    return rank() == 0


def own_cores() -> int:
    """Cores of this process: its fair share, where several run on its machine."""
    here = launched() if world() > 1 else None
    return cores(here.local_world if here else 1)


def share_cores() -> int:
    """Compute on that many threads, as one of several processes; how many threads there are."""
    if world() > 1:
        torch.set_num_threads(own_cores())
    return torch.get_num_threads()


def owned(shards: int) -> range:
    """The shards this process computes: neighbours, equally many for every process."""
    if shards % world():
        counts = [str(count) for count in range(1, shards + 1) if shards % count == 0]
        raise ConfigError(
            f"{shards} {'shards' if shards > 1 else 'shard'} cannot be shared by {world()} "
            f"processes; this run goes on with {' or '.join(counts[-8:])}, and a new one with a "
            f"multiple of {world()}: --set train.shards={world()}"
        )
    own = shards // world()
    return range(rank() * own, (rank() + 1) * own)


def piece(batch: int, shards: int, shard: int) -> range:
    """The rows of a batch that are `shard`: neighbours; no two shards differ by more than one."""
    return range(shard * batch // shards, (shard + 1) * batch // shards)


def sum_shards(parts: Sequence[Tensor]) -> Tensor:
    """Add one tensor per shard in shard order, over all processes.

    `parts` holds the tensors of the shards this process owns. Every process gets the same bits,
    and they do not depend on how many processes there are.

    Of K processes, each adds one K-th of the values: it is sent that part of every shard, adds
    in shard order, and sends the sums to all. With n values and S shards a process receives
    (K − 1) n / K · (S / K + 1) of them.
    """
    if world() == 1:
        return _added(parts)
    mine = torch.stack([part.flatten() for part in parts])
    n = mine.shape[1]
    with meeting.together():
        if n <= SMALL:
            everyone = [torch.empty_like(mine) for _ in range(world())]
            dist.all_gather(everyone, mine)
            total = _added([row for stack in everyone for row in stack])
        else:
            each = -(-n // world())
            padded = nn.functional.pad(mine, (0, each * world() - n))
            outgoing = padded.view(len(mine), world(), each).transpose(0, 1).contiguous()
            incoming = torch.empty_like(outgoing)
            dist.all_to_all_single(incoming, outgoing)
            slice_ = _added(list(incoming.flatten(0, 1)))
            sums = [torch.empty_like(slice_) for _ in range(world())]
            dist.all_gather(sums, slice_)
            total = torch.cat(sums)[:n]
    return total.view(parts[0].shape)


def _added(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0].clone()
    for part in parts[1:]:
        total += part
    return total


def mean(value: Tensor) -> Tensor:
    """Average a statistic over processes."""
    if world() == 1:
        return value
    total = value.clone()
    with meeting.together():
        dist.all_reduce(total)
    return total / world()


def broadcast(module: nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    if world() > 1:
        with meeting.together():
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, 0)


def share(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give every process the first one's tensors, by name; all lie on the CPU."""
    if world() == 1:
        return dict(tensors)
    shapes = agree([(name, t.dtype, tuple(t.shape)) for name, t in tensors.items()])
    shared = {}
    with meeting.together():
        for name, dtype, shape in shapes:
            tensor = tensors[name].contiguous() if is_first() else torch.empty(shape, dtype=dtype)
            dist.broadcast(tensor.reshape(-1).view(torch.uint8), 0)
            shared[name] = tensor
    return shared


def gather(tensor: Tensor) -> list[Tensor]:
    """The tensors that all processes bring, in their order; all have one shape."""
    if world() == 1:
        return [tensor]
    everyone = [torch.empty_like(tensor) for _ in range(world())]
    with meeting.together():
        dist.all_gather(everyone, tensor.contiguous())
    return everyone


def hand_over(parts: Sequence[bytes | memoryview]) -> None:
    """Give the first process pieces of bytes, none of them empty; it takes them by `take_from`."""
    with meeting.together():
        dist.send(torch.tensor([len(parts)]), 0)
        if parts:
            dist.send(torch.tensor([len(part) for part in parts]), 0)
            dist.send(torch.frombuffer(bytearray().join(parts), dtype=torch.uint8), 0)


def take_from(process: int) -> list[memoryview]:
    """The pieces of bytes that another process hands over to this one, the first."""
    with meeting.together():
        dist.recv(count := torch.empty(1, dtype=torch.int64), process)
        lengths = torch.zeros(int(count), dtype=torch.int64)
        if not len(lengths):
            return []
        dist.recv(lengths, process)
        dist.recv(content := torch.empty(int(lengths.sum()), dtype=torch.uint8), process)
    whole = content.numpy().data
    sizes = lengths.tolist()
    return [whole[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]


def agree(value: T) -> T:
    """Everybody gets the first process's value: decisions that depend on a clock are its own."""
    if world() == 1:
        return value
    holder = [value]
    with meeting.together():
        dist.broadcast_object_list(holder, 0)
    return holder[0]


def first(work: Callable[[], T]) -> T:
    """Let the first process do `work`, and give its result to all.

    The others wait as long as it takes. Where it fails, they end as the first one does.
    """
    if world() == 1:
        return work()
    value: T = work() if is_first() else None  # type: ignore[assignment]
    meeting.wait_for(is_first())
    return agree(value)


def largest(*numbers: int) -> tuple[int, ...]:
    """The largest of each number over all processes."""
    if world() == 1:
        return numbers
    most = torch.tensor(numbers, dtype=torch.int64)
    with meeting.together():
        dist.all_reduce(most, dist.ReduceOp.MAX)
    return tuple(most.tolist())
