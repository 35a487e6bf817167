"""f-divergences, and the f-GAN game that bounds each from below.

    D_f(P‖Q) = ∫ q f(p/q)  ≥  E_P[T(v(x))] − E_Q[C(v(x))],       C = f*(T)

with P the data, Q the generator, f convex, f* its conjugate and v the network's raw output. The
critic raises the bound, which is tight at T = f'(p/q).

Here v → log p/q, whatever the divergence. With u = e^v the best T is f'(u), and f*(f'(u)) is
u f'(u) − f(u): so T and C are written as functions of v in closed form, finite wherever their
values are, and nothing is composed of an f* that knows only a part of the line. The exceptions:

    pearson          T(v) = v, so v → 2 (p/q − 1): e^(±2v) does not train
    neyman           T(v) = 1 − e^(−v), so v → 2 log p/q, for the same reason; the paper prints
                     1 − e^v, which falls: the same bound, with v turned around
    alpha            v → max(1, |α|, |α − 1|) · log p/q, for the same reason
    total-variation  T(v) = ½ tanh v: the best T is a step, so v → ±∞

Everywhere the border between real and fake is v = 0, where T = f'(1).

Source:  Nowozin et al. 2016, "f-GAN", tables 1, 2 and 6; algorithm 1 and section 3.2.
Departs: the maps from v to T of KL, reverse KL, Hellinger and Jeffrey are not the paper's: ours
         give v the same meaning throughout. `js` is twice the Jensen-Shannon divergence, as is
         the integral of the f the paper gives it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from progan.core.errors import ConfigError
from progan.objectives.record import Objective

__all__ = ["DIVERGENCES", "Divergence", "alpha_divergence", "f_gan", "weighted_js"]

Map = Callable[[Tensor], Tensor]
LOG2 = math.log(2.0)


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """One f-divergence, in the forms that a game and its tests need."""

    words: str
    f: Map
    """Of the density ratio u = p/q > 0."""
    slope: Map
    """f'(u)."""
    conjugate: Map
    """f*(t), on its domain."""
    bound: Map
    """T(v): the critic's output as the bound's variable."""
    conjugate_bound: Map
    """C(v) = f*(T(v))."""

    def estimate(self, real: Tensor, fake: Tensor) -> Tensor:
        """E_P[T] − E_Q[C] over samples: a bound on the divergence from below."""
        return self.bound(real).mean() - self.conjugate_bound(fake).mean()


def _xlogx(u: Tensor) -> Tensor:
    return torch.xlogy(u, u)


def _jeffrey_conjugate(t: Tensor) -> Tensor:
    w = _lambert(torch.exp(1 - t))
    return w + 1 / w + t - 2


def _lambert(x: Tensor) -> Tensor:
    """The W > 0 with W e^W = x > 0, by Newton's method."""
    w = torch.log1p(x)
    for _ in range(60):
        w = w - (w - x * torch.exp(-w)) / (1 + w)
    return w


DIVERGENCES: Mapping[str, Divergence] = {
    "kl": Divergence(
        words="KL(P‖Q)",
        f=_xlogx,
        slope=lambda u: 1 + u.log(),
        conjugate=lambda t: torch.exp(t - 1),
        bound=lambda v: 1 + v,
        conjugate_bound=torch.exp,
    ),
    "reverse-kl": Divergence(
        words="KL(Q‖P)",
        f=lambda u: -u.log(),
        slope=lambda u: -1 / u,
        conjugate=lambda t: -1 - torch.log(-t),
        bound=lambda v: -torch.exp(-v),
        conjugate_bound=lambda v: v - 1,
    ),
    "pearson": Divergence(
        words="Pearson's χ²",
        f=lambda u: (u - 1).square(),
        slope=lambda u: 2 * (u - 1),
        conjugate=lambda t: t.square() / 4 + t,
        bound=lambda v: v,
        conjugate_bound=lambda v: v.square() / 4 + v,
    ),
    "neyman": Divergence(
        words="Neyman's χ²",
        f=lambda u: (1 - u).square() / u,
        slope=lambda u: 1 - u.pow(-2),
        conjugate=lambda t: 2 - 2 * torch.sqrt(1 - t),
        bound=lambda v: -torch.expm1(-v),
        conjugate_bound=lambda v: -2 * torch.expm1(-v / 2),
    ),
    "hellinger": Divergence(
        words="squared Hellinger distance",
        f=lambda u: (u.sqrt() - 1).square(),
        slope=lambda u: 1 - u.rsqrt(),
        conjugate=lambda t: t / (1 - t),
        bound=lambda v: -torch.expm1(-v / 2),
        conjugate_bound=lambda v: torch.expm1(v / 2),
    ),
    "jeffrey": Divergence(
        words="KL(P‖Q) + KL(Q‖P)",
        f=lambda u: (u - 1) * u.log(),
        slope=lambda u: 1 - 1 / u + u.log(),
        conjugate=_jeffrey_conjugate,
        bound=lambda v: 1 + v - torch.exp(-v),
        conjugate_bound=lambda v: torch.exp(v) + v - 1,
    ),
    "js": Divergence(
        words="twice the Jensen-Shannon divergence",
        f=lambda u: _xlogx(u) - (u + 1) * ((u + 1) / 2).log(),
        slope=lambda u: (2 * u / (u + 1)).log(),
        conjugate=lambda t: -torch.log(2 - torch.exp(t)),
        bound=lambda v: LOG2 - softplus(-v),
        conjugate_bound=lambda v: softplus(v) - LOG2,
    ),
    "gan": Divergence(
        words="twice the Jensen-Shannon divergence − log 4",
        f=lambda u: _xlogx(u) - _xlogx(u + 1),
        slope=lambda u: (u / (u + 1)).log(),
        conjugate=lambda t: -torch.log(-torch.expm1(t)),
        bound=lambda v: -softplus(-v),
        conjugate_bound=softplus,
    ),
    "total-variation": Divergence(
        words="total variation",
        f=lambda u: (u - 1).abs() / 2,
        slope=lambda u: (u - 1).sign() / 2,
        conjugate=lambda t: t,
        bound=lambda v: v.tanh() / 2,
        conjugate_bound=lambda v: v.tanh() / 2,
    ),
}
"""Those without a parameter. `weighted_js` and `alpha_divergence` make the others."""


