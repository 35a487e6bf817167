"""Write the stored names and shapes of every variant anew: `python tests/golden/update_names.py`.

For deliberate changes only: checkpoints written before such a change cannot be read after it.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from contract.names import GOLDEN, write
    from contract.variants import VARIANTS

    written = {write(variant) for variant in VARIANTS}
    for path in set(GOLDEN.glob("*.json")) - written:  # variants that are no more
        path.unlink()
    sys.stdout.write(f"{len(written)} lists in {GOLDEN}\n")


if __name__ == "__main__":
    main()
