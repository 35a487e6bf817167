from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from progan.assemble.comparing import contest
from progan.assemble.comparing.contest import StoppedError, carry_out, gather, read_comparison
from progan.assemble.comparing.numbers import write_table
from progan.assemble.comparing.verdicts import answers_of, lines_of
from progan.assemble.models.model import load
from progan.assemble.training import train
from progan.assemble.training.session import Outcome
from progan.core.comparison import Comparison, Entry, Question, parse_comparison
from progan.core.config import write_recipe
from progan.core.errors import ConfigError, TrainingError
from progan.report.contest import CLASSES, REAL_CLASSES, Answer, Line, write_page
from progan.report.contest_markdown import write_markdown, write_sheets
from progan.systems.registry import SYSTEMS
from tiny_run import tiny_run

TEXT = """\
data: {source: fashion-mnist, resolution: 16, images: 256, labels: none}
seeds: [0, 1]
metrics: [swd]
images: 16
contestants:
  A: {preset: cpu}
  B: {preset: cpu, set: {latent_size: 8}}
"""


class Light:
    """An extractor that is never asked."""

    name, classes = "trained:1ight", 2

    def both(self, images: Any) -> Any:
        raise AssertionError

    def record(self) -> dict[str, str]:
        return {"extractor": self.name, "weights": "1", "resize": "none"}


class Trainings:
    """Stands in for training: a tiny run made once, copied to where it is asked for."""

    def __init__(self, made: Path) -> None:
        self.made, self.played, self.codes = made, list[str](), dict[str, int]()
        self.fails: set[str] = set()

    def train_run(self, prepared: Any, screen: Any) -> Outcome:
        import shutil

        name = prepared.asked.name
        self.played.append(name)
        if name in self.fails:
            raise TrainingError("It diverged.")
        path = prepared.asked.runs / name
        shutil.copytree(self.made, path)
        write_recipe(prepared.recipe, path / "recipe.yaml")
        if not self.codes.get(name):
            (path / "report.html").write_text("done")
        return Outcome(path, self.codes.get(name, 0), 160, 1.0)

    def resume_run(self, path: Path, screen: Any) -> Outcome:
        self.played.append(f"{path.name} again")
        (path / "report.html").write_text("done")
        return Outcome(path, 0, 160, 1.0)

    def __call__(self, work: Callable[[Any], Any]) -> int:
        return int(work(None).exit_code)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("made"))[0]


