"""Numbers as people read them."""

from __future__ import annotations

import math

__all__ = [
    "compact",
    "count",
    "duration",
    "level_name",
    "measure",
    "metric_name",
    "plural",
    "with_interval",
]

_METRICS = {
    "swd": "SWD",
    "msssim": "MS-SSIM",
    "fid": "FID",
    "kid": "KID",
    "precision": "Precision",
    "recall": "Recall",
}


def count(number: float) -> str:
    """A whole number with its thousands apart: 12,000."""
    return f"{number:,.0f}"


def plural(number: float, one: str, many: str | None = None) -> str:
    """A count and its noun: "1 picture", "2 pictures"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def compact(number: float) -> str:
    """A number in a few signs, for axes: 1.2M, 50k, 0.25, −3."""
    size = abs(number)
    shown = f"{number:,.10g}" if size >= 1000 else f"{number:.4g}"
    for limit, scale, unit in ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit:
            shown = f"{number / scale:.4g}{unit}"
            break
    if 0 < size < 1e-3:
        shown = f"{number:.0e}".replace("e-0", "e-")
    return shown.replace("-", "−")


def measure(number: float | None, interval: float | None = None) -> str:
    """A measured value to as many decimals as its interval deserves; a dash where there is none.

    The interval keeps one digit (two when it begins with a 1), and the value ends where it ends:
    21.4 for an interval of 0.6. Without an interval the value keeps three digits.
    """
    if number is None or not math.isfinite(number):
        return "–"
    if interval:
        digits = 1 - _exponent(interval) if f"{interval:e}"[0] == "1" else -_exponent(interval)
    else:
        digits = 2 - _exponent(number) if number else 0
    decimals = max(min(digits, 12), 0)
    return f"{number:,.{decimals}f}".replace("-", "−")


def with_interval(number: float | None, interval: float | None) -> str:
    """A value and its interval: "21.4 ± 0.6"."""
    shown = measure(number, interval)
    return f"{shown} ± {measure(interval, interval)}" if interval else shown


def _exponent(number: float) -> int:
    return math.floor(math.log10(abs(number)))


def duration(seconds: float) -> str:
    """A length of time in its two largest units: "9 min 48 s"."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{plural(hours // 24, 'day')} {hours % 24} h"


def metric_name(metric: str) -> str:
    """A metric by the name papers give it."""
    return _METRICS.get(metric.lower(), metric)


def level_name(level: str) -> str:
    """A level of a pyramid: a bare number is its side in pixels."""
    return f"{level} px" if level.isdigit() else level
