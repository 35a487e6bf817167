"""Work that a program in Python gives to all processes at once, as the command line does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from progan.core import distributed, meeting
from progan.core.errors import ProganError, TrainingError
from progan.core.launch import ToldError

__all__ = ["taking_part"]


@contextmanager
def taking_part() -> Iterator[bool]:
    """Meet the other processes, where there are several; whether this one is the first.

    Behind it all go on together, when the first one is done. Where one of them raises, all do.
    """
    meeting.join()
    first = distributed.is_first()
    try:
        yield first
        meeting.wait_for(first)
        distributed.agree(None)  # in a group of the caller's own, which nobody parts from
    except ToldError as told:
        raise TrainingError(f"{told}; it says why.") from told
    except BaseException as error:
        meeting.claim(error.exit_code if isinstance(error, ProganError) else 1)
        raise
    finally:
        meeting.part()
