"""Weights of other people: only the very file that is known, and only tensors out of it."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from progan.core.errors import DataError
from progan.extractors.weights import Known, filled, read_known


def known(content: bytes) -> Known:
    digest = hashlib.sha256(content).hexdigest()
    return Known(title="the file", size=len(content), sha256=digest, way="Get it.")


def saved(state: object) -> bytes:
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


def test_the_known_file_gives_its_tensors(tmp_path: Path) -> None:
    content = saved({"a": torch.arange(3.0), "version": 2})
    (tmp_path / "a.pth").write_bytes(content)
    found = read_known(tmp_path / "a.pth", known(content))
    assert list(found) == ["a"]
    assert found["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"!", lambda c: b"x" + c[1:]])
def test_any_other_file_is_refused(tmp_path: Path, change: object) -> None:
    assert callable(change)
    content = saved({"a": torch.zeros(2)})
    (tmp_path / "a.pth").write_bytes(change(content))
    with pytest.raises(DataError, match=r"a\.pth is not the file: .* SHA-256 .* Get it\."):
        read_known(tmp_path / "a.pth", known(content))


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.canary,))


def test_nothing_of_an_unknown_pickle_is_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"a": Hostile(canary)}))
    with pytest.raises(DataError):
        read_known(tmp_path / "a.pth", known(b"other"))
    assert not canary.exists()


def test_a_missing_file_is_named_with_the_way_to_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.pth cannot be read: No such file .* Get it\."):
        read_known(tmp_path / "none.pth", known(b""))


def normed() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.BatchNorm2d(2))


def test_a_network_is_filled_though_counters_of_batches_are_missing() -> None:
    state = {n: torch.rand_like(t) for n, t in normed().state_dict().items() if t.ndim}
    network = filled(normed, state, "a network")
    assert all(torch.equal(network.state_dict()[name], value) for name, value in state.items())
    assert network.state_dict()["1.num_batches_tracked"] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("0.weight", None), ("0.bias", torch.zeros(2)), ("1.weight", torch.zeros(3))],
    ids=["missing", "unknown", "of another shape"],
)
def test_weights_of_another_layout_are_refused(name: str, value: torch.Tensor | None) -> None:
    state = {n: t for n, t in normed().state_dict().items() if n != name}
    if value is not None:
        state[name] = value
    with pytest.raises(DataError, match=f"not the weights of a network: 1 of 5 .* first {name}"):
        filled(normed, state, "a network")
