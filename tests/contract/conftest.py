"""A test that asks for a `variant` runs over the whole table."""

from __future__ import annotations

import pytest

from contract.variants import VARIANTS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)
