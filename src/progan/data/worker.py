"""The child process that decodes pictures, and the words it speaks with its parent.

    parent → child   one line of JSON: the reader, the frame, and limits or null
                     then one line a job: a list of refs to read, or {"sizes": refs}
    child → parent   messages: two little-endian uint32, then so many bytes of JSON and of pixels
                     {"ready"} once, then for every picture of every job, in order,
                     {"n", "channels", "notes"} with the levels of a block of n pictures,
                     or {"finding": [name, kind, reason]}, or {"size": [width, height]}

A picture made to break a decoder can at worst end this process: it has a ceiling of memory and of
processor time, nothing it says is unpickled or evaluated, and the parent checks every length.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from typing import IO, Any

from progan.data.levels import class_levels, levels
from progan.data.records import Finding, Frame
from progan.data.sources.base import rebuilt

__all__ = ["HEAD", "main"]

HEAD = struct.Struct("<II")


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    jobs, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=2**16)
    os.dup2(2, 1)  # whatever a library prints must not look like a message
    setup = json.loads(jobs.readline())
    reader, frame = rebuilt(setup["reader"]), Frame(**setup["frame"])
    limits = setup["limits"]
    if limits:
        _limit_memory(limits["bytes"])
    try:
        _send(out, {"ready": True})
        for line in jobs:
            job = json.loads(line)
            sizes = isinstance(job, dict)
            refs = job["sizes"] if sizes else job
            for group in [[ref] for ref in refs] if limits else [refs]:
                if limits:
                    _limit_time(limits["seconds"])
                if sizes:
                    for size in reader.sizes(group):
                        _send(out, _found(size) if isinstance(size, Finding) else {"size": size})
                    continue
                for block in reader.read(group, frame):
                    if isinstance(block, Finding):
                        _send(out, _found(block))
                        continue
                    n, channels = block.pixels.shape[:2]
                    levelled = (class_levels if block.classes else levels)(block.pixels)
                    payload = [levelled[r].data for r in sorted(levelled)]
                    _send(out, {"n": n, "channels": channels, "notes": block.notes}, payload)
    except BrokenPipeError:  # the parent is gone
        os._exit(0)


def _found(finding: Finding) -> dict[str, Any]:
    return {"finding": [finding.name, finding.kind, finding.reason]}


def _send(out: IO[bytes], words: dict[str, Any], payload: list[memoryview] | None = None) -> None:
    text = json.dumps(words).encode()
    parts = payload or []
    out.write(HEAD.pack(len(text), sum(part.nbytes for part in parts)) + text)
    for part in parts:
        out.write(part)
    out.flush()


def _limit_memory(size: int) -> None:
    """Address space beyond what the process has now."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (now + size,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return  # no such limits on this system: pictures still cannot touch the parent


def _limit_time(seconds: int) -> None:
    """Processor time beyond what the process has used."""
    try:
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
        if hard == resource.RLIM_INFINITY or soft < hard:
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    except (ImportError, OSError, ValueError):
        return
