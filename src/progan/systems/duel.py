"""A duel: one generator against one critic, at one size. Each paper says what they lower."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.latents import LatentField, Latents, draw_fields
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.core.system import JointTurn, Player, System, Terms, Turn
from progan.networks.dcgan import ConvDiscriminator, ConvGenerator
from progan.networks.mlp import DenseCritic, DenseGenerator
from progan.networks.toy import ToyCritic, ToyGenerator
from progan.objectives.penalty import orthogonal
from progan.objectives.record import Objective, total
from progan.objectives.verdicts import look
from progan.systems.configs.duel import DuelConfig

__all__ = ["Duel"]


class Duel(System[Images]):
    """The networks, the turns and the pictures that the papers of this family share.

    A paper gives its `objective`, and the name of the critic's player; it may change any method.
    """

    opponent: ClassVar[str] = "critic"
    """What the paper calls the generator's opponent: the name of the player and the submodule."""
    plain: ClassVar[bool] = True
    """Whether the players lower the objective's own terms and penalties, and nothing beside."""

    def __init__(
        self,
        config: DuelConfig,
        data: DataSpec,
        objective: Objective,
        generator: nn.Module | None = None,
    ) -> None:
        """`generator` takes the place of the one that the settings ask for."""
        super().__init__()
        self.config, self.data, self.objective = config, data, objective
        self.average = config.average
        self.higher_is_real = objective.higher_is_real
        self.latent_fields: tuple[LatentField, ...] = (
            LatentField(name="z", shape=(config.latent_size,), prior=config.latent_prior),
        )
        self.generator: nn.Module = generator or self.make_generator()
        self.add_module(self.opponent, self.make_critic())

    # the networks

    @property
    def inputs(self) -> int:
        """Numbers that the generator's network takes for a picture."""
        return self.config.latent_size

    def make_generator(self) -> nn.Module:
        """The generator's network, as `config.network` asks."""
        config, size, channels = self.config, self.data.resolution, self.data.channels
        latent = self.inputs
        if config.network == "toy":
            return ToyGenerator(resolution=size, channels=channels, latent_size=latent)
        if config.network == "mlp":
            return DenseGenerator(resolution=size, channels=channels, latent_size=latent)
        return ConvGenerator(
            resolution=size,
            channels=channels,
            latent_size=latent,
            width=config.width,
            norm=config.generator_norm,
        )

    def make_critic(self) -> nn.Module:
        """The critic's network, as `config.network` asks."""
        config, size, channels = self.config, self.data.resolution, self.data.channels
        if config.network == "toy":
            return ToyCritic(resolution=size, channels=channels)
        if config.network == "mlp":
            return DenseCritic(resolution=size, channels=channels)
        return ConvDiscriminator(
            resolution=size, channels=channels, width=config.width, norm=config.critic_norm
        )

    @property
    def adversary(self) -> nn.Module:
        """The critic's network, whatever the paper calls it."""
        return self.get_submodule(self.opponent)

    def judge(self, image: Tensor) -> Tensor:
        """One score per picture."""
        scores: Tensor = self.adversary(image)
        return scores

    # the game

    def plan(self) -> Plan:
        """One stage at the full size."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """The critic and the generator, on the same optimizer and rate."""
        optimizer = self.config.optimizer
        return {
            self.opponent: Player.of(
                self.adversary,
                optimizer=optimizer,
                rate=lambda at: self.config.critic_rate * self.rate(at),
                after_step=self.constraint(),
            ),
            "generator": Player.of(self.generator, optimizer=optimizer, rate=self.rate),
        }

    def constraint(self) -> Callable[[], None] | None:
        """What is done to the critic after each of its steps."""
        return None

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate."""
        return 1.0 - at.fraction if self.config.decay == "linear" else 1.0

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        """k times the critic's, then the generator's, without drawing anew."""
        return (
            Turn(self.opponent, self.critic_loss, repeat=self.critic_steps(at)),
            Turn("generator", self.generator_loss, draws=False),
        )

    def critic_steps(self, at: Progress) -> int:
        """Critic updates before the generator's, at this moment."""
        return self.config.critic_steps

    def period(self, at: Progress) -> int:
        """The penalty is due in one step of so many."""
        penalty = self.config.penalty
        return penalty.every if penalty.kind != "none" else 1

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        """What the critic lowers; reals and fakes pass apart, as batch norm asks."""
        with torch.no_grad():
            fake = self.fake(len(batch))
        return self.critic_terms(batch.image, fake, at)[0]

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the generator lowers, on fresh latents."""
        on_real = self.judge(batch.image) if self.objective.relative else None
        return self.generator_terms(on_real, self.judge(self.fake(len(batch))))

    def joint_losses(self, batch: Images, at: Progress) -> Mapping[str, Terms]:
        """Both at once: the critic's verdicts serve both players."""
        critic, on_real, on_fake = self.critic_terms(batch.image, self.fake(len(batch)), at)
        return {self.opponent: critic, "generator": self.generator_terms(on_real, on_fake)}

    def critic_terms(
        self, real: Tensor, fake: Tensor, at: Progress
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The critic's terms, and its verdicts on reals and fakes."""
        on_real, on_fake, price = look(self.judge, real, fake, self.config.penalty, at.step)
        return {**self.objective.critic_terms(on_real, on_fake), **price}, on_real, on_fake

    def generator_terms(self, on_real: Tensor | None, on_fake: Tensor) -> dict[str, Tensor]:
        """The generator's terms, from the critic's verdicts; on reals only if they are needed."""
        terms = self.objective.for_generator(on_fake, on_real)
        if self.config.orthogonal:
            crowded = torch.stack([orthogonal(weight) for weight in self.regular()]).sum()
            terms["orthogonal"] = self.config.orthogonal * crowded
        return terms

    def regular(self) -> Sequence[Tensor]:
        """The weights of the generator that orthogonal regularisation looks at."""
        return [weight for weight in self.generator.parameters() if weight.ndim > 1]

    def fake(self, n: int) -> Tensor:
        """`n` pictures from new latents."""
        z = draw_fields(self.latent_fields, n, device=self.device)["z"]
        fake: Tensor = self.generator(z)
        return fake

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.adversary.parameters()).device

    # what others ask for

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU: a seed is the same picture on every device."""
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32."""
        pictures: Tensor = self.generator(latents["z"].to(self.device))
        return pictures

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The critic's score of each picture."""
        return self.judge(batch.image)

    def push(self, image: Tensor, at: Progress, real: Tensor | None = None) -> Tensor:
        """Where its loss would have each of these fakes move: −∂(generator's loss)/∂image.

        As if each fake were alone; a relative objective compares them with `real`.
        """
        image = image.detach().requires_grad_()
        on_real = self.judge(real) if self.objective.relative and real is not None else None
        terms = self.objective.for_generator(self.judge(image), on_real)
        (slope,) = torch.autograd.grad(total(terms), image)
        return -slope * len(image)

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, and as many fakes."""
        return {"real": batch.image, "samples": self.fake(len(batch)).clamp(-1, 1)}
