"""Growing against not growing at equal wall-clock time: images per second, and SWD over time.

    python benchmarks/growth.py --minutes 9 --json docs/growth.json --svg docs/images/growth.svg

Both arms are the `cpu` preset on the same pictures, threads and precision; one grows from 4×4,
the other trains at the full size from its first step. They train in turn, a few seconds each, so
that a busy moment of the machine does not fall on one of them alone. An arm's clock runs while it
trains only. Every so often it is stopped, and the averaged generator is measured at the full size:
pictures of smaller stages are enlarged, nearest neighbour, as the growing network shows them.

`--plot-only` draws the picture again from the JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch
import torch.nn.functional as F

from progan.assemble.models.build import build_system
from progan.assemble.training import budget
from progan.core.grids import png_bytes, tile, to_picture, to_uint8
from progan.core.plan import Progress
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.metrics.sliced import sliced_wasserstein

ARMS = {"growing": "cpu", "not growing": "cpu-no-growing"}
COLOURS = {"growing": "#1b6e9c", "not growing": "#c2571a"}


def pictures(trainer: Trainer, at: Progress, count: int, resolution: int) -> np.ndarray[Any, Any]:
    """`count` pictures of fixed latents from the averaged generator, at the full size."""
    made = []
    with trainer.averages.swapped_in() as system, torch.no_grad(), seeded("growth benchmark"):
        for _ in range(0, count, 128):
            image = system.generate(system.draw(128), at)
            made.append(to_uint8(F.interpolate(image, size=(resolution, resolution))))
    return np.concatenate(made)[:count]


class Arm:
    """One way to train, with a clock of its own that runs while it trains only."""

    def __init__(self, name: str, seed: int, options: argparse.Namespace) -> None:
        self.name, self.seed, self.options = name, seed, options
        data = DataSettings(source=options.source, resolution=options.resolution, labels="none")
        recipe = Recipe(preset=ARMS[name], data=data, train=TrainSettings(seed=seed))
        pyramid = open_or_build(open_source(data.source, data), data, Path(options.cache))
        device = torch.device("cpu")
        system = build_system(recipe, pyramid.spec, device)
        loader = Loader(pyramid, seed=seed, batch_type=system.batch_type, device=device)
        self.trainer = Trainer(
            system, loader, seed=seed, precision=options.precision, device=device
        )
        self.real = loader.real(0, options.images, options.resolution).numpy()
        self.clock, self.limit = 0.0, 60 * options.minutes
        self.rates = budget.measure(self.trainer, seconds=1.0)
        self.trainer.plan = budget.fit(self.trainer.plan, self.rates, self.limit)
        self.expected = 0.0
        """Seconds that the images so far should have taken at the rates measured first."""
        self.points: list[dict[str, float]] = []

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.clock >= self.limit

    def train(self, seconds: float) -> None:
        """Go on for so long, or until the time is up."""
        until = min(self.clock + seconds, self.limit)
        while self.clock < until:
            at, images, began = self.trainer.at, self.trainer.images, time.perf_counter()
            result = self.trainer.step()
            self.clock += time.perf_counter() - began
            self.expected += (self.trainer.images - images) / self.rates[at.index]
            if result.entered and at.index:
                self._refit(at.index)
            if self.trainer.done:  # faster than measured: go on at the full size
                lengths = [stage.images for stage in self.trainer.plan.stages]
                lengths[-1] += 50 * at.batch
                self.trainer.plan = self.trainer.plan.with_lengths(lengths)

    def _refit(self, first: int) -> None:
        """At a border, scale what lies ahead to the time left, as `progan train` does."""
        slowdown = self.clock / self.expected
        rates = {index: rate / slowdown for index, rate in self.rates.items()}
        self.trainer.plan = budget.fit(self.trainer.plan, rates, self.limit - self.clock, first)

    def look(self) -> None:
        """Measure the averaged generator, and note where training is."""
        at, options = self.trainer.at, self.options
        fake = pictures(self.trainer, at, options.images, options.resolution)
        found = sliced_wasserstein(
            lambda start, n: self.real[start : start + n],
            lambda start, n: fake[start : start + n],
            options.images,
        )
        before = self.points[-1] if self.points else {"images": 0, "seconds": 0.0}
        seconds = max(self.clock - before["seconds"], 1e-9)
        self.points.append(
            {
                "seconds": round(self.clock, 1),
                "images": self.trainer.images,
                "resolution": int(at.resolution),
                "alpha": round(at.alpha, 3),
                "swd": round(found.mean, 3),
                "images_per_second": round((self.trainer.images - before["images"]) / seconds, 1),
            }
        )
        print(self.name, self.seed, self.points[-1], flush=True)

    def finish(self) -> dict[str, Any]:
        """Its points; its pictures, where they were asked for."""
        if self.options.pictures:
            folder = Path(self.options.pictures)
            folder.mkdir(parents=True, exist_ok=True)
            sheet = tile(pictures(self.trainer, self.trainer.at, 64, self.options.resolution), 8)
            name = f"growth_{self.name.replace(' ', '_')}_{self.seed}.png"
            (folder / name).write_bytes(png_bytes(to_picture(sheet, 2)))
        return {"arm": self.name, "seed": self.seed, "points": self.points}


def run(seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train both arms in turn, a few seconds each, and look at them at the same times."""
    torch.set_num_threads(options.threads)
    arms = [Arm(name, seed, options) for name in ARMS]
    looks = [60 * options.minutes * (number + 1) / options.looks for number in range(options.looks)]
    while not all(arm.over for arm in arms):
        for arm in arms:
            due = looks[len(arm.points)] if len(arm.points) < len(looks) else arm.limit
            arm.train(min(options.turn, max(due - arm.clock, 0.01)))
            if arm.clock >= due and len(arm.points) < len(looks):
                arm.look()
    return [arm.finish() for arm in arms]


