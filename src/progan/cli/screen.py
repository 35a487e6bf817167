"""What a run looks like in a terminal: painted in place, or plain lines where that cannot be."""

from __future__ import annotations

import json
import os
import shlex
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from progan.cli.figures import clock, plan_lines, status_lines, words
from progan.cli.streams import say, width_of_screen
from progan.core.launch import launched

if TYPE_CHECKING:
    from rich.live import Live

    from progan.core.plan import Plan, Progress
    from progan.engine.events import Event

__all__ = ["Face", "open_face", "process_began"]

BEGAN = time.monotonic()
"""`time.monotonic()` when the user pressed Enter."""

LONGEST_START = 6.0
"""Seconds from a process's start to its command. One older than that did something else before: a
shell that becomes the command keeps its own start."""

PLAIN_SECONDS = 10.0
"""Seconds between two lines where nothing can be painted in place."""

INDENT = 9
"""Columns of the heads Data, Machine, Plan."""


def process_began() -> float:
    """`time.monotonic()` at the start of this process, where Linux tells; otherwise now.

    A budget counts from there: loading the interpreter and the commands is the user's time too.
    One of several processes was started by the launcher, whose start is then the user's Enter.
    """
    pids = ["self"] if launched() is None else ["self", str(os.getppid())]
    ages = [age for age in map(_age, pids) if 0 <= age < LONGEST_START]
    return time.monotonic() - max(ages, default=0.0)


def _age(pid: str) -> float:
    """Seconds since a process was started; below zero where nothing tells."""
    try:
        stat = Path("/proc", pid, "stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(stat.rpartition(")")[2].split()[19])  # field 22, starttime, since boot
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return -1.0


