"""What happens to the last of several processes: short memory, float16 that overflows."""

from __future__ import annotations

from hashlib import sha256

import torch

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
    """The state after four steps, in one of which memory runs out at `point`."""
    torch.manual_seed(0)
    trainer = Trainer(ToyGrowing(), ToyData(), shards=2, faults=LastIsShort(point, step))
    for _ in range(4):
        trainer.step()
    assert trainer.micro_batch == {4: 2}
    return digest(trainer)


class LastIsLarge(ToyData):
    """Pictures of the second half of every batch are a hundred times as large."""

    def batch(self, numbers: range, resolution: int) -> Images:
        factor = torch.tensor([1.0 + 99 * (n % 8 > 3) for n in numbers])
        return Images(super().batch(numbers, resolution).image * factor[:, None, None, None])


def scaled() -> str:
    """The state and the scale in float16, where only the second shard overflows."""
    torch.manual_seed(0)
    trainer = Trainer(ToyGrowing(), LastIsLarge(), shards=2, precision="fp16")
    for _ in range(3):
        assert trainer.step().finite
    assert 1 < trainer.scale.value < 2.0**14
    return f"{digest(trainer)} {trainer.scale.value:g}"


def digest(trainer: Trainer) -> str:
    """One short text for every bit of the state."""
    tensors = sorted(trainer.state().tensors.items())
    return sha256(b"".join(value.numpy().tobytes() for _, value in tensors)).hexdigest()
