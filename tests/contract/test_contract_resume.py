"""Nothing that a step depends on is outside of what is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract.checks import steps_that_differ
from contract.variants import Variant


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_cut_anywhere_ends_in_the_bits_of_the_uncut_one(
    variant: Variant, precision: Any, tmp_path: Path
) -> None:
    """Cuts lie inside stages, on every border, and half-way through every fade."""
    whole = variant.trainer(precision=precision)
    again = lambda: variant.trainer(precision=precision, weights=1)  # noqa: E731 - all are loaded
    assert steps_that_differ(whole, again, tmp_path) == {}
