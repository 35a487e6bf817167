"""Does `progan train --minutes N` end within N minutes? Alone, and beside a hog.

    python benchmarks/budget.py --minutes 1,3,10 --hogs 0,1

The whole command is timed, from before the interpreter starts to after it ends. Goals: alone
85 to 102 % of the time asked for, beside one hog at most 110 %.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOG = "while True: pass"


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """So many processes that take all the time they get."""
    started = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def seconds_of(source: str, minutes: float, folder: Path) -> float:
    """Wall-clock seconds of one whole run."""
    words = ["train", source, "--minutes", f"{minutes:g}", "--runs", str(folder)]
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "progan", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TERM": "dumb"},
    )
    return time.monotonic() - began


def main() -> None:
    """Time every combination, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="portraits")
    parser.add_argument("--minutes", default="1,3,10")
    parser.add_argument("--hogs", default="0,1")
    options = parser.parse_args()
    print(f"{'minutes':>8}{'hogs':>6}{'seconds':>9}{'share':>8}  goal")
    for count in map(int, options.hogs.split(",")):
        for minutes in map(float, options.minutes.split(",")):
            with tempfile.TemporaryDirectory() as folder, hogs(count):
                seconds = seconds_of(options.source, minutes, Path(folder))
            share = seconds / (60 * minutes)
            least, most = (0.85, 1.02) if not count else (0.0, 1.10)
            verdict = "met" if least <= share <= most else "missed"
            print(f"{minutes:>8g}{count:>6}{seconds:>9.1f}{share:>8.1%}  {verdict}", flush=True)


if __name__ == "__main__":
    main()
