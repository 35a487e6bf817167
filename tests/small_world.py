"""A small world of pictures, archives, recipes and runs, most of them broken in some way."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import progan
from progan.assemble.models.build import build_system, spec_to_plain, versions
from progan.assemble.models.recipes import resolve
from progan.cli.app import run
from progan.core.config import lock
from progan.core.plan import Plan, Stage
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.data.build import open_or_build
from progan.engine.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from progan.engine.loop import Trainer

STAGES = (
    Stage(name="4", images=32, resolution=4, batch=4),
    Stage(name="8 fade", images=32, resolution=8, batch=4, fade=True),
    Stage(name="8", images=36, resolution=8, batch=4),
)

DATA = DataSettings(source="portraits", resolution=8, images=8)

RECIPES = {
    "spaces.yaml": "system: progan\ndata:\n\tsource: cats\n",
    "list.yaml": "- progan\n- cats\n",
    "word.yaml": "progan",
    "nothing.yaml": "",
    "slip.yaml": "system: progan\ndata: {source: cats}\nset:\n  optimiser.lr: 0.1\n",
    "twice.yaml": "system: progan\nsystem: gan\n",
    "anchor.yaml": "system: &a progan\npreset: *a\n",
    "tag.yaml": "system: !!python/name:os.system x\n",
    "system.yaml": "system: stylegan9\n",
    "preset.yaml": "system: progan\npreset: papre\n",
    "length.yaml": "system: progan\ntrain: {minutes: 3, images: 100}\n",
    "plan.yaml": "system: progan\nplan: []\n",
    "source.yaml": "system: progan\ndata: {source: ./dogs}\n",
}


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Said]


def environment(**more: str) -> dict[str, str]:
    """For a command in a process of its own: one thread, this source tree, no terminal."""
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    source = str(Path(progan.__file__).parents[1])
    one = {"OMP_NUM_THREADS": "1", "GOMP_SPINCOUNT": "0", "PYTHONPATH": source, "TERM": "xterm"}
    return {**kept, **one, **more}


def draw_pictures(folder: Path, count: int = 6, side: int = 16) -> Path:
    """Write small pictures of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def make_run(folder: Path, *images: int, fingerprint: str = "0" * 64) -> Path:
    """A run folder of a tiny system, with checkpoints at so many images of 100."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "pictures").mkdir()
    recipe = Recipe(
        data=DATA,
        train=TrainSettings(device="cpu", threads=1, precision="fp32"),
        set={"fmap_base": 64, "fmap_max": 8, "latent_size": 8},
    )
    spec = DataSpec(resolution=8, channels=3, classes=0, images=8)
    text = lock(recipe, resolve(recipe)[1], STAGES)
    (folder / "recipe.lock.yaml").write_text(text, encoding="utf-8")
    system = build_system(recipe, spec, torch.device("cpu"))
    trainer = Trainer(system, data=None, plan=Plan(STAGES))  # type: ignore[arg-type]
    for count in images:
        trainer.images, trainer.steps, trainer.entered = count, count // 4, 2
        state = trainer.state()
        meta = {
            **{"counters": state.counters, "seconds": 1.0, "stage_ends": [], "best": None},
            **{"healthy": True, "recipe": text, "spec": spec_to_plain(spec), "class_names": []},
            **{"data_fingerprint": fingerprint, "versions": versions(), "threads": 1},
            "precision": "fp32",
        }
        save_checkpoint(folder / "checkpoints" / f"{count:09d}.safetensors", state.tensors, meta)
    return folder


def weights(path: Path) -> dict[str, bytes]:
    """The newest checkpoint of a run, to the bit."""
    tensors, _ = load_checkpoint(checkpoints(path / "checkpoints")[-1])
    return {name: value.numpy().tobytes() for name, value in tensors.items()}


def damage(path: Path) -> None:
    """Change one byte near the end."""
    content = bytearray(path.read_bytes())
    content[-5] ^= 255
    path.write_bytes(content)


def make_world(world: Path) -> Path:
    """Everything the table of mistakes needs."""
    draw_pictures(world / "cats")
    (world / "empty").mkdir()
    (world / "texts").mkdir()
    (world / "texts" / "a.txt").write_text("no picture")
    (world / "notes.txt").write_text("no picture")
    (world / "wrong").mkdir()
    (world / "wrong" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (world / "wrong" / "b.jpg").write_bytes(b"")
    (world / "pack.7z").write_bytes(b"7z\xbc\xaf\x27\x1c and then nothing")
    (world / "pack.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with zipfile.ZipFile(world / "texts.zip", "w") as archive:
        archive.writestr("a.txt", "no picture")
    np.savez(world / "numbers.npz", images=np.zeros((3, 4)))
    (world / "cut-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x0803, 10, 28, 28))
    Image.new("RGB", (8, 8)).save(world / "holiday.png")
    for name, text in RECIPES.items():
        (world / name).write_text(text, encoding="utf-8")
    (world / "binary.yaml").write_bytes(b"\xff\xfe\x00\x81")
    runs = world / "runs"
    make_run(runs / "good", 64)
    built = open_or_build("portraits", DATA, runs / ".data")
    finished = make_run(runs / "finished", 100, fingerprint=built.fingerprint)
    (finished / "report.html").write_text("a report", encoding="utf-8")
    damage(make_run(runs / "damaged", 64) / "checkpoints" / "000000064.safetensors")
    make_run(runs / "unsaved")
    foreign = make_run(runs / "foreign") / "checkpoints" / "000000064.safetensors"
    header = json.dumps({"__metadata__": {"made": "elsewhere"}}).encode()
    foreign.write_bytes(struct.pack("<Q", len(header)) + header)
    assert run(["data", "build", str(world / "cats"), "--to", str(world / "built")]) == 0
    shutil.copytree(world / "built", world / "damaged")
    next((world / "damaged").glob("r0016-*.u8")).write_bytes(b"short")
    shutil.copytree(world / "built", world / "altered")
    damage(next((world / "altered").glob("r0016-*.u8")))
    return world


def listing(folder: Path) -> list[str]:
    """Every file below a folder, but for what may come and go: locks and built data."""
    names = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return sorted(name for name in names if ".data" not in name and not name.endswith(".lock"))


THREE_PLAYERS = """\
data: {source: fashion-mnist, resolution: 16, images: 64, labels: none}
train: {images: 192, previews: 4, threads: 1, precision: fp32}
seeds: [0]
metrics: [swd]
images: 16
contestants:
  A: {preset: cpu, set: {fmap_max: 8, latent_size: 8}}
  B: {preset: cpu, set: {fmap_max: 8, latent_size: 4}}
  C: {preset: cpu, set: {fmap_max: 8, latent_size: 2}}
"""
"""A comparison of three small ProGANs, seconds each."""
