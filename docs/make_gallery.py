"""Make docs/gallery.md and its figures of what `progan lab --all` found.

progan lab --all --to gallery
python docs/make_gallery.py gallery
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from progan.lab.gallery import EXHIBITS
from progan.lab.games import find
from progan.lab.run import SHOWN

DOCS = Path(__file__).parent
FIGURES = DOCS / "images" / "lab"
HEAD = """\
# The gallery of the lab

What the lab found for each question of the survey, and how its games end on the ring. Written by

```bash
progan lab --all --to gallery
python docs/make_gallery.py gallery
```

which also leaves a page for each, with films. `nox -s slow` holds the numbers to their bars.
"""


def question(slug: str, found: Mapping[str, Any]) -> str:
    """The part of one exhibit."""
    lines = [f"## {found['title']}\n", f"*{found['question']}*\n", f"{found['answer']}\n"]
    for title, name in found["figures"].items():
        lines.append(f"![{title}](images/lab/{slug}-{name})\n")
    lines.append("| what | measured | must be |\n|---|---|---|")
    for number in found["numbers"].values():
        value = "–" if number["value"] is None else f"{number['value']:.4g}"
        lines.append(f"| {number['words']} | {value} | {number['bar']} |")
    lines.append(f"\n`progan lab --exhibit {slug}`\n")
    return "\n".join(lines)


def games(folder: Path) -> str:
    """The part of the games: a table, and the last picture of each."""
    lines = ["## Games on the ring\n", "| game | modes of 8 | high quality | reverse KL |"]
    lines.append("|---|---|---|---|")
    shown = []
    for name in SHOWN:
        place = folder / name.replace(":", "-")
        found = json.loads((place / "numbers.json").read_text())["generated"]
        lines.append(
            f"| `{name}` | {found['modes']:.0f} | {found['high_quality']:.0%} "
            f"| {found['reverse_kl']:.3f} |"
        )
        with Image.open(place / "last.png") as image:
            small = image.convert("RGB").resize((360, 360 * image.height // image.width))
        to = f"{place.name}.webp"
        small.save(FIGURES / to, "WEBP", quality=80, method=6)
        shown.append(f"![{find(name).title}](images/lab/{to})")
    lines.append(
        "\nBlue is data, orange what the generator draws after 2,500 rounds; seed 0. All seeds, "
        "games and the grid: [the lab](lab.md#how-much-each-game-covers).\n"
    )
    return "\n".join([*lines, *shown])


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gallery", type=Path, help="what progan lab --all wrote")
    folder = parser.parse_args().gallery
    shutil.rmtree(FIGURES, ignore_errors=True)
    FIGURES.mkdir(parents=True)
    parts = [HEAD]
    for slug in EXHIBITS:
        found = json.loads((folder / slug / "finding.json").read_text(encoding="utf-8"))
        for name in found["figures"].values():
            shutil.copyfile(folder / slug / name, FIGURES / f"{slug}-{name}")
        parts.append(question(slug, found))
    parts.append(games(folder))
    (DOCS / "gallery.md").write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
