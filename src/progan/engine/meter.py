"""How much memory there is, and how much of it some work takes at its peak.

On CUDA: what torch holds of the device. On a CPU: the resident memory of the whole process, as
Linux counts it, within what the machine and its control groups leave; None where it is not told.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import torch

__all__ = ["held", "peak_of", "room"]

GROUPS = Path("/sys/fs/cgroup")
FREE_PAGES, PEAK = "5", "VmHWM"


def room(device: torch.device) -> int | None:
    """Bytes that this process may hold in all, what it holds already included."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device))
    mine, left = held(device), _field(Path("/proc/meminfo"), "MemAvailable")
    if mine is None or left is None:
        return None
    return mine + min([left, *_left_in_groups()])


def held(device: torch.device) -> int | None:
    """Bytes held now."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    return _field(Path("/proc/self/status"), "VmRSS")


def peak_of(device: torch.device, work: Callable[[], object]) -> int | None:
    """Do `work`; most bytes held at once meanwhile, with what was held before."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device)
    counted = _begin_anew()
    work()
    return _field(Path("/proc/self/status"), PEAK) if counted else None


def _begin_anew() -> bool:
    """Let the resident memory's high-water mark fall to what is held now; whether it did."""
    with suppress(OSError, AttributeError):  # give back what is free but kept for later
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text(FREE_PAGES)
    except OSError:
        return False
    now, peak = (_field(Path("/proc/self/status"), name) for name in ("VmRSS", PEAK))
    return now is not None and peak is not None and peak <= now + 2**24


def _field(path: Path, name: str) -> int | None:
    """A field of a file of /proc, in bytes."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None


def _left_in_groups() -> Iterator[int]:
    """Bytes that each control group around this process leaves; page cache counts as free."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, kinds, inner = line.split(":", 2)
        if number == "0":
            top, limit, used = GROUPS, "memory.max", "anon"
        elif "memory" in kinds.split(","):
            top, limit, used = GROUPS / "memory", "memory.limit_in_bytes", "total_rss"
        else:
            continue
        here = top / inner.strip("/")
        for group in (here, *here.parents):
            with suppress(OSError, ValueError, TypeError):
                most = int((group / limit).read_text())
                stat = dict(map(str.split, (group / "memory.stat").read_text().splitlines()))
                yield max(0, most - int(stat[used]))
            if group == top:
                break
