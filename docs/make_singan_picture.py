"""Draw SinGAN's picture: python docs/make_singan_picture.py, ten minutes of a core.

Three trainings with seed 0 on a photograph of 43 × 64 pixels, the packaged sketch below it drawn by
this file. Rows, from the top:

    the photograph, its reconstruction, a picture from scale 1, four new ones
    two of double width; a balloon pasted in, and harmonised
    a sketch, painted by preset cpu, by cpu-paint; a half as large, by cubics and by cpu-larger

Photograph: china.jpg of scikit-learn, by danielbuechele, CC BY 2.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from progan.acceptance.one_picture import learnt, photograph, to_tensor
from progan.assemble.measuring.one_picture import pictures_from
from progan.core.grids import to_uint8
from progan.core.latents import draw_fields
from progan.core.plan import Progress
from progan.engine.preview import seeded
from progan.layers.resample import resized
from progan.systems.singan import SinGAN

PICTURE = Path(__file__).parent / "images" / "singan.png"
GAP, TIMES, SEED = 4, 2, 0
BALLOON = (1, 7, 10, 18)
"""Rows and columns of what is pasted in, of 43 × 64."""

Frame = NDArray[np.uint8]


def trained(image: Tensor, preset: str) -> tuple[SinGAN, Progress]:
    """SinGAN at its end."""
    with torch.enable_grad():
        trainer, _ = learnt(image, preset, SEED)
    return cast(SinGAN, trainer.system), trainer.at


def frame(image: Tensor) -> Frame:
    """A picture 1 c h w in [-1, 1] as h w c."""
    return to_uint8(image.clamp(-1, 1))[0].transpose(1, 2, 0)


def sketch(height: int, width: int) -> Tensor:
    """Sky, hills, and two towers in flat colours: 1 3 h w."""
    whole = Image.new("RGB", (64, 43), (196, 214, 232))
    draw = ImageDraw.Draw(whole)
    draw.rectangle((0, 24, 64, 33), fill=(176, 196, 196))
    draw.polygon(((0, 30), (18, 26), (40, 34), (64, 27), (64, 43), (0, 43)), fill=(66, 72, 40))
    for left in (8, 38):
        draw.rectangle((left, 14, left + 14, 36), fill=(104, 44, 40))
        for top in (12, 20, 28):
            roof = ((left - 4, top + 4), (left + 7, top - 2), (left + 18, top + 4))
            draw.polygon(roof, fill=(176, 104, 56))
    return resized(to_tensor(np.asarray(whole)), height, width)


def painted(system: SinGAN, given: Tensor, start: int) -> Tensor:
    """A picture that enters at a scale."""
    with seeded("docs", "singan"), torch.no_grad():
        fields = system.fields_of(system.sizes_for(*given.shape[2:]))
        return system.refined(given, start, draw_fields(fields, 1))


def harmonised(system: SinGAN, whole: Tensor) -> tuple[Tensor, Tensor]:
    """The picture with an orange balloon in its sky, and that made to fit."""
    top, bottom, left, right = BALLOON
    pasted, mask = whole.clone(), torch.zeros_like(whole[:, :1])
    rows, columns = torch.meshgrid(torch.arange(43), torch.arange(64), indexing="ij")
    middle = (top + bottom) / 2, (left + right) / 2
    far = ((rows - middle[0]) / 4) ** 2 + ((columns - middle[1]) / 4) ** 2
    pasted[:, :, far < 1] = torch.tensor([0.9, 0.1, -0.7])[:, None]
    mask[:, :, far < 2] = 1
    soft = Image.fromarray((mask[0, 0].numpy() * 255).astype(np.uint8))
    cover = np.asarray(soft.filter(ImageFilter.GaussianBlur(1)), np.float32) / 255
    made = painted(system, pasted, len(system.sizes) - 1)
    return pasted, torch.lerp(pasted, made, torch.from_numpy(cover))


def row(frames: list[Frame]) -> Frame:
    """Frames beside each other, white between them."""
    high = max(one.shape[0] for one in frames)
    parts = []
    for one in frames:
        whole = np.full((high, one.shape[1] + GAP, 3), 255, np.uint8)
        whole[: one.shape[0], : one.shape[1]] = one
        parts.append(whole)
    return np.concatenate(parts, axis=1)


def main() -> None:
    """Train, draw, write."""
    torch.set_num_threads(1)
    image = photograph()
    with torch.no_grad():
        system, at = trained(image, "cpu")
        last = len(system.sizes) - 1
        whole = resized(image, *system.sizes[last])
        height, width = system.sizes[last]
        drawn = sketch(height, width)
        later = pictures_from(system, at, 1, 1).transpose(0, 2, 3, 1)
        new = pictures_from(system, at, 0, 4).transpose(0, 2, 3, 1)
        wide = pictures_from(system, at, 0, 2, (height, 2 * width)).transpose(0, 2, 3, 1)
        pasted, fitted = harmonised(system, whole)
        first = [frame(whole), frame(system.reconstruction(last)), later[0], *new]
        second = [*wide, frame(pasted), frame(fitted)]
        third = [frame(drawn), frame(painted(system, drawn, 1))]
        system, _ = trained(image, "cpu-paint")
        third.append(frame(painted(system, drawn, system.config.paint_scale)))
        system, _ = trained(image, "cpu-larger")
        small = resized(image, *system.sizes[-1])
        with seeded("docs", "larger"):
            large = system.enlarged(small, 4.0)
        half = slice(20, 20 + 2 * height), slice(40, 40 + 2 * width)
        third += [frame(resized(small, 4 * height, 4 * width))[half], frame(large)[half]]
    rows = [row(frames) for frames in (first, second, third)]
    wide_enough = max(one.shape[1] for one in rows)
    sheet = [
        np.pad(one, ((0, GAP), (0, wide_enough - one.shape[1]), (0, 0)), constant_values=255)
        for one in rows
    ]
    found = Image.fromarray(np.concatenate(sheet))
    found = found.resize((TIMES * found.width, TIMES * found.height), Image.Resampling.NEAREST)
    found.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
