"""`nox` runs everything a change must pass; `nox -l` lists the pieces.

Each session installs the project as a user would, with the extras it needs. `PROGAN_NO_VENV=1`
runs in the environment you are in.
"""

from __future__ import annotations

import os

import nox

nox.options.default_venv_backend = "none" if os.environ.get("PROGAN_NO_VENV") else "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["format", "lint", "types", "floors", "tests"]

ENV = {"GOMP_SPINCOUNT": "0"}
PLACES = ("src", "tests", "benchmarks", "examples", "docs", "noxfile.py")


def prepare(session: nox.Session) -> None:
    if session.virtualenv is not None and not os.environ.get("PROGAN_NO_VENV"):
        session.install("-e", ".[dev]")


@nox.session
def format(session: nox.Session) -> None:
    """The code is formatted."""
    prepare(session)
    session.run("ruff", "format", "--check", *PLACES)


@nox.session
def lint(session: nox.Session) -> None:
    """The linter is content."""
    prepare(session)
    session.run("ruff", "check", *PLACES)


@nox.session
def types(session: nox.Session) -> None:
    """Types hold, strictly."""
    prepare(session)
    session.run("mypy")


@nox.session
def floors(session: nox.Session) -> None:
    """No floor of the house imports one above it."""
    prepare(session)
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that must hold at each commit."""
    prepare(session)
    session.run("pytest", "-n", "2", *session.posargs, env={**ENV, "OMP_NUM_THREADS": "1"})


@nox.session
def slow(session: nox.Session) -> None:
    """Learning tests and long fault tests."""
    prepare(session)
    session.run(
        "pytest",
        "-m",
        "slow",
        "--timeout",
        "1800",
        *session.posargs,
        env={**ENV, "OMP_NUM_THREADS": "1"},
    )
