"""Names and shapes are the file format."""

from __future__ import annotations

from contract.names import GOLDEN, golden_file, names_of, read
from contract.variants import VARIANTS, Variant


def test_names_and_shapes_are_those_of_the_files_written_before(variant: Variant) -> None:
    """After a deliberate change: python tests/golden/update_names.py."""
    assert names_of(variant) == read(variant)


def test_every_stored_list_belongs_to_a_variant() -> None:
    assert set(GOLDEN.glob("*.json")) == {golden_file(variant) for variant in VARIANTS}
