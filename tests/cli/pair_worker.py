"""One of two processes that do all sorts of things together; then the second one has an error.

    pair_worker.py BEGUN DONE     a run that two processes began, and one that is done

Started with a launcher's environment, in a folder of its own. What they find wrong, they tell.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

import progan
from progan.assemble.models import many
from progan.assemble.sampling import stream
from progan.assemble.training import session, train
from progan.cli.app import run
from progan.core import distributed
from progan.core.errors import DataError
from progan.engine import choice
from short_memory import bits, scaled

SHARDS = 4

MANY = (
    ("faces", "101"),
    ("faces.zip", "101", "--backend", "eager-fp32"),
    ("faces.npz", "101", "--backend", "eager-fp32"),
    ("one.npz", "1", "--truncation", "0.7"),
    ("exact", "17", "--exact"),
)
"""Where many pictures go, how many, and how; 101 are 13 batches of 8, in 7 rounds."""


def part_of(shard: int, values: int) -> torch.Tensor:
    return torch.randn(values, generator=torch.Generator().manual_seed(shard))


def talk(prepared: Any, screen: Any) -> Any:
    """Every way of talking, in place of training; the second process fails."""
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
    for pieces in ([], [b"a"], [b"abc", memoryview(b"de"), b"f" * 10_000]):
        if rank:
            distributed.hand_over(pieces)
        else:
            assert list(map(bytes, distributed.take_from(1))) == list(map(bytes, pieces))

    # Memory that runs out in the second process: both take smaller pieces, and end as one does.
    # Gradients that overflow there in float16: both take half the scale.
    assert [bits("backward", 2), bits("moments", 0), scaled()] == ALONE

    # The first one's work may last longer than any operation of the group.
    dist.distributed_c10d._set_pg_timeout(timedelta(seconds=2), dist.group.WORLD)
    assert distributed.first(lambda: time.sleep(3) or rank) == 0

    if rank == 1:
        raise DataError("Only the second process has this error: progan data check cats")
    distributed.largest(0)
    raise AssertionError("the first process went on alone")


def by_block(model: Any, backend: Any, seeds: Sequence[int], *how: Any) -> Any:
    """Pictures that tell which block they were made in, as sums over other blocks may."""
    return many.draw(model, backend, seeds, *how) + np.uint8(seeds[0])


def rank_here() -> int:
    """Which process this is, also before they meet."""
    return int(os.environ["RANK"])


def draw_many(model: Path) -> None:
    """Write pictures to every kind of sink; and again to a folder that lost some of them."""
    for place, count, *more in MANY:
        assert run(["sample", str(model), place, "--n", count, "--device", "cpu", *more]) == 0
    if rank_here() == 0:
        for seed in (0, 12, 100):
            Path("faces", f"seed{seed:06d}.png").unlink()
        cut = Path("faces", "seed000041.png")
        cut.write_bytes(cut.read_bytes()[:-1])
    assert run(["sample", str(model), *("faces", "--n", "101", "--device", "cpu")]) == 0


def stop_and_go_on(model: Path) -> None:
    """The second process hears a signal as it makes its third block; both stop, and go on."""
    words = ("stopped", "--n", "101", "--device", "cpu", "--backend", "eager-fp32")
    rank, made = rank_here(), 0

    def signalled(*given: Any) -> Any:
        nonlocal made
        made += 1
        if (rank, made) == (1, 3):
            os.kill(os.getpid(), signal.SIGTERM)
        return by_block(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "draw", signalled)
        assert run(["sample", str(model), *words]) == 143
    assert run(["sample", str(model), *words]) == 0


def refused() -> None:
    """What one process finds wrong in a program ends the work of both, and they can go on."""
    told = "nowhere" if rank_here() == 0 else "Another process ended with exit code 3; it says why"
    with pytest.raises(progan.ProganError, match=told):
        progan.train("nowhere", images=9)


if __name__ == "__main__":
    begun, done = map(Path, sys.argv[1:])
    torch.set_num_threads(1)
    ALONE = [bits("backward", 2), bits("moments", 0), scaled()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "batch_for", lambda network, device: 8)
        patch.setattr(stream, "draw", by_block)
        refused()
        draw_many(done)
        stop_and_go_on(done)
        torch.set_num_threads(1)
        patch.setattr(session, "finish_run", lambda *given, **named: None)
        assert run(["resume", str(begun)]) == 0
        patch.setattr(train, "train_run", talk)
        sys.exit(run(["train", "portraits"]))
