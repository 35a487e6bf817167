"""Micro-batches: a batch is cut into pieces whose gradients are averaged, so that it fits.

What a loss compares within a batch (minibatch standard deviation, batch statistics) it then
compares within a micro-batch. So sizes that keep a system's groups whole are tried first.
"""

from __future__ import annotations

from collections.abc import Mapping

from progan.core.plan import Plan, Size, height_width

__all__ = [
    "MicroBatch",
    "micro_batch_at",
    "micro_batch_from_plain",
    "micro_batch_to_plain",
    "parts_of",
    "piece_sizes",
    "with_limit",
]

MicroBatch = int | Mapping[int, int] | None
"""Most pictures per backward pass: one number, or by height in pixels; None takes all."""


def micro_batch_at(setting: MicroBatch, resolution: Size) -> int | None:
    """What `setting` says of a resolution; one that is not listed has no limit."""
    if setting is None or isinstance(setting, int):
        return setting
    return setting.get(height_width(resolution)[0])


def with_limit(setting: MicroBatch, resolution: Size, limit: int, plan: Plan) -> dict[int, int]:
    """`setting` with another limit at `resolution`; one number goes on holding elsewhere."""
    if isinstance(setting, int):
        setting = {height_width(stage.resolution)[0]: setting for stage in plan.stages}
    return {**(setting or {}), height_width(resolution)[0]: limit}


def parts_of(pictures: int, micro_batch: int | None) -> int:
    """Into how many equal pieces of at most `micro_batch` the pictures are cut; the fewest."""
    parts = 1 if micro_batch is None else -(-pictures // micro_batch)
    while pictures % parts:
        parts += 1
    return parts


def piece_sizes(pictures: int, group: int = 1, least: int = 1) -> tuple[int, ...]:
    """The sizes that cut `pictures` into equal pieces, in the order in which they are tried.

    All at once; then multiples of `group`, falling; then what is smaller than those; none below
    `least` but all at once.
    """
    sizes = [pictures, *range(pictures - 1, least - 1, -1)]
    sizes = [size for size in sizes if pictures % size == 0]
    whole = [size for size in sizes if size % group == 0 or size == pictures]
    return (*whole, *(size for size in sizes if size < whole[-1]))


def micro_batch_to_plain(setting: MicroBatch) -> int | dict[str, int] | None:
    """As JSON holds it."""
    if setting is None or isinstance(setting, int):
        return setting
    return {str(height): size for height, size in setting.items()}


def micro_batch_from_plain(plain: int | Mapping[str, int] | None) -> MicroBatch:
    """Read what `micro_batch_to_plain` wrote."""
    if plain is None or isinstance(plain, int):
        return plain
    return {int(height): size for height, size in plain.items()}
