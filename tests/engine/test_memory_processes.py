"""What happens to one of two processes concerns both, and they end as one does.

Memory that runs out: both take smaller pieces. Gradients that overflow in float16: both take half
the scale.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256

import torch
import torch.distributed as dist

from progan.core import distributed
from progan.core.batch import Images
from progan.core.faults import Faults
from progan.engine.loop import Trainer
from toys import ToyData, ToyGrowing


class LastIsShort(Faults):
    """Only the last process runs short, for more than two pictures."""

    def __init__(self, point: str, step: int) -> None:
        self.where = (point, step)

    def memory(self, point: str, step: int, pictures: int) -> None:
        last = distributed.rank() == distributed.world() - 1
        if (point, step) == self.where and pictures > 2 and last:
            raise MemoryError


def bits(point: str, step: int) -> str:
    torch.manual_seed(0)
    trainer = Trainer(ToyGrowing(), ToyData(), shards=2, faults=LastIsShort(point, step))
    for _ in range(4):
        trainer.step()
    assert trainer.micro_batch == {4: 2}
    return digest(trainer)


def digest(trainer: Trainer) -> str:
    tensors = sorted(trainer.state().tensors.items())
    return sha256(b"".join(value.numpy().tobytes() for _, value in tensors)).hexdigest()


class LastIsLarge(ToyData):
    """Pictures of the second half of every batch are a hundred times as large."""

    def batch(self, numbers: range, resolution: int) -> Images:
        factor = torch.tensor([1.0 + 99 * (n % 8 > 3) for n in numbers])
        return Images(super().batch(numbers, resolution).image * factor[:, None, None, None])


def scaled() -> str:
    """The bits and the scale in float16, where only the second shard overflows."""
    torch.manual_seed(0)
    trainer = Trainer(ToyGrowing(), LastIsLarge(), shards=2, precision="fp16")
    for _ in range(3):
        assert trainer.step().finite
    assert 1 < trainer.scale.value < 2.0**14
    return f"{digest(trainer)} {trainer.scale.value:g}"


def told() -> str:
    """The bits with memory that runs out in the midst of a turn and before the first move; and
    in float16."""
    return f"{bits('backward', 2)} {bits('moments', 0)} {scaled()}"


def test_what_happens_to_one_process_is_answered_by_all() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        **os.environ,
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"},
        **{"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "GLOO_SOCKET_IFNAME": "lo"},
    }
    both = [
        subprocess.Popen(
            [sys.executable, __file__],
            env={**shared, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=120)[0].strip() for process in both]
    assert said == [told()] * 2


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    sys.stdout.write(told())
    dist.destroy_process_group()
