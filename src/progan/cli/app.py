"""The `progan` command: its verbs, and what happens to errors.

Nothing here imports torch: verbs that need it import it when they run.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import sys
import tempfile
import traceback
from pathlib import Path

import typer

from progan.cli import processes, screen, streams
from progan.cli.usage import explain, way_on
from progan.core.errors import ProganError, is_out_of_memory

__all__ = ["app", "main", "run"]

app = typer.Typer(
    name="progan",
    help="Progressive GANs and the GAN family: a folder of pictures in, a generator out.",
    epilog="Any verb takes --debug, which shows the whole way to an error.",
    no_args_is_help=False,
    add_completion=False,
    suggest_commands=False,
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
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOMEM)


@app.callback(invoke_without_command=True)
def _first(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    if version:
        from progan import __version__

        streams.say(f"progan {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        streams.say(FIRST_LINES)


def _register() -> None:
    from progan.cli import (
        accept,
        bench,
        compare,
        data,
        describe,
        encode,
        evaluate,
        join,
        lab,
        metrics,
        plan,
        project,
        remake,
        report,
        sample,
        train,
        translate,
        truncation,
    )

    app.command()(train.demo)
    app.command()(train.train)
    app.command()(train.resume)
    app.command(short_help="Pictures and films of a trained model.")(sample.sample)
    app.command(short_help="Pictures drawn again from their codes, and edited.")(encode.reconstruct)
    app.command(short_help="Codes of pictures, into a file.")(encode.encode)
    app.command(short_help="Pictures whose codes are nearest.")(encode.neighbours)
    app.command(short_help="Latents of a picture, found by search.")(project.project)
    app.command(short_help="Your picture made again by a model of one; its film.")(remake.remake)
    app.command(short_help="Pictures of one domain made into the other's.")(translate.translate)
    app.command(short_help="Measure generated pictures against real ones.")(evaluate.evaluate)
    app.command(short_help="Variety against fidelity, as latents are cut.")(truncation.truncation)
    app.command(short_help="One model of levels trained in runs of their own.")(join.join)
    app.command(short_help="The page of a run, or one comparing several.")(report.report)
    app.command(short_help="Trainings of several kinds over several seeds, side by side.")(
        compare.compare
    )
    app.command()(describe.describe)
    app.command(short_help="What a training would take, measured here.")(plan.plan)
    app.command(short_help="How fast training and drawing are on this machine.")(bench.bench)
    app.command(short_help="Watch GANs play on points, in seconds.")(lab.lab)
    app.command(short_help="Hold a system to its paper's bars, on small data.")(accept.accept)
    app.add_typer(data.app, name="data")
    app.add_typer(metrics.app, name="metrics")


_register()


def main() -> None:
    """Run the command line; end with its exit code."""
    # Before torch is imported: threads that spin while they wait were measured to cost a busy
    # machine up to twenty times the work.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    screen.BEGAN = screen.process_began()
    streams.prepare_streams()
    processes.take_time()
    debug = "--debug" in sys.argv[1:]
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    sys.exit(run(arguments, debug=debug))


def run(arguments: list[str], *, debug: bool = False) -> int:
    """Run one command; its exit code. Errors become a few lines, never a traceback."""
    if processes.idle(arguments):
        return 0
    code = _run(arguments, debug)
    processes.leave(code)
    return code


def _run(arguments: list[str], debug: bool) -> int:
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="progan", standalone_mode=False)
        return int(code) if isinstance(code, int) else 0
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 1
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:
        if (told := processes.answer(error)) is not None:
            return told
        if debug:
            traceback.print_exc()
        text, code = _told(error, command, arguments)
        streams.fail(re.sub(r"\S{400,}", lambda long: f"{long[0][:200]}…", text))
        processes.claim(code)
        return code


def _told(error: Exception, command: object, arguments: list[str]) -> tuple[str, int]:
    """What to say about an error, and the exit code."""
    if isinstance(error, ProganError):
        return way_on(str(error), command, arguments), error.exit_code
    usage = explain(error, command, arguments)
    if usage is not None:
        return usage, 2
    if is_out_of_memory(error):
        return (
            "Not enough memory. Try smaller pieces: --set train.micro_batch=4, or a lower "
            "--resolution.",
            5,
        )
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        what = f"{error.filename}: " if error.filename else ""
        return (
            f"{what}{error.strerror}. Make room, or give yourself the right to it; then again: "
            f"progan {shlex.join(arguments)}",
            5,
        )
    return (
        f"This is a fault of progan, not yours: {type(error).__name__}: "
        f"{' '.join(str(error).split())[:300]}\n"
        f"The details are in {_keep(error)}. Please report them. "
        f"To see them here: progan {shlex.join(arguments)} --debug",
        1,
    )


def _keep(error: Exception) -> Path:
    """Write the traceback here, or where passing files go."""
    text = "".join(traceback.format_exception(error))
    for folder in (Path(), Path(tempfile.gettempdir())):
        path = folder / TRACEBACK
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    return Path(os.devnull)
