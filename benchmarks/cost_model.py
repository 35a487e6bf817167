"""What a step of ProGAN costs on paper: operations, memory traffic, messages; and on GPUs.

    python benchmarks/cost_model.py            the tables of docs/scale.md
    python benchmarks/cost_model.py --check    the operations against torch's own count

One pass of a layer forwards, one back to its input (I) and one back to its weight (W) cost the
same number of operations. In units of one forward pass of generator (G) or critic (D):

    critic, reals and fakes     G + 2 (D + D_I + D_W)
    WGAN-GP                     D + D_I, then again F and W of each, and I and W once more through
                                the activations, where the minibatch stddev bends: 6 D
    R1                          the same without the first D, which the reals' own pass gives
    generator                   G + G_I + G_W + D + D_I
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

from progan.systems.configs.progan import ProGANConfig
from progan.systems.configs.progan_presets import PRESETS


@dataclass(frozen=True)
class Layer:
    """A convolution or dense layer, for one picture."""

    operations: float
    """Multiplications and additions."""
    inputs: float
    outputs: float
    weights: float
    first: bool = False
    """Whether its input is the picture or the latent, to which the ordinary passes do not go."""


def dense(before: int, after: int, *, first: bool = False) -> Layer:
    """A matrix."""
    return Layer(2 * before * after, before, after, before * after, first)


def conv(before: int, after: int, kernel: int, side: int, *, first: bool = False) -> Layer:
    """Same size out as in."""
    pixels, weights = side**2, kernel**2 * before * after
    return Layer(2 * weights * pixels, before * pixels, after * pixels, weights, first)


def resized(before: int, after: int, small: int, *, up: bool, fused: bool) -> Layer:
    """Between `small` and twice that: one 4×4 layer where fused, else 3×3 at the larger size."""
    big = 2 * small
    inner, outer = (
        (before * small**2, after * big**2) if up else (before * big**2, after * small**2)
    )
    per = 16 * small**2 if fused else 9 * big**2
    return Layer(2 * before * after * per, inner, outer, 9 * before * after)


def generator(config: ProGANConfig, side: int, *, fading: bool = False) -> Iterator[Layer]:
    """Its layers at one resolution."""
    width = config.widths(side)
    yield dense(config.latent, 16 * width[4], first=True)
    yield conv(width[4], width[4], 3, 4)
    r = 8
    while r <= side:
        yield resized(width[r // 2], width[r], r // 2, up=True, fused=config.fused)
        yield conv(width[r], width[r], 3, r)
        r *= 2
    yield conv(width[side], 3, 1, side)
    if fading:
        yield conv(width[side // 2], 3, 1, side // 2)


def critic(config: ProGANConfig, side: int, *, fading: bool = False) -> Iterator[Layer]:
    """Its layers at one resolution."""
    width = config.widths(side)
    yield conv(3, width[side], 1, side, first=True)
    if fading:
        yield conv(3, width[side // 2], 1, side // 2, first=True)
    r = side
    while r > 4:
        yield conv(width[r], width[r], 3, r)
        yield resized(width[r], width[r // 2], r // 2, up=False, fused=config.fused)
        r //= 2
    yield conv(width[4] + 1, width[4], 3, 4)
    yield dense(16 * width[4], config.width(0))
    yield dense(config.width(0), 1)


@dataclass(frozen=True)
class Step:
    """One update of both players, per image."""

    operations: float
    traffic: float
    """Numbers read and written by layers and by what is pointwise between them."""
    weights: float
    """Of both networks."""


def step(config: ProGANConfig, side: int, *, fading: bool = False) -> Step:
    """What one image costs in a step; lazy penalties by their share."""
    g = list(generator(config, side, fading=fading))
    d = list(critic(config, side, fading=fading))
    g_all, d_all = (sum(layer.operations for layer in net) for net in (g, d))
    g_first, d_first = (sum(x.operations for x in net if x.first) for net in (g, d))
    share = 1 / config.penalty.every
    passes_g, passes_d = 4.0, 6.0 + 2.0
    operations = g_all + 3 * g_all - g_first  # its latent needs no gradient
    operations += 2 * (3 * d_all - d_first) + 2 * d_all
    if config.penalty.kind == "gp":
        operations += share * (6 * d_all - d_first)
        passes_d += 6 * share
    elif config.penalty.kind == "r1":
        operations += share * (5 * d_all - d_first)
        passes_d += 5 * share

    # A layer reads its input and writes its output; what is pointwise does both once more.
    def numbers(net: list[Layer]) -> float:
        return sum(layer.inputs + 3 * layer.outputs for layer in net)

    traffic = passes_g * numbers(g) + passes_d * numbers(d)
    weights = sum(layer.weights for layer in g + d)
    return Step(operations, traffic, weights)


@dataclass(frozen=True)
class Device:
    """A GPU by its data sheet."""

    name: str
    teraflops: float
    """Dense, in bfloat16 or float16."""
    gigabytes: float
    """Memory bandwidth, per second."""
    link: float
    """Gigabytes a second to each of the others, one way."""


DEVICES = (
    Device("RTX 4090", 165, 1008, 25),
    Device("A100 80 GB", 312, 2039, 300),
    Device("H100 SXM", 989, 3350, 450),
)
USED, STREAMED = 0.6, 0.85
"""Shares of the data sheet that a layer can reach."""
CAUTION = 2.0
"""The official run, two weeks on one V100, took twice what this model gives it."""


def seconds(step: Step, batch: int, device: Device, devices: int = 1) -> tuple[float, float]:
    """Of computing a step and of its messages; `batch` is that of all devices together."""
    own = batch / devices
    compute = own * step.operations / (USED * device.teraflops * 1e12)
    # bfloat16 numbers; weights, gradients and two moments in float32: 7 accesses an update
    memory = (own * 2 * step.traffic + 28 * step.weights) / (STREAMED * device.gigabytes * 1e9)
    share = (devices - 1) / devices
    messages = 4 * step.weights * 2 * share / (device.link * 1e9)
    return CAUTION * max(compute, memory), messages


def hours(config: ProGANConfig, resolution: int, device: Device, devices: int = 1) -> float:
    """Of the whole plan, growing."""
    total = 0.0
    for stage in config.plan(resolution).stages:
        side = stage.resolution if isinstance(stage.resolution, int) else stage.resolution[0]
        batch = max(stage.batch, 4 * devices)
        compute, messages = seconds(step(config, side, fading=stage.fade), batch, device, devices)
        total += stage.images / batch * (compute + messages)
    return total / 3600


def config_of(preset: str) -> ProGANConfig:
    """A preset's settings, as far as they cost anything."""
    changes = dict(PRESETS[preset])
    penalty = changes.pop("penalty", {})
    for name in ("optimizer", "average"):
        changes.pop(name, None)
    plain = ProGANConfig()
    return replace(plain, penalty=replace(plain.penalty, **penalty), **changes)


