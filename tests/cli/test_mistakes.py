"""U5: whatever is typed wrongly, a few lines say what came and what to type next."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from progan.engine.record import RunFolder
from small_world import Cli

CASES = [
    # The words themselves
    ("trian cats", 2, '"trian".*progan train'),
    ("cats", 2, '"cats".*progan train cats'),
    ("help", 2, "progan --help"),
    ("describ", 2, "progan describe"),
    ("--vresion", 2, "--version"),
    ("train", 2, "SOURCE.*progan train --help"),
    ("train cats dogs", 2, "cats and dogs.*in quotes"),
    ("train cats dogs mice", 2, '"mice" is too much'),
    ("train cats --minuts 3", 2, "--minutes"),
    ("train cats --image 3", 2, "--images"),
    ("train cats --minutes", 2, "--minutes needs a value"),
    ("train cats --exact=yes", 2, "--exact takes no value"),
    ("train cats --minutes ten", 2, '--minutes is "ten".*a number'),
    ("train cats --minutes=-1", 2, "--minutes is -1"),
    ("train cats --minutes 0", 2, "--minutes is 0"),
    ("train cats --minutes nan", 2, "--minutes is nan"),
    ("train cats --images 0", 2, "--images is 0"),
    ("train cats --images 1.5", 2, '--images is "1.5".*whole number'),
    ("train cats --minutes 1 --images 5", 2, "--minutes and --images"),
    ("train cats --resolution 0", 2, "--resolution is 0"),
    ("train cats --resolution 33", 2, "resolution is 33.*32"),
    ("train cats --resolution 2048", 2, "resolution is 2048.*1024"),
    ("train cats --resolution big", 2, '--resolution is "big"'),
    ("train cats --seed -1", 2, "seed is -1"),
    ("train cats --seed one", 2, '--seed is "one"'),
    ("train cats --seed 99999999999999999999", 2, "seed is 9999.*2⁶³"),
    ("train cats --system progna", 2, '"progna".*progan'),
    ("train cats --system stylegan", 2, '"stylegan" is not a system'),
    ("train cats --system ''", 2, "--system is empty"),
    ("train cats --preset papre", 2, '"papre".*paper'),
    ("train cats --device tpu", 2, "device is .tpu"),
    ("train cats --device cuda:99", 2, "cuda"),
    ("train cats --name ''", 2, "--name is empty"),
    ("train ''", 2, "source is empty"),
    ("demo --minutes 0", 2, "--minutes is 0"),
    ("demo cats", 2, '"cats" is too much'),
    # Settings
    ("train cats --set optimiser.lr=3", 2, '"optimiser.lr".*optimizer.lr.*now 0.001'),
    ("train cats --set lr.optimizer=3", 2, "optimizer.lr"),
    ("train cats --set optimizer.lr=fast", 2, 'lr is "fast".*a number'),
    ("train cats --set optimizer.lr", 2, "optimizer.lr.*KEY=VALUE"),
    ("train cats --set =3", 2, "KEY=VALUE"),
    ("train cats --set data.mirror=maybe", 2, 'mirror is "maybe".*true or false'),
    ("train cats --set data.crop=top", 2, 'crop is "top".*centre'),
    ("train cats --set train.shards=0", 2, "shards is 0"),
    ("train cats --set train.precision=fp8", 2, 'precision is "fp8"'),
    ("train cats --set train.sede=3", 2, "train.seed"),
    ("train cats --set 'batch={4: many}'", 2, 'batch is {4: "many"}.*pairs'),
    ("train cats --set 'batch={4: 16'", 2, "batch.*not YAML"),
    # Recipes
    ("train gone.yaml", 2, "gone.yaml"),
    ("train spaces.yaml", 2, "spaces.yaml line 3"),
    ("train list.yaml", 2, "list.yaml"),
    ("train word.yaml", 2, "word.yaml"),
    ("train nothing.yaml", 2, "nothing.yaml holds nothing"),
    ("train slip.yaml", 2, "slip.yaml line 4.*optimiser.lr.*optimizer.lr"),
    ("train twice.yaml", 2, 'twice.yaml line 2.*"system"'),
    ("train anchor.yaml", 2, "anchor.yaml line 1"),
    ("train tag.yaml", 2, "tag.yaml line 1"),
    ("train system.yaml", 2, "system.yaml line 1.*stylegan9"),
    ("train preset.yaml", 2, "preset.yaml line 2.*papre.*paper"),
    ("train length.yaml", 2, "minutes is 3 and train.images is 100"),
    ("train plan.yaml", 2, "plan"),
    ("train binary.yaml", 2, "binary.yaml"),
    ("train source.yaml", 3, "dogs"),
    # Pictures
    ("train nowhere", 3, "nowhere.*portraits"),
    ("train cast", 3, "cast.*Did you mean cats"),
    ("train portrait", 3, "Did you mean portraits"),
    ("train empty", 3, "empty holds no pictures"),
    ("train texts", 3, "texts holds no pictures"),
    ("train wrong", 3, "none of the 2 pictures in wrong"),
    ("train notes.txt", 3, "notes.txt"),
    ("train pack.7z", 3, "pack.7z.*Unpack"),
    ("train pack.zip", 3, "pack.zip"),
    ("train texts.zip", 3, "texts.zip"),
    ("train numbers.npz", 3, "numbers.npz"),
    ("train cut-idx3-ubyte", 3, "cut-idx3-ubyte"),
    ("train fashion-mnist --resolution 256", 3, "resolution is 256.*fashion-mnist"),
    (f"train {'x' * 5000}", 3, "xxx"),
    ("train cats --runs notes.txt", 5, "notes.txt is a file"),
    ("data chek cats", 2, '"chek".*progan data check'),
    ("data check", 2, "PATH"),
    ("data check nowhere", 3, "nowhere"),
    ("data check empty", 3, "empty holds no pictures"),
    ("data check wrong", 3, "None of the pictures in wrong"),
    ("data check altered", 3, "altered is damaged.*checksum"),
    ("data check damaged", 3, "damaged is damaged.*bytes"),
    ("data check cats --resolution 5", 2, "resolution is 5"),
    ("data check cats --images 0", 2, "images is 0"),
    ("data check cats --workers 0", 2, "--workers is 0"),
    ("data check cats --set crop=top", 2, 'crop is "top".*centre'),
    ("data check cats --set corp=pad", 2, "data.crop"),
    ("data build cats", 2, "--to"),
    ("data build cats --to notes.txt", 2, "notes.txt is there already"),
    ("data build cats --to notes.txt/in", 5, "notes.txt"),
    ("data build cats --to texts", 2, "texts is there already"),
    ("data build cats --to built --resolution 8", 3, "built already holds"),
    ("data build built --to new", 2, "built is built already"),
    ("data show cats --count 0", 2, "--count is 0"),
    ("data show cats --count 1000000", 2, "--count is 1,000,000"),
    ("data show cats --to sheet.jpg", 2, "sheet.jpg.*PNG"),
    ("data show cats --to holiday.png", 2, "holiday.png is there already"),
    ("data show cats --to nowhere/a.png", 2, "mkdir -p nowhere"),
    ("data show built --resolution 64", 3, "resolution is 64"),
    # Systems
    ("describe pragon", 2, "pragon.*progan describe progan"),
    ("describe --schema", 2, "--schema"),
    ("describe --preset cpu", 2, "--preset cpu"),
    ("describe progan --preset cup", 2, '"cup".*cpu'),
    ("describe progan --preset cpu --schema", 2, "--schema"),
    # Runs
    ("resume nowhere", 2, "no run at nowhere"),
    ("resume god", 2, "progan resume runs/good"),
    ("resume cats", 2, "cats is not a run"),
    ("resume runs/good/recipe.lock.yaml", 2, "is a file"),
    ("resume --runs empty", 2, "no run in empty"),
    ("resume runs/good --minutes 1 --images 2", 2, "--minutes and --images"),
    ("resume runs/good", 4, "data changed"),
    ("resume runs/finished", 2, "runs/finished is finished"),
    ("resume runs/damaged", 4, "000000064.safetensors is damaged"),
    ("resume runs/foreign", 4, "foreign"),
    ("resume runs/unsaved", 4, "unsaved"),
    ("resume runs/locked", 2, "runs/locked is being trained by process"),
    ("sample runs/nowhere", 2, "runs/nowhere"),
    ("sample runs/goood", 2, "Did you mean runs/good"),
    ("sample cats", 2, "cats"),
    ("sample runs/unsaved", 2, "runs/unsaved has saved nothing"),
    ("sample runs/damaged", 4, "damaged"),
    ("sample runs/foreign/checkpoints/000000064.safetensors", 4, "not written by progan"),
    ("sample runs/good --seeds cat", 2, 'seeds are "cat"'),
    ("sample runs/good --seeds 5-2", 2, "5-2 must go upwards"),
    ("sample runs/good --grid 0x4", 2, 'grid is "0x4"'),
    ("sample runs/good --grid 2x2 --seeds 0-9", 2, "10 seeds"),
    ("sample runs/good --truncation 9", 2, "truncation is 9"),
    ("sample runs/good --resolution 64", 2, "resolution is 64.*4, 8"),
    ("sample runs/good --alpha 7", 2, "alpha is 7"),
    ("sample runs/good --at-images 3", 2, "no checkpoint at 3 images"),
    ("sample runs/good --separate --grid 2x2", 2, "--separate.*--grid"),
    ("sample runs/good out.jpg", 2, "out.jpg"),
    ("sample runs/good holiday.png", 2, "holiday.png exists"),
    ("sample --like holiday.png", 2, "holiday.png"),
    ("sample runs/good --device tpu", 2, "tpu"),
    ("reconstruct runs/good cats", 2, "progan has no encoder.*progan project"),
    ("neighbours runs/good cats", 2, "progan has no encoder"),
    ("encode runs/good cats codes.csv", 2, "codes.csv.*npz or .parquet.*progan encode"),
    ("encode runs/good cats", 2, "OUT"),
    ("project runs/good wrong/a.png", 3, "wrong/a.png cannot be used.*progan data check"),
    ("project runs/good gone.png", 3, "gone.png"),
    ("project runs/good holiday.png holiday.npz", 2, "holiday.png exists"),
    ("project runs/good holiday.png --rate 0", 2, "--rate is 0"),
    ("report nowhere", 2, "nowhere"),
    ("report cats", 2, "cats"),
    ("report runs/good --to nowhere/a.html", 2, "mkdir -p nowhere"),
    ("report runs/good --to notes.txt", 2, "notes.txt exists"),
    ("evaluate nowhere", 2, "nowhere"),
    ("evaluate runs/good --metrics swwd", 2, "swwd.*swd"),
    ("evaluate runs/good --images 0", 2, "--images is 0"),
    ("evaluate runs/good --all --at 64", 2, "--all.*--at"),
]
"""What is typed, the exit code, and what must be named in this order."""

TYPABLE = re.compile(r"progan [a-z]+|--[a-z]+|\b(mkdir|pip|apt-get|ls) ")


@pytest.mark.parametrize(("words", "code", "named"), CASES, ids=[case[0][:60] for case in CASES])
def test_a_mistake_is_told_in_a_few_lines_with_what_to_type(
    world: Path, cli: Cli, words: str, code: int, named: str
) -> None:
    locked = RunFolder.open(world / "runs" / "finished") if "locked" in words else None
    if locked is not None:
        locked.lock()
        words, named = (text.replace("locked", "finished") for text in (words, named))
    said = cli(*shlex.split(words))
    if locked is not None:
        locked.unlock()
    assert said.code == code, said
    assert 0 < len(said.err.splitlines()) <= 6, said.err
    assert "Traceback" not in said.out + said.err
    assert re.search(named, said.err, re.DOTALL), said.err
    assert TYPABLE.search(said.err), said.err


def test_the_table_of_mistakes_is_long_enough() -> None:
    assert len(CASES) >= 60
    assert len({words for words, _, _ in CASES}) == len(CASES)
