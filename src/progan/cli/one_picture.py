"""What `progan evaluate` says of a run of one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from progan.cli.streams import say

if TYPE_CHECKING:
    from progan.extractors.base import Extractor

__all__ = ["is_of_one", "say_measures"]


def is_of_one(path: Path) -> bool:
    """Whether a run or model learnt from one picture; False where it cannot be told."""
    from progan.assemble.models.stored import open_stored
    from progan.core.errors import ProganError
    from progan.systems.registry import SYSTEMS

    try:
        return SYSTEMS[open_stored(path).recipe.system].one_picture
    except (ProganError, KeyError):
        return False


def say_measures(
    path: Path, *, pictures: int | None, extractor: Extractor | None, device: str, to: Path | None
) -> None:
    """Measure a run of one picture, and say what was found; with `to`, as JSON too."""
    from progan.assemble.measuring.one_picture import PICTURES, measure_run
    from progan.assemble.writing.containers import MADE_HERE
    from progan.assemble.writing.files import check_free, write_out

    if to is not None:
        check_free(to)
    found = measure_run(path, pictures=pictures or PICTURES, extractor=extractor, device=device)
    say(f"{path}   one picture, {found.size[0]} × {found.size[1]}")
    say(f"  {'reconstruction':<22}{found.error:>9.4f}   root mean square error, pixels in [0, 1]")
    for start in found.starts:
        where = f"from scale {start.scale}"
        say(f"  {'SWD7 ' + where:<22}{start.swd7:>9.4f}   n = {start.compared}")
        say(f"  {'diversity ' + where:<22}{start.diversity:>9.4f}   n = {start.pictures}")
        if start.sifid is not None:
            name = start.sifid_name.upper().replace("EFFNET", "effnet")
            say(f"  {name + ' ' + where:<22}{start.sifid:>9.4f}   {start.extractor}")
    if to is not None:
        content: dict[str, Any] = {"note": MADE_HERE.decode(), "run": str(path), **found.plain()}
        write_out(to, (json.dumps(content, indent=1) + "\n").encode())
