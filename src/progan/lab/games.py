"""What can be played in the lab, by the name of an objective or of a system, with its lesson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from progan.core.errors import ConfigError
from progan.core.spelling import nearest
from progan.lab.game import Game
from progan.lab.labelled_games import LABELLED
from progan.lab.lesson import PROBABILITY, Lesson, Scale, Target
from progan.objectives.divergence import DIVERGENCES
from progan.objectives.record import Objective
from progan.objectives.table import NUMBERED, OBJECTIVES, objective
from progan.systems.duel import Duel
from progan.systems.registry import SYSTEMS

__all__ = ["GAMES", "Game", "find", "lesson_of"]


LOGIT = "discriminator   −E[log D(x)] − E[log(1 − D(G(z)))]"
HALF = (
    "D is drawn as colour. Where it settles at one half, the discriminator can no longer tell: "
    "its loss is then log 4, the dashed line."
)
PULL = "Arrows are what the generator is told: long ones where moving a sample pays."


def _ratio(p: Tensor, q: Tensor) -> Tensor:
    return p.clamp_min(1e-12).log() - q.clamp_min(1e-12).log()


GAMES: Mapping[str, Game] = {
    "non-saturating": Game(
        system="gan",
        title="GAN, non-saturating",
        formula=(LOGIT, "generator       −E[log D(G(z))]"),
        look=(
            HALF,
            "Samples are pulled even from where D is sure that they are fake: the early arrows are "
            "the longest. Compare: progan lab minimax.",
            "Some modes may be left empty, or be visited and left again. The seed decides: try "
            "--seed 1.",
        ),
        source="Goodfellow et al. 2014, Generative Adversarial Nets",
    ),
    "minimax": Game(
        system="gan",
        set={"objective": "minimax"},
        title="GAN, minimax",
        formula=(LOGIT, "generator       E[log(1 − D(G(z)))]"),
        look=(
            HALF,
            "Arrows all but vanish where D is sure that a sample is fake: log(1 − D) is flat "
            "there. In the plane the networks get over it; on pictures they often do not.",
            "The players lower opposite losses: what one gains the other loses, and the two "
            "curves are each other's mirror image around the reals' share.",
        ),
        source="Goodfellow et al. 2014, equation 1",
    ),
    "least-squares": Game(
        system="lsgan",
        title="LSGAN",
        formula=(
            "discriminator   ½ E[(s(x) − 1)²] + ½ E[s(G(z))²]",
            "generator       ½ E[(s(G(z)) − 1)²]",
        ),
        look=(
            "The score aims at 1 for data and 0 for samples; where both are found it is their "
            "share, and one half everywhere in the end.",
            "Samples that are on the right side but far from the data are pushed too: the loss "
            "grows with the distance from 1. A sample scored above 1 is even pulled back.",
        ),
        source="Mao et al. 2017, Least Squares Generative Adversarial Networks",
        scale=Scale(name="s(x)", low=0.0, high=1.0, best=PROBABILITY.best),
    ),
    "wgan": Game(
        system="wgan",
        title="WGAN, clipped weights",
        formula=(
            "critic      E[s(G(z))] − E[s(x)],  every weight clipped to [−c, c]",
            "generator   −E[s(G(z))]",
        ),
        look=(
            "The critic's surface is simple: straight folds, for clipped weights gather at both "
            "ends of their box.",
            "Its loss follows the distance between samples and data, but in no known unit: only "
            "divided by the critic's slope is it a distance.",
            "Arrows are about equally long everywhere: the critic has a slope even where there "
            "is neither data nor sample.",
        ),
        source="Arjovsky et al. 2017, Wasserstein Generative Adversarial Networks",
        scale=Scale(name="s(x)"),
    ),
    "wgan_gp": Game(
        system="wgan_gp",
        title="WGAN-GP",
        formula=(
            "critic      E[s(G(z))] − E[s(x)] + λ E[(‖∇s‖ − 1)²]",
            "generator   −E[s(G(z))]",
        ),
        look=(
            "The critic can follow the data closely, with a slope near one between samples and "
            "data.",
            "Its loss falls towards zero as samples arrive: a number that says how far training "
            "has come.",
            "Quality comes late and coverage early: samples are spread over all modes from the "
            "beginning, and bridges between them go last.",
        ),
        source="Gulrajani et al. 2017, Improved Training of Wasserstein GANs",
        scale=Scale(name="s(x)"),
    ),
    "hinge": Game(
        system="gan",
        set={"objective": "hinge"},
        title="Hinge",
        formula=(
            "critic      E[max(0, 1 − s(x))] + E[max(0, 1 + s(G(z)))]",
            "generator   −E[s(G(z))]",
        ),
        look=(
            "Scores beyond ±1 on the right side cost nothing: the critic works only on points it "
            "is unsure of.",
            "Its best loss is 2 minus twice the total variation between samples and data: 2 in "
            "the end.",
        ),
        source="Lim & Ye 2017, Geometric GAN; Miyato et al. 2018",
        scale=Scale(name="s(x)", low=-1.0, high=1.0),
    ),
    "relativistic": Game(
        system="gan",
        set={
            "objective": "relativistic",
            "penalty.kind": "r1+r2",
            "penalty.weight": 0.1,
        },
        title="Relativistic pairs with R1 and R2",
        formula=(
            "critic      E[log(1 + e^−(s(x) − s(G(z))))] + γ/2 E[‖∇s(x)‖²] + γ/2 E[‖∇s(G(z))‖²]",
            "generator   E[log(1 + e^−(s(G(z)) − s(x)))]",
        ),
        look=(
            "Only differences of scores count: a sample must beat a real one, not a fixed mark. "
            "So every sample has its rival, and no mode may be forgotten.",
            "Both losses end at log 2, where no side leads.",
        ),
        source="Jolicoeur-Martineau 2019; with both penalties, Huang et al. 2024 (R3GAN)",
        scale=Scale(name="s(x)"),
    ),
    "ebgan": Game(
        system="ebgan",
        title="EBGAN",
        formula=(
            "autoencoder   E[E(x)] + E[max(0, m − E(G(z)))],  E = squared error of reconstruction",
            "generator     E[E(G(z))] + λ · pulling-away of the codes",
        ),
        look=(
            "Colour is the energy: low, where the autoencoder knows its way, along the data.",
            "Energy of samples is pushed up to the margin and no further; samples run downhill.",
        ),
        source="Zhao et al. 2017, Energy-based Generative Adversarial Networks",
        scale=Scale(name="energy"),
    ),
    "ensemble": Game(
        system="ensemble",
        title="An ensemble of generators",
        formula=("each member      a GAN of its own", "sample           k ~ π, then G_k(z)"),
        look=(
            "Each member may miss modes; all miss the same ones only by bad luck. What the "
            "ensemble covers is the union.",
        ),
        source="Survey, section on mode collapse; Hoang et al. 2018 for shared networks",
    ),
    **LABELLED,
}
"""What has words of its own; every other objective is played by `gan`, every f-divergence by
`fgan`."""

SAME = {
    "gan": "non-saturating",
    "lsgan": "least-squares",
    "wasserstein": "wgan_gp",
    "fgan": "fgan:kl",
}

RATIOS = ("kl", "reverse-kl", "hellinger", "jeffrey", "js", "gan", "weighted-js")
"""Divergences at whose best v is log p/q."""
_F_LOOK = {
    "kl": "KL punishes data that samples miss: expect spread before sharpness.",
    "reverse-kl": "Reverse KL punishes samples that data miss: expect sharpness, and missing "
    "modes.",
}


def _f_game(name: str) -> Game:
    _, divergence, *form = name.split(":")
    words = f"fgan:{divergence}"
    kind = divergence.partition("=")[0]
    return Game(
        system="fgan",
        set={"divergence": divergence, "saturating": not form},
        title=f"f-GAN, {objective(words).measures}",
        formula=(
            "critic      −E[T(v(x))] + E[f*(T(v(G(z))))]",
            "generator   −E[T(v(G(z)))]" if form else "generator   −E[f*(T(v(G(z))))]",
        ),
        look=(
            "The network's output v is above 0 where data are more frequent than samples, below "
            "where they are rarer, and 0 everywhere in the end.",
            *([_F_LOOK[kind]] if kind in _F_LOOK else []),
            "The critic's loss, turned around, bounds the divergence from below.",
        ),
        source="Nowozin et al. 2016, f-GAN",
        scale=Scale(name="v(x)", best=_ratio if kind in RATIOS else None),
    )


def find(name: str) -> Game:
    """The game of that name.

    Raises ConfigError for a name that is neither an objective nor a system the lab can play.
    """
    name = SAME.get(name, name)
    if name in GAMES and GAMES[name].system in SYSTEMS:
        return GAMES[name]
    if name.startswith("fgan:"):
        objective(name)  # says what is wrong with it
        base, equals, numbers = name.partition("=")
        form = ":non-saturating"
        if equals and base.endswith(form):  # fgan:alpha:non-saturating=0.5
            name = f"{base.removesuffix(form)}={numbers}{form}"
        return _f_game(name)
    if name in OBJECTIVES or name.partition("=")[0] in NUMBERED:
        objective(name)
        return Game(
            system="gan",
            set={"objective": name},
            title=name,
            formula=(f"objective {name}: docs/objectives.md has its formulas",),
            look=(PULL,),
            source="",
            scale=Scale(name="s(x)"),
        )
    known = [*SAME, *GAMES, *OBJECTIVES, *(f"fgan:{kind}" for kind in DIVERGENCES)]
    meant = nearest(name, known)
    hint = f"Did you mean {meant}?" if meant else "For example: progan lab non-saturating"
    raise ConfigError(
        f"{name[:60]!r} is nothing the lab can play; it plays {', '.join([*SAME, *GAMES])}, and "
        f"every objective of progan train. {hint}"
    )


def lesson_of(game: Game, system: Any) -> Lesson:
    """The lesson of a game as `system` is set to play it."""
    return Lesson(
        title=game.title,
        formula=game.formula,
        look=game.look,
        scale=game.scale,
        targets=_targets(system) if isinstance(system, Duel) and system.plain else (),
        source=game.source,
    )


def _targets(system: Duel) -> tuple[Target, ...]:
    played: Objective = system.objective
    found = []
    if played.at_rest is not None:
        found.append(
            Target(
                player=system.opponent,
                value=played.at_rest,
                words=f"{played.at_rest:.4g}: samples are as the data",
            )
        )
    if played.kind in ("logit", "regression", "ratio") and played.at_rest is not None:
        middle = torch.tensor([played.border], dtype=torch.float64)
        value = float(played.for_generator(middle, middle)["adversarial"])
        found.append(
            Target(player="generator", value=value, words=f"{value:.4g}: samples are as the data")
        )
    return tuple(found)
