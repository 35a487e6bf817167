"""Which run is meant where none is named. Torch-free."""

from __future__ import annotations

from pathlib import Path

from progan.core.errors import ConfigError

__all__ = ["newest_run"]


def newest_run(runs: Path = Path("runs")) -> Path:
    """The run in `runs` that saved last, or that began last where none has saved.

    Raises: ConfigError where there is no run.
    """
    found = [(_saved(lock.parent), lock.parent.name, lock.parent) for lock in _locks(runs)]
    if not found:
        raise ConfigError(
            f"There is no run in {runs} here. Make one: progan train FOLDER, or: progan demo"
        )
    return max(found)[2]


def _locks(runs: Path) -> list[Path]:
    return list(runs.glob("*/recipe.lock.yaml"))


def _saved(run: Path) -> tuple[bool, int]:
    """Whether it saved, and when it last did, or began."""
    saves = [path.stat().st_mtime_ns for path in (run / "checkpoints").glob("[0-9]*.safetensors")]
    began = (run / "recipe.lock.yaml").stat().st_mtime_ns
    return bool(saves), max(saves, default=began)
