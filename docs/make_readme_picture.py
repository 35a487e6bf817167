"""Draw the picture of the README from a run: python docs/make_readme_picture.py runs/portraits."""

from __future__ import annotations

import sys
from pathlib import Path

import progan

COLUMNS, ROWS, ENLARGED = 16, 4, 2

if __name__ == "__main__":
    model = progan.load(sys.argv[1])
    sheet = progan.grid(model.sample(seeds=range(COLUMNS * ROWS)), (COLUMNS, ROWS))
    path = Path(__file__).parent / "images" / "readme.png"
    sheet.resize((sheet.width * ENLARGED, sheet.height * ENLARGED), 0).save(path, optimize=True)
    print(path)
