"""Grids of runs whose results are kept as JSON lines: what is there is not run again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Row", "arguments", "chosen", "found", "seeds", "work_through"]

Row = dict[str, Any]


def arguments(description: str, arms: Iterable[str]) -> argparse.ArgumentParser:
    """What every grid is told: where its rows are, which of them to run, or to print them."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true", help="print what is there")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--arms", default="", help=f"some of: {'; '.join(arms)}")
    parser.add_argument("--part", default="0/1", help="K/N: every N-th run, from the K-th")
    return parser


def seeds(options: argparse.Namespace) -> list[int]:
    """The seeds asked for."""
    return [int(seed) for seed in options.seeds.split(",")]


def chosen(options: argparse.Namespace, arms: Iterable[str]) -> list[str]:
    """The arms asked for, or all.

    Raises: SystemExit for one that there is not.
    """
    every = list(arms)
    asked = [name.strip() for name in options.arms.split(";") if name.strip()]
    for name in asked:
        if name not in every:
            raise SystemExit(f'--arms has "{name}", which is none of: {"; ".join(every)}')
    return asked or every


def found(file: Path) -> list[Row]:
    """The rows that are there."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines]


def work_through(
    options: argparse.Namespace,
    keys: Sequence[str],
    asked: Sequence[tuple[Any, ...]],
    run: Callable[..., Row],
) -> None:
    """Run those of `asked` that no row has under `keys`, each with its values as arguments."""
    part, parts = map(int, options.part.split("/"))
    known = {tuple(row[key] for key in keys) for row in found(options.out)}
    for one in asked[part::parts]:
        if one in known:
            continue
        row = run(*one)
        with options.out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)
