"""Weights as layers use them: scaled, widened, cast; made once for several passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from progan.core.slopes import in_plain_form

__all__ = ["ready", "weights_made_once"]

_made: list[dict[tuple[int, torch.dtype, bool, str], tuple[object, Tensor]]] = []


@contextmanager
def weights_made_once() -> Iterator[None]:
    """Within, a weight that is scaled, widened or cast before use is so only the first time.

    For several passes of the same networks between two updates. Passes that are differentiated
    share the graph of what made the weight: differentiate them in one go.
    """
    _made.append(_made[-1] if _made else {})
    try:
        yield
    finally:
        _made.pop()


def ready(
    layer: torch.nn.Module, kind: torch.dtype, make: Callable[[], Tensor], *, form: str = ""
) -> Tensor:
    """The weight of `layer` as it is used, in type `kind`: made now, or taken from before.

    `form` tells apart what a layer makes of its weight in several ways.
    """
    if in_plain_form():  # whoever traces or compiles it sees for himself what is the same
        return make().to(kind)
    known = _made[-1] if _made else {}
    key = (id(layer), kind, torch.is_grad_enabled(), form)
    if key not in known:
        # What making it saves is none of the business of a checkpoint around the layer, which
        # counts, and finds it made when it does the same again.
        with torch.autograd.graph.saved_tensors_hooks(_same, _same):
            made = make()
            order = torch.channels_last if made.ndim == 4 else torch.preserve_format
            made = made.to(kind, memory_format=order)
            known[key] = layer, made  # with its layer, so that the id stays its own
    return known[key][1]


def _same(tensor: Tensor) -> Tensor:
    return tensor
