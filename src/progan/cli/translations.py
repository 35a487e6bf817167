"""What `progan evaluate` says of a translator, beside the table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from progan.assemble.measuring.translations import MeasuredWay

__all__ = ["is_translator_at", "likeness_lines"]


def is_translator_at(path: Path) -> bool:
    """Whether a run or model makes pictures of other ones; False where it cannot be told."""
    from progan.assemble.models.stored import is_translator, open_stored
    from progan.core.errors import ProganError

    try:
        return is_translator(open_stored(path))
    except ProganError:
        return False


def likeness_lines(one: MeasuredWay) -> list[str]:
    """PSNR and SSIM to the truth, beside what takes no skill; nothing where no truth is known."""
    if not one.likeness:
        return []
    head = f"  {'to the truth':<16}{'PSNR, dB':>10}{'SSIM':>9}{'n':>8}"
    rows = [f"  {r.of:<16}{r.psnr:>10.2f}{r.ssim:>9.3f}{r.n:>8,}" for r in one.likeness]
    return ["", head, *rows]
