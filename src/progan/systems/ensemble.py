"""Ensembles: several generators, so that what one of them drops another may cover.

    independent   K games, each with a discriminator of its own
    snapshot      one game; its generator is kept at K moments of the run
    shared        one game of K generators that share layers (`systems/mgan.py`)

All are sampled alike: a member is drawn with the probabilities π, and draws the picture. The modes
a mixture covers are those that its members cover together. Independent members help where each
misses some modes (collapse): if each covers a share q of them, about 1 − (1 − q)^K are covered.
Snapshots help where one generator goes from mode to mode (dropping), and cost no training.

Source:  the games are those of Goodfellow et al. 2014; keeping networks along one run, Huang et
         al. 2017, "Snapshot Ensembles: Train 1, get M for free", there for classifiers.
Departs: snapshots keep the weights as they are, not their running average, and the rate does not
         rise and fall in waves; with `decay=linear` it falls to 0 before each one is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.latents import Latents, draw_fields
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.core.system import JointTurn, Player, Turn
from progan.networks.shared import by_member
from progan.systems.configs.ensemble import EnsembleConfig
from progan.systems.gan import GAN
from progan.systems.mgan import MGAN
from progan.systems.mixture import Mixture, fields_of, shares

__all__ = ["Ensemble", "Independent", "Snapshot"]


class Independent(Mixture):
    """Games that know nothing of each other: own weights, own latents, own reals."""

    def __init__(self, config: EnsembleConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        self.average = config.average
        self.latent_fields = fields_of(config)
        self.members = nn.ModuleList(GAN(config, data) for _ in range(config.members))
        self.averaged = tuple(f"members.{k}.generator" for k in range(config.members))

    @property
    def games(self) -> list[GAN]:
        """The members, each a whole game."""
        return [member for member in self.members if isinstance(member, GAN)]

    def plan(self) -> Plan:
        """One stage at the full size."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """Those of every game: discriminator.0, generator.0, discriminator.1, …"""
        return {
            f"{name}.{k}": player
            for k, game in enumerate(self.games)
            for name, player in game.players().items()
        }

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        """One game after the other; each draws its own reals."""
        return [
            replace(turn, player=f"{turn.player}.{k}")
            for k, game in enumerate(self.games)
            for turn in game.turns(at)
            if isinstance(turn, Turn)
        ]

    def period(self, at: Progress) -> int:
        """The penalty is due in one step of so many."""
        return self.games[0].period(at)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32; each member draws its own rows."""
        device = next(self.parameters()).device
        generators = [game.generator for game in self.games]
        return by_member(generators, latents["z"].to(device), latents["member"].to(device))


class Snapshot(Mixture, GAN):
    """One game, and its generator at earlier moments.

    The last member is the generator as it is. Earlier ones lie in slots, which are filled at the
    ends of stages. No loss reaches a slot, so nothing moves it.
    """

    config: EnsembleConfig
    filled: Tensor

    def __init__(self, config: EnsembleConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.latent_fields = fields_of(config)
        slots = (copy.deepcopy(self.generator) for _ in range(config.members - 1))
        self.slots = nn.ModuleList(slots).eval()
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> Snapshot:
        """Whether batch norm looks at the batch; that of a slot never does."""
        super().train(mode)
        if hasattr(self, "slots"):
            self.slots.eval()
        return self

    def players(self) -> Mapping[str, Player]:
        """Those of the game; the generator's owns the slots as well."""
        players = dict(super().players())
        slots = tuple(self.slots.parameters())
        generator = players["generator"]
        players["generator"] = replace(generator, parameters=(*generator.parameters, *slots))
        return players

    def begin_stage(self, batch: Images, at: Progress) -> None:
        """Keep the generator as the stage before has left it."""
        if at.images:
            self.slots[int(self.filled)].load_state_dict(self.generator.state_dict())
            self.filled += 1

    def fake(self, n: int) -> Tensor:
        """`n` pictures from new latents, by the generator as it is."""
        device = next(self.generator.parameters()).device
        fake: Tensor = self.generator(draw_fields(self.latent_fields[:1], n, device=device)["z"])
        return fake

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU; of members only those that are there."""
        there = int(self.filled) + 1
        noise, member = self.latent_fields
        weights = shares(self.config)[:there]
        if self.config.mixture and sum(weights):
            member = replace(member, choices=there, weights=weights)
        else:
            member = replace(member, choices=there, weights=())
        return draw_fields((noise, member), n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32; members that are not there yet go round the others.

        Each member draws its own rows.
        """
        device = next(self.generator.parameters()).device
        there = int(self.filled) + 1
        generators = [*self.slots[: there - 1], self.generator]
        return by_member(generators, latents["z"].to(device), latents["member"].to(device) % there)


class Ensemble(Mixture):
    """The ensemble that `config.kind` asks for; built as any system is."""

    def __new__(cls, config: EnsembleConfig, data: DataSpec) -> Mixture:  # type: ignore[misc]
        """Build the class of that kind."""
        kinds = {"independent": Independent, "snapshot": Snapshot, "shared": MGAN}
        return kinds[config.kind](config, data)
