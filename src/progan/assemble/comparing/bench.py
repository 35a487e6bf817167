"""How fast a system trains and draws on this machine, and how much of the machine it uses.

found = bench(Recipe(preset="cpu"), resolution=32)
for row in found.rows:
    print(row.stage, row.images_per_second, row.gflops)
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from progan.assemble.comparing import arms
from progan.assemble.models.build import versions
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.recipe import Recipe
from progan.core.system import Samples
from progan.engine.meter import peak_of
from progan.engine.operations import machine_peak

__all__ = ["Bench", "Comparison", "Row", "bench", "compare"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One stage, training or drawing."""

    stage: str
    """Its name, or `draw R`."""
    batch: int
    images_per_second: float
    """Median over rounds."""
    spread: float
    """(largest − smallest) / median over rounds."""
    gflop_per_image: float
    """Multiplications and additions of convolutions and dense layers, 10⁹ per image, as torch's
    dispatcher saw them."""
    peak_bytes: int | None
    """Largest memory of the process (of the device) while it ran; None where it is not known."""

    @property
    def gflops(self) -> float:
        """10⁹ operations a second."""
        return self.images_per_second * self.gflop_per_image


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Every stage, and what they ran on."""

    system: str
    preset: str
    resolution: int
    device: str
    threads: int
    precision: str
    peak_gflops: float
    """The best 3×3 layer on this machine, in the same precision and threads, measured before."""
    rows: tuple[Row, ...]
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists."""
        plain = asdict(self)
        plain["rows"] = [{**asdict(row), "gflops": row.gflops} for row in self.rows]
        return plain


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two settings at one stage, in turn within one process."""

    stage: str
    first: float
    """Images per second of the first, median over rounds."""
    second: float
    ratios: tuple[float, ...]
    """second / first, for each round."""

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return statistics.median(self.ratios)


def bench(
    recipe: Recipe,
    *,
    resolution: int,
    channels: int = 3,
    only: Sequence[str] = (),
    seconds: float = 1.0,
    rounds: int = 3,
    began: Callable[[float, str], None] = lambda peak, about: None,
    heard: Callable[[Row, float], None] = lambda row, peak: None,
) -> Bench:
    """Measure training at every stage of the recipe's plan, and drawing at every resolution.

    `only` names stages (`16`, `32 fade`); all if empty. Each is measured for `seconds`, but for
    whole periods of its lazy turns, `rounds` times, stages in turn, so that a busy moment of the
    machine does not fall on one of them alone. `began` hears the peak and a line about the
    machine, `heard` each row with the peak.

    Raises: ConfigError for a stage that the plan does not have.
    """
    arm = arms.Arm(recipe, resolution, channels)
    stages = _chosen(arm.system.plan(), only)
    with arm.in_charge():
        peak = machine_peak(arm.device, arm.precision)
        began(peak, arm.about())
        works: list[tuple[str, int, arms.Work]] = [
            (stage.name, stage.batch, arms.training(arm, stage)) for stage in stages
        ]
        if isinstance(arm.system, Samples):
            settled = [stage for stage in stages if not stage.fade]
            works += [(f"draw {one.name}", one.batch, arms.drawing(arm, one)) for one in settled]
        rates: dict[str, list[float]] = {name: [] for name, _, _ in works}
        memory: dict[str, int | None] = {}
        for turn in range(rounds):
            for name, _, work in works:
                if not turn:
                    memory[name] = peak_of(arm.device, work.warm)
                rates[name].append(work.rate(seconds))
        rows = []
        for name, batch, work in works:
            row = Row(
                stage=name,
                batch=batch,
                images_per_second=statistics.median(rates[name]),
                spread=_spread(rates[name]),
                gflop_per_image=work.gflop_per_image(),
                peak_bytes=memory[name],
            )
            heard(row, peak)
            rows.append(row)
    return Bench(
        system=arm.recipe.system,
        preset=arm.recipe.preset or "",
        resolution=resolution,
        device=str(arm.device),
        threads=arm.threads,
        precision=arm.precision,
        peak_gflops=peak,
        rows=tuple(rows),
        versions=versions(),
    )


def compare(
    first: Recipe,
    second: Recipe,
    *,
    resolution: int,
    channels: int = 3,
    only: Sequence[str] = (),
    seconds: float = 1.0,
    rounds: int = 5,
    heard: Callable[[Comparison], None] = lambda found: None,
) -> tuple[Comparison, ...]:
    """Two recipes in one process, in turn, at the stages that both plans have.

    Each round measures both, the second right after the first, and gives one ratio: what slows
    the machine for a while slows both.

    Raises: ConfigError where no stage is common.
    """
    pair = (arms.Arm(first, resolution, channels), arms.Arm(second, resolution, channels))
    plans = [{stage.name: stage for stage in arm.system.plan().stages} for arm in pair]
    names = [name for name in plans[0] if name in plans[1] and (not only or name in only)]
    if not names:
        raise ConfigError(
            f"The two have no stage in common: {', '.join(plans[0])}; {', '.join(plans[1])}. "
            "Choose presets that grow alike, or leave --only out."
        )
    found = []
    for name in names:
        works = [arms.training(arm, plan[name]) for arm, plan in zip(pair, plans, strict=True)]
        rates: list[list[float]] = [[], []]
        for _ in range(rounds):
            for side, (arm, work) in enumerate(zip(pair, works, strict=True)):
                with arm.in_charge():
                    rates[side].append(work.rate(seconds))
        one = Comparison(
            stage=name,
            first=statistics.median(rates[0]),
            second=statistics.median(rates[1]),
            ratios=tuple(b / a for a, b in zip(*rates, strict=True)),
        )
        heard(one)
        found.append(one)
    return tuple(found)


def _chosen(plan: Plan, only: Sequence[str]) -> tuple[Stage, ...]:
    names = [stage.name for stage in plan.stages]
    missing = [name for name in only if name not in names]
    if missing:
        raise ConfigError(
            f'There is no stage "{missing[0][:40]}"; stages are: {", ".join(names)}. '
            f'Type: --only "{names[-1]}"'
        )
    return tuple(stage for stage in plan.stages if not only or stage.name in only)


def _spread(values: Sequence[float]) -> float:
    return (max(values) - min(values)) / statistics.median(values)
