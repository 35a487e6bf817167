"""Whole sessions, tiny: what was decided is written down, and replays bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from progan.assemble.training.ask import Asked, prepare
from progan.assemble.training.train import Outcome, resume_run, train_run
from progan.core.config import read_recipe
from progan.core.errors import CheckpointError, ConfigError
from quiet import Quiet
from small_world import weights

TINY = (
    "fmap_max=8",
    "latent_size=8",
    "data.images=200",
    "train.previews=4",
    "train.log_every=5",
    "train.threads=1",
    "train.precision=fp32",
)


def train(
    tmp_path: Path, words: str = "portraits", screen: Quiet | None = None, **more: Any
) -> Outcome:
    options: dict[str, Any] = {"resolution": 8, "sets": TINY, "runs": tmp_path / "runs", **more}
    return train_run(prepare(Asked(words=words, **options)), screen or Quiet())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train(tmp_path_factory.mktemp("whole"), images=600)


def test_a_run_folder_is_complete(whole: Outcome) -> None:
    assert whole.exit_code == 0
    found = {str(p.relative_to(whole.path)) for p in whole.path.rglob("*") if p.is_file()}
    wanted = """
        recipe.yaml recipe.lock.yaml decisions.jsonl environment.json data.json data_report.txt
        log.txt metrics.jsonl timing.jsonl pictures/real.png timeline.webp report.html
        model/model.safetensors model/config.json model/README.md review/review.json
    """
    for name in wanted.split():
        assert name in found, name
    assert sum(name.startswith("checkpoints/") for name in found) >= 3
    assert not any(".tmp-" in name for name in found)


def test_the_lock_replays_the_run_bit_for_bit(whole: Outcome, tmp_path: Path) -> None:
    again = train(
        tmp_path, str(whole.path / "recipe.lock.yaml"), resolution=None, sets=(), name="again"
    )
    assert weights(again.path) == weights(whole.path)
    assert (again.path / "metrics.jsonl").read_text() == (whole.path / "metrics.jsonl").read_text()


def test_a_run_fitted_to_time_replays_from_its_lock(tmp_path: Path) -> None:
    fitted = train(tmp_path, minutes=0.15, sets=TINY[:-2])  # and a measured machine
    lock = read_recipe(fitted.path / "recipe.lock.yaml")
    assert lock.train.minutes is None
    assert lock.plan is not None
    again = train(tmp_path, str(fitted.path / "recipe.lock.yaml"), resolution=None, sets=())
    assert again.images == fitted.images
    assert weights(again.path) == weights(fitted.path)


def test_a_stopped_session_resumes_to_the_same_bits(whole: Outcome, tmp_path: Path) -> None:
    stopped = train(tmp_path, screen=Quiet(stop_at=9), images=600)
    assert stopped.exit_code == 143
    assert stopped.images < whole.images
    done = resume_run(stopped.path, Quiet())
    assert (done.exit_code, done.images) == (0, whole.images)
    assert weights(done.path) == weights(whole.path)
    for name in ("metrics.jsonl", "quality.jsonl"):
        if (whole.path / name).exists():
            assert (done.path / name).read_text() == (whole.path / name).read_text()
    for picture in sorted((whole.path / "pictures").iterdir()):
        assert (done.path / "pictures" / picture.name).read_bytes() == picture.read_bytes()


def test_a_finished_run_says_how_to_go_on_and_does(whole: Outcome, tmp_path: Path) -> None:
    import shutil

    copied = tmp_path / "runs" / "copy"
    shutil.copytree(whole.path, copied)
    with pytest.raises(ConfigError, match=r"is finished.*--minutes 20"):
        resume_run(copied, Quiet())
    longer = resume_run(copied, Quiet(), images=200)
    assert whole.images + 200 <= longer.images < whole.images + 300
    lines = (copied / "decisions.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds[-1] == "longer"


def test_changed_pictures_need_a_word(tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(8):
        Image.new("RGB", (16, 16), (number * 30, 90, 200 - number * 20)).save(
            folder / f"{number}.png"
        )
    stopped = train(
        tmp_path,
        str(folder),
        screen=Quiet(stop_at=3),
        images=600,
        sets=[word for word in TINY if "images" not in word],
    )
    Image.new("RGB", (16, 16), "white").save(folder / "new.png")
    with pytest.raises(CheckpointError, match=r"data changed.*--accept-new-data"):
        resume_run(stopped.path, Quiet())
    assert resume_run(stopped.path, Quiet(), accept_new_data=True).exit_code == 0


def test_tensorboard_files_are_written_when_asked(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    outcome = train(tmp_path, images=100, tensorboard=True)
    assert list((outcome.path / "tensorboard").glob("events.*"))
    assert "was dropped" not in (outcome.path / "log.txt").read_text()
