"""Presets of ProGAN: what each changes in the settings of the paper.

Sources: [P] the paper, Karras et al. 2018; [TF] its TensorFlow code; [TH] the Theano code that
made the paper's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PRESETS", "PRESET_HELP"]

Preset = Mapping[str, Any]

# [TF] config.py: fused layers, stddev in groups of 4, shorter phases, large batches while small.
V2: Preset = {
    "fused": True,
    "stddev_group": 4,
    "stable_images": 600_000,
    "fade_images": 600_000,
    "total_images": 12_000_000,
    "ramp_up_images": 0,
    "batch": {4: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4},
    "rate": {4: 1.0, 1024: 1.5},
}

# [TH] table 1: narrow networks at 128 pixels, 10 million images, never converged. The average
# forgets 0.1 % per 16 images whatever the batch: a half-life of 16 · ln 0.5 / ln 0.999 images.
TABLE_1: Preset = {
    "fmap_base": 2048,
    "total_images": 10_000_000,
    "ramp_up_images": 0,
    "batch": {4: 16},
    "average": {"half_life_images": 11_085, "decay": None},
}
ROW_D: Preset = {
    **TABLE_1,
    "optimizer": {"lr": 1e-4},
    "equalized": False,
    "pixelnorm": False,
    "stddev_group": 0,
}
ROW_C: Preset = {
    **ROW_D,
    "critic_steps": 5,
    "optimizer": {"lr": 1e-4, "betas": [0.0, 0.9]},
    "latent_size": 128,
    "normalize_latent": False,
    "activation": "relu",
    "generator_norm": "batch",
    "critic_norm": "layer",
    "tanh": True,
    "drift": 0.0,
}
ROW_B: Preset = {**ROW_C, "batch": {4: 64}}

# [TH] stacked MNIST: networks of a few thousand weights, WGAN-GP as Gulrajani et al. have it.
MNIST_1K: Preset = {
    "network": "modes",
    "latent_size": 64,
    "equalized": False,
    "pixelnorm": False,
    "generator_norm": "batch",
    "critic_norm": "layer",
    "tanh": True,
    "stddev_group": 0,
    "drift": 0.0,
    "critic_steps": 5,
    "batch": {4: 64},
    "first_resolution": None,
    "total_images": 10_000_000,
}

# Ours: v2 at a fraction of its cost. The penalty is R1, due in one step of sixteen.
FAST: Preset = {
    **V2,
    "objective": "non-saturating",
    "penalty": {"kind": "r1", "weight": 10.0, "norm": "native", "every": 16},
    "drift": 0.0,
}

# Ours: for two CPU cores. Narrow fused networks, a penalty in one step of sixteen.
CPU: Preset = {
    "latent_size": 64,
    "fmap_base": 512,
    "fmap_max": 64,
    "fused": True,
    "stddev_group": 4,
    "objective": "non-saturating",
    "penalty": {"kind": "r1", "weight": 1.0, "norm": "native", "every": 16},
    "drift": 0.0,
    "optimizer": {"lr": 0.004},
    "batch": {4: 32, 16: 16},
    "ramp_up_images": 0,
    "stable_images": 10_000,
    "fade_images": 8_000,
    "total_images": None,
    "final_images": 40_000,
    "average": {"half_life_images": 5_000, "decay": None},
}

PRESETS: Mapping[str, Preset] = {
    "paper": {},
    "v2": V2,
    "v2-2gpus": {
        **V2,
        "batch": {4: 256, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8},
        "rate": {4: 1.0, 512: 1.5, 1024: 2.0},
    },
    "v2-4gpus": {
        **V2,
        "batch": {4: 512, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16},
        "rate": {4: 1.0, 256: 1.5, 512: 2.0, 1024: 3.0},
    },
    "v2-8gpus": {
        **V2,
        "batch": {4: 512, 8: 256, 16: 128, 32: 64, 64: 32},
        "rate": {4: 1.0, 128: 1.5, 256: 2.0, 512: 3.0},
    },
    "no-growing": {**V2, "first_resolution": None, "total_images": 10_000_000},
    "fast": FAST,
    "cpu": CPU,
    "cpu-no-growing": {**CPU, "first_resolution": None, "final_images": 94_000},
    "cpu-paper": {
        **CPU,
        "objective": "wasserstein",
        "penalty": {"kind": "gp", "weight": 10.0, "norm": "full", "every": 1},
        "drift": 0.001,
        "optimizer": {"lr": 0.001},
    },
    "table1-a": {**ROW_B, "first_resolution": None},
    "table1-b": ROW_B,
    "table1-c": ROW_C,
    "table1-d": ROW_D,
    "table1-e*": {**ROW_D, "minibatch_discrimination": True},
    "table1-e": {**ROW_D, "stddev_group": "all"},
    "table1-f": {**TABLE_1, "pixelnorm": False},
    "table1-g": TABLE_1,
    "table1-h": {**TABLE_1, "fmap_base": 8192, "total_images": 19_000_000},
    "cifar10": {
        "fmap_base": 4096,
        "fmap_max": 128,
        "latent_size": 128,
        "penalty": {"target": 750.0},
        "simultaneous": True,
        "batch": {4: 16},
        "ramp_up_images": 0,
        "stable_images": 400_000,
        "fade_images": 400_000,
        "total_images": 20_000_000,
    },
    "mnist-1k": MNIST_1K,
    "mnist-1k-norm": {
        **MNIST_1K,
        "equalized": True,
        "pixelnorm": True,
        "generator_norm": "none",
        "critic_norm": "none",
    },
    "lsun": {"batch": {4: 16}, "total_images": 20_000_000},
    "lsgan": {
        "objective": "reversed-least-squares",
        "noise": 0.2,
        "penalty": {"kind": "none"},
        "drift": 0.0,
    },
}

PRESET_HELP: Mapping[str, str] = {
    "paper": "the paper's CelebA-HQ run: 19M images, batch 16 and less, separate resizing [TH]",
    "v2": "the released code's default: fused layers, 12M images, one GPU [TF]",
    "v2-2gpus": "v2 with the batches and rates for two GPUs [TF]",
    "v2-4gpus": "v2 with the batches and rates for four GPUs [TF]",
    "v2-8gpus": "v2 with the batches and rates for eight GPUs [TF]",
    "no-growing": "v2 at the full size from the start, 10M images [TF]",
    "fast": "ours: v2 with the non-saturating loss and a lazy R1: two thirds of the operations",
    "cpu": "ours: narrow fused networks, non-saturating with a lazy R1, minutes on a CPU",
    "cpu-no-growing": "cpu at the full size from the start, as long as cpu at 32 pixels",
    "cpu-paper": "cpu's networks and lengths with the paper's losses",
    "table1-a": "table 1, row a: Gulrajani et al. 2017 at 128 pixels [TH]",
    "table1-b": "row b: a, growing [TH]",
    "table1-c": "row c: b with batch 16 [TH]",
    "table1-d": "row d: c with revised training parameters [TH]",
    "table1-e*": "row e*: d with minibatch discrimination [TH]",
    "table1-e": "row e: d with minibatch standard deviation [TH]",
    "table1-f": "row f: e with the equalized learning rate [TH]",
    "table1-g": "row g: f with pixel norm [TH]",
    "table1-h": "row h: g at full width and to the end; its exact length is not known to us",
    "cifar10": "CIFAR-10: width 128, slope target 750, players move at once [TH]",
    "mnist-1k": "stacked-MNIST mode count, WGAN-GP column, K/4 (critic_shrink 2 for K/2) [TH]",
    "mnist-1k-norm": "the same with equalized rate and pixel norm; add stddev_group=all, or "
    "first_resolution=4 stable_images=500_000 fade_images=2_000_000 total_images=15_000_000",
    "lsun": "LSUN at 256 pixels: batch 16 throughout, 20M images [TH]",
    "lsgan": "paper with its least-squares objective and the noise that steadies it [TH]",
}
"""One line each, for `describe`."""
