"""Which run is meant where none is named. Torch-free."""

from __future__ import annotations

from pathlib import Path

from progan.core.config import read_recipe
from progan.core.errors import ConfigError, ProganError
from progan.systems.registry import SYSTEMS

__all__ = ["newest_run"]


def newest_run(runs: Path = Path("runs"), *, draws: bool = False) -> Path:
    """The run in `runs` that saved last, or that began last where none has saved.

    With `draws`, of those whose system draws from noise, if there is one.

    Raises: ConfigError where there is no run.
    """
    found = [lock.parent for lock in _locks(runs)]
    if not found:
        raise ConfigError(
            f"There is no run in {runs} here. Make one: progan train FOLDER, or: progan demo"
        )
    chosen = [run for run in found if not _translates(run)] if draws else []
    return max((_saved(run), run.name, run) for run in chosen or found)[2]


def _translates(run: Path) -> bool:
    """Whether the run's system translates pictures."""
    try:
        entry = SYSTEMS.get(read_recipe(run / "recipe.lock.yaml").system)
    except ProganError:
        return False
    return entry is not None and bool(entry.domains)


def _locks(runs: Path) -> list[Path]:
    return list(runs.glob("*/recipe.lock.yaml"))


def _saved(run: Path) -> tuple[bool, int]:
    """Whether it saved, and when it last did, or began."""
    saves = [path.stat().st_mtime_ns for path in (run / "checkpoints").glob("[0-9]*.safetensors")]
    began = (run / "recipe.lock.yaml").stat().st_mtime_ns
    return bool(saves), max(saves, default=began)
