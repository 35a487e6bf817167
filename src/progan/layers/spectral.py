"""Spectral norm: weights divided by their largest singular value."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Constant", "SpectralNorm", "held", "with_spectral_norm"]


@runtime_checkable
class Constant(Protocol):
    """A layer whose weight is multiplied with a constant before use."""

    def without_constant(self) -> None:
        """Use the weight as it is from now on."""
        ...


class SpectralNorm(nn.Module):
    """Divide a weight by an estimate of its largest singular value.

        v = Wᵀu / ‖Wᵀu‖,   u ← Wv / ‖Wv‖,   out = W / (uᵀ W v)

    W has a row for each output; of a table of vectors, one for each vector. u is remembered, and
    moves by one step of the power method at each pass in training; it carries no gradient. In
    float32, whatever the precision around it. Neither length nor divisor is taken below `eps`.
    With `own_turn`, u stays while the weight is held still (`requires_grad` false): while others
    learn from the layer, it computes the same numbers at each pass.

    Source: Miyato et al. 2018 (SNGAN), algorithm 1; for `eps` Brock et al. 2019 (BigGAN),
            appendix C.
    """

    u: Tensor

    def __init__(
        self, weight: Float[Tensor, "out ..."], eps: float = 1e-12, *, own_turn: bool = False
    ) -> None:
        super().__init__()
        self.eps, self.own_turn = eps, own_turn
        self.register_buffer("u", normalize(torch.randn(len(weight), device=weight.device), dim=0))

    def forward(self, weight: Float[Tensor, "out ..."]) -> Float[Tensor, "out ..."]:
        """The weight, divided."""
        kind = weight.device.type
        real = torch.amp.is_autocast_available(kind)  # the device meta has none
        with torch.autocast(kind, enabled=False) if real else nullcontext():
            rows = weight.flatten(1)
            with torch.no_grad():
                v = normalize(rows.T @ self.u, dim=0, eps=self.eps)
                u = normalize(rows @ v, dim=0, eps=self.eps)
                if self.training and (weight.requires_grad or not self.own_turn):
                    self.u.copy_(u)
            return weight / (u @ (rows @ v)).clamp_min(self.eps)


def with_spectral_norm(
    network: nn.Module,
    *,
    eps: float = 1e-12,
    but: Collection[nn.Module] = (),
    own_turn: bool = False,
) -> nn.Module:
    """Give every dense and convolutional layer and every table of vectors of `network` spectral
    norm, except those in `but` and all that is within them; the same network.

    He's constant of an equalized layer cancels, c W / σ(c W) = W / σ(W), and is left out. A layer
    that has spectral norm already keeps it. `own_turn` as in `SpectralNorm`.
    """
    spared = {inner for module in but for inner in module.modules()}
    for module in list(network.modules()):
        if is_parametrized(module) or module in spared:
            continue
        if isinstance(module, Constant):
            module.without_constant()
        if isinstance(module, Constant | nn.Linear | nn.Conv2d | nn.Embedding):
            weight: Any = module.weight
            register_parametrization(module, "weight", SpectralNorm(weight, eps, own_turn=own_turn))
    return network


@contextmanager
def held(*networks: nn.Module) -> Iterator[None]:
    """Within, `networks` compute as in training and remember nothing: it is another's turn.

    The singular vectors of spectral norm and the running statistics of batch norm stay as they
    are, bit for bit.
    """
    modules = [module for network in networks for module in network.modules()]
    vectors = [(m, m.training) for m in modules if isinstance(m, SpectralNorm)]
    norms = [
        (m, m.track_running_stats) for m in modules if isinstance(m, nn.BatchNorm2d) and m.training
    ]
    try:
        for vector, _ in vectors:
            vector.training = False
        for norm, _ in norms:
            norm.track_running_stats = False
        yield
    finally:
        for vector, training in vectors:
            vector.training = training
        for norm, tracks in norms:
            norm.track_running_stats = tracks
