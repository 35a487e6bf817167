"""How tests speak to the command line: in this process, or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from progan.cli.app import run
from small_world import Cli, Said, environment, listing, make_world


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process."""

    def call(*words: object) -> Said:
        capsys.readouterr()
        code = run([str(word) for word in words])
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    return call


@pytest.fixture
def process() -> Cli:
    """Run a command in a process of its own."""

    def call(*words: object, before: tuple[str, ...] = (), **more: str) -> Said:
        done = subprocess.run(
            [*before, sys.executable, "-m", "progan", *map(str, words)],
            env=environment(**more),
            capture_output=True,
            timeout=240,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture(scope="session")
def world_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(world_made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small world as the working folder; a mistake must leave it as it was."""
    monkeypatch.chdir(world_made)
    before = listing(world_made)
    yield world_made
    assert listing(world_made) == before
