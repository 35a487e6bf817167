"""progan metrics: extractors listed, trained and kept, in plain words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from progan.extractors import inception_file
from small_world import Cli


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(inception_file.VARIABLE, raising=False)


def test_a_trained_extractor_tells_how_good_it_is_and_is_listed(cli: Cli) -> None:
    labels = np.arange(210) % 3
    images = np.broadcast_to(80 * labels[:, None, None], (210, 16, 16)).astype(np.uint8)
    np.savez("grey.npz", images=images, labels=labels)
    made = cli("metrics", "train-extractor", "grey.npz", "--images", "256", "--seed", "4")
    assert made.code == 0, made.err
    assert "of 30 pictures it has not seen (1 in 7, held out)" in " ".join(made.out.split())
    name = made.out.split("whose name is ")[1].split()[0]
    listed = cli("metrics", "extractors")
    assert listed.code == 0
    assert f"{name}  ready" in listed.out


def test_what_is_missing_is_said_with_the_way_to_it(cli: Cli) -> None:
    listed = " ".join(cli("metrics", "extractors").out.split())
    assert "inception-2015-12-05:tf-bilinear not ready" in listed
    assert "progan metrics get-inception --download" in listed


@pytest.mark.parametrize("words", [[], ["--download", "--from", "a.pth"]])
def test_get_inception_takes_one_of_two_ways(cli: Cli, words: list[str]) -> None:
    said = cli("metrics", "get-inception", *words)
    assert said.code == 2
    assert "takes one of two" in said.err


def test_a_file_that_is_not_the_public_one_is_refused(cli: Cli) -> None:
    Path("other.pth").write_bytes(b"something else")
    said = cli("metrics", "get-inception", "--from", "other.pth")
    assert said.code == 3
    assert "is not the public file of FID's Inception" in said.err
    assert not list(Path().rglob("*.safetensors"))
