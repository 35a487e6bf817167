"""Times, rates and sizes as people read them, and lines made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from progan.core.plan import Plan, Progress

__all__ = ["clock", "gigabytes", "memory", "plan_lines", "rate", "status_lines", "words"]


def clock(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 3:05:00; from a hundred hours on, as 888 h."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours >= 100:
        return f"{hours:,} h"
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def words(seconds: float) -> str:
    """Seconds as 9 min 48 s."""
    minutes, left = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h" * (hours > 0), f"{minutes} min" * (minutes > 0), f"{left} s"]
    return " ".join(part for part in parts if part)


def rate(images_per_second: float) -> str:
    """Images per second as 1,240 or 0.42."""
    return f"{images_per_second:,.0f}" if images_per_second >= 10 else f"{images_per_second:.2f}"


def gigabytes(size: int | None) -> str:
    """Bytes as 0.42 GB or 9.1 GB; a dash where they are not known."""
    if size is None:
        return "-"
    return f"{size / 1e9:.2f} GB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def memory(size: int) -> str:
    """Bytes as 3 MB, 0.42 GB or 9.1 GB."""
    return gigabytes(size) if size >= 1e8 else f"{max(1, round(size / 1e6))} MB"


def plan_lines(plan: Plan, rates: Mapping[int, float], began: float, finish: float) -> list[str]:
    """The plan as a table; times are counted from Enter."""
    head = f"  {'stage':<11}{'images':>12}{'batch':>7}{'images/s':>10}{'from':>9}{'to':>9}"
    lines, at = [head], began
    for index, stage in enumerate(plan.stages):
        if not stage.images:
            continue
        end = at + stage.images / rates[index]
        lines.append(
            f"  {stage.name:<11}{stage.images:>12,}{stage.batch:>7}{rate(rates[index]):>10}"
            f"{clock(at):>9}{clock(end):>9}"
        )
        at = end
    if finish:
        lines.append(f"  {'report':<40}{clock(at):>9}{clock(at + finish):>9}")
    return lines


def status_lines(
    at: Progress,
    plan: Plan,
    terms: Mapping[str, float],
    rate: float,
    left: float | None,
    width: int,
) -> tuple[str, str]:
    """The line of progress and the line of terms."""
    share = min(1.0, at.images / max(1, plan.images))
    fade = f"  alpha {at.alpha:.2f}" if at.stage.fade else ""
    left_text = f"  {clock(left)} left" if left is not None else ""
    tail = f"{100 * share:3.0f} %{fade}  {at.images:,} images  {rate:,.0f}/s{left_text}"
    room = max(0, min(34, width - len(at.stage.name) - len(tail) - 6))
    done = int(room * share)
    bar = "━" * done + "╸" * (done < room) + " " * (room - done - 1)
    first = f"{at.stage.name}  {bar[:room]}  {tail}" if room >= 8 else f"{at.stage.name}  {tail}"
    return first[:width], _terms_line(terms, width)


def _terms_line(terms: Mapping[str, float], width: int) -> str:
    """As many terms as fit, each player named once: `critic real 0.7  fake 0.6  generator …`."""
    line, last = "", ""
    for name, value in terms.items():
        player, _, term = name.rpartition("/")
        if term == "gradient_norm":
            continue
        who = f"{player} " if player and player != last else ""
        word = f"{who}{term} " + f"{value:.3g}".replace("-", "−")
        if len(line) + len(word) + 2 > width:
            break
        line, last = f"{line}  {word}" if line else word, player
    return line
