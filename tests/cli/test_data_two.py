"""`data check`, `show` and `build` of two domains: what can be used, a sheet, a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from progan.data.two import Domains
from small_world import Cli


@pytest.fixture
def folders(here: Path) -> Path:
    """Two folders of pictures; one of the first cannot be read."""
    for name, count in (("a", 4), ("b", 3)):
        (here / name).mkdir()
        for number in range(count):
            Image.new("RGB", (20, 16), (40 * number, 9, 9)).save(here / name / f"{number}.png")
    (here / "a/3.png").write_bytes(b"\x89PNG\r\n no")
    return here


def test_check_tells_of_both_and_keeps_nothing(cli: Cli, folders: Path) -> None:
    before = sorted(folders.rglob("*"))
    said = cli("data", "check", "a", "b")
    assert said.code == 0, said.err
    assert "3 pictures of a, 3 of b used of 4 and 3" in said.out
    assert "3.png" in said.out
    assert sorted(folders.rglob("*")) == before


def test_check_of_pairs_names_what_has_no_partner(cli: Cli, folders: Path) -> None:
    (folders / "b/9.png").write_bytes((folders / "b/0.png").read_bytes())
    said = cli("data", "check", "a", "b", "--set", "domains=paired")
    assert said.code == 0, said.err
    assert "3 pairs used of" in said.out
    assert "no partner" in said.out


def test_show_lays_both_side_by_side(cli: Cli, folders: Path) -> None:
    said = cli("data", "show", "a", "b", "--to", "s.png", "--resolution", "8")
    assert said.code == 0, said.err
    with Image.open(folders / "s.png") as sheet:
        assert sheet.width % 2 == 0
    assert "3 times a | b" in said.out


def test_build_makes_a_store_that_check_reads(cli: Cli, folders: Path) -> None:
    said = cli("data", "build", "a", "b", "--to", "both", "--resolution", "8")
    assert said.code == 0, said.err
    assert Domains.open(folders / "both").names == ("a", "b")
    assert "every byte is as it was written" in cli("data", "check", "both").out
    again = cli("data", "build", "both", "--to", "other")
    assert again.code == 2
    assert "is built already" in again.err
    taken = cli("data", "build", "a", "b", "--to", "a")
    assert taken.code == 2
    assert "holds something else" in taken.err