@dataclass(frozen=True)
class Panel:
    """One chart: minutes across, a logarithmic value upwards."""

    left: float
    top: float
    across: float
    down: float
    longest: float
    lowest: float
    highest: float

    def x(self, minutes: float) -> float:
        return self.left + self.across * minutes / self.longest

    def y(self, value: float) -> float:
        low, high = np.log10(self.lowest) - 0.05, np.log10(self.highest) + 0.05
        share = (np.log10(max(value, 1e-9)) - low) / (high - low)
        return float(self.top + self.down * (1 - share))

    def place(self, minutes: float, value: float) -> str:
        return f"{self.x(minutes):.1f},{self.y(value):.1f}"

    def grid(self) -> list[str]:
        marks = [m * 10.0**e for e in range(-1, 6) for m in (1, 2, 5)]
        right, bottom = self.left + self.across, self.top + self.down
        parts = []
        for mark in marks:
            y = self.y(mark)
            if self.top <= y <= bottom:
                parts += [
                    f'<line x1="{self.left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" '
                    'stroke="#ddd"/>',
                    f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>',
                ]
        parts += [
            f'<text x="{self.x(minute):.1f}" y="{bottom + 18}" text-anchor="middle">{minute}</text>'
            for minute in range(int(self.longest) + 1)
        ]
        middle = self.left + self.across / 2
        parts.append(
            f'<text x="{middle}" y="{bottom + 36}" text-anchor="middle">minutes of training</text>'
        )
        return parts


def draw(runs: list[dict[str, Any]], path: Path, title: str) -> None:
    """Two panels as a standalone SVG: SWD over minutes, and images per second over minutes."""
    width, height, pad = 860, 330, 56
    panels = (("swd", "SWD × 10³ (lower is better)"), ("images_per_second", "images per second"))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f'<title>{title}</title><rect width="{width}" height="{height}" fill="white"/>',
    ]
    across = (width - 3 * pad) / 2
    longest = max(p["seconds"] for r in runs for p in r["points"]) / 60
    top, down = 40, height - 100
    for index, (key, label) in enumerate(panels):
        left = pad + index * (across + pad)
        values = [max(p[key], 1e-9) for r in runs for p in r["points"]]
        panel = Panel(left, top, across, down, longest, min(values), max(values))
        parts.append(f'<text x="{left}" y="24" font-weight="bold">{label}</text>')
        parts += panel.grid()
        for each in runs:
            line = " ".join(panel.place(p["seconds"] / 60, p[key]) for p in each["points"])
            colour = COLOURS[each["arm"]]
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
    for index, (arm, colour) in enumerate(COLOURS.items()):
        left = pad + 160 * index
        parts.append(
            f'<line x1="{left}" x2="{left + 24}" y1="{height - 12}" y2="{height - 12}" '
            f'stroke="{colour}" stroke-width="3"/>'
            f'<text x="{left + 30}" y="{height - 8}">{arm}</text>'
        )
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def main() -> None:
    """Run both arms for every seed, alternating, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="portraits")
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--images", type=int, default=2048, help="pictures per SWD")
    parser.add_argument("--looks", type=int, default=18)
    parser.add_argument("--turn", type=float, default=3.0, help="seconds an arm trains at once")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--cache", default="runs/.data")
    parser.add_argument("--json", default="growth.json")
    parser.add_argument("--svg", default="growth.svg")
    parser.add_argument("--pictures", default="")
    parser.add_argument("--plot-only", action="store_true")
    options = parser.parse_args()
    if not options.plot_only:
        runs = [one for seed in options.seeds.split(",") for one in run(int(seed), options)]
        kept = {key: value for key, value in vars(options).items() if key not in ("cache",)}
        record = {"options": kept, "torch": torch.__version__, "runs": runs}
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    record = json.loads(Path(options.json).read_text(encoding="utf-8"))
    asked = record["options"]
    title = f"{asked['source']} at {asked['resolution']} pixels, {asked['minutes']:g} minutes each"
    draw(record["runs"], Path(options.svg), title)


if __name__ == "__main__":
    main()