class Face:
    """Tells a session as it goes; also a listener of the engine."""

    def __init__(self, *, live: bool, began: float | None = None) -> None:
        """`began`: `time.monotonic()` when what it tells of began, if not with the command."""
        self.began = BEGAN if began is None else began
        self.width = width_of_screen()
        self.live: Live | None = None
        self.paint = live
        self.rates: Mapping[int, float] = {}
        self.model_plan: Plan | None = None
        self.terms: Mapping[str, float] = {}
        self.last = time.monotonic()

    # before training

    def line(self, head: str, text: str) -> None:
        """A line under a head; an empty head goes on with the last."""
        self._clear()
        lines = textwrap.wrap(
            text, self.width - INDENT, break_long_words=False, break_on_hyphens=False
        )
        say(
            "\n".join(
                f"{'' if i else head:<{INDENT}}{part}" for i, part in enumerate(lines or [""])
            )
        )

    def building(self, done: int, total: int) -> None:
        """Pictures read so far."""
        self.counted("Reading", done, total, "pictures")

    def encoding(self, done: int, total: int) -> None:
        """Captions that have become vectors."""
        self.counted("Encoding", done, total, "captions")

    def counted(self, head: str, done: int, total: int, what: str) -> None:
        """How many of something are done, on a line that goes away."""
        line = f"{head:<{INDENT}}{done:,} of {total:,} {what}"
        if self.paint:
            self._show(line, "")
            if done >= total:
                self._clear()
        elif time.monotonic() - self.last > PLAIN_SECONDS:
            self.last = time.monotonic()
            say(line)

    def sampling(self, there: int, made: int, total: int, seconds: float) -> None:
        """Pictures that are there, and how long the rest takes at the speed of those just made."""
        pause = 0.25 if self.paint else PLAIN_SECONDS
        if time.monotonic() - self.last < pause or not made or seconds <= 0:
            return
        self.last, rate = time.monotonic(), made / seconds
        left = clock((total - there) / rate)
        line = f"Made  {there:,} of {total:,} pictures  {rate:,.0f}/s  {left} left"
        if self.paint:
            self._show(line, "")
        else:
            say(line)

    def plan(self, title: str, plan: Plan, rates: Mapping[int, float], finish: float) -> None:
        """The plan, before the first step."""
        self.rates = dict(rates)
        self.line("Plan", title)
        say()
        for text in plan_lines(plan, rates, time.monotonic() - self.began, finish):
            say(text)
        say()

    # while training

    def hear(self, event: Event) -> None:
        """Show what happened."""
        from progan.engine import events

        match event:
            case events.Started(plan, _) | events.StageBegan(_, plan) | events.Replanned(_, plan):
                self.model_plan = plan
            case events.Decided(_, kind, text) if kind != "plan":
                self.line("Note", text)
            case events.Stepped(at, terms, _, rate):
                self.terms = terms or self.terms
                pause = 0.25 if self.paint else PLAIN_SECONDS
                if time.monotonic() - self.last < pause or self.model_plan is None:
                    return
                self.last = time.monotonic()
                lines = status_lines(
                    at, self.model_plan, self.terms, rate, self._left(at, rate), self.width
                )
                if self.paint:
                    self._show(*lines)
                else:
                    name, share = at.stage.name, 100 * at.images / max(1, self.model_plan.images)
                    left = self._left(at, rate)
                    rest = f"  {clock(left)} left" if left is not None else ""
                    fade = f"  alpha {at.alpha:.2f}" if at.stage.fade else ""
                    say(f"{name:<8}{share:3.0f} %{fade}  {at.images:,} images  {rate:,.0f}/s{rest}")
                    say(f"        {lines[1]}")
            case events.Ended():
                self._clear()
            case _:
                pass

    def _left(self, at: Progress, rate: float) -> float | None:
        """Seconds left for training: this stage at the rate it shows, the others as measured."""
        plan = self.model_plan
        if plan is None or rate <= 0 or not self.rates:
            return None
        here = plan.start(at.index) + at.stage.images - at.images
        slower = rate / self.rates.get(at.index, rate)
        rest = sum(
            stage.images / (self.rates[index] * slower)
            for index, stage in enumerate(plan.stages)
            if index > at.index and index in self.rates
        )
        return max(0, here) / rate + rest

    # after training

    def summary(self, path: Path, images: int, seconds: float) -> None:
        """Where everything is, and what to type next."""
        self._clear()
        run = shlex.quote(str(path))
        say(f"Done in {words(seconds)}.  {path}")
        say(f"  look    {path / 'report.html'}{_quality(path)}")
        if (path / "model").exists():
            if taken := _translates(path):
                say(f"  play    progan translate {run} {taken}")
            else:  # it draws from noise
                say(f"  play    progan sample {run} --grid 8x8")
        say(f"  more    progan resume {run} --minutes 20")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._clear()

    def _show(self, first: str, second: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self.live is None:
            console = Console(highlight=False, soft_wrap=False)
            self.live = Live(console=console, refresh_per_second=4, transient=True)
            self.live.start()
        self.live.update(Text(f"{first}\n{second}", no_wrap=True, overflow="crop"))

    def _clear(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None


def _translates(run: Path) -> str:
    """What a run's model makes pictures of, as its verb calls it; nothing where it is noise."""
    try:
        config = json.loads((run / "model" / "config.json").read_bytes())
        directions = config.get("directions") or {}
    except (OSError, ValueError, AttributeError):
        return ""
    return "MAPS" if "paint" in directions else "PICTURES" if directions else ""


def _quality(path: Path) -> str:
    """SWD beside its floor, from the review."""
    import json

    try:
        rows = json.loads((path / "review" / "review.json").read_text())["quality"]
        swd = next(r for r in rows if r["metric"] == "swd" and r["level"] == "mean")
        interval = f" ± {swd['interval']:.1f}" if swd.get("interval") is not None else ""
        floor = f" (reals against reals {swd['floor']:.1f})" if swd.get("floor") is not None else ""
        return f"   SWD {swd['value']:.1f}{interval}{floor}"
    except (OSError, ValueError, KeyError, StopIteration, TypeError):
        return ""


def open_face(began: float | None = None) -> Face:
    """A face that paints in place on a terminal, and prints plain lines elsewhere."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    encoding = (sys.stdout.encoding or "ascii").lower()
    return Face(live=not plain and "utf" in encoding, began=began)
