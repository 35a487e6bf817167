"""The training step beside those of public PyTorch ProGANs, in one process, in turn.

    python benchmarks/peers.py --gan-zoo PATH --akanimax PATH --rosinality PATH

Each PATH is a checkout of yours; none of their code is here:

    gan-zoo      github.com/facebookresearch/pytorch_GAN_zoo
    akanimax     github.com/akanimax/pro_gan_pytorch
    rosinality   github.com/rosinality/progressive-gan-pytorch

All train at the official width (512 channels up to 32 pixels, then half at every doubling), WGAN-GP
in every step, float32, with the same batch, on noise; an average of the generator is kept by those
who keep one. Two of them no longer run with today's torch; what this script mends for them is
said at each. A ratio is ours over the fastest of them in the same round: images per second.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import importlib
import importlib.util
import io
import json
import statistics
import sys
import time
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from progan.assemble.models.build import build_system, versions
from progan.core.batch import Images
from progan.core.config import apply_sets
from progan.core.plan import Plan, Stage
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.engine.loop import Trainer

Step = Callable[[], object]

OURS: dict[str, list[str]] = {
    "paper fp32": ["train.precision=fp32"],
    "paper bf16": ["train.precision=bf16"],
    "fast bf16": ["train.precision=bf16"],
}
PRESETS = {"paper fp32": "v2", "paper bf16": "v2", "fast bf16": "fast"}
BATCHES = {4: 16, 8: 16, 16: 8, 32: 4, 64: 4, 128: 4, 256: 2}
BETAS = (0.0, 0.99)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """They print a lot."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def find(folder: Path, name: str) -> Any:
    """Import module `name` from a checkout."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


def without_torchvision() -> None:
    """Stand-ins for what they import of torchvision at the top and never use in a step."""
    if "torchvision" in sys.modules or importlib.util.find_spec("torchvision") is not None:
        return
    for name in ("torchvision", "torchvision.utils", "torchvision.transforms"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.utils"].save_image = None  # type: ignore[attr-defined]
    for name in ("Compose", "Normalize", "RandomHorizontalFlip", "Resize", "ToTensor"):
        setattr(sys.modules["torchvision.transforms"], name, lambda *words, **named: None)


def gan_zoo(folder: Path, size: int, batch: int, fading: bool) -> Step:
    """Its own `optimizeParameters`. Mended: Adam's integer beta."""
    module = find(folder, "models.progressive_gan")

    class Mended(module.ProgressiveGAN):  # type: ignore[misc,name-defined]
        def getOptimizerD(self) -> torch.optim.Adam:
            return torch.optim.Adam(self.netD.parameters(), betas=BETAS, lr=1e-3)

        def getOptimizerG(self) -> torch.optim.Adam:
            return torch.optim.Adam(self.netG.parameters(), betas=BETAS, lr=1e-3)

    with quiet():
        model = Mended(
            dimLatentVector=512,
            depthScale0=512,
            miniBatchStdDev=True,
            useGPU=False,
            lossMode="WGANGP",
            lambdaGP=10.0,
            epsilonD=0.001,
        )
        r = 8
        while r <= size:
            model.addScale(min(512, 8192 // (r // 2)))
            r *= 2
        if size > 4:
            for net in (model.netG, model.netD, model.avgG):
                net.setNewAlpha(0.5 if fading else 0.0)
    real = torch.randn(batch, 3, size, size)
    return lambda: model.optimizeParameters(real)


def akanimax(folder: Path, size: int, batch: int, fading: bool) -> Step:
    """Its two `optimize` methods, with its average.

    Mended: a name that is not imported, Adam's integer betas, a method of torch's that it calls
    and that changed, and its width, which is twice the official one from 64 pixels on.
    """
    without_torchvision()
    builtins.Tuple = typing.Tuple  # type: ignore[attr-defined]  # noqa: UP006
    networks = find(folder, "pro_gan_pytorch.networks")
    gan = find(folder, "pro_gan_pytorch.gan")
    losses = find(folder, "pro_gan_pytorch.losses")
    layers = find(folder, "pro_gan_pytorch.custom_layers")
    networks.nf.__defaults__ = (8192, 1.0, 1, 512)
    transposed = layers.EqualizedConvTranspose2d
    transposed._output_padding = lambda self, *words: [0, 0]
    depth = size.bit_length() - 1
    with quiet():
        model = gan.ProGAN(
            networks.Generator(depth=depth, latent_size=512),
            networks.Discriminator(depth=depth, latent_size=512),
        )
    loss = losses.WganGP()
    best = [
        torch.optim.Adam(net.parameters(), lr=1e-3, betas=BETAS) for net in (model.dis, model.gen)
    ]
    real, alpha = torch.randn(batch, 3, size, size), 0.5 if fading else 1.0

    def step() -> None:
        z = torch.randn(batch, 512)
        model.optimize_discriminator(loss, best[0], z, real, depth, alpha)
        model.optimize_generator(loss, best[1], z, real, depth, alpha)
        layers.update_average(model.gen_shadow, model.gen, model.ema_beta)

    return step


def rosinality(folder: Path, size: int, batch: int, fading: bool) -> Step:
    """The passes of its loop, in its order; it runs only on a GPU, and at most at 128 pixels.

    Not counted against it: what it does at import. Its generator is whole from the start; the
    average moves all of it, as there.
    """
    with contextlib.redirect_stderr(io.StringIO()):
        module = find(folder, "model")
        networks = [module.Generator(511, 1), module.Discriminator(1), module.Generator(511, 1)]
    generator, critic, average = networks
    best = [torch.optim.Adam(net.parameters(), lr=1e-3, betas=BETAS) for net in (critic, generator)]
    index, alpha = size.bit_length() - 3, 0.5 if fading else -1
    real, label = torch.randn(batch, 3, size, size), torch.zeros(batch, dtype=torch.long)

    def trainable(net: torch.nn.Module, on: bool) -> None:
        for parameter in net.parameters():
            parameter.requires_grad = on

    def fake() -> Tensor:
        made: Tensor = generator(torch.randn(batch, 511), label, index, alpha)
        return made

    def step() -> None:
        trainable(generator, False)
        trainable(critic, True)
        critic.zero_grad()
        on_real = critic(real, index, alpha)[0]
        (-(on_real.mean() - 0.001 * (on_real**2).mean())).backward()
        made = fake()
        critic(made, index, alpha)[0].mean().backward()
        mix = torch.rand(batch, 1, 1, 1)
        between = (mix * real + (1 - mix) * made.data).requires_grad_()
        scores = critic(between, index, alpha)[0].sum()
        (slope,) = torch.autograd.grad(scores, between, create_graph=True)
        (10 * ((slope.view(batch, -1).norm(2, dim=1) - 1) ** 2).mean()).backward()
        best[0].step()
        trainable(generator, True)
        trainable(critic, False)
        generator.zero_grad()
        (-critic(fake(), index, alpha)[0].mean()).backward()
        best[1].step()
        for kept, live in zip(average.parameters(), generator.parameters(), strict=True):
            kept.data.mul_(0.999).add_(live.data, alpha=0.001)

    return step


PEERS = {"gan-zoo": gan_zoo, "akanimax": akanimax, "rosinality": rosinality}


class Noise:
    """One batch, for ever."""

    def __init__(self, batch: int, size: int) -> None:
        self.images = Images(image=torch.randn(batch, 3, size, size))

    def batch(self, numbers: range, resolution: Any) -> Images:
        """Those."""
        return self.images


def ours(kind: str, size: int, batch: int, fading: bool, sets: list[str]) -> tuple[Step, int]:
    """A trainer's step, and after how many steps its lazy penalty comes round."""
    recipe = apply_sets(Recipe(preset=PRESETS[kind]), [*OURS[kind], *sets])
    spec = DataSpec(resolution=size, channels=3, classes=0, images=10**6)
    system = build_system(recipe, spec, torch.device("cpu"))
    stage = Stage(name="x", images=10**12, resolution=size, batch=batch, fade=fading)
    trainer = Trainer(
        system,
        Noise(batch, size),
        plan=Plan((stage,)),
        precision="bf16" if recipe.train.precision == "bf16" else "fp32",
    )
    trainer.step()
    if fading:
        trainer.images = stage.images // 2
    return trainer.step, system.period(trainer.at)


def rate(step: Step, batch: int, steps: int) -> float:
    """Images per second over so many steps."""
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return batch * steps / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in PEERS:
        parser.add_argument(f"--{name}", type=Path, metavar="PATH")
    parser.add_argument("--sizes", default="4,8,16,32,64,128")
    parser.add_argument("--fade", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement, at least")
    parser.add_argument("--ours", default=",".join(OURS))
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = []
    for size in map(int, options.sizes.split(",")):
        batch = BATCHES[size]
        arms: dict[str, tuple[Step, int]] = {}
        for name, make in PEERS.items():
            path = getattr(options, name.replace("-", "_"))
            if path is not None and not (name == "rosinality" and size > 128):
                arms[name] = make(path, size, batch, options.fade), 1
        for kind in options.ours.split(","):
            arms[kind] = ours(kind, size, batch, options.fade, options.sets)
        rates: dict[str, list[float]] = {name: [] for name in arms}
        steps = {}
        for name, (step, period) in arms.items():  # warm, and find how many steps fill the time
            step()
            one = batch / rate(step, batch, 1)
            steps[name] = max(period, round(options.seconds / one / period) * period, 1)
        for _ in range(options.rounds):
            for name, (step, _period) in arms.items():
                rates[name].append(rate(step, batch, steps[name]))
        peers = [name for name in arms if name in PEERS]
        row: dict[str, Any] = {"size": size, "batch": batch, "fade": options.fade}
        line = f"{size:>4} b{batch:<3}"
        for name in arms:
            row[name] = statistics.median(rates[name])
            line += f"  {name} {row[name]:.3g}"
            if name not in PEERS and peers:
                fastest = [max(each) for each in zip(*(rates[p] for p in peers), strict=True)]
                ratios = [a / b for a, b in zip(rates[name], fastest, strict=True)]
                row[f"{name} ratio"] = [min(ratios), statistics.median(ratios), max(ratios)]
                line += f" (x{statistics.median(ratios):.2f}, {min(ratios):.2f}-{max(ratios):.2f})"
        print(line, flush=True)
        rows.append(row)
    if options.json:
        found = {"threads": options.threads, "versions": versions(), "rows": rows}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
