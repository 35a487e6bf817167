"""A program for tests of `side_by_side`: does what its line asks, and answers what it saw."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    asked = json.loads(os.read(0, 2**16))
    signal.signal(signal.SIGINT, lambda number, frame: sys.exit(130))
    sys.stderr.write(f"{asked['name']} was here\n")
    made = Path(asked["makes"])
    made.mkdir()
    if "dies" in asked:
        os.kill(os.getpid(), signal.SIGKILL)
    waited = 0.0
    while "until" in asked and not Path(asked["until"]).exists() and waited < 30:
        waited += 0.02
        time.sleep(0.02)
    json.dump({"seen": {k: os.environ.get(k) for k in asked.get("tell", [])}}, sys.stdout)
    sys.exit(asked.get("code", 0))
