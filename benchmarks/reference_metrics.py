"""What torch-fidelity and prdc say of features that a formula makes; progan must say the same.

    pip install torch-fidelity prdc          # in an environment of its own
    python benchmarks/reference_metrics.py tests/metrics/data/reference.json

Only their functions of arrays are called; no network and no picture is. `torch_fidelity` imports
torchvision, which none of these functions uses: where it cannot be imported, an empty stand-in
takes its place. `tests/metrics/test_features_reference.py` compares.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]

CASES: dict[str, dict[str, Any]] = {
    "narrow": {"seed": 1, "real": 500, "fake": 500, "width": 8},
    "wide": {"seed": 2, "real": 600, "fake": 600, "width": 64},
    "unequal": {"seed": 3, "real": 700, "fake": 400, "width": 16},
    "rectified": {"seed": 4, "real": 600, "fake": 600, "width": 48, "rectify": True},
    "same": {"seed": 5, "real": 500, "fake": 500, "width": 16, "shift": 0.0, "scale": 1.0},
}
SUBSETS, SIZE, DRAWS = 20, 100, 2020
SIGMA = 3.0
SPLITS = 10


def features(
    seed: int,
    real: int,
    fake: int,
    width: int,
    shift: float = 0.3,
    scale: float = 1.2,
    rectify: bool = False,
) -> Arrays:
    """Two sets by formula: x M and scale · y M + shift, with M, x, y normal; then max(0, ·)."""
    draw = np.random.RandomState(seed).standard_normal  # its stream never changes
    mix = draw((width, width)) / width**0.5
    x, y = draw((real, width)) @ mix, scale * draw((fake, width)) @ mix + shift
    return (np.maximum(x, 0), np.maximum(y, 0)) if rectify else (x, y)


def logits(seed: int, images: int, classes: int, sharpness: float) -> np.ndarray:
    """Sharpness times normal numbers."""
    return sharpness * np.random.RandomState(seed).standard_normal((images, classes))


SCORES: dict[str, dict[str, Any]] = {
    "soft": {"seed": 11, "images": 1000, "classes": 10, "sharpness": 1.0},
    "sharp": {"seed": 12, "images": 1003, "classes": 10, "sharpness": 30.0},
    "many classes": {"seed": 13, "images": 500, "classes": 200, "sharpness": 3.0},
}


def load() -> dict[str, str]:
    """Import torch-fidelity; what stands in for torchvision, and the versions."""
    try:
        importlib.import_module("torch_fidelity")
        stand_in = "none"
    except (ImportError, RuntimeError):
        for name in [n for n in sys.modules if n.partition(".")[0] in _TWO]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Nothing())
        importlib.import_module("torch_fidelity")
        stand_in = "an empty module for torchvision"
    names = ("torch-fidelity", "prdc", "torch", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in names},
        "stand-in": stand_in,
    }


_TWO = ("torchvision", "torch_fidelity")


class _Nothing:
    """Finds torchvision and all that is in it: nothing that anybody calls."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.partition(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> Any:
        empty = mock.MagicMock(name=spec.name)
        empty.__path__, empty.__spec__, empty.__name__ = [], spec, spec.name
        return empty

    def exec_module(self, module: Any) -> None:
        pass


def compare(real: np.ndarray, fake: np.ndarray) -> dict[str, Any]:
    """Every number of two sets of features."""
    import torch
    from prdc import compute_prdc
    from torch_fidelity import metric_fid, metric_kid, metric_prc

    x, y = torch.from_numpy(real), torch.from_numpy(fake)
    first, second = (metric_fid.fid_features_to_statistics(z) for z in (x, y))
    fid = metric_fid.fid_statistics_to_metric(first, second, False)
    quiet = {"verbose": False, "rng_seed": DRAWS}
    kids = metric_kid.kid_features_to_metric(
        x, y, kid_subsets=SUBSETS, kid_subset_size=SIZE, **quiet
    )
    whole = min(len(x), len(y))
    one = {"kid_subsets": 1, "kid_subset_size": whole, **quiet}
    cubic = metric_kid.kid_features_to_metric(x[:whole], y[:whole], **one)
    rbf = metric_kid.kid_features_to_metric(
        x[:whole], y[:whole], kid_kernel="rbf", kid_kernel_rbf_sigma=SIGMA, **one
    )
    # torch-fidelity takes the generated set first
    prc = metric_prc.prc_features_to_metric(y, x, prc_neighborhood=3, verbose=False)
    mean = "kernel_inception_distance_mean"
    return {
        "fid": fid["frechet_inception_distance"],
        "kid": kids[mean],
        "kid spread": kids["kernel_inception_distance_std"],
        "mmd cubic": cubic[mean],
        "mmd rbf": rbf[mean],
        "precision": prc["precision"],
        "recall": prc["recall"],
        "prdc": {name: float(v) for name, v in compute_prdc(real, fake, nearest_k=5).items()},
    }


def score(rows: np.ndarray) -> dict[str, float]:
    """The Inception score of logits, neighbours making a part."""
    import torch
    from torch_fidelity import metric_isc

    found = metric_isc.isc_features_to_metric(torch.from_numpy(rows), SPLITS, shuffle=False)
    return {"mean": found["inception_score_mean"], "spread": found["inception_score_std"]}


def main() -> None:
    versions = load()
    content = {
        "made by": "python benchmarks/reference_metrics.py",
        "versions": versions,
        "features": {name: compare(*features(**case)) for name, case in CASES.items()},
        "scores": {name: score(logits(**case)) for name, case in SCORES.items()},
    }
    text = json.dumps(content, indent=2) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
