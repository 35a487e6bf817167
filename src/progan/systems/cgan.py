"""Conditional GAN: the generator is told what to draw, in one of five published forms.

    concat           the game of GAN on pairs: −E[log D(x, y)] − E[log(1 − D(G(z, y), y))]
    matching-aware   a third kind of pair, real pictures with wrong labels, shares the fakes' term:
                     −E[log D(x, y)] − ½ E[log(1 − D(x, y'))] − ½ E[log(1 − D(G(z, y), y))]
    two-head         one head R(x) plays the game of GAN, another M(x, y) learns to tell right from
                     wrong labels; generator  −E[log R(G(z, y))] − λ E[log M(G(z, y), y)]
    ac-gan           the game of GAN on pictures alone; both players also lower −λ E[log C(y | ·)]
    projection       concat's game, with the score ψ(x) + ⟨V y, φ(x)⟩

By concatenation alone the discriminator never sees a real picture with a wrong label; the second
and third form teach it that. AC-GAN's generator is paid for pictures that are easy to classify,
so that its classes shrink and move apart; projection's is not.

Source:  concat: Mirza & Osindero 2014, "Conditional Generative Adversarial Nets", equation 2;
         matching-aware: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis",
         algorithm 1; ac-gan: Odena et al. 2017, "Conditional Image Synthesis with Auxiliary
         Classifier GANs", equations 2 and 3; projection: Miyato & Koyama 2018, "cGANs with
         Projection Discriminator", equation 3, with the hinge of their section 5; two-head is no
         paper's.
Departs: all networks are DCGAN's, the first paper's dense ones or toy ones; projection's paper has
         residual ones. Every generator is told the label at all layers; AC-GAN's and Reed et al.'s
         only at the first. Projection keeps DCGAN's last convolution for ψ, where the paper has a
         dense layer on the summed features. Wrong labels are drawn for real pictures, never a
         picture's own. The generator is shown by its running average.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from progan.core.specs import DataSpec
from progan.networks.heads import MatchCritic
from progan.networks.shared import SharedCritic
from progan.objectives.conditional import label_loss, match_critic, match_generator
from progan.systems.conditional import Conditional, scores
from progan.systems.configs.cgan import CGANConfig

__all__ = ["ACGAN", "CGAN", "MatchingAware", "TwoHead"]


class MatchingAware(Conditional):
    """One score of pairs, which wrong labels lower as fakes do."""

    plain = False

    def make_critic(self) -> nn.Module:
        """The discriminator, with the label joined to its last features."""
        norm = self.config.critic_norm
        return MatchCritic(self.plain_critic(), self.labels, two_heads=False, norm=norm)

    def critic_game(
        self, image: Tensor, y: Tensor, on_real: Tensor, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The objective's terms, the fakes' shared by real pictures with wrong labels.

        Where a batch has no other label, fakes have half the weight and wrong labels nothing.
        """
        fake, wrong = scores(on_fake), wrongly(self, image, y)
        return self.objective.against(scores(on_real), fake=(fake, 0.5), wrong=(wrong, 0.5))


class TwoHead(Conditional):
    """One head for real or fake, one for whether the label matches."""

    plain = False

    def make_critic(self) -> nn.Module:
        """The discriminator, and a head that is given the label beside its last features."""
        norm = self.config.critic_norm
        return MatchCritic(self.plain_critic(), self.labels, two_heads=True, norm=norm)

    def critic_game(
        self, image: Tensor, y: Tensor, on_real: Tensor, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The objective's terms of the first head, and those of matching."""
        config = self.config
        fake = on_fake[:, 1] if config.match_on_fake else None
        match = match_critic(on_real[:, 1], wrongly(self, image, y, head=1), fake)
        weighted = {name: config.label_weight * term for name, term in match.items()}
        return {**super().critic_game(image, y, on_real, on_fake), **weighted}

    def generator_game(
        self, y: Tensor, on_real: Tensor | None, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The objective's term of the first head, and λ times that of matching."""
        match = self.config.label_weight * match_generator(on_fake[:, 1])
        return {**super().generator_game(y, on_real, on_fake), "match": match}


def wrongly(game: Conditional, image: Tensor, y: Tensor, head: int = 0) -> Tensor:
    """What a head says of real pictures with labels that are not theirs; none where none are."""
    other, found = game.other_labels(y)
    return game.verdicts(image, other)[:, head][found]


class ACGAN(Conditional):
    """A score of pictures alone, and a guess of their label."""

    plain = False

    def make_critic(self) -> nn.Module:
        """The discriminator, and the classifier beside its last layer."""
        return SharedCritic(self.plain_critic(), self.labels)

    def verdicts(self, image: Tensor, y: Tensor | None = None) -> Tensor:
        """Of each picture: its score, then what is said of its label."""
        critic = self.adversary
        assert isinstance(critic, SharedCritic)
        return critic.verdicts(image)

    def for_any(self, image: Tensor) -> Tensor:
        """The score does not look at labels."""
        return scores(self.verdicts(image))

    def critic_game(
        self, image: Tensor, y: Tensor, on_real: Tensor, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The objective's terms, and the guesses on reals and fakes."""
        return {
            **super().critic_game(image, y, on_real, on_fake),
            "label_real": self.guess(on_real, y),
            "label_fake": self.guess(on_fake, y),
        }

    def generator_game(
        self, y: Tensor, on_real: Tensor | None, on_fake: Tensor
    ) -> dict[str, Tensor]:
        """The objective's term, and the guess on fakes."""
        return {**super().generator_game(y, on_real, on_fake), "label": self.guess(on_fake, y)}

    def guess(self, verdicts: Tensor, y: Tensor) -> Tensor:
        """λ times how badly the labels are told."""
        return self.config.label_weight * label_loss(verdicts[:, 1:], y, self.data.label_kind)


class CGAN(Conditional):
    """The form that `config.condition` asks for; built as any system is."""

    def __new__(  # type: ignore[misc]
        cls, config: CGANConfig, data: DataSpec, generator: nn.Module | None = None
    ) -> Conditional:
        """Build the class of that form."""
        forms: Mapping[str, type[Conditional]] = {
            "concat": Conditional,
            "matching-aware": MatchingAware,
            "two-head": TwoHead,
            "ac-gan": ACGAN,
            "projection": Conditional,
        }
        return forms[config.condition](config, data, generator)
