"""A program in Python that torchrun starts several times."""

import sys

import progan
from brief import brief
from progan.cli.app import run as command

SETTINGS = {
    **{"data.images": 64, "fmap_max": 8, "latent_size": 8, "batch": {4: 9}, "train.previews": 4},
    **{"train.threads": 1, "train.precision": "fp32", "train.device": "cpu"},
}

with brief():
    run = progan.train("portraits", images=450, resolution=8, name="faces", set=SETTINGS)
print(run.path, run.model().trained_images, run.report.is_file(), flush=True)  # noqa: T201
words = ("faces.zip", "--n", "9000000", "--backend", "eager-fp32", "--device", "cpu")
sys.exit(command(["sample", str(run.path), *words]))
