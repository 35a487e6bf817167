"""U1, U2, U14: quick questions stay quick, nothing is required, plain terminals are enough."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from progan.cli.app import app
from small_world import Cli, draw_pictures, environment

QUICK = """
import sys
from progan.cli.app import run
import progan
for words in {commands!r}:
    code = run(words)
    heavy = [name for name in ("torch", "scipy", "matplotlib") if name in sys.modules]
    assert code == {code} and not heavy, (words, code, heavy)
"""


def alone(commands: list[list[str]], code: int = 0) -> None:
    """Run commands one after another in a process that has imported nothing else."""
    text = QUICK.format(commands=commands, code=code)
    done = subprocess.run(
        [sys.executable, "-c", text], env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_questions_are_answered_without_torch(world: Path) -> None:
    alone(
        [
            *([], ["--help"], ["--version"], ["train", "--help"], ["data"], ["data", "--help"]),
            *(["describe"], ["describe", "progan"], ["describe", "progan", "--schema"]),
            *(["metrics"], ["metrics", "train-extractor", "--help"]),
            *(["data", "check", "cats"], ["data", "check", "built"]),
        ]
    )


def test_a_report_is_made_without_torch(world_made: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    alone([["report", str(world_made / "runs" / "good"), "--to", str(page)]])
    assert page.stat().st_size > 1000
    (world_made / "runs" / "good" / "report.html").unlink(missing_ok=True)


def test_wrong_words_are_told_without_torch(world: Path) -> None:
    alone(
        [
            *(["trian"], ["train", "cats", "--minutes", "ten"], ["train", "slip.yaml"]),
            *(["train", "cats", "--set", "optimiser.lr=1"], ["demo", "--minutes", "0"]),
            *(["sample", "a.jpg", "b.jpg"], ["describe", "pragon"], ["resume", "nowhere"]),
        ],
        code=2,
    )


@pytest.mark.parametrize("verb", ["train", "demo", "resume", "sample", "evaluate", "report"])
def test_no_option_of_a_verb_is_required(verb: str) -> None:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    required = [param.name for param in command.params if param.required]
    assert required == (["source"] if verb == "train" else [])


def test_every_option_explains_itself() -> None:
    program = typer.main.get_command(app)
    verbs = {**program.commands}  # type: ignore[attr-defined]
    for group in ("data", "metrics"):
        verbs |= verbs.pop(group).commands
    silent = [
        f"{verb} {param.name}"
        for verb, command in verbs.items()
        for param in command.params
        if not param.help
    ]
    assert not silent
    assert all(command.help for command in verbs.values())


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["train", "--help"],
        ["describe"],
        ["describe", "progan"],
        ["describe", "gan", "--preset", "mlp"],
        ["data"],
        ["data", "check", "--help"],
    ],
    ids=" ".join,
)
def test_at_60_columns_nothing_is_wider(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    said = cli(*words)
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 60


PLAIN = {"PYTHONIOENCODING": "ascii", "COLUMNS": "60", "NO_COLOR": "1", "LC_ALL": "C"}


def test_an_ascii_terminal_shows_everything_without_escape_codes(
    process: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draw_pictures(tmp_path / "猫 画像 #1")
    for words in (
        ["describe", "progan"],
        ["data", "check", "猫 画像 #1"],
        ["train", "猫", "--seed", "99999999999999999999"],
    ):
        said = process(*words, **PLAIN)
        text = said.out + said.err
        assert said.code == (2 if words[0] == "train" else 0), said
        assert text.isascii()
        assert "\x1b" not in text
        assert "Traceback" not in text
    assert "2^6^3" in said.err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
@pytest.mark.parametrize("color", [True, False])
def test_a_terminal_is_painted_unless_no_color_is_set(tmp_path: Path, color: bool) -> None:
    ours, theirs = os.openpty()
    variables = environment(**({} if color else {"NO_COLOR": "1"}))
    with subprocess.Popen(
        [sys.executable, "-m", "progan", "data", "check", "fashion-mnist", "--images", "2000"],
        env=variables,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
    ) as child:
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 65536):
                parts.append(part)
        except OSError:
            pass  # the other end was closed
    os.close(ours)
    text = b"".join(parts).decode()
    assert child.returncode == 0
    assert "2,000 pictures used of 2,000" in text
    assert ("\x1b" in text) == color


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m progan describe progan; echo ended $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | head -1"],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stderr.decode() == "ended 0\n"
    assert list(tmp_path.iterdir()) == []