def tables() -> None:
    """Print those of docs/scale.md."""
    paper, fast = config_of("v2"), config_of("fast")
    unfused = config_of("paper")
    print("| side | G, GFLOP | D | step: paper | v2 | fast | traffic of v2, MB | weights, M |")
    print("|---|---|---|---|---|---|---|---|")
    for level in range(2, 11):
        side = 2**level
        g = sum(x.operations for x in generator(paper, side)) / 1e9
        d = sum(x.operations for x in critic(paper, side)) / 1e9
        steps = [step(c, side) for c in (unfused, paper, fast)]
        costs = " | ".join(f"{one.operations / 1e9:.3g}" for one in steps)
        v2 = steps[1]
        print(
            f"| {side} | {g:.3g} | {d:.3g} | {costs} | {2 * v2.traffic / 1e6:.3g} "
            f"| {v2.weights / 1e6:.1f} |"
        )
    print()
    print("| GPU | number | v2, hours | messages | fast, hours |")
    print("|---|---|---|---|---|")
    for device in DEVICES:
        for count in (1, 8, 64):
            at = step(paper, 1024)
            compute, messages = seconds(at, max(4, 4 * count), device, count)
            print(
                f"| {device.name} | {count} | {hours(paper, 1024, device, count):.3g} "
                f"| {messages / (compute + messages):.0%} "
                f"| {hours(fast, 1024, device, count):.3g} |"
            )
    print()
    print("| final size | growing, images | at full size, images | ratio of operations |")
    print("|---|---|---|---|")
    for final in (32, 64, 128, 256, 512, 1024):
        grown = replace(paper, total_images=None).plan(final).stages
        growing = sum(
            stage.images * step(paper, _side(stage.resolution), fading=stage.fade).operations
            for stage in grown
        )
        images = sum(stage.images for stage in grown)
        full = images * step(paper, final).operations
        print(f"| {final} | {images:,} | {images:,} | {full / growing:.2f} |")


def _side(resolution: int | tuple[int, int]) -> int:
    return resolution if isinstance(resolution, int) else resolution[0]


def counted(preset: str, side: int, batch: int, changes: dict[str, object]) -> tuple[float, float]:
    """Operations per image of a step: on paper, and as torch's dispatcher counts them."""
    import torch

    from progan.core.batch import Images
    from progan.core.plan import Plan, Stage
    from progan.core.specs import DataSpec
    from progan.engine.loop import Trainer
    from progan.engine.operations import Operations
    from progan.systems.progan import ProGAN

    config = replace(config_of(preset), **changes)  # type: ignore[arg-type]
    spec = DataSpec(resolution=side, channels=3, classes=0, images=1000)
    images = Images(image=torch.randn(batch, 3, side, side))

    class Noise:
        def batch(self, numbers: range, resolution: object) -> Images:
            return images

    stage = Stage(name="x", images=10**9, resolution=side, batch=batch)
    trainer = Trainer(ProGAN(config, spec), Noise(), plan=Plan((stage,)))
    trainer.step()
    trainer.steps = 0
    with Operations() as count:
        for _ in range(config.penalty.every):
            trainer.step()
    return step(config, side).operations, count.total / batch / config.penalty.every


def main() -> None:
    """Print tables, or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        tables()
        return
    for preset, side in (("v2", 8), ("v2", 32), ("fast", 32), ("paper", 16)):
        paper, torch_says = counted(preset, side, 4, {"fmap_max": 64, "latent_size": 64})
        print(
            f"{preset:<6} {side:>3} px  {paper:.5g}  torch {torch_says:.5g}"
            f"  {paper / torch_says:.4f}"
        )


if __name__ == "__main__":
    main()
