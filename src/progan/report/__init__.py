"""Pages a run leaves behind: one self-contained HTML file, readable without a network or torch."""

from __future__ import annotations

from progan.report.build import build_report
from progan.report.compare import compare

__all__ = ["build_report", "compare"]
