"""Play a loss of your own, by name, without touching the package.

    python examples/own_loss.py

One-sided label smoothing (Salimans et al. 2016, section 3.4): the critic is told 0.9, not 1, for
real pictures. With D = sigmoid(s), −0.9 log D − 0.1 log(1 − D) = softplus(−s) + 0.1 s.

The name must be known whenever the run is built, so go on with it from Python too, not with
`progan resume`. A loss that is to stay belongs into the package: CONTRIBUTING.md shows how.
"""

from __future__ import annotations

import json
from pathlib import Path

from torch import Tensor
from torch.nn.functional import softplus

import progan
from progan.objectives import table
from progan.objectives.adversarial import non_saturating_generator


def smoothed_critic(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Named terms whose sum the critic lowers, from one score per picture."""
    return {"real": (softplus(-real) + 0.1 * real).mean(), "fake": softplus(fake).mean()}


def main(runs: Path = Path("runs"), images: int = 12_000, faces: int = 2_000) -> progan.Run:
    """Train with the loss, and show what it came to."""
    table.OBJECTIVES = {
        **table.OBJECTIVES,
        "smoothed": table.Objective(smoothed_critic, non_saturating_generator),
    }
    run = progan.train(
        "portraits",
        images=images,
        resolution=8,
        name="smoothed",
        runs=runs,
        set={"objective": "smoothed", "fmap_max": 32, "data.images": faces},
    )
    last = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])
    print({name: round(value, 3) for name, value in last.items() if name.startswith("critic/")})
    return run


if __name__ == "__main__":
    main()
