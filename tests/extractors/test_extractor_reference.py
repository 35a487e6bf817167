"""Our networks beside the public ones, on the same random weights and pictures."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from progan.extractors.efficientnet import EfficientNetLite0
from progan.extractors.inception import FIDInception, inception
from progan.extractors.weights import filled

ROOT = Path(__file__).parents[2]
STORED = json.loads((ROOT / "tests/golden/extractor_reference.json").read_text("utf-8"))


def load_rules() -> Any:
    """The script that stored the values: its rules for pictures and weights."""
    path = ROOT / "benchmarks" / "extractor_reference.py"
    spec = importlib.util.spec_from_file_location("extractor_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RULES = load_rules()


def differs(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """Largest difference of each list, relative to the size of its numbers."""
    found = {}
    for name, stored in theirs.items():
        a, b = torch.tensor(ours[name]), torch.tensor(stored)
        found[name] = float((a - b).abs().max() / b.abs().max())
    return found


@pytest.fixture(scope="module")
def random_inception() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        shapes = RULES.shapes_of(FIDInception())
    state: dict[str, torch.Tensor] = RULES.random_weights(shapes)
    return state


@pytest.mark.parametrize("kind", ["small", "large"])
@pytest.mark.parametrize(
    ("reference", "resize"),
    [("torch-fidelity 0.4.0", "tf-bilinear"), ("pytorch-fid 0.3.0", "torch-bilinear")],
)
def test_inception_agrees_with_the_public_networks(
    random_inception: dict[str, torch.Tensor], reference: str, resize: str, kind: str
) -> None:
    ours = inception(random_inception, "0" * 64, resize)
    seen = ours.prepare(torch.from_numpy(RULES.pictures(kind)))
    with torch.inference_mode():
        found = RULES.summary(*ours.network(seen))
    assert max(differs(found, STORED[reference][kind]).values()) < 1e-5


def test_efficientnet_agrees_with_the_public_network() -> None:
    with torch.device("meta"):
        shapes = RULES.shapes_of(EfficientNetLite0())
    ours = filled(EfficientNetLite0, RULES.random_weights(shapes), "it").eval()
    x = (torch.from_numpy(RULES.pictures("large"))[:, :, :224, :224].float() - 127) / 128
    with torch.inference_mode():
        found = RULES.summary(*ours(x))
    stored = STORED["efficientnet-lite-pytorch 0.1.0"]["large"]
    assert max(differs(found, stored).values()) < 1e-5
