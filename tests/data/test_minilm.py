"""all-MiniLM-L6-v2 is read from its package, only if it is the published one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from progan.core.errors import ConfigError, DataError
from progan.data import minilm
from progan.data.encoders import encoder_of
from progan.data.minilm import MiniLM


def test_a_missing_package_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    encoder = MiniLM()  # nothing is looked for yet
    assert (encoder.name, encoder.width, len(encoder.sha256)) == ("minilm", 384, 64)
    with pytest.raises(ConfigError, match=r"pip install 'progan\[text\]'"):
        encoder.encode(["a cat"])


def test_files_that_are_not_the_published_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(minilm, "find_spec", lambda name: spec)
    with pytest.raises(DataError, match=r"model\.safetensors cannot be read"):
        MiniLM().encode(["a cat"])
    (tmp_path / "model" / "model.safetensors").write_bytes(b"others")
    with pytest.raises(DataError, match="not that of all-MiniLM-L6-v2") as caught:
        MiniLM().encode(["a cat"])
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(find_spec(minilm.PACKAGE) is None, reason="needs progan[text]")
def test_the_real_one_knows_what_is_like_what() -> None:
    encoder = encoder_of("minilm")
    assert encoder is not None
    texts = ["a cat", "a smiling cat", "a fire engine", "a person with red hair"]
    found = encoder.encode(texts)
    assert found.shape == (4, 384)
    like = found @ found.T
    torch.testing.assert_close(like.diagonal(), torch.ones(4))
    assert like[0, 1] > 2 * like[0, 2]
    first = torch.tensor([-0.02611, -0.02277, -0.04454, 0.00011, -0.06714, 0.03361])
    torch.testing.assert_close(found[3, :6], first, atol=2e-5, rtol=0)
    torch.testing.assert_close(encoder.encode(texts[3:]), found[3:], atol=1e-6, rtol=0)
