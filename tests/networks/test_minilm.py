"""The sentence network computes what the reference does, with the same weights and pieces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from progan.core.wordpieces import WordPieces
from progan.networks.minilm import SentenceNetwork

SAID = json.loads(
    (Path(__file__).parents[1] / "golden" / "minilm_reference.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def network() -> SentenceNetwork:
    made = SentenceNetwork(
        pieces=len(SAID["pieces"]), places=9, width=8, inner=12, layers=2, heads=2
    )
    shapes = {name: value.shape for name, value in made.state_dict().items()}
    state = {
        name: torch.tensor(numbers).view(shapes[name]) / 64
        for name, numbers in SAID["weights_times_64"].items()
    }
    made.load_state_dict(state)
    return made


@pytest.mark.parametrize("case", SAID["cases"], ids=lambda case: case["text"])
def test_pieces_and_vectors_are_those_of_the_reference(
    network: SentenceNetwork, case: dict[str, object]
) -> None:
    text = str(case["text"])
    assert WordPieces(SAID["pieces"])(text, 512) == case["pieces"]
    with torch.no_grad():
        (found,) = network(torch.tensor([WordPieces(SAID["pieces"])(text, 9)]))
    # pieces beyond the ninth place were cut off in the reference without keeping [SEP]
    if len(case["pieces"]) <= 9:  # type: ignore[arg-type]
        torch.testing.assert_close(found, torch.tensor(case["vector"]), atol=1e-5, rtol=0)


def test_a_sentence_has_the_same_vector_whoever_stands_beside_it(network: SentenceNetwork) -> None:
    rows = torch.tensor([[2, 4, 5, 3], [2, 7, 8, 3]])
    with torch.no_grad():
        together, alone = network(rows), network(rows[1:])
    torch.testing.assert_close(together[1:], alone)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(2))
