from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from imported import imported
from progan.cli import evaluate, report
from progan.core.errors import ConfigError, ProganError
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


def test_neither_verb_imports_torch_before_it_is_needed() -> None:
    places = ("cli.evaluate", "cli.report", "report.build", "report.compare")
    code = "\n".join(f"import progan.{place}" for place in places)
    assert imported(code, "torch") == set()
