"""Walks through latent space: one row of latents per frame, the last leading back to the first."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from progan.core.latents import LatentField, Latents, draw_fields
from progan.engine.preview import seeded

__all__ = ["ease", "loop_walk", "slerp", "smooth_noise", "smooth_walk"]


def ease(t: float) -> float:
    """Start and arrive at rest: 3t² − 2t³."""
    return t * t * (3 - 2 * t)


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point a share `t` of the way from `a` to `b` along the arc between them.

        r = lerp(‖a‖, ‖b‖, t),    r · (sin((1 − t)ω) · a/‖a‖ + sin(tω) · b/‖b‖) / sin ω

    with ω the angle between them. Normal vectors of many numbers lie near a sphere; the straight
    line between two of them leaves it, the arc does not. Where the arc is not unique or has no
    length (ω = 0 or π) the line is taken.

    Source: Shoemake 1985, section 3.3; for latents White 2016, section 2.1.
    """
    p, q = a.double(), b.double()
    length_p, length_q = p.norm(), q.norm()
    if not length_p or not length_q:
        return torch.lerp(p, q, t).to(a.dtype)
    u, v = p / length_p, q / length_q
    angle = float(2 * torch.atan2((u - v).norm(), (u + v).norm()))
    if math.sin(angle) < 1e-6:
        return torch.lerp(p, q, t).to(a.dtype)
    along = (math.sin((1 - t) * angle) * u + math.sin(t * angle) * v) / math.sin(angle)
    return (torch.lerp(length_p, length_q, t) * along).to(a.dtype)


def loop_walk(fields: tuple[LatentField, ...], keys: Latents, frames: int) -> Iterator[Latents]:
    """From each row of `keys` to the next and from the last to the first, resting at each.

    Normal fields take the arc, uniform ones the line; a class changes half-way.
    """
    count = len(next(iter(keys.values())))
    for frame in range(frames):
        key, rest = divmod(frame * count, frames)
        t = ease(rest / frames)
        row = {}
        for field in fields:
            a, b = keys[field.name][key], keys[field.name][(key + 1) % count]
            if field.prior == "categorical":
                between = a if t < 0.5 else b
            elif field.prior == "uniform":
                between = torch.lerp(a, b, t)
            else:
                between = slerp(a, b, t)
            row[field.name] = between[None]
        yield row


def smooth_noise(frames: int, shape: tuple[int, ...], sigma: float) -> Tensor:
    """Noise that wanders smoothly through `frames` and ends where it began.

    Normal numbers of each frame are filtered along time by a Gaussian of `sigma` frames, cut at
    4 sigma and wrapped around, then divided by the root mean square of them all.

    Source: Karras et al. 2018 (ProGAN), official code, `generate_interpolation_video`.
    """
    noise = torch.randn((frames, *shape)).double().reshape(frames, -1)
    reach = int(4 * sigma + 0.5)
    steps = torch.arange(-reach, reach + 1)
    weight = torch.exp(-0.5 * (steps / max(sigma, 1e-9)) ** 2).double()
    kernel = torch.zeros(frames, dtype=torch.float64)
    kernel.index_add_(0, steps % frames, weight / weight.sum())
    spectrum = torch.fft.rfft(noise, dim=0) * torch.fft.rfft(kernel)[:, None]
    filtered = torch.fft.irfft(spectrum, n=frames, dim=0)
    filtered = filtered / filtered.square().mean().sqrt()
    return filtered.reshape(frames, *shape).float()


def smooth_walk(
    fields: tuple[LatentField, ...],
    seed: int,
    frames: int,
    *,
    sigma: float,
    truncation: float | None = None,
) -> Iterator[Latents]:
    """A random walk that is a function of `seed`: every field is `smooth_noise`.

    Uniform fields, and normal ones when cut, pass through the distribution function, so that
    their values are spread as their prior is. A class stays as drawn.
    """
    drawn = {}
    for field in fields:
        with seeded("walk", field.name, seed):
            if field.prior == "categorical":
                drawn[field.name] = draw_fields((field,), 1)[field.name].expand(
                    frames, *field.shape
                )
                continue
            noise = smooth_noise(frames, field.shape, sigma)
        if field.prior == "uniform":
            noise = torch.special.ndtr(noise) * 2 - 1
        elif truncation is not None and truncation < 1:
            low = torch.special.ndtr(torch.tensor(-2 * truncation, dtype=torch.float64))
            share = low + (1 - 2 * low) * torch.special.ndtr(noise.double())
            noise = torch.special.ndtri(share).float()
        drawn[field.name] = noise
    for frame in range(frames):
        yield {name: values[frame : frame + 1] for name, values in drawn.items()}
