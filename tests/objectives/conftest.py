from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same numbers in any order of tests."""
    torch.manual_seed(0)
