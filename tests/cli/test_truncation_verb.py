"""`progan truncation`: the curve, its files, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from progan.assemble.measuring import truncation as measuring
from progan.assemble.models.model import Model
from progan.cli import truncation as verb
from progan.extractors import names
from progan.extractors.trained import Classifier, as_extractor
from small_world import Cli
from tiny_run import tiny_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("runs"))[0]


@pytest.fixture(autouse=True)
def blank(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extractor that has learned nothing."""
    torch.manual_seed(0)
    classes = tuple("abcdefghij")
    extractor = as_extractor(
        Classifier(16, 1, 10).eval(), "blank", side=16, channels=1, classes=classes
    )
    monkeypatch.setattr(names, "lookup", lambda name, device: extractor)


def test_every_threshold_gets_a_line_and_a_row_and_the_latents_it_names(
    trained: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []
    standing = Model.standing

    def watched(self: Model, truncation: float | None = None) -> Model:
        asked.append(truncation)
        return standing(self, truncation)

    monkeypatch.setattr(Model, "standing", watched)
    places = [tmp_path / f"curve.{kind}" for kind in ("csv", "svg", "json")]
    words = ["--csv", places[0], "--plot", places[1], "--json", places[2]]
    said = cli(
        *("truncation", trained, "--extractor", "blank", "--images", 20),
        *("--thresholds", "none,1,0.04", *words),
    )
    assert said.code == 0, said.err
    assert asked == [None, 0.5, 0.02]  # half the threshold
    for line in ("Least distance: FD", "At the score of real pictures, IS", "Highest score: IS"):
        assert line in said.out
    rows = list(csv.DictReader(io.StringIO(places[0].read_text())))
    assert [row["threshold"] for row in rows] == ["", "1.0", "0.04"]
    assert [row["truncation"] for row in rows] == ["", "0.5", "0.02"]
    assert all(float(row["spread"]) > 0 for row in rows)
    found = json.loads(places[2].read_text())
    assert [point["images"] for point in found["points"]] == [20] * 3
    assert places[1].read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ((), "say whose: progan truncation RUN --extractor"),
        (("--extractor", "blank", "--images", "4"), "at least 20"),
        (("--extractor", "blank", "--plot", "a.png"), "--plot a.svg"),
        (("--extractor", "blank", "--thresholds", "1,high"), '"high"'),
        (("--extractor", "blank", "--thresholds", "0.5,1"), "each smaller than the one before"),
        (("--extractor", "blank", "--thresholds", "2,1"), "from below 2"),
        (("--extractor", "blank", "--thresholds", "1,none"), "none before them all"),
    ],
)
def test_what_cannot_be_measured_is_answered(
    trained: Path, cli: Cli, words: tuple[str, ...], answer: str
) -> None:
    said = cli("truncation", trained, *words)
    assert said.code == 2
    assert answer in said.err


def test_latents_that_are_not_normal_have_no_curve(trained: Path, monkeypatch: Any) -> None:
    class Uniform:
        prior, role = "uniform", "noise"

    model: Any = type("Model", (), {"system": type("S", (), {"latent_fields": (Uniform,)})})
    with pytest.raises(Exception, match="not normal, so there is nothing to cut"):
        measuring._check(model, type("E", (), {"classes": 10, "name": "e"})(), (None, 1.0))


def test_a_threshold_is_twice_what_sample_is_told() -> None:
    assert measuring.share_of(None) is None
    assert measuring.share_of(1.5) == 0.75
    assert verb._cut(None) == "nowhere"
