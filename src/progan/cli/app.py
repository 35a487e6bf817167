"""The `progan` command: its verbs, and what happens to errors.

Nothing here imports torch: verbs that need it import it when they run.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

import typer

from progan.cli import screen
from progan.core.errors import ProganError

__all__ = ["app", "main"]

app = typer.Typer(
    name="progan",
    help="Progressive GANs and the GAN family around them: a folder of pictures in, a generator out.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FIRST_LINES = """\
progan demo                   three minutes on drawn portraits
progan train FOLDER           train on your own pictures
progan sample                 pictures of the newest run
progan describe               what can be trained, and every setting
progan --help                 all verbs"""

TRACEBACK = "progan-error.txt"


@app.callback(invoke_without_command=True)
def _first(context: typer.Context, version: bool = typer.Option(False, "--version")) -> None:
    if version:
        from importlib.metadata import version as installed

        screen.say(f"progan {installed('progan')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        screen.say(FIRST_LINES)


def _register() -> None:
    from progan.cli import data, describe, evaluate, report, sample, train

    app.command()(train.demo)
    app.command()(train.train)
    app.command()(train.resume)
    app.command()(sample.sample)
    app.command()(evaluate.evaluate)
    app.command()(report.report)
    app.command()(describe.describe)
    app.add_typer(data.app, name="data")


_register()


def main() -> None:
    """Run the command line; end with its exit code."""
    # Before torch is imported: threads that spin while they wait were measured to cost a busy
    # machine up to twenty times the work.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    screen.BEGAN = time.monotonic()
    debug = "--debug" in sys.argv[1:]
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    sys.exit(run(arguments, debug=debug))


def run(arguments: list[str], *, debug: bool = False) -> int:
    """Run one command; its exit code. Errors become a few lines, never a traceback."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="progan", standalone_mode=False)
        return int(code) if isinstance(code, int) else 0
    except ProganError as error:
        if debug:
            traceback.print_exc()
        screen.fail(str(error))
        return error.exit_code
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except MemoryError:
        screen.fail(
            "Not enough memory. Try smaller pieces: --set train.micro_batch=4, or a lower "
            "--resolution."
        )
        return 5
    except Exception as error:
        usage = _usage(error)
        if usage is not None:
            screen.fail(usage)
            return 2
        if debug:
            raise
        path = _keep(error)
        screen.fail(
            f"This is a fault of progan, not yours: {type(error).__name__}: {str(error)[:300]}\n"
            f"The details are in {path}. Please report them. Again, with details: add --debug"
        )
        return 1


def _usage(error: Exception) -> str | None:
    """What to say when the words themselves were wrong; None when they were not."""
    describe = getattr(error, "format_message", None)
    if describe is None:
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "progan"
    return f"{describe()} All words of it: {command} --help"


def _keep(error: Exception) -> Path:
    path = Path(TRACEBACK)
    text = "".join(traceback.format_exception(error))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        screen.fail(text)
    return path
