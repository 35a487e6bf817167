"""What a piece of code imports, in an interpreter that has imported nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

__all__ = ["imported"]


def imported(code: str, *names: str) -> set[str]:
    """Those of the modules `names` that are there when `code` has run."""
    told = f"{code}\nimport sys\nprint(*set({names!r}) & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", told],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    return set(done.stdout.splitlines()[-1].split())
