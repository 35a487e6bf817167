"""Progressive GANs and the GAN family around them.

    import progan

    run = progan.train("~/cats", minutes=10)
    model = progan.load("runs/cats")
    progan.grid(model.sample(seeds=range(16)), "4x4").save("cats.png")

Importing this imports neither torch nor anything heavy: names load when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from progan.api import Run, grid, load, train
    from progan.assemble.models.model import Model
    from progan.core.errors import ProganError

    __version__: str

__all__ = ["Model", "ProganError", "Run", "__version__", "grid", "load", "train"]

_PLACES = {
    "Model": "progan.assemble.models.model",
    "ProganError": "progan.core.errors",
    "Run": "progan.api",
    "grid": "progan.api",
    "load": "progan.api",
    "train": "progan.api",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("progan")
        except PackageNotFoundError:  # imported from a source tree that is not installed
            return "0+source"
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
