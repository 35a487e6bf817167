from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

from imported import imported
from progan.cli import evaluate, report
from progan.core.errors import ConfigError, ProganError
from progan.extractors.base import Extractor
from progan.extractors.trained import Classifier, Facts, save_trained
from small_world import damage, draw_pictures
from tiny_run import tiny_run

app = typer.Typer(add_completion=False)
app.command()(evaluate.evaluate)
app.command()(report.report)


def run(*words: object) -> None:
    typer.main.get_command(app).main([str(word) for word in words], standalone_mode=False)


def refused(*words: object) -> str:
    with pytest.raises(ProganError) as caught:
        run(*words)
    return str(caught.value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("runs"))[0]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extractor that has learned nothing."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("extractors") / "blank.safetensors"
    names = tuple("abcdefghij")
    facts = Facts(
        **{"side": 16, "channels": 1, "classes": names, "data": "none", "data_fingerprint": ""},
        **{"test": "none", "test_fingerprint": "", "seed": 0, "images": 0, "trained_on": 0},
        **{"tested_on": 0, "accuracy": 0.1},
    )
    save_trained(path, Classifier(16, 1, 10), facts)
    return path


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures went through extractors at each call."""
    counts: list[int] = []
    both = Extractor.both

    def counting(self: Extractor, images: Any) -> Any:
        counts.append(len(images))
        return both(self, images)

    monkeypatch.setattr(Extractor, "both", counting)
    return counts


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run, with what is kept of its pictures."""
    shutil.copytree(trained.parent, tmp_path / "runs")
    shutil.rmtree(tmp_path / "runs" / ".data" / "features", ignore_errors=True)
    return tmp_path / "runs" / trained.name


