"""What the verb `lab` does: a game, an exhibit, or all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from progan.assemble.models.build import build_system
from progan.assemble.models.recipes import resolve
from progan.core.config import apply_sets
from progan.core.errors import ConfigError
from progan.core.plan import Plan
from progan.core.recipe import Recipe, TrainSettings
from progan.core.spelling import nearest
from progan.core.system import System
from progan.data.toy import ToyDraws, World
from progan.data.worlds import WORLDS, lookup
from progan.engine.loop import Trainer
from progan.lab.compare import Game as Side
from progan.lab.compare import write_comparison
from progan.lab.exhibits.record import Exhibit
from progan.lab.gallery import EXHIBITS, Card, write_exhibit, write_index
from progan.lab.games import GAMES, SAME, find, lesson_of
from progan.lab.lesson import Lesson
from progan.lab.play import Shown, play
from progan.lab.watch import watch

__all__ = [
    "Outcome",
    "Prepared",
    "answer",
    "compare",
    "everything",
    "known",
    "lookup_exhibit",
    "prepare",
]

STEPS = 2_500
"""Generator updates where nothing is said."""
SHOWN = (
    "minimax",
    "non-saturating",
    "least-squares",
    "hinge",
    "wgan",
    "wgan_gp",
    "relativistic",
    "fgan:kl",
    "fgan:reverse-kl",
    "ebgan",
    "cgan",
    "infogan",
    "ensemble",
)
"""Games in the gallery."""
Heard = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a part of the lab leaves behind."""

    page: Path
    words: str
    """What came out, in a sentence or two."""
    holds: bool = True
    """Whether all its numbers are as they must be."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A game that can begin."""

    trainer: Trainer
    world: World
    lesson: Lesson
    seed: int

    def play(self, folder: Path, *, command_line: str, film: str = "film.webp") -> Shown:
        """Play it to its end, and show it in `folder`."""
        return play(
            self.trainer,
            self.world,
            self.lesson,
            folder,
            command_line=command_line,
            seed=self.seed,
            film=film,
        )


def prepare(
    name: str, data: str, *, steps: int | None = None, seed: int = 0, sets: Sequence[str] = ()
) -> Prepared:
    """Make ready to play a game on a world for so many rounds.

    Raises ConfigError for words it does not know.
    """
    chosen, world = find(name), lookup(data)
    recipe = Recipe(
        system=chosen.system,
        preset="toy",
        set={"latent_size": world.dims, **chosen.set},
        train=TrainSettings(seed=seed),
    )
    recipe = apply_sets(recipe, sets)
    _, config = resolve(recipe)
    if config.network != "toy":
        raise ConfigError(
            f"network is {config.network}, which draws pictures; points are for toy. Leave it out, "
            f"or: progan train FOLDER --system {chosen.system}"
        )
    system = build_system(recipe, world.spec, torch.device("cpu"))
    plan = _as_long(system.plan(), _per_step(system), steps or STEPS)
    trainer = Trainer(system, ToyDraws(world, seed, system.batch_type), plan=plan, seed=seed)
    return Prepared(trainer=trainer, world=world, lesson=lesson_of(chosen, system), seed=seed)


def _per_step(system: System[Any]) -> int:
    """Real images of one round at the end of the plan."""
    plan = system.plan()
    at = plan.at(plan.images)
    return sum(turn.repeat for turn in system.turns(at) if turn.draws) * at.batch


def _as_long(plan: Plan, per_step: int, steps: int) -> Plan:
    """The plan, its last stage `steps` rounds long; earlier ones scaled with it."""
    factor = steps * per_step / plan.stages[-1].images
    lengths = [round(stage.images * factor) for stage in plan.stages]
    return plan.with_lengths(lengths)


def compare(
    prepared: Sequence[Prepared], folder: Path, *, command_line: str, film: str = "film.webp"
) -> Path:
    """Play several games on one world, and show them side by side in `folder`; give the page."""
    games = [
        Side(record=watch(one.trainer, one.world, seed=one.seed), lesson=one.lesson)
        for one in prepared
    ]
    title = " and ".join(one.lesson.title for one in prepared)
    look = [words for one in prepared for words in one.lesson.look[-1:]]
    return write_comparison(
        games, folder, title=title, look=look, command_line=command_line, film=film
    )


def lookup_exhibit(slug: str) -> Exhibit:
    """The exhibit of that name; an unknown name is an error that lists the known ones."""
    if slug not in EXHIBITS:
        meant = nearest(slug, EXHIBITS)
        hint = f" Did you mean {meant}?" if meant else ""
        raise ConfigError(f"exhibit is {slug[:60]!r}; choose one of {', '.join(EXHIBITS)}.{hint}")
    return EXHIBITS[slug]


def answer(exhibit: Exhibit, folder: Path, *, command_line: str, seed: int = 0) -> Outcome:
    """Answer one of the survey's questions, and show it in `folder`."""
    found = exhibit.make(seed)
    page = write_exhibit(exhibit, found, folder, command_line)
    return Outcome(page=page, words=found.answer, holds=found.holds)


def everything(folder: Path, *, seed: int = 0, heard: Heard | None = None) -> Outcome:
    """All exhibits, and the games on the ring, with a page that leads to them."""
    heard = heard or (lambda words: None)
    questions, games, holds = [], [], True
    for slug, one in EXHIBITS.items():
        began = time.monotonic()
        place = _made(folder / slug)
        line = f"progan lab --exhibit {slug} --seed {seed}"
        outcome = answer(one, place, command_line=line, seed=seed)
        holds = holds and outcome.holds
        heard(f"{slug:<22}{time.monotonic() - began:>5.0f} s  {outcome.words}")
        questions.append(Card(title=one.title, words=one.question, page=f"{slug}/lab.html"))
    for name in SHOWN:
        began = time.monotonic()
        place = _made(folder / name.replace(":", "-"))
        line = f"progan lab {name} --data ring --seed {seed}"
        prepared = prepare(name, "ring", seed=seed)
        shown = prepared.play(place, command_line=line)
        numbers = shown.numbers["generated"]
        words = f"{numbers['modes']:.0f} of 8 modes, {numbers['high_quality']:.0%} of high quality."
        heard(f"{name:<22}{time.monotonic() - began:>5.0f} s  {words}")
        games.append(
            Card(
                title=prepared.lesson.title,
                words=words,
                page=f"{place.name}/lab.html",
                still=shown.picture,
            )
        )
    page = write_index(
        folder,
        {"Questions": questions, "Games on the ring": games},
        f"progan lab --all --seed {seed}",
    )
    return Outcome(page=page, words=f"{len(questions)} questions, {len(games)} games", holds=holds)


def _made(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    return place


def known() -> str:
    """What can be played, and on what, in two lines."""
    return (
        f"Games: {', '.join([*SAME, *GAMES])}, and every objective of progan train\n"
        f"Data:  {', '.join(WORLDS)}"
    )
