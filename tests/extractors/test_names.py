"""Extractors by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from progan.core.errors import ConfigError
from progan.extractors import inception_file, names
from progan.extractors.names import lookup, offers
from progan.extractors.trained import Classifier, Facts, save_trained


def make(path: Path, seed: int = 0) -> str:
    """An untrained classifier's file; its checksum."""
    facts = Facts(
        side=16,
        channels=1,
        classes=("a", "b"),
        data="some pictures",
        data_fingerprint="",
        test="others",
        test_fingerprint="",
        seed=seed,
        images=0,
        trained_on=100,
        tested_on=1000,
        accuracy=0.875,
        accuracy_by_class=(0.5, 0.9),
    )
    return save_trained(path, Classifier(16, 1, 2), facts)


def test_a_trained_extractor_is_found_by_its_hash_and_by_its_file(tmp_path: Path) -> None:
    sums = [make(tmp_path / f"{seed}.safetensors", seed) for seed in (0, 1)]
    for seed, sha256 in enumerate(sums):
        by_hash = lookup(f"trained:{sha256[:12]}", folder=tmp_path)
        by_file = lookup(str(tmp_path / f"{seed}.safetensors"))
        assert by_hash.sha256 == by_file.sha256 == sha256
        assert by_hash.name == f"trained:{sha256[:12]}"


def test_a_copy_of_the_same_file_is_not_another_extractor(tmp_path: Path) -> None:
    sha256 = make(tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes())
    assert lookup(f"trained:{sha256[:12]}", folder=tmp_path).sha256 == sha256


def test_a_hash_that_fits_two_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (0, 1):
        make(tmp_path / f"{seed}.safetensors", seed)
    sums = {"0.safetensors": "abc0" * 16, "1.safetensors": "abc1" * 16}
    monkeypatch.setattr(names, "read_checksum", lambda path: sums[path.name])
    with pytest.raises(ConfigError, match=r"fits 2 files .* Write more of the hash"):
        lookup("trained:abc", folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("efnet-lite0", "Did you mean effnet-lite0?"),
        ("inception-2015-12-05", "There are effnet-lite0, inception-2015-12-05:tf-bilinear"),
        ("vgg16", 'There is no extractor "vgg16".'),
        ("trained:", "is not in the folder"),
        ("trained:0123456789ab", "train one: progan metrics train-extractor DATA"),
        ("gone.safetensors", "gone.safetensors is not there"),
    ],
)
def test_unknown_names_are_told_what_there_is(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        lookup(name, folder=tmp_path)
    assert said in str(told.value)


def test_offers_name_every_extractor_and_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(inception_file.VARIABLE, raising=False)
    sha256 = make(tmp_path / "mine.safetensors")
    (tmp_path / "other.safetensors").write_bytes(b"not one of ours")
    found = {offer.name: offer for offer in offers(folder=tmp_path)}
    assert list(found) == [
        "effnet-lite0",
        "inception-2015-12-05:tf-bilinear",
        "inception-2015-12-05:torch-bilinear",
        f"trained:{sha256[:12]}",
    ]
    assert not found["inception-2015-12-05:tf-bilinear"].ready
    assert "get-inception --download" in found["inception-2015-12-05:tf-bilinear"].about
    mine = found[f"trained:{sha256[:12]}"]
    assert mine.ready
    assert "2 classes of some pictures, 87.50% right on 1,000 others" in mine.about
