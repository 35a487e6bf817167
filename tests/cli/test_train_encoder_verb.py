"""progan data train-encoder: a captions' network of its own, in plain words, and a run with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from small_world import Cli


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_encoder_serves_a_run_and_its_model_reads_new_texts(cli: Cli) -> None:
    short = ["--images", "64", "--resolution", "16", "--features", "8", "--to", "e.safetensors"]
    made = cli("data", "train-encoder", "portraits", *short)
    assert made.code == 0, made.err
    said = " ".join(made.out.split())
    assert "find their own caption among 100; by chance 1.0%" in said
    assert "--set data.vectors=e.safetensors" in said
    sets = [
        *("--set", "data.vectors=e.safetensors", "--set", "data.images=64", "--set", "ratio=2"),
        *("--set", "width=2", "--set", "critic_width=2", "--set", "second_width=2"),
        *("--set", "second_critic_width=2", "--set", "code=8", "--set", "batch=4"),
        *("--images", "32", "--resolution", "16", "--name", "run"),
    ]
    run = cli("train", "portraits", "--system", "stackgan", *sets)
    assert run.code == 0, run.err
    assert "captions " not in run.out.split("stage", 1)[1].split("Done")[0]  # no stage of its own
    text = ["--text", "a robot, which no caption had"]
    drawn = cli("sample", "runs/run", *text, "--seeds", "0-1", "two.png")
    assert drawn.code == 0, drawn.err
    Path("e.safetensors").unlink()
    refused = cli("sample", "runs/run", *text, "--seeds", "0-1", "three.png")
    assert refused.code == 2
    assert "the encoder that it was trained with is not here: e.safetensors" in " ".join(
        refused.err.split()
    )
    assert "Traceback" not in refused.err