def weighted_js(weight: float) -> Divergence:
    """The Jensen-Shannon divergence of a mixture that holds `weight` of P; ½ is the usual one.

    π KL(P‖M) + (1 − π) KL(Q‖M),  M = π P + (1 − π) Q

    Raises ConfigError unless 0 < weight < 1.
    """
    if not 0 < weight < 1:
        raise ConfigError(
            f"fgan:weighted-js is given {weight:g}; the weight must be between 0 and 1: "
            "--set objective=fgan:weighted-js=0.3"
        )
    rest = 1 - weight

    def log_mixture(v: Tensor) -> Tensor:  # log(1 − π + π e^v)
        return torch.logaddexp(v + math.log(weight), torch.full_like(v, math.log(rest)))

    return Divergence(
        words=f"Jensen-Shannon divergence with weight {weight:g}",
        f=lambda u: weight * _xlogx(u) - _xlogx(rest + weight * u),
        slope=lambda u: weight * (u / (rest + weight * u)).log(),
        conjugate=lambda t: rest * (rest / (1 - weight * torch.exp(t / weight))).log(),
        bound=lambda v: weight * (v - log_mixture(v)),
        conjugate_bound=lambda v: rest * log_mixture(v),
    )


def alpha_divergence(alpha: float) -> Divergence:
    """∫ q ((p/q)^α − 1 − α (p/q − 1)) / (α (α − 1)): KL as α → 1, reverse KL as α → 0.

    Half of Pearson's χ² at 2, half of Neyman's at −1. No exponent of v exceeds one, so that v = ±60
    is finite in float32.

    Raises ConfigError at the two limits, which have names of their own, and where α is no number
    or so large that nothing can be learned.
    """
    if alpha in (0.0, 1.0) or not abs(alpha) <= 8:
        raise ConfigError(
            f"fgan:alpha is given {alpha:g}; it must be between -8 and 8, and is called "
            "fgan:reverse-kl at 0 and fgan:kl at 1: --set objective=fgan:alpha=0.5"
        )
    unit = max(1.0, abs(alpha), abs(alpha - 1))
    return Divergence(
        words=f"α-divergence with α = {alpha:g}",
        f=lambda u: (u.pow(alpha) - 1 - alpha * (u - 1)) / (alpha * (alpha - 1)),
        slope=lambda u: (u.pow(alpha - 1) - 1) / (alpha - 1),
        conjugate=lambda t: ((t * (alpha - 1) + 1).pow(alpha / (alpha - 1)) - 1) / alpha,
        bound=lambda v: torch.expm1((alpha - 1) / unit * v) / (alpha - 1),
        conjugate_bound=lambda v: torch.expm1(alpha / unit * v) / alpha,
    )


def f_gan(divergence: Divergence, *, saturating: bool = True) -> Objective:
    """The game of a divergence.

        critic       −E[T(v(x))] + E[C(v(G(z)))]
        generator    −E[C(v(G(z)))]  (saturating: it lowers the very bound the critic raises)
        or           −E[T(v(G(z)))]  (not saturating)

    Source: Nowozin et al. 2016, equation 4, and section 3.2 for the second form.
    """
    own = divergence.conjugate_bound if saturating else divergence.bound
    return Objective(
        lambda real, fake: {
            "real": -divergence.bound(real).mean(),
            "fake": divergence.conjugate_bound(fake).mean(),
        },
        lambda fake: {"adversarial": -own(fake).mean()},
        kind="ratio",
        at_rest=0.0 - divergence.f(torch.ones((), dtype=torch.float64)).item(),
        estimate=divergence.estimate,
        measures=divergence.words,
    )
