"""Kills a small run twenty times at random points and compares its end with the uncut run.

Run by test_run.py in an interpreter of its own: children that use autograd may be forked only
from a parent that never did.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import test_run
import torch

from progan.engine.record import RunFolder


def main(root: Path, system: str) -> None:
    make = {"toy": test_run.toy, "progan": test_run.progan}[system]
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], fused=True)  # its imports, once

    def whole() -> None:
        assert test_run.start(RunFolder.create(root, "whole"), make=make).go() == "done"

    assert test_run._child(whole) == 0
    dice = random.Random(0)
    kills = runs = 0
    while kills < 20:
        folder = RunFolder.create(root, f"cut{runs}")
        folder.unlock()
        status = -9
        while status == -9:
            after = dice.randrange(1, 60) if kills < 20 else 10**9

            def work(after: int = after, path: Path = folder.path) -> None:
                test_run.go_on(path, test_run.KillAt(after), make).go()

            status = test_run._child(work)
            kills += status == -9
        assert status == 0, f"child ended with {status}"
        runs += 1
        if test_run.results(folder.path) != test_run.results(root / "whole"):
            sys.exit(f"run {runs} differs after {kills} kills")
        leftovers = list(folder.path.rglob(".*.tmp-*"))
        assert len(leftovers) <= kills
    sys.stdout.write(f"{kills} kills over {runs} runs, all the same\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
