"""`progan join`: levels that were trained apart become one model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from progan.assemble.models.model import load
from progan.assemble.models.stored import open_stored
from progan.core.errors import ConfigError
from small_world import Cli
from tiny_run import tiny_run

NARROW = ("width=4", "coarse_width=8", "coarse_critic_width=8", "latent_size=4", "batch=8")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the levels of 8 and of 16 pixels, one of both, and others that do not belong."""
    folder = tmp_path_factory.mktemp("runs")
    for name, sets in (
        ("eight", ["levels=[8]"]),
        ("sixteen", ["levels=[16]"]),
        ("both", []),
        ("nearest", ["levels=[16]", "enlarge=nearest"]),
    ):
        tiny_run(folder, name, system="lapgan", sets=[*NARROW, *sets])
    tiny_run(folder, "progan")
    return folder


def test_each_level_comes_from_its_run(runs: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("join", runs / "sixteen", runs / "eight", "--to", tmp_path / "whole")
    assert done.code == 0
    assert "one model of 2 runs" in done.out
    stored = open_stored(tmp_path / "whole")
    assert [stage.resolution for stage in stored.plan.stages] == [8, 16]
    assert stored.trained.images == 64
    for side, run in (("8", "eight"), ("16", "sixteen")):
        of_run = open_stored(runs / run).tensors
        names = [name for name in stored.tensors if f"/{side}." in name]
        assert names
        assert all(torch.equal(stored.tensors[name], of_run[name]) for name in names)


def test_what_is_joined_draws_as_any_model(runs: Path, tmp_path: Path, cli: Cli) -> None:
    cli("join", runs / "sixteen", runs / "eight", "--to", tmp_path / "whole")
    assert load(tmp_path / "whole").sample(seeds=[0, 1]).shape == (2, 16, 16, 1)
    again = cli("sample", tmp_path / "whole", tmp_path / "a.png", "--seeds", "0-3")
    assert again.code == 0


def test_a_run_of_all_levels_can_be_joined_alone(runs: Path, tmp_path: Path, cli: Cli) -> None:
    assert cli("join", runs / "both", "--to", tmp_path / "whole").code == 0
    whole, run = (load(place).sample(seeds=[5]) for place in (tmp_path / "whole", runs / "both"))
    assert (whole == run).all()


def test_a_run_of_one_level_draws_nothing_from_noise(runs: Path) -> None:
    with pytest.raises(ConfigError, match="does not make pictures from noise"):
        load(runs / "sixteen")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["eight"], r"No run has the level of 16 pixels.*--set levels=\[16\]"),
        (["eight", "both"], "The level of 8 pixels is in"),
        (["eight", "nearest"], "enlarge is bilinear in .* and nearest in"),
        (["progan", "eight"], "is of progan, which has no levels"),
        (["eight", "gone"], "There is no run or model"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(
    runs: Path, tmp_path: Path, cli: Cli, names: list[str], words: str
) -> None:
    done = cli("join", *(runs / name for name in names), "--to", tmp_path / "whole")
    assert done.code == 2
    assert re.search(words, done.err)
    assert not (tmp_path / "whole").exists()