@pytest.fixture
def trainings(made: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    found = Trainings(made)
    monkeypatch.setattr(train, "train_run", found.train_run)
    monkeypatch.setattr(train, "resume_run", found.resume_run)
    return found


def comparison(**changes: Any) -> Comparison:
    return replace(parse_comparison(TEXT, "ab.yaml"), **changes)


def play(to: Path, trainings: Trainings, asked: Comparison | None = None) -> list[Entry]:
    return carry_out(asked or comparison(), to, trains=trainings, heard=lambda text: None)


def test_every_contestant_is_trained_with_every_seed_and_measured(
    trainings: Trainings, tmp_path: Path
) -> None:
    found = play(tmp_path, trainings)
    assert trainings.played == ["a-0", "b-0", "a-1", "b-1"]
    assert [(one.contestant, one.seed) for one in found] == comparison().trainings()
    for one in found:
        assert {row["metric"] for row in one.rows} == {"swd"}
        assert {row["images"] for row in one.rows} == {16}


def test_what_is_done_is_neither_trained_nor_measured_again(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = play(tmp_path, trainings)
    trainings.played.clear()
    from progan.assemble.measuring import evaluate

    monkeypatch.setattr(evaluate, "evaluate_run", None)
    assert play(tmp_path, trainings) == first
    assert trainings.played == []


def test_other_metrics_are_measured_anew(trainings: Trainings, tmp_path: Path) -> None:
    play(tmp_path, trainings)
    found = play(tmp_path, trainings, comparison(images=8))
    assert {row["images"] for one in found for row in one.rows} == {8}


def test_a_cut_comparison_goes_on_where_it_stopped(trainings: Trainings, tmp_path: Path) -> None:
    trainings.codes["b-0"] = 130
    with pytest.raises(StoppedError, match=r"b-0.*same command"):
        play(tmp_path, trainings)
    assert trainings.played == ["a-0", "b-0"]
    play(tmp_path, trainings)
    assert trainings.played[2:] == ["b-0 again", "a-1", "b-1"]


def test_one_that_fails_is_told_and_left_out(trainings: Trainings, tmp_path: Path) -> None:
    trainings.fails.add("b-0")
    heard: list[str] = []
    found = carry_out(comparison(), tmp_path, trains=trainings, heard=heard.append)
    assert [one.failed for one in found] == ["", "It diverged.", "", ""]
    assert "Left out: It diverged." in heard
    assert len(lines_of(comparison(), found)[0].cells["B"].values) == 1


def test_a_folder_with_other_settings_is_refused(trainings: Trainings, tmp_path: Path) -> None:
    play(tmp_path, trainings)
    other = TEXT.replace("latent_size: 8", "latent_size: 9")
    with pytest.raises(ConfigError, match="b-0 was trained with other settings"):
        play(tmp_path, trainings, parse_comparison(other, "ab.yaml"))


def test_the_page_and_the_table_hold_every_number(trainings: Trainings, tmp_path: Path) -> None:
    asked = comparison()
    found = play(tmp_path, trainings)
    lines = lines_of(asked, found)
    page = write_page(asked, found, lines, [], tmp_path / "comparison.html", "progan compare x")
    shown = page.read_text()
    sections = re.findall('<section id="([a-z]+)"', shown)
    assert sections == ["numbers", "effort", "again"]  # copies of one run without a review
    with write_table(found, tmp_path / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(one.rows) for one in found)
    for line in lines:
        for cell in line.cells.values():
            for value in cell.values:
                assert f"{value:.{line.digits}f}" in shown
                assert str(value) in [row["value"] for row in rows]


def test_what_each_cost_stands_beside_its_numbers(trainings: Trainings, tmp_path: Path) -> None:
    asked = comparison()
    found = play(tmp_path, trainings)
    system = load(found[0].run).system
    own = sum(p.numel() for p in system.generator.parameters())
    every = sum(p.numel() for p in system.parameters())
    assert {tuple(one.weights.items()) for one in found} == {(("generator", own), ("all", every))}
    assert 0 < own < every
    with write_table(found, tmp_path / "comparison.csv").open() as file:
        for row in csv.DictReader(file):
            assert (row["generator_weights"], row["weights"]) == (str(own), str(every))
            assert row["images"] == "160"
            assert float(row["seconds"]) > 0
    shown = write_page(asked, found, lines_of(asked, found), [], tmp_path / "c.html", "x")
    effort = shown.read_text().partition('<section id="effort"')[2].partition("</section>")[0]
    assert effort.count(f"{own:,}") == effort.count(f"{every:,}") == 4


def test_what_was_measured_before_weights_were_counted_is_not_measured_again(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = play(tmp_path, trainings)
    place = first[0].run / "measured.json"
    kept = json.loads(place.read_text())
    del kept["weights"]
    place.write_text(json.dumps(kept))
    from progan.assemble.measuring import evaluate

    monkeypatch.setattr(evaluate, "evaluate_run", None)
    assert play(tmp_path, trainings) == first


def test_the_table_of_a_document_has_a_line_for_each_contestant(
    trainings: Trainings, tmp_path: Path
) -> None:
    asked = comparison()
    found = play(tmp_path, trainings)
    for one in found[:2]:
        grid = Image.new("L", (64, 64), 200)
        (one.run / "review").mkdir(exist_ok=True)
        for name in ("samples", "real"):
            grid.save(one.run / "review" / f"{name}.png")
        review = {"samples": "samples.png", "real": "real.png"}
        (one.run / "review" / "review.json").write_text(json.dumps(review))
    lines = lines_of(asked, found)
    sheets = write_sheets(asked, found, tmp_path)
    text = write_markdown(
        asked, found, lines, [], sheets, tmp_path / "comparison.md", "progan compare"
    )
    rows = [line for line in text.read_text().splitlines() if line.startswith("|")]
    assert [row.split(" | ")[0] for row in rows] == [
        "| ",
        "| ---",
        "| A",
        "| B",
        "| real pictures",
    ]
    assert len({row.count("|") for row in rows}) == 1
    mean = next(line for line in lines if line.level == "mean")
    assert f"{mean.cells['A'].mean:.2f} ± {mean.cells['A'].spread:.2f}" in rows[2]
    assert f"{found[0].weights['all']:,}" in rows[2]
    assert "SWD x 10³, 16" not in rows[0]  # levels are for the page
    assert set(sheets) == {"A", "B", "real pictures"}
    for path in sheets.values():
        with Image.open(path) as sheet:
            assert sheet.size == (64, 32)  # four of eight rows
        assert f"]({path.relative_to(tmp_path)})" in text.read_text()


def test_many_measures_stand_below_each_other_with_their_levels_and_claims_behind(
    trainings: Trainings, tmp_path: Path
) -> None:
    asked, found = comparison(), play(tmp_path, trainings)
    lines = lines_of(asked, found)
    many = [
        *lines,
        *(replace(lines[0], title=f"measure {number}", level="") for number in range(16)),
    ]
    answers = [Answer(words="A | B", outcome="open", because="one seed")]
    to = tmp_path / "c.md"
    rows = [
        row.strip("| ").split(" | ")
        for row in write_markdown(asked, found, many, answers, {}, to, "x").read_text().splitlines()
        if row.startswith("|")
    ]
    assert rows[0] == ["A", "B", "real pictures"]
    first = [row[0] for row in rows[2 : 2 + len(many)]]
    assert first == [*(measure_of(line) for line in lines), *(f"measure {n}" for n in range(16))]
    assert ["claim", "outcome", "why"] in rows
    assert rows[-1] == ["A / B", "open", "one seed"]


def measure_of(line: Line) -> str:
    return line.title if line.level in ("", "mean") else f"{line.title}, {line.level}"


def test_one_that_failed_is_named_in_the_document(trainings: Trainings, tmp_path: Path) -> None:
    trainings.fails.add("b-0")
    found = play(tmp_path, trainings)
    text = write_markdown(
        comparison(), found, lines_of(comparison(), found), [], {}, tmp_path / "c.md", "x"
    )
    assert "B, seed 0, failed: It diverged." in text.read_text()


def test_rows_of_classes_are_shown_and_named(trainings: Trainings, tmp_path: Path) -> None:
    asked = comparison()
    found = play(tmp_path, trainings)
    for one in found[:2]:
        for name in (CLASSES, REAL_CLASSES):
            (one.run / name).parent.mkdir(exist_ok=True)
            Image.new("L", (96, 32)).save(one.run / name)
    found = [replace(one, classes=("hats", "shoes")) for one in found]
    page = write_page(asked, found, lines_of(asked, found), [], tmp_path / "c.html", "x")
    section = page.read_text().partition('<section id="classes"')[2].partition("</section>")[0]
    assert "Rows, from the top: hats, shoes." in section
    assert section.count("<img") == 3  # A, B and real pictures


def entries(**values: list[float]) -> list[Entry]:
    row = {"metric": "swd", "level": "mean", "floor": 1, "images": 8, "extractor": "none"}
    return [
        Entry(contestant=name, seed=seed, run=Path(name), rows=({**row, "value": value},))
        for name, found in values.items()
        for seed, value in enumerate(found)
    ]


def asks(lower: str, than: str) -> Comparison:
    question = Question(lower=lower, than=than, metric="swd", words="claimed")
    return comparison(questions=(question,))


def test_a_claim_holds_is_refuted_or_stays_open_as_the_interval_says() -> None:
    apart = entries(A=[1, 2, 3], B=[9, 10, 11])
    assert [one.outcome for one in answers_of(asks("A", "B"), apart)] == ["holds"]
    assert [one.outcome for one in answers_of(asks("B", "A"), apart)] == ["refuted"]
    near = entries(A=[1, 2, 3], B=[2, 3, 4])
    (answer,) = answers_of(asks("A", "B"), near)
    assert answer.outcome == "open"
    assert "A 2.00, B 3.00; difference -1.00, 95 %: -3.27 to +1.27" in answer.because
    assert answers_of(asks("A", "B"), entries(A=[1]))[0].outcome == "open"


def test_who_is_lowest_is_said_only_where_it_is_sure() -> None:
    said = lambda **values: lines_of(comparison(), entries(**values))[0].said  # noqa: E731
    assert said(A=[1, 2, 3], B=[9, 10, 11]) == "A is lowest"
    assert said(A=[1, 2, 3], B=[2, 3, 4]) == "no difference is sure"
    assert said(A=[1.0], B=[2.0, 3.0]) == "no difference is sure"


def test_finished_runs_that_differ_in_the_seed_alone_are_one_contestant(
    trainings: Trainings, tmp_path: Path
) -> None:
    play(tmp_path, trainings)
    runs = [tmp_path / name for name in ("a-0", "a-1", "b-1")]
    asked, found = gather(runs, metrics=["swd"], images=16, heard=lambda text: None)
    assert list(asked.contestants) == ["a", "b"]
    assert [(one.contestant, one.seed) for one in found] == [("a", 0), ("a", 1), ("b", 1)]
    with pytest.raises(ConfigError, match="1 contestant came"):
        gather(runs[:2], metrics=["swd"], images=16, heard=lambda text: None)


def test_the_family_has_every_system_once_that_draws_from_noise() -> None:
    """Each in its preset for a CPU, told of labels only where it takes them."""
    family = read_comparison("family_fashion_mnist", "effnet-lite0")
    systems = [recipe.system for recipe in family.contestants.values()]
    others = {name for name, one in SYSTEMS.items() if one.one_picture or one.domains}
    others |= {"stackgan"}  # of captions
    assert sorted(systems) == sorted(set(SYSTEMS) - others)
    assert {recipe.preset for recipe in family.contestants.values()} == {"cpu"}
    assert {recipe.train.minutes for recipe in family.contestants.values()} == {5}


def test_packaged_comparisons_can_be_read() -> None:
    assert "classics_fashion_mnist" in contest.packaged_comparisons()
    for name in contest.packaged_comparisons():
        assert read_comparison(name, "effnet-lite0").name == name


def test_minutes_and_seeds_can_be_said_beside_the_file() -> None:
    found = read_comparison("classics_fashion_mnist", minutes=3, seeds=[5])
    assert found.seeds == (5,)
    assert {recipe.train.minutes for recipe in found.contestants.values()} == {3}
    assert {name for name, _ in found.trainings()} == set(found.contestants)


def test_features_are_measured_by_an_extractor_that_is_named() -> None:
    with pytest.raises(ConfigError, match=r"fd, kd, prdc.*say whose: --extractor FILE"):
        read_comparison("duel_fashion_mnist")
    assert read_comparison("duel_fashion_mnist", "x.safetensors").extractor == "x.safetensors"


def test_memorisation_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    place = tmp_path / "ab.yaml"
    place.write_text(TEXT.replace("[swd]", "[memorisation]"))
    with pytest.raises(ConfigError, match="a comparison has none"):
        read_comparison(str(place), "x.safetensors")


def test_who_is_not_told_classes_is_not_asked_about_them(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contest, "_extractor_of", lambda comparison: Light())
    found = play(tmp_path, trainings, comparison(metrics=("swd", "agreement")))
    assert {row["metric"] for one in found for row in one.rows} == {"swd"}


def test_words_that_name_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a comparison"):
        read_comparison("classics_fashion_minst")
    place = tmp_path / "ab.yaml"
    place.write_text(TEXT.replace("preset: cpu}", "preset: gpu}", 1))
    with pytest.raises(ConfigError, match="gpu"):
        read_comparison(str(place))
    place.write_text(TEXT.replace("[swd]", "[fid2]"))
    with pytest.raises(ConfigError, match="fid2"):
        read_comparison(str(place))
