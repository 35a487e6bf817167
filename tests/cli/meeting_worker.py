"""One of two processes that talk in every way there is; then the second one has an error.

Started with a launcher's environment, it stands in for training inside `progan train`.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

import pytest
import torch
import torch.distributed as dist

from progan.assemble import train
from progan.cli.app import run
from progan.core import distributed
from progan.core.errors import DataError

SHARDS = 4


def part_of(shard: int, values: int) -> torch.Tensor:
    return torch.randn(values, generator=torch.Generator().manual_seed(shard))


def talk(prepared: Any, screen: Any) -> Any:
    rank = distributed.rank()
    assert (prepared is None) == (rank > 0)
    assert distributed.world() == 2

    for values in (1, 7, distributed.SMALL, distributed.SMALL + 1, 10_001):
        alone = part_of(0, values)
        for shard in range(1, SHARDS):
            alone += part_of(shard, values)
        parts = [part_of(shard, values) for shard in distributed.owned(SHARDS)]
        assert torch.equal(distributed.sum_shards(parts), alone)

    given = {"a": part_of(0, 5), "b": torch.tensor([True, False]), "c": torch.tensor(3)}
    got = distributed.share(given if rank == 0 else {})
    assert {name: t.tolist() for name, t in got.items()} == {
        n: t.tolist() for n, t in given.items()
    }
    assert distributed.largest(rank, 5 - rank, -1) == (1, 5, -1)
    assert distributed.agree(rank) == 0
    assert float(distributed.mean(torch.tensor(float(rank)))) == 0.5

    # The first one's work may last longer than any operation of the group.
    dist.distributed_c10d._set_pg_timeout(timedelta(seconds=2), dist.group.WORLD)
    assert distributed.first(lambda: time.sleep(3) or rank) == 0

    if rank == 1:
        raise DataError("Only the second process has this error: progan data check cats")
    distributed.largest(0)
    raise AssertionError("the first process went on alone")


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "train_run", talk)
        sys.exit(run(["train", "portraits"]))
