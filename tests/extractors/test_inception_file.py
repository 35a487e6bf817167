"""FID's weights: the user's file or the public one, compared by checksum, kept without pickle."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from progan.core.errors import CheckpointError, ConfigError, DataError
from progan.engine.checkpoint import save_checkpoint
from progan.extractors import inception_file
from progan.extractors.weights import Known

STATE = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.ones(2)}


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file that stands for the public one."""
    path = tmp_path / "public.pth"
    torch.save(STATE, path)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    small = Known(title="the file", size=len(content), sha256=digest, way=inception_file.WAY)
    monkeypatch.setattr(inception_file, "PUBLIC", small)
    monkeypatch.delenv(inception_file.VARIABLE, raising=False)
    return path


def web(**places: bytes) -> Callable[..., Any]:
    """Stands for the network: what lies at each address."""

    def opened(url: str, timeout: float) -> io.BytesIO:
        if url not in places:
            raise URLError("no route")
        return io.BytesIO(places[url])

    return opened


def is_state(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[n], STATE[n]) for n in STATE)


def test_the_public_file_and_what_is_kept_of_it_hold_the_same(public: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.safetensors"
    inception_file.keep(public, kept)
    for path in (public, kept):
        state, sha256 = inception_file.read(path)
        assert is_state(state)
        assert sha256 == hashlib.sha256(public.read_bytes()).hexdigest()


def test_another_file_is_not_kept(public: Path, tmp_path: Path) -> None:
    torch.save({**STATE, "fc.bias": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(DataError, match="is not the file"):
        inception_file.keep(tmp_path / "other.pth", tmp_path / "kept.safetensors")
    assert not (tmp_path / "kept.safetensors").exists()


def test_a_checkpoint_of_something_else_is_refused(public: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", STATE, {"kind": "run"})
    with pytest.raises(CheckpointError, match="does not hold the weights"):
        inception_file.read(tmp_path / "a.safetensors")


def test_a_place_that_fails_is_followed_by_the_next(public: Path, tmp_path: Path) -> None:
    to, heard = tmp_path / "kept.safetensors", []
    good = public.read_bytes()
    url = inception_file.download(
        to,
        urls=("gone", "wrong", "good"),
        opened=web(wrong=b"<html>", good=good),
        heard=heard.append,
    )
    assert url == "good"
    assert heard[-1] == len(good)
    assert is_state(inception_file.read(to)[0])


def test_nothing_is_kept_of_a_file_with_another_checksum(public: Path, tmp_path: Path) -> None:
    changed = bytearray(public.read_bytes())
    changed[-1] ^= 1
    with pytest.raises(DataError, match=r"could not be fetched(.|\n)*--from FILE"):
        inception_file.download(
            tmp_path / "kept.safetensors", urls=("a",), opened=web(a=bytes(changed))
        )
    assert [path.name for path in tmp_path.iterdir()] == ["public.pth"]


def test_an_endless_answer_is_read_no_further_than_the_public_size(
    public: Path, tmp_path: Path
) -> None:
    answer = io.BytesIO(bytes(10 * public.stat().st_size))
    read: list[int] = []
    with pytest.raises(DataError):
        inception_file.download(
            tmp_path / "kept.safetensors",
            urls=("a",),
            opened=lambda url, timeout: answer,
            heard=read.append,
        )
    assert read[-1] == public.stat().st_size + 1


def test_the_named_file_comes_before_the_variable_and_that_before_the_folder(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / inception_file.FILE
    kept.touch()
    assert inception_file.find(None, tmp_path) == kept
    (tmp_path / "variable.pth").touch()
    monkeypatch.setenv(inception_file.VARIABLE, str(tmp_path / "variable.pth"))
    assert inception_file.find(None, tmp_path) == tmp_path / "variable.pth"
    assert inception_file.find(public, tmp_path) == public


def test_a_named_file_that_is_missing_is_not_replaced_by_another(
    public: Path, tmp_path: Path
) -> None:
    (tmp_path / inception_file.FILE).touch()
    with pytest.raises(ConfigError, match=r"none\.pth is not there\. Get it: progan metrics"):
        inception_file.find(tmp_path / "none.pth", tmp_path)
