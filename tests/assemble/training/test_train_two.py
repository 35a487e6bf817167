"""Runs on two domains: complete, replayed bit for bit, resumed bit for bit, reviewed, measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import progan
from progan.assemble.measuring.translations import measure_translator
from progan.assemble.models.translator import Translator, load_translator
from progan.assemble.training.ask import Asked, prepare, run_name
from progan.assemble.training.train import Outcome, resume_run, train_run
from progan.core.batch import Layout, Paired, Unpaired
from progan.core.errors import CheckpointError, ConfigError
from progan.systems.registry import SYSTEMS, load_system_class
from quiet import Quiet
from small_translator import TINY, train_two
from small_world import weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train_two(tmp_path_factory.mktemp("two"))


def test_a_run_folder_is_complete(whole: Outcome) -> None:
    found = {str(p.relative_to(whole.path)) for p in whole.path.rglob("*") if p.is_file()}
    wanted = """
        recipe.yaml recipe.lock.yaml data.json data_report.txt pictures/real.png timeline.webp
        pictures/000000032_016px_ab.png pictures/000000032_016px_ba.png
        model/model.safetensors model/config.json model/README.md
        review/review.json review/translated_ab.png review/translated_ba.png report.html
    """
    assert set(wanted.split()) <= found


def test_a_run_is_named_by_both_sources() -> None:
    assert run_name(Asked(words="x/horses/", second="x/zebras.zip")) == "horses-zebras"


def test_the_review_and_the_page_show_and_measure_both_ways(whole: Outcome) -> None:
    review = json.loads((whole.path / "review/review.json").read_text())
    assert [row["way"] for row in review["translations"]] == [
        "portraits to portraits-ink",
        "portraits-ink to portraits",
    ]
    assert {row["metric"] for row in review["quality"]} == {"swd"}
    assert any(row["level"] == "mean, ba" for row in review["quality"])
    page = (whole.path / "report.html").read_text()
    assert "portraits to portraits-ink" in page
    assert f"progan translate {whole.path} FOLDER" in page
    assert "progan sample" not in page
    assert "missing from this report" not in page


def test_the_lock_replays_the_run_bit_for_bit(whole: Outcome, tmp_path: Path) -> None:
    lock = str(whole.path / "recipe.lock.yaml")
    asked = Asked(words=lock, runs=tmp_path / "runs", name="again")
    again = train_run(prepare(asked), Quiet())
    assert weights(again.path) == weights(whole.path)


def test_a_run_cut_in_half_and_resumed_has_the_same_bits(whole: Outcome, tmp_path: Path) -> None:
    half = train_two(tmp_path, sets=(*TINY, "train.until=16"), name="half")
    lock = half.path / "recipe.lock.yaml"
    assert "until: 16" in lock.read_text()
    first = json.loads((half.path / "review/review.json").read_text())["images"]
    assert first == 16
    on = resume_run(half.path, Quiet(), images=16)
    assert weights(on.path) != weights(half.path) or on.images == 32
    assert weights(on.path) == weights(whole.path)


def test_changed_pictures_are_noticed(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.new("RGB", (16, 16), (number * 9, 0, 9)).save(tmp_path / name / f"{number}.png")
    words = {"words": str(tmp_path / "a"), "second": str(tmp_path / "b")}
    run = train_two(tmp_path, sets=(*TINY, "data.images=null", "train.until=16"), **words)
    Image.new("RGB", (16, 16), (1, 200, 9)).save(tmp_path / "b/2.png")
    with pytest.raises(CheckpointError, match="--accept-new-data"):
        resume_run(run.path, Quiet(), images=16)
    on = resume_run(run.path, Quiet(), images=16, accept_new_data=True)
    assert on.exit_code == 0


def test_a_system_of_one_domain_refuses_a_second_source() -> None:
    with pytest.raises(ConfigError, match="progan learns from one kind of pictures"):
        prepare(Asked(words="portraits", second="portraits-ink", system="progan"))


def test_a_system_of_two_domains_refuses_another_kind() -> None:
    with pytest.raises(ConfigError, match=r"data\.domains is paired, but cyclegan.*unpaired"):
        prepare(
            Asked(
                words="portraits",
                second="portraits-ink",
                system="cyclegan",
                sets=("data.domains=paired",),
            )
        )


def test_pictures_are_not_cut_at_random_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cyclegan cuts pictures too, jitter=1\.1.*jitter=1$"):
        train_two(tmp_path, sets=(*TINY, "jitter=1.1", "data.jitter=true"))
    run = train_two(tmp_path, sets=(*TINY, "data.jitter=true"))
    assert run.images == 32


def test_the_api_loads_what_translates(whole: Outcome) -> None:
    model = progan.load(whole.path)
    assert isinstance(model, Translator)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 10, 13, 3)).astype(np.uint8)
    made = model.translate(pictures, "ab")
    assert made.shape == pictures.shape
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(model.translate(pictures[1], "portraits-ink"), made[1])
    with pytest.raises(ConfigError, match="makes nothing from noise"):
        model.sample()


def test_the_model_folder_translates_as_the_run_does(whole: Outcome) -> None:
    run, folder = (load_translator(path) for path in (whole.path, whole.path / "model"))
    assert run.identity == folder.identity
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    for way in ("ab", "ba"):
        np.testing.assert_array_equal(run.translate(picture, way), folder.translate(picture, way))
    config = json.loads((whole.path / "model/config.json").read_text())
    assert config["directions"]["ba"] == ["portraits-ink", "portraits"]
    card = (whole.path / "model/README.md").read_text()
    assert "progan translate model PICTURES --direction ab" in card


def test_measuring_compares_translations_with_real_pictures(whole: Outcome) -> None:
    found = measure_translator(whole.path, images=16)
    assert [one.against for one, _ in found] == [
        "ab: portraits to portraits-ink",
        "ba: portraits-ink to portraits",
    ]
    for one, way in found:
        row = one.report.value("swd")
        assert row.floor is not None
        assert row.value > row.floor
        assert not way.likeness  # no pair, no truth
    with pytest.raises(ConfigError, match="msssim cannot be had"):
        measure_translator(whole.path, metrics=["msssim"])
    with pytest.raises(ConfigError, match=r"style asks judges.* 0 pictures.*data\.held_out=0\.2"):
        measure_translator(whole.path, metrics=["style"])


def test_judges_of_style_and_content_are_asked_where_enough_is_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("progan.assemble.measuring.judged.SHOWN", 600)
    run = train_two(tmp_path, sets=(*TINY, "data.images=160", "data.held_out=0.25"))
    for one, _ in measure_translator(run.path, metrics=["swd", "style", "content"], images=16):
        names = [row.metric for row in one.report.rows]
        assert names[-2:] == ["style", "content"]
        assert one.report.value("content").images == 20
        assert "by chance 0.050" in " ".join(one.report.notes())
        assert "Style" in str(one.report)


def test_a_plan_is_told_without_reading_all_pictures(tmp_path: Path) -> None:
    from progan.assemble.training.forecast import forecast

    said: list[Any] = []

    class Told(Quiet):
        def line(self, head: str, text: str) -> None:
            said.append(text)

    asked = Asked(
        words="portraits",
        second="portraits-ink",
        system="cyclegan",
        resolution=16,
        images=32,
        sets=TINY,
        runs=tmp_path / "runs",
    )
    found = forecast(prepare(asked), Told(), seconds=1)
    assert found.stages[0].images == 32
    assert not (tmp_path / "runs").exists()
    assert any("noise stands in" in text for text in said)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_registry_says_which_domains_a_system_takes(name: str) -> None:
    kinds = {Unpaired: "unpaired", Paired: "paired", Layout: "layouts"}
    taken = load_system_class(name).batch_type
    assert SYSTEMS[name].domains == kinds.get(taken, "")  # type: ignore[call-overload]
