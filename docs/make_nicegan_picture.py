"""Draw NICE-GAN's picture: python docs/make_nicegan_picture.py, minutes.

It is the training of `progan accept nicegan --task scenes --seed 0`. Rows: held-out scenes of a,
what became of them, the same scenes in b; then scenes of b, what became of them, the same in a.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from progan.acceptance.reusing import SCALE
from progan.acceptance.scenes import held_scenes, training_scenes
from progan.acceptance.translation import learnt, translated
from progan.core.grids import to_uint8

PICTURE = Path(__file__).parent / "images" / "nicegan.png"
SEED, COLUMNS = 0, 8


def main() -> None:
    """Train, translate, write."""
    torch.set_num_threads(1)
    held = held_scenes(SEED, scale=SCALE)
    trainer = learnt("nicegan", training_scenes(SEED, scale=SCALE), seed=SEED)
    rows = []
    for source, target in (("a", "b"), ("b", "a")):
        image = held.image(source)[:COLUMNS]
        made = translated(trainer, image, source + target)
        rows += [image, made, held.image(target)[:COLUMNS]]
    sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
    Image.fromarray(to_uint8(sheet[None])[0].transpose(1, 2, 0)).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
