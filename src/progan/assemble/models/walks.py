"""Walks through latent space: one row of latents per frame, the last leading back to the first."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from progan.core.latents import LatentField, Latents, draw_fields
from progan.engine.preview import seeded

__all__ = [
    "code_rows",
    "ease",
    "label_rows",
    "loop_walk",
    "part_way",
    "slerp",
    "smooth_noise",
    "smooth_walk",
    "straight_way",
]


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

    Normal fields take the arc, others the line, classes that can be mixed among them; a class
    that cannot changes half-way.
    """
    count = len(next(iter(keys.values())))
    for frame in range(frames):
        key, rest = divmod(frame * count, frames)
        t = ease(rest / frames)
        row = {}
        for field in fields:
            a, b = keys[field.name][key], keys[field.name][(key + 1) % count]
            row[field.name] = part_way(field, a, b, t)[None]
        yield row


def part_way(field: LatentField, a: Tensor, b: Tensor, t: float) -> Tensor:
    """A share `t` of the way from `a` to `b`, two values of a field."""
    if field.role == "caption" and a.is_floating_point():
        return torch.lerp(a, b, t)
    if field.prior == "categorical" and field.mixes and bool((a != b).all()):
        ends = one_hot(torch.stack([a, b]), field.choices).float()
        return torch.lerp(ends[0], ends[1], t)
    if field.prior == "categorical":
        return a if t < 0.5 else b
    return torch.lerp(a, b, t) if field.prior in ("uniform", "bernoulli") else slerp(a, b, t)


def label_rows(
    fields: tuple[LatentField, ...], start: Latents, end: Latents, steps: int
) -> Iterator[Latents]:
    """From the labels of `start` to those of `end` in equal steps, both included.

        y = (1 − t) y₀ + t y₁,    t = 0, 1/(steps − 1), …, 1

    A class is its one-hot row. All else is that of `start`.

    Source: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.3, for
            the vectors of captions.
    """
    for step in range(steps):
        row = dict(start)
        for field in fields:
            if field.role in ("class", "caption"):
                a, b = start[field.name][0], end[field.name][0]
                row[field.name] = part_way(field, a, b, step / (steps - 1))[None]
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
    their values are spread as their prior is. A label stays as drawn.
    """
    drawn = {}
    for field in fields:
        with seeded("walk", field.name, seed):
            if field.rows or field.prior in ("categorical", "bernoulli"):
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


def code_rows(
    fields: tuple[LatentField, ...],
    row: Latents,
    steps: int,
    most: int | None = None,
    names: tuple[str, ...] = (),
) -> list[tuple[str, list[Latents]]]:
    """For each code or label of `row`: its name, and `row` with that code at one value after the
    other.

    A categorical field takes its values, `most` of them if given; each number of a uniform one
    goes from −1 to 1 in `steps` steps, one of zeros and ones from 0 to 1. All else stays as it is.
    `names` are those of a label's numbers.
    """
    found: list[tuple[str, list[Latents]]] = []
    for field in fields:
        if field.role not in ("class", "code"):
            continue
        was = row[field.name]
        if field.prior == "categorical":
            values = [torch.full_like(was, value) for value in range(field.choices)][:most]
            found.append((field.name, [{**row, field.name: value} for value in values]))
            continue
        low = 0.0 if field.prior == "bernoulli" else -1.0
        for index in range(math.prod(field.shape)):
            swept: list[Latents] = []
            for value in torch.linspace(low, 1.0, steps).tolist():
                changed = was.clone()
                changed.view(-1)[index] = value
                swept.append({**row, field.name: changed})
            named = field.role == "class" and len(names) > index
            found.append((names[index] if named else f"{field.name} {index + 1}", swept))
    return found


def straight_way(
    fields: tuple[LatentField, ...], start: Latents, end: Latents, steps: int
) -> Iterator[Latents]:
    """From one row of latents to another in equal steps, both included: each field as in
    `loop_walk`, without rest."""
    for step in range(steps):
        t = step / (steps - 1)
        yield {
            field.name: part_way(field, start[field.name][0], end[field.name][0], t)[None]
            for field in fields
        }
