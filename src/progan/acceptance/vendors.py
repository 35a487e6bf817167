"""Tasks of CycleGAN: emoji drawn by one vendor become another's; true pairs are known."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.acceptance.record import Numbers, Task
from progan.acceptance.scenes import psnr, rolled
from progan.acceptance.translation import train, translated
from progan.acceptance.user_pictures import ENDINGS, TwoSets, as_images, read_pictures
from progan.core.errors import ConfigError
from progan.core.grids import to_uint8
from progan.core.randomness import seed_of
from progan.data.order import Order
from progan.extractors.style_content import style_judge
from progan.lab.exhibits.record import Number
from progan.metrics.frechet import frechet_distance
from progan.metrics.moments import moments

__all__ = ["TASKS", "chosen_names", "nearest_is_own"]

SOURCE = "google"
SIDE, HELD_OUT = 32, 150
SHOWN = 20_000
"""Patches that the judge of vendors is shown."""
WINDOW = 0.75
SETS = ("images=8000",)
FLAT = 4.0
"""Deviation of pixels, of 255, below which a picture shows nothing."""
CALLED, RETRIEVED, NEARER, LOST = 0.85, -0.03, 0.3, -0.5
SOURCES_CALLED = 0.41
"""Share of sources that the judge of the measurement took for twitter's, as they are. The bar for
translations is from that judge, so this one is asked at the limit where it calls as many."""


def chosen_names(a: set[str], b: set[str]) -> list[str]:
    """Emoji that both have drawn, but for skin tones, flags and those joined of several."""

    def plain(name: str) -> bool:
        codes = [int(code, 16) for code in name.split("-") if code != "fe0f"]
        toned = any(0x1F3FB <= code <= 0x1F3FF for code in codes)
        flag = any(0x1F1E6 <= code <= 0x1F1FF or code in (0x1F3F4, 0x1F3F3) for code in codes)
        return not toned and not flag and 0x200D not in codes

    return sorted(name for name in a & b if plain(name))


def emoji(folder: Path, target: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The same emoji by google and by `target`, n 3 side side each, on white.

    Raises: ConfigError where the folder is another; DataError for files that are no pictures.
    """
    files: list[dict[str, Path]] = []
    for vendor in (SOURCE, target):
        places = [folder.expanduser() / vendor / "64", folder.expanduser() / vendor]
        place = next((one for one in places if one.is_dir()), places[-1])
        files.append(
            {
                one.stem: one
                for one in place.glob("*")
                if one.suffix.lower() in ENDINGS and _is_code(one.stem)
            }
        )
        if not files[-1]:
            raise ConfigError(
                f"{place} has no emoji, which are pictures named by their code. "
                "docs/cyclegan.md says how to fetch them: --data FOLDER"
            )
    names = chosen_names(set(files[0]), set(files[1]))
    if len(names) < 4 * HELD_OUT:
        raise ConfigError(
            f"{folder} has {len(names)} emoji of both vendors; {4 * HELD_OUT} are needed. "
            "docs/cyclegan.md says how to fetch them."
        )
    read = [read_pictures({name: one[name] for name in names}, SIDE) for one in files]
    a, b = (np.stack([one[name] for name in names]) for one in read)
    seen = np.minimum(a.std(axis=(1, 2, 3)), b.std(axis=(1, 2, 3))) > FLAT
    return a[seen], b[seen]


def _is_code(stem: str) -> bool:
    try:
        return all(0 <= int(part, 16) <= 0x10FFFF for part in stem.split("-"))
    except ValueError:
        return False


def nearest_is_own(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Share of pictures whose nearest true one, by squares over pixels, is their own."""
    x, y = (one.reshape(len(one), -1).astype(np.float64) for one in (found, truth))
    far = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return float((far.argmin(axis=1) == np.arange(len(x))).mean())


def vendors(seed: int, folder: Path, *, target: str) -> Numbers:
    """From google to another: called the other's, still the same emoji, near to what is drawn."""
    a, b = emoji(folder, target)
    order = Order(len(a), seed_of("emoji")).indices(np.arange(len(a)))
    held, known = order[:HELD_OUT], order[HELD_OUT:]
    halves = a[known[: len(known) // 2]], b[known[len(known) // 2 :]]
    truth = b[held]
    trainer = train("cyclegan", TwoSets(*halves, seed), seed=seed, sets=SETS)
    made = to_uint8(translated(trainer, as_images(a[held]), "ab"))
    judge = style_judge(halves, (SOURCE, target), images=SHOWN, seed=seed, window=WINDOW)

    limit = np.quantile(judge.leaning(a[held], 1), 1 - SOURCES_CALLED)

    def numbers(pixels: NDArray[np.uint8]) -> dict[str, float]:
        leaning = judge.leaning(pixels, 1)
        distance: Any = frechet_distance(
            moments(judge.features(truth)), moments(judge.features(pixels))
        )
        return {
            "called": float((leaning > limit).mean()),
            "said": float((leaning > 0).mean()),
            "own": nearest_is_own(pixels, truth),
            "fd": distance.value,
            "psnr": psnr(as_images(pixels), as_images(truth)),
        }

    copy, found, real = (numbers(one) for one in (a[held], made, truth))
    mean = np.repeat(np.rint(halves[1].mean(axis=0, keepdims=True)).astype(np.uint8), len(truth), 0)
    return {
        "called": Number(
            words=f"share of translations that a judge of patches calls {target}'s, where it calls "
            f"{SOURCES_CALLED:g} of the sources so",
            value=found["called"],
            low=CALLED,
        ),
        "own": Number(
            words="share whose nearest true picture is their own, less that of the source itself",
            value=found["own"] - copy["own"],
            low=RETRIEVED,
        ),
        "fd": Number(
            words="the judge's Fréchet distance to true pictures, over that of the source itself",
            value=found["fd"] / copy["fd"],
            high=NEARER,
        ),
        "psnr": Number(
            words="PSNR to the true picture in dB, less that of the source itself",
            value=found["psnr"] - copy["psnr"],
            low=LOST,
        ),
        "pictures": Number(words="emoji of both vendors", value=float(len(a))),
        "called copy": Number(words="share of sources called so", value=copy["called"]),
        "called real": Number(words="share of true ones called so", value=real["called"]),
        "said": Number(
            words=f"share of translations that it holds to be {target}'s more likely "
            f"than {SOURCE}'s",
            value=found["said"],
        ),
        "said copy": Number(words="the same of sources", value=copy["said"]),
        "said real": Number(words="the same of true ones", value=real["said"]),
        "own copy": Number(words="share of sources nearest to their own", value=copy["own"]),
        "fd copy": Number(words="the judge's distance of sources", value=copy["fd"]),
        "psnr copy": Number(words="PSNR of sources", value=copy["psnr"]),
        "psnr mean": Number(
            words=f"PSNR of {target}'s mean picture", value=psnr(as_images(mean), as_images(truth))
        ),
        "psnr rolled": Number(
            words=f"PSNR of another of {target}'s",
            value=psnr(rolled(as_images(truth)), as_images(truth)),
        ),
    }


def _task(slug: str, target: str, source: str) -> Task:
    return Task(
        slug=slug,
        words=f"emoji of {SIDE} pixels from {SOURCE}'s hand to {target}'s",
        source=source,
        minutes=3,
        make=partial(vendors, target=target),
        needs=f"the folders {SOURCE} and {target} of their emoji, as docs/cyclegan.md says",
    )


TASKS = (
    _task("emoji", "twitter", "bars by a measurement"),
    _task(
        "emoji-microsoft", "microsoft", "bars of the task emoji, which were measured of twitter's"
    ),
)
