"""One thread, everywhere: bits then depend on nothing but the code. Shapes are checked."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import shapes

shapes.install()
