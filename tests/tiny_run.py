"""A whole run in seconds: a very narrow ProGAN grown to 16 pixels on real pictures of clothes, or
another system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from progan.assemble.measuring.measure import QualityInPassing
from progan.assemble.models.build import build_system, spec_to_plain, versions
from progan.assemble.models.recipes import resolve
from progan.assemble.models.texts import take_vectors
from progan.core.config import apply_sets, lock
from progan.core.recipe import DataSettings, Recipe
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.loop import Trainer
from progan.engine.record import RunFolder
from progan.engine.run import Run, RunOptions

IMAGES = 256
"""Real pictures."""


CLOTHES = DataSettings(source="fashion-mnist", resolution=16, images=IMAGES, labels="none")
NARROW = ("fmap_max=8", "latent_size=8", "batch={4: 32}")


def tiny_run(
    runs: Path,
    name: str = "tiny",
    *,
    system: str = "progan",
    sets: Sequence[str] = NARROW,
    data: DataSettings = CLOTHES,
) -> tuple[Path, Loader]:
    """Train in `runs` and give the run folder and its pictures: 32 images a stage.

    ProGAN ends at 160 images, full size.
    """
    recipe = Recipe(system=system, preset="cpu", data=data)
    recipe = apply_sets(recipe, list(sets))
    source = open_source(recipe.data.source, recipe.data)
    pyramid = open_or_build(source, recipe.data, runs / ".data", workers=1)
    built = build_system(recipe, pyramid.spec, torch.device("cpu"))
    take_vectors(built, pyramid)
    loader = Loader(pyramid, seed=0, batch_type=built.batch_type)
    plan = built.plan()
    plan = plan.with_lengths([32] * len(plan.stages))
    folder = RunFolder.create(runs, name)
    text = lock(recipe, resolve(recipe)[1], plan.stages)
    folder.write("recipe.lock.yaml", text)
    run = Run(
        folder,
        Trainer(built, loader, plan=plan),
        options=RunOptions(log_every=1, previews=4, keep_last=9),
        meta={
            "recipe": text,
            "spec": spec_to_plain(pyramid.spec),
            "class_names": [],
            "data_fingerprint": pyramid.fingerprint,
            "versions": versions(),
            "threads": 1,
            "precision": "fp32",
        },
        measure=QualityInPassing(loader, images=16),
    )
    assert run.go() == "done"
    folder.unlock()
    return folder.path, loader
