"""A crew of child processes that decode, watched so that no picture can stop them for long."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from progan.data.child import NONSENSE, Child, ChildDiedError
from progan.data.records import SMALLEST, Finding, Frame, Kind, shown
from progan.data.report import NOTES
from progan.data.sources.base import Source

__all__ = ["Decoded", "Job", "decode", "measure", "measure_each"]


@dataclass(frozen=True)
class Job:
    """A run of neighbours in the list of pictures."""

    number: int
    indices: tuple[int, ...]


@dataclass
class Decoded:
    """What became of a job."""

    job: Job
    used: list[int] = field(default_factory=list)
    """Indices of the good pictures, ascending."""
    channels: int = 1
    """3 if any of them is in colour."""
    pixels: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """For each resolution n c r r, of the good pictures."""
    findings: list[Finding] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)


def decode(
    source: Source,
    frame: Frame,
    jobs: Sequence[Job],
    workers: int,
    tick: Callable[[int], None] = lambda n: None,
) -> Generator[Decoded, None, None]:
    """Decode `jobs` in child processes, in any order; `tick(n)` after every n pictures.

    A child that dies, hangs or takes too much is replaced. Its picture is tried once more, unless
    it took too much time or memory, and then listed as unreadable.
    """
    workers = min(workers if source.parallel else 1, len(jobs))
    news: queue.Queue[int | Decoded | BaseException | None] = queue.Queue(maxsize=64)
    todo, stop = iter(jobs), threading.Event()
    take = threading.Lock()

    def say(word: int | Decoded | BaseException | None) -> None:
        while not stop.is_set():
            try:
                news.put(word, timeout=0.2)
            except queue.Full:
                continue
            return

    def serve() -> None:
        try:
            with _Hand(source, frame, stop) as hand:
                while not stop.is_set():
                    with take:
                        job = next(todo, None)
                    if job is None:
                        break
                    say(hand.work(job, say))
        except BaseException as error:
            say(error)
        else:
            say(None)

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        while workers:
            word = news.get()
            if word is None:
                workers -= 1
            elif isinstance(word, BaseException):
                raise word
            elif isinstance(word, int):
                tick(word)
            else:
                yield word
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def measure(source: Source, indices: Sequence[int]) -> list[tuple[int, int]]:
    """Width and height of those pictures that can be opened, without decoding them."""
    return [size for size in measure_each(source, indices) if size is not None]


def measure_each(source: Source, indices: Sequence[int]) -> list[tuple[int, int] | None]:
    """Width and height of each picture; None of one that cannot be opened."""
    with _Hand(source, Frame(resolution=SMALLEST), threading.Event()) as hand:
        return [hand.size(index) for index in indices]


class _Hand:
    """One child at a time; a new one when it dies."""

    def __init__(self, source: Source, frame: Frame, stop: threading.Event) -> None:
        self.source, self.frame, self.stop = source, frame, stop
        self.child: Child | None = None

    def __enter__(self) -> _Hand:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def work(self, job: Job, say: Callable[[int], None]) -> Decoded:
        """Decode one job, going on behind a picture that ends the child."""
        blocks: list[tuple[int, list[NDArray[np.uint8]]]] = []
        result, done, tries = Decoded(job), 0, 0
        while done < len(job.indices) and not self.stop.is_set():
            try:
                child = self._child()
                child.ask(self.source.refs(job.indices[done:]))
                while done < len(job.indices):
                    words, payload = child.hear(self.stop)
                    left = job.indices[done:]
                    try:
                        n = self._take(words, payload, left, result, blocks)
                    except (KeyError, TypeError, ValueError):
                        raise ChildDiedError(NONSENSE) from None
                    done, tries = done + n, 0
                    say(n)
            except ChildDiedError as death:
                said = self.child.last_words() if self.child else ""
                self._end()
                tries += 1
                if not self.source.guarded and not self.stop.is_set():  # only we can be at fault
                    raise RuntimeError(f"reading {self.source.name}: {death}\n{said}") from death
                if (tries == 2 or not death.again) and not self.stop.is_set():
                    title = self.source.title(job.indices[done])
                    result.findings.append(Finding(title, "unreadable", str(death)))
                    done, tries = done + 1, 0
                    say(1)
        _join(result, blocks, self.frame)
        return result

    def size(self, index: int) -> tuple[int, int] | None:
        """Width and height of one picture; None when it cannot be opened."""
        try:
            child = self._child()
            child.ask({"sizes": self.source.refs([index])})
            words, _ = child.hear(self.stop)
        except ChildDiedError:
            self._end()
            return None
        return (int(words["size"][0]), int(words["size"][1])) if "size" in words else None

    def _take(
        self,
        words: dict[str, Any],
        payload: bytes,
        left: tuple[int, ...],
        result: Decoded,
        blocks: list[tuple[int, list[NDArray[np.uint8]]]],
    ) -> int:
        """Add one message to `result`, if it is what it must be; how many pictures it settles."""
        if "finding" in words:
            _, kind, reason = words["finding"]
            known = cast(Kind, kind) if kind in get_args(Kind) else "unreadable"
            title = self.source.title(left[0])
            result.findings.append(Finding(title, known, shown(str(reason)[:200])))
            return 1
        n, channels, side = int(words["n"]), int(words["channels"]), self.frame.resolution
        sides = [SMALLEST << i for i in range((side // SMALLEST).bit_length())]
        expected = n * channels * sum(r * r for r in sides)
        if not 1 <= n <= len(left) or channels not in (1, 3) or len(payload) != expected:
            raise ValueError
        notes = set(words["notes"]) & set(NOTES)
        flat, start, cut = np.frombuffer(payload, np.uint8), 0, []
        for r in sides:
            size = n * channels * r * r
            cut.append(flat[start : start + size].reshape(n, channels, r, r))
            start += size
        blocks.append((channels, cut))
        result.used += left[:n]
        for note in notes:
            result.notes[note] = result.notes.get(note, 0) + n
        return n

    def _child(self) -> Child:
        if self.child is None:
            self.child = Child(self.source, self.frame, self.stop)
        return self.child

    def _end(self) -> None:
        if self.child is not None:
            self.child.end()
            self.child = None


def _join(result: Decoded, blocks: list[tuple[int, list[NDArray[np.uint8]]]], frame: Frame) -> None:
    """Put the blocks of a job together; grey ones are repeated where others are in colour."""
    if not blocks:
        return
    result.channels = max(channels for channels, _ in blocks)
    for level in range(len(blocks[0][1])):
        parts = [
            cut[level] if channels == result.channels else np.repeat(cut[level], 3, axis=1)
            for channels, cut in blocks
        ]
        joined = np.concatenate(parts)
        result.pixels[joined.shape[-1]] = joined
