"""Our numbers beside those of torch-fidelity and prdc on the same features, to 1e-6 of the value.

`benchmarks/reference_metrics.py` makes the features by formula, and made the stored values.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pages
from progan.metrics.frechet import fid
from progan.metrics.inception_score import inception_score
from progan.metrics.kernels import RBF, Polynomial, mmd
from progan.metrics.neighbours import prdc, precision_recall

STORED = json.loads((Path(__file__).parent / "data" / "reference.json").read_text("utf-8"))


def script() -> Any:
    path = pages.ROOT / "benchmarks" / "reference_metrics.py"
    spec = importlib.util.spec_from_file_location("reference_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = script()
cases = pytest.mark.parametrize("case", MADE.CASES)


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-6)


def sets(case: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    return (*MADE.features(**MADE.CASES[case]), STORED["features"][case])


@cases
def test_fid_is_that_of_torch_fidelity(case: str) -> None:
    real, fake, stored = sets(case)
    assert fid(real, fake).value == close(stored["fid"])


@cases
def test_kid_over_the_subsets_of_torch_fidelity_is_its_kid(case: str) -> None:
    real, fake, stored = sets(case)
    rng = np.random.RandomState(MADE.DRAWS)
    found = []
    for _ in range(MADE.SUBSETS):
        ours = real[rng.choice(len(real), MADE.SIZE, replace=False)]
        theirs = fake[rng.choice(len(fake), MADE.SIZE, replace=False)]
        found.append(mmd(ours, theirs, Polynomial()).value)
    assert np.mean(found) == close(stored["kid"])
    assert np.std(found) == close(stored["kid spread"])


@cases
def test_mmd_of_whole_sets_is_that_of_torch_fidelity_with_both_kernels(case: str) -> None:
    real, fake, stored = sets(case)
    n = min(len(real), len(fake))
    assert mmd(real[:n], fake[:n], Polynomial()).value == close(stored["mmd cubic"])
    gaussian = RBF(sigma=MADE.SIGMA, scales=(1.0,))
    assert mmd(real[:n], fake[:n], gaussian).value == close(stored["mmd rbf"])


@cases
def test_precision_and_recall_are_those_of_torch_fidelity(case: str) -> None:
    real, fake, stored = sets(case)
    found = precision_recall(real, fake)
    assert found.precision.value == close(stored["precision"])
    assert found.recall.value == close(stored["recall"])


@cases
def test_density_and_coverage_are_those_of_prdc(case: str) -> None:
    real, fake, stored = sets(case)
    found = prdc(real, fake)
    ours = {name: getattr(found, name).value for name in stored["prdc"]}
    assert ours == {name: close(value) for name, value in stored["prdc"].items()}


@pytest.mark.parametrize("case", MADE.SCORES)
def test_the_inception_score_is_that_of_torch_fidelity(case: str) -> None:
    found = inception_score(MADE.logits(**MADE.SCORES[case]), splits=MADE.SPLITS, seed=None)
    assert found.value == close(STORED["scores"][case]["mean"])
    assert found.spread == close(STORED["scores"][case]["spread"])


def test_the_stored_values_are_those_of_all_cases_and_name_what_made_them() -> None:
    assert set(STORED["features"]) == set(MADE.CASES)
    assert set(STORED["scores"]) == set(MADE.SCORES)
    assert {"torch-fidelity", "prdc", "numpy"} <= set(STORED["versions"])
