"""The documentation is true: commands, snippets, examples, links, and names of things in code."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

import pages
from brief import brief
from progan.cli import app as program
from progan.core.errors import ProganError
from progan.core.recipe import DataSettings
from progan.systems.registry import SYSTEMS
from small_translator import train_two
from tiny_run import tiny_run

ROOT, PAGES = pages.ROOT, pages.pages()
WITH_COMMANDS = [page for page in PAGES if pages.commands(page)]
WITH_SNIPPETS = [page for page in PAGES if pages.blocks(page, "python")]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


# Where commands and snippets run ------------------------------------------------------------


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, where an example has trained runs/portraits, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "documented"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "whole").exists():
            with brief():
                run = load("train_tiny").main(runs=place, images=160, faces=64)
            run.path.rename(place / "portraits")
            (place / "whole").touch()
    return place


@pytest.fixture(scope="session")
def learnt(trained: Path) -> Path:
    """A run of one picture, beside the others."""
    with trained.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (trained / "landscape").exists():
            sets = ["layers=3", "width=4", "min_size=21", "critic_steps=8"]
            data = DataSettings(source="landscape", resolution=32, labels="none")
            tiny_run(trained / ".one", "landscape", system="singan", sets=sets, data=data)
            (trained / ".one" / "landscape").rename(trained / "landscape")
    return trained / "landscape"


@pytest.fixture(scope="session")
def between(trained: Path) -> Path:
    """A run on two domains, beside the others."""
    with trained.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = trained.with_name("documented-two")
        if not (place / "runs" / "between" / "report.html").exists():
            train_two(place, images=8, name="between")
    return place / "runs" / "between"


@pytest.fixture
def desk(
    trained: Path,
    learnt: Path,
    between: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A working folder as the documentation supposes it: two runs, folders of pictures.

    Whatever would train is understood, word by word, and ends where training would begin.
    """
    import progan.acceptance.table as acceptance
    import progan.assemble.training.train as training
    from progan.assemble.comparing import arms, bench, contest
    from progan.assemble.measuring import extractors
    from progan.assemble.models import join as joining
    from progan.assemble.training import budget
    from progan.assemble.training.ask import Prepared, name_of
    from progan.cli import train as verbs
    from progan.lab import run as lab

    shutil.copytree(trained, tmp_path / "runs")
    shutil.copytree(trained / "portraits", tmp_path / "runs" / "cats")
    shutil.copytree(trained / "portraits", tmp_path / "clothes")
    shutil.copytree(learnt, tmp_path / "runs" / "singan_landscape")
    for name in ("photo.jpg", "sketch.png", "pasted.png", "mask.png"):
        pixels = np.zeros((40, 56, 3), np.uint8)
        pixels[10:20, 10:20] = 255
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "cats").mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(256, size=(24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "cats" / f"{number}.png")
    for name in ("people", "horses", "zebras"):
        shutil.copytree(tmp_path / "cats", tmp_path / name)
    shutil.copytree(between, tmp_path / "runs" / "horses-zebras")
    (tmp_path / "img_celeba").mkdir()
    Image.new("RGB", (178, 218), "tan").save(tmp_path / "img_celeba" / "000001.jpg")
    (tmp_path / "list_landmarks_celeba.txt").write_text(
        "1\nlefteye_x …\n000001.jpg 69 109 106 113 77 142 73 152 108 154\n"
    )

    def train_run(prepared: Prepared, screen: Any) -> Any:
        name = prepared.asked.name or name_of(prepared.asked.words)
        return SimpleNamespace(path=Path("runs") / name)

    monkeypatch.setattr(budget, "measure_stage", lambda *given, seconds: 100.0)
    for work in ("training", "drawing"):  # tested elsewhere; full-size networks take minutes
        monkeypatch.setattr(
            arms, work, lambda arm, stage: arms.Work(lambda: None, stage.batch, 1, arm.device)
        )
    monkeypatch.setattr(arms.Work, "rate", lambda work, seconds: float(work.images))
    monkeypatch.setattr(bench, "machine_peak", lambda device, precision: 100.0)
    monkeypatch.setattr(lab, "STEPS", 1)
    monkeypatch.setattr(extractors, "IMAGES", 128)
    done = lab.Outcome(page=Path("lab.html"), words="")
    for long in ("answer", "everything"):  # tested elsewhere, and by nox -s slow
        monkeypatch.setattr(lab, long, lambda *given, **options: done)
    monkeypatch.setattr(acceptance, "carry_out", lambda *given, **options: [])
    monkeypatch.setattr(contest, "carry_out", lambda *given, **options: [])
    monkeypatch.setattr(joining, "join", lambda runs, to: to)
    monkeypatch.setattr(training, "train_run", train_run)
    monkeypatch.setattr(verbs, "_session", lambda work: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_recipes(page: str) -> None:
    """Put the recipes of a page where its commands look for them."""
    for block in pages.blocks(page, "yaml"):
        if name := re.search(r"progan (?:train|compare) (\S+\.yaml)", block.text):
            Path(name[1]).write_text(block.text, encoding="utf-8")


def write_tables(page: str) -> None:
    """Put the table of a page beside the pictures it is about."""
    for block in pages.blocks(page, "csv"):
        Path("people", "metadata.csv").write_text(block.text, encoding="utf-8")


# Commands -----------------------------------------------------------------------------------


COMMAND: Any = typer.main.get_command(program.app)


def parse(words: list[str]) -> None:
    """Let the command line read `words` without doing anything; a verb alone need only exist."""
    command = COMMAND
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    if words and "--help" not in words:
        command.make_context("progan", list(words))


@pytest.mark.parametrize("page", PAGES)
def test_every_progan_command_is_one_the_program_knows(page: str) -> None:
    typed = [words for _, words in pages.commands(page)]
    typed += [span.split() for span in pages.spans(page) if re.match(r"progan(?= [a-z-])", span)]
    for words in typed:
        if words[0] == "progan":
            try:
                parse(words[1:])
            except Exception as error:
                pytest.fail(f"{page}: {' '.join(words)}: {error}")


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_works(page: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_recipes(page)
    write_tables(page)
    for place, words in pages.commands(page):
        match words:
            case ["progan", *rest] | ["torchrun", "--nproc-per-node", _, "-m", "progan", *rest]:
                code = program.run(rest)
                said = capsys.readouterr()
                assert code == 0, f"{place}: {' '.join(words)}\n{said.err}{said.out}"
            case ["python", str(script), *_] if script.endswith(".py"):
                assert (ROOT / script).is_file(), f"{place}: {script}"
            case [name, *_]:
                assert name in ("python", "pip", "pytest", "nox"), f"{place}: {name}"


# Python -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", WITH_SNIPPETS)
def test_every_snippet_runs(page: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "snippet"}
    for block in pages.blocks(page, "python"):
        exec(compile(block.text, block.place, "exec"), names)
    for name, thing in list(names.items()):
        if name.startswith("test_"):
            thing()


def plot(module: Any, trained: Path, to: Path) -> None:
    picture = module.main(trained / "portraits", to / "curves.png")
    with Image.open(picture) as curves:
        assert curves.width == 640
        assert len(curves.getcolors(1 << 16) or []) > 2


def play_own_loss(module: Any, trained: Path, to: Path) -> None:
    from progan.objectives import table

    known = table.OBJECTIVES
    try:
        run = module.main(runs=to, images=96, faces=32)
    finally:
        table.OBJECTIVES = known
    assert run.report.is_file()


def look(module: Any, trained: Path, to: Path) -> None:
    with Image.open(trained / "tiny.png") as sheet:  # the fixture has run it
        assert sheet.size == (8 * 16, 2 * 16)


TRIED: dict[str, Callable[[Any, Path, Path], None]] = {
    "own_loss": play_own_loss,
    "plot_metrics": plot,
    "train_tiny": look,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs(
    name: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with brief():
        TRIED[name](load(name), trained, tmp_path)


# What is said about the project -------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_picture_leads_somewhere(page: str) -> None:
    for link in pages.links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if anchor:
            there = target.resolve().relative_to(ROOT.resolve()).as_posix()
            assert anchor in pages.anchors(there), f"{page}: {link}"


@pytest.mark.parametrize("page", PAGES)
def test_every_place_named_in_the_code_is_there(page: str) -> None:
    for span in pages.spans(page):
        if not pages.PLACE.fullmatch(span) or "NAME" in span:
            continue
        path, _, symbol = span.partition(":")
        file = next((f for f in (pages.SOURCE / path, ROOT / path) if f.is_file()), None)
        assert file is not None, f"{page}: {span}"
        if symbol:
            assert symbol in pages.defined(file), f"{page}: {span}"


def test_every_page_can_be_reached_from_the_index() -> None:
    reached = {ROOT / "docs" / link.partition("#")[0] for link in pages.links("docs/index.md")}
    there = {path.resolve() for path in reached}
    for page in PAGES:
        if page.startswith("docs/") and page != "docs/index.md":
            assert (ROOT / page).resolve() in there, page


def test_the_readme_fits_on_a_few_screens_and_begins_with_two_commands() -> None:
    text = pages.text_of("README.md")
    assert len(text.splitlines()) <= 120
    first = text.split("\n## ")[0]
    assert first.count("```bash") == 2
    assert "docs/images/readme.png" in first


def test_ci_runs_the_very_tests_of_the_readme() -> None:
    tests = next(words for _, words in pages.commands("README.md") if words[0] == "pytest")
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"step {' '.join(tests)}\n" in steps
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_preset_has_its_row(system: str) -> None:
    from progan.systems.registry import load_config_class

    rows = pages.text_of(f"docs/{system}.md").partition("## Presets")[2].partition("\n## ")[0]
    named = re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE)
    told = {name for cell in named for name in re.findall(r"`([^`]+)`", cell)}
    assert told == set(load_config_class(system).PRESETS)


def test_exit_codes_are_those_of_the_errors() -> None:
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", pages.text_of("docs/errors.md"), re.MULTILINE)
    classes = [ProganError, *ProganError.__subclasses__()]
    assert {name: int(code) for code, name in rows} == {c.__name__: c.exit_code for c in classes}


def test_files_of_a_run_are_those_that_are_documented(trained: Path) -> None:
    table = pages.text_of("docs/run-folder.md").partition("## Files")[2].partition("\n### ")[0]
    told = {name.rstrip("/") for name in re.findall(r"`([^`]+)`", table)}
    there = {path.name for path in (trained / "portraits").iterdir()}
    assert there <= told