def test_a_run_is_measured_in_a_table_and_a_file(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "found.json"
    run("evaluate", trained, "--images", 8, "--repeats", 2, "--json", to)
    shown = capsys.readouterr().out
    assert f"{trained} at 160 images, 16 px, averaged weights" in shown
    assert "SWD x 10³" in shown
    assert "MS-SSIM" in shown
    assert shown.rstrip().endswith(f"Written: {to}")
    (one,) = json.loads(to.read_text())["evaluated"]
    assert one["images"] == 160
    assert {row["repeats"] for row in one["report"]["rows"]} == {2}
    # What progan wrote may be written again; what it did not, not.
    run("evaluate", trained, "--images", 4, "--repeats", 1, "--metrics", "swd", "--json", to)
    to.write_text("mine")
    assert "was not made by progan" in refused("evaluate", trained, "--json", to)


def test_every_checkpoint_gets_a_line_newest_first(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("evaluate", trained, "--all", "--images", 4)
    head, columns, *lines = capsys.readouterr().out.splitlines()
    assert "newest first" in head
    assert columns.split()[:3] == ["images", "px", "time"]
    # 4 pixels are too few for anything; 8 too few for MS-SSIM.
    assert [line.split()[:2] for line in lines] == [
        ["160", "16"],
        ["128", "16"],
        ["96", "8"],
        ["64", "8"],
    ]
    assert [line.endswith("–") for line in lines] == [False, False, True, True]


def test_what_does_not_suit_the_size_is_left_out_unless_asked_for(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("evaluate", trained, "--at", 96, "--images", 4, "--repeats", 1)
    shown = capsys.readouterr().out
    assert "SWD x 10³" in shown
    assert "MS-SSIM is left out: it cannot be had of" in shown
    assert "8 pixels" in shown
    assert "16" in refused("evaluate", trained, "--at", 96, "--metrics", "msssim", "--images", 4)


def test_the_newest_run_is_taken_without_a_name(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("evaluate", "--runs", trained.parent, "--images", 4, "--metrics", "swd", "--repeats", 1)
    assert str(trained) in capsys.readouterr().out


def test_wrong_words_are_told(trained: Path, tmp_path: Path) -> None:
    assert "Did you mean swd?" in refused("evaluate", trained, "--metrics", "sdw")
    assert "--metrics is empty" in refused("evaluate", trained, "--metrics", ",")
    assert "--images is 2" in refused("evaluate", trained, "--images", 2)
    assert "leave one out" in refused("evaluate", trained, "--all", "--at", 96)
    assert "keeps no checkpoint at 97 images" in refused("evaluate", trained, "--at", 97)
    assert "There is no run in" in refused("evaluate", "--runs", tmp_path)
    assert "Did you mean" in refused("evaluate", trained.with_name("tina"))


def test_a_report_is_written_again(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("report", trained)
    page = trained / "report.html"
    assert capsys.readouterr().out.strip() == str(page)
    to = tmp_path / "page.html"
    for _ in range(2):  # a page of ours may be replaced
        run("report", trained, "--to", to)
        assert to.read_bytes() == page.read_bytes()
    to.write_text("mine")
    assert "was not made by progan report" in refused("report", trained, "--to", to)
    assert to.read_text() == "mine"
    assert "there is no folder" in refused("report", trained, "--to", tmp_path / "no" / "x.html")


def test_several_runs_are_compared_beside_them(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        run("report", trained, trained)
    page = Path(capsys.readouterr().out.splitlines()[-1])
    assert page.resolve() == trained.parent.resolve() / "comparison.html"
    assert "Comparison" in page.read_text(encoding="utf-8")


def test_report_of_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a report is made from a run folder"):
        run("report", tmp_path)


def test_real_features_are_extracted_once_for_all_runs_on_the_same_pictures(
    own: Path, network: Path, tmp_path: Path, seen: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--metrics", "fd,kd", "--extractor", network, "--images", 32, "--repeats", 1)
    results = []
    other = own.with_name("other")
    shutil.copytree(own, other)
    # 64 reals, 32 and 32 more for the floor, and 32 fakes; then the fakes alone
    for run_, expected in ((own, 96), (other, 32), (own, 32)):
        seen.clear()
        run("evaluate", run_, *words, "--json", tmp_path / "found.json")
        assert sum(seen) == expected
        (one,) = json.loads((tmp_path / "found.json").read_text())["evaluated"]
        results.append([(row["value"], row["floor"]) for row in one["report"]["rows"]])
    assert results[0] == results[1] == results[2]
    (kept,) = (own.parent / ".data" / "features").iterdir()
    damage(kept)
    capsys.readouterr()
    seen.clear()
    run("evaluate", own, *words)
    assert sum(seen) == 96
    assert "its features are extracted again" in capsys.readouterr().out
    run("evaluate", own, *words)
    assert "extracted again" not in capsys.readouterr().out


def test_numbers_are_drawn_over_training_written_with_commas_and_reported(
    own: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--metrics", "swd,fd", "--extractor", network, "--images", 8)
    table, plot = tmp_path / "found.csv", tmp_path / "found.svg"
    for _ in range(2):  # what is ours may be written again
        run("evaluate", own, "--all", *words, "--csv", table, "--plot", plot)
    assert f"Written: {plot}" in capsys.readouterr().out
    lines = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    # swd from 8 pixels on, its levels and their mean; fd of all checkpoints
    assert {line["images"] for line in lines if line["metric"] == "swd"} == {
        *("64", "96", "128", "160")
    }
    (hashes,) = {line["weights"] for line in lines if line["metric"] == "fd"}
    assert len(hashes) == 64
    drawn = plot.read_text(encoding="utf-8")
    assert "FD-trained" in drawn
    assert "SWD x 10³" in drawn
    run("report", own)
    page = (own / "report.html").read_text(encoding="utf-8")
    assert "Measured again" in page
    assert hashes[:12] in page
    assert page.count("Features of trained:") >= 1


def test_a_plot_is_of_every_checkpoint(trained: Path, tmp_path: Path) -> None:
    assert "--all --plot" in refused("evaluate", trained, "--plot", tmp_path / "a.svg")
    assert "--plot a.svg" in refused("evaluate", trained, "--all", "--plot", tmp_path / "a.png")
    place = tmp_path / "mine.csv"
    place.write_text("mine")
    assert "was not made by progan" in refused("evaluate", trained, "--csv", place)
    same = ("--csv", tmp_path / "a.json", "--json", tmp_path / "a.json")
    assert "name one file" in refused("evaluate", trained, *same)


def test_a_path_length_and_held_out_pictures_are_measured_of_a_run(
    own: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--extractor", network, "--images", 16, "--repeats", 1)
    run("evaluate", own, "--metrics", "ppl,parzen", *words)
    shown = capsys.readouterr().out
    assert "PPL-trained" in shown
    assert "Parzen, nats" in shown
    others = draw_pictures(own.parent / "others", 40)
    run("evaluate", own, "--metrics", "memorisation", "--against", others, *words)
    assert "closer" in capsys.readouterr().out
    lines = [
        refused("evaluate", own, "--metrics", "memorisation", *words),
        refused("evaluate", own, "--metrics", "stacked", *words),
    ]
    assert "held out of its training" in lines[0]
    assert "these pictures are grey" in lines[1]


def test_pictures_that_are_files_have_neither_latents_nor_a_training(
    network: Path, tmp_path: Path
) -> None:
    draw_pictures(tmp_path / "made", 12)
    words = ("--against", tmp_path / "made", "--extractor", network, "--images", 8)
    for name, reason in (("ppl", "pictures alone have none"), ("memorisation", "that were not")):
        told = refused("evaluate", tmp_path / "made", "--metrics", name, *words)
        assert reason in told
        assert "\n" not in told


def test_neither_verb_imports_torch_before_it_is_needed() -> None:
    places = ("cli.evaluate", "cli.report", "report.build", "report.compare")
    code = "\n".join(f"import progan.{place}" for place in places)
    assert imported(code, "torch") == set()
