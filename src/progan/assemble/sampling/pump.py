"""Moves blocks of pictures from a generator through worker threads into a sink, a few at a time.

    draw → [workers: pack] → keep

Blocks wait in a queue of fixed length; a full queue holds the generator up, not the memory.

Of K processes, number k makes blocks k, k + K, k + 2 K, …: the blocks of one process, so the same
pictures to the last bit. All make one block, and tell each other how far they are, in a round. What
an archive keeps goes to the first process, which asks the others in the order of the blocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future

import torch

from progan.assemble.sampling.packers import Packed, Packer, Pictures
from progan.core import distributed

__all__ = ["WAITING", "Draw", "Keep", "Pump"]

WAITING = 4
"""Blocks that may wait to be written."""
LOOKED_AT = 64
"""Blocks found in place, after which the other processes hear of this one again."""

Draw = Callable[[Sequence[int]], Pictures]
"""Pictures n h w c of seeds."""
Keep = Callable[[Sequence[int], Packed], None]
"""Takes what was packed, in the order of the blocks."""


class Pump:
    """Pictures of seeds 0 … images − 1, in blocks of `batch`; one for each process."""

    def __init__(
        self, packer: Packer, keep: Keep, images: int, batch: int, workers: Executor
    ) -> None:
        """`keep` is called in the first process alone."""
        self.packer, self.keep, self.workers = packer, keep, workers
        self.images, self.batch = images, batch
        self.there, self.made = 0, 0
        """Of all processes, as far as this one knows."""
        self.waiting: deque[tuple[range, Future[Packed] | None]] = deque()
        self._own = [0, 0]
        self._asked = False

    def run(self, draw: Draw, stop: Callable[[], bool], heard: Callable[[int, int], None]) -> None:
        """Make every block that is missing, until all are there or `stop` says so.

        `stop` is asked before each block; `heard` is told after each how many are there and how
        many of them were made.
        """
        blocks = self._missing(stop)
        while True:
            seeds = next(blocks, None)
            if not self._goes_on(seeds is not None):
                break
            # Who has nothing to make takes part in the round of those who have.
            self.push(seeds or range(0), draw(seeds) if seeds else None)
            heard(self.there, self.made)
        while self.waiting:
            self._take()
        self._goes_on(False)

    def push(self, seeds: range, pictures: Pictures | None) -> None:
        """Hand a block on; wait while too many are waiting."""
        while len(self.waiting) >= WAITING:
            self._take()
        packed = None
        if pictures is not None:
            packed = self.workers.submit(self.packer.pack, seeds, pictures)
        self.waiting.append((seeds, packed))

    def _missing(self, stop: Callable[[], bool]) -> Iterator[range]:
        """The blocks of this process that are not there yet, and now and then a sign of life."""
        own, step = distributed.rank() * self.batch, distributed.world() * self.batch
        passed = 0
        for start in range(own, self.images, step):
            if stop():
                self._asked = True
                return
            seeds = self._block(start)
            if not self.packer.has(seeds):
                yield seeds
                continue
            self._count(len(seeds), made=False)
            passed += 1
            if passed % LOOKED_AT == 0:
                yield range(0)

    def _block(self, start: int) -> range:
        return range(start, min(start + self.batch, self.images))

    def _goes_on(self, more: bool) -> bool:
        """Whether anybody may have more to make, and nobody was asked to stop."""
        told = torch.tensor([self._asked, more, *self._own], dtype=torch.int64)
        stopped, going, *counts = torch.stack(distributed.gather(told)).sum(0).tolist()
        self.there, self.made = counts
        return going > 0 and not stopped

    def _take(self) -> None:
        """Keep the block that has waited longest, and those of its round."""
        seeds, waited = self.waiting.popleft()
        packed = waited.result() if waited is not None else []
        if distributed.is_first():
            self.keep(seeds, packed)
        elif not self.packer.writes:
            distributed.hand_over(packed)
        self._count(len(seeds), made=True)
        if distributed.is_first() and not self.packer.writes:
            for process in range(1, distributed.world()):
                theirs = distributed.take_from(process)
                if theirs:
                    self.keep(self._block(seeds.start + process * self.batch), theirs)

    def _count(self, pictures: int, *, made: bool) -> None:
        """So many of this process are there."""
        self.there += pictures
        self.made += pictures * made
        self._own = [self._own[0] + pictures, self._own[1] + pictures * made]
