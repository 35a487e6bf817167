"""Train a tiny ProGAN from Python, sample it, and look at it half grown.

    python examples/train_tiny.py

About a minute on two CPU cores. Writes runs/tiny and two pictures beside it.
"""

from __future__ import annotations

from pathlib import Path

import progan


def main(runs: Path = Path("runs"), images: int = 12_000, faces: int = 2_000) -> progan.Run:
    """Train on `images` images of `faces` different faces at 16 pixels."""
    run = progan.train(
        "portraits",
        images=images,
        resolution=16,
        name="tiny",
        runs=runs,
        set={"fmap_max": 32, "data.images": faces},
    )
    model = run.model()
    print(model)

    progan.grid(model.sample(seeds=range(16)), "8x2").save(runs / "tiny.png")
    for resolution in model.resolutions:
        print(resolution, model.at(resolution).sample(seeds=[0]).shape)
    return run


if __name__ == "__main__":
    main()
