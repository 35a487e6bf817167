"""Images per second of the official full-width generator, for each way to evaluate it.

    python benchmarks/sampling.py --resolutions 64 128 --peer ../pytorch_GAN_zoo

All ways take turns in one process, so that a busy moment of the machine does not fall on one of
them alone; each round gives one ratio to the first row, and the table their median and extremes.
`--peer` is a checkout of facebookresearch/pytorch_GAN_zoo, which the reader supplies: its
generator, of the same widths and in float32 as it is used there, is then the first row.

Weights are drawn, not trained: the time does not depend on them. The last columns are the distance
to float32 in the 256 levels of a value, root mean square and largest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch

from progan.core.grids import to_uint8
from progan.core.plan import Progress, Stage
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.engine.backends import build, present
from progan.engine.preview import draw_seeds, generate
from progan.systems.registry import load_config_class, load_system_class


@dataclass
class Way:
    """One way to make a batch of pictures."""

    name: str
    call: Callable[[], Any]
    prepared: float
    pictures: np.ndarray[Any, Any] | None = None
    seconds: list[float] = field(default_factory=list)


def system_of(resolution: int) -> System[Any]:
    """The paper's network, whole."""
    torch.manual_seed(0)
    data = DataSpec(resolution=resolution, channels=3)
    return load_system_class("progan")(load_config_class("progan")(), data).eval()


def peer_of(checkout: Path, system: Any, resolution: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """GAN zoo's generator with our widths."""
    sys.path.insert(0, str(checkout))
    try:
        from models.networks.progressive_conv_net import GNet
    except ImportError as error:
        sys.exit(f"{checkout} is no checkout of pytorch_GAN_zoo ({error})")
    widths = system.config.widths(resolution)
    network = GNet(system.config.latent, widths[4])
    for size in sorted(widths)[1:]:
        network.addScale(widths[size])
    return network.eval()


def backend_of(
    name: str, system: System[Any], at: Progress, batch: int, latents: Any
) -> Callable[[], Any]:
    return partial(build(name, system, at, batch, latents), latents)


def ways_of(system: System[Any], at: Progress, options: argparse.Namespace) -> list[Way]:
    resolution = at.resolution
    batch = options.batch or max(1, 512 // resolution)
    latents = draw_seeds(system, range(batch))
    ways = []

    def add(name: str, make: Callable[[], Callable[[], Any]], same: bool = True) -> None:
        began = time.perf_counter()
        call = make()
        made = call()
        ways.append(Way(name, call, time.perf_counter() - began, made if same else None))

    if options.peer:
        peer = peer_of(options.peer, system, resolution)
        add("GAN zoo", lambda: lambda: to_uint8(peer(latents["z"])), same=False)
    add("unfolded", lambda: lambda: next(iter(generate(system, latents, at, chunk=batch))))
    for name in options.backends or present(torch.device("cpu")):
        add(name, partial(backend_of, name, system, at, batch, latents))
    return ways


@torch.no_grad()
def measure(resolution: int, options: argparse.Namespace) -> dict[str, Any]:
    system = system_of(resolution)
    stage = Stage(name="end", images=1, resolution=resolution, batch=1)
    at = Progress(images=1, step=1, index=0, stage=stage, fraction=1.0)
    ways = ways_of(system, at, options)
    for number in range(options.rounds):
        for way in ways[:: -1 if number % 2 else 1]:
            began = time.perf_counter()
            for _ in range(options.calls):
                way.call()
            way.seconds.append((time.perf_counter() - began) / options.calls)
    first = ways[0]
    exact = next(way.pictures for way in ways if way.name == "unfolded")
    rows = []
    print(f"\n{resolution} px, {len(exact)} at a time")
    print(
        f"{'':16}{'images/s':>9}{'ratio':>7}{'from':>6}{'to':>6}{'first':>8}{'rms':>6}{'most':>6}"
    )
    for way in ways:
        ratios = [a / b for a, b in zip(first.seconds, way.seconds, strict=True)]
        rate = len(exact) / statistics.median(way.seconds)
        apart = "" if way.pictures is None else apart_of(way.pictures, exact)
        print(
            f"{way.name:16}{rate:9.2f}{statistics.median(ratios):7.2f}{min(ratios):6.2f}"
            f"{max(ratios):6.2f}{way.prepared:7.1f}s{apart}"
        )
        rows.append({"name": way.name, "images_per_second": rate, "ratios": ratios})
    return {"resolution": resolution, "batch": len(exact), "rows": rows}


def apart_of(made: np.ndarray[Any, Any], exact: np.ndarray[Any, Any]) -> str:
    levels = np.abs(made.astype(int) - exact.astype(int))
    return f"{np.sqrt(np.mean(np.square(levels))):6.2f}{levels.max():6d}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--resolutions", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--batch", type=int, help="pictures at a time [512 / resolution]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=2, help="batches of each in a round")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--peer", type=Path, help="a checkout of pytorch_GAN_zoo")
    parser.add_argument("--backends", nargs="+", help="only these")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads, {platform.processor()}")
    tables = [measure(resolution, options) for resolution in options.resolutions]
    if options.json:
        options.json.write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    main()
