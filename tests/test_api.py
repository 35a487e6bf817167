from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import progan
from imported import imported
from progan.core.errors import ConfigError


def test_importing_progan_and_its_errors_imports_neither_torch_nor_numpy() -> None:
    code = "import progan, progan.api; progan.ProganError, progan.Run, progan.__version__"
    assert imported(code, "torch", "numpy", "PIL", "pydantic") == set()


def test_every_name_that_is_offered_is_there() -> None:
    for name in progan.__all__:
        assert getattr(progan, name) is not None
    assert set(progan.__all__) <= set(dir(progan))
    with pytest.raises(AttributeError, match="no attribute 'samples'"):
        _ = progan.samples  # type: ignore[attr-defined]


def test_a_grid_is_laid_out_row_by_row() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 3), np.uint8)
    picture = progan.grid(images, "3x2")
    assert picture.size == (9, 4)
    pixels = np.asarray(picture)[::2, ::3, 0]
    assert pixels.tolist() == [[0, 1, 2], [3, 4, 255]]
    assert np.array_equal(np.asarray(progan.grid(images, (3, 2))), np.asarray(picture))


def test_a_grid_has_all_the_cells_that_were_asked_for() -> None:
    images = np.zeros((3, 2, 2, 1), np.uint8)
    assert progan.grid(images).size == (4, 4)
    tall = progan.grid(images, "1x5")
    assert (tall.size, tall.mode) == ((2, 10), "L")
    assert np.asarray(tall)[6:].min() == 255


@pytest.mark.parametrize(
    ("images", "shape", "words"),
    [
        (np.zeros((5, 2, 2, 3), np.uint8), "2x2", "5 pictures do not fit"),
        (np.zeros((5, 2, 2, 3), np.float32), None, "float32 of shape"),
        (np.zeros((2, 2, 3), np.uint8), None, "n h w c"),
        (np.zeros((0, 2, 2, 3), np.uint8), None, "at least one"),
        (np.zeros((4, 2, 2, 3), np.uint8), "four", "grid is"),
    ],
)
def test_what_is_no_grid_is_refused(images: np.ndarray, shape: str | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        progan.grid(images, shape)


def test_train_says_what_the_command_line_would_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import progan.assemble.training.train as place

    heard: dict[str, Any] = {}

    def train_run(prepared: Any, screen: Any) -> Any:
        heard.update(prepared=prepared, screen=screen)
        return SimpleNamespace(path=tmp_path / "runs" / "shapes")

    monkeypatch.setattr(place, "train_run", train_run)
    run = progan.train(
        "portraits",
        minutes=3,
        resolution=16,
        seed=4,
        name="shapes",
        runs=tmp_path / "runs",
        set={"optimizer.lr": 2e-4, "data.mirror": True, "batch": {"4": 8}, "preset": None},
    )
    recipe = heard["prepared"].recipe
    assert (recipe.system, recipe.train.minutes, recipe.train.seed) == ("progan", 3, 4)
    assert (recipe.data.resolution, recipe.data.mirror) == (16, True)
    assert recipe.set == {"optimizer.lr": 2e-4, "batch": {"4": 8}}
    assert heard["prepared"].asked.name == "shapes"
    assert run == progan.Run(tmp_path / "runs" / "shapes")
    assert run.report == run.path / "report.html"


def test_a_setting_that_no_recipe_can_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="set says optimizer is <object"):
        progan.train("portraits", set={"optimizer": object()})


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(progan.ProganError, match="There is no run or model at"):
        progan.Run(tmp_path / "cats").model()
