"""Shapes in annotations are checked while tests run.

jaxtyping's import hook wraps every function of the packages below, and beartype checks each call:
letters of one call must agree with each other, and with what comes back.

The annotations' names stand under `if TYPE_CHECKING:`, for jaxtyping is not needed to use progan.
A name that is missing at run time would make the hook skip its annotation without a word, so these
packages are loaded with that condition true.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

import beartype
from jaxtyping import install_import_hook

__all__ = ["PACKAGES", "check", "install"]

PACKAGES = ("progan.layers", "progan.objectives", "progan.networks", "progan.metrics")
"""Not core: the checker refuses `Self` in its methods."""

check = beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))
"""With the numeric tower, an int will do for a float."""


class _Names(MetaPathFinder):
    """Lets a hooked module see the names it imports for its annotations."""

    def __init__(self, hook: MetaPathFinder) -> None:
        self.hook = hook

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        spec = self.hook.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            compiled: Any = spec.loader.source_to_code  # type: ignore[attr-defined]

            def with_names(data: bytes, path: str, **options: Any) -> Any:
                return compiled(
                    data.replace(b"\nif TYPE_CHECKING:", b"\nif True:"), path, **options
                )

            spec.loader.source_to_code = with_names  # type: ignore[attr-defined]
        return spec


def install() -> None:
    """Check everything that is imported from the packages from now on."""
    early = [name for name in sys.modules if name.startswith(PACKAGES)]
    assert not early, f"imported before shapes could be checked: {early}"
    # The checker goes by name, as the hook keeps bytecode by that name.
    hook = install_import_hook(PACKAGES, "shapes.check").hook
    sys.meta_path.remove(hook)
    sys.meta_path.insert(0, _Names(hook))
