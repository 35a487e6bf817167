"""What critic and generator want of the scores, in each paper's formula.

Every function takes scores, one per sample, and returns named terms whose sum is the loss.
Scores are logits for the probabilistic losses: D = sigmoid(score).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.functional import relu, softplus

if TYPE_CHECKING:
    from jaxtyping import Float

    Scores = Float[Tensor, " n"]

Loss = Callable[[Tensor], Tensor]

__all__ = [
    "hinge_critic",
    "hinge_generator",
    "hinged",
    "least_squares_critic",
    "least_squares_generator",
    "logistic",
    "minimax_critic",
    "minimax_generator",
    "non_saturating_generator",
    "relativistic",
    "relativistic_average",
    "reversed_least_squares_critic",
    "reversed_least_squares_generator",
    "squared_lead",
    "swapped_generator",
    "wasserstein_critic",
    "wasserstein_generator",
]


def minimax_critic(real: Scores, fake: Scores) -> dict[str, Tensor]:
    """−log D(real) − log(1 − D(fake)), for both minimax and non-saturating players.

    Source: Goodfellow et al. 2014, equation 1.
    """
    return {"real": softplus(-real).mean(), "fake": softplus(fake).mean()}


def minimax_generator(fake: Scores) -> dict[str, Tensor]:
    """log(1 − D(fake)): the zero-sum game, whose slope vanishes where D is sure.

    Source: Goodfellow et al. 2014, equation 1.
    """
    return {"adversarial": -softplus(fake).mean()}


def non_saturating_generator(fake: Scores) -> dict[str, Tensor]:
    """−log D(fake): the same fixed point, with the steepest slope where D is sure.

    Source: Goodfellow et al. 2014, end of section 3.
    """
    return {"adversarial": softplus(-fake).mean()}


def swapped_generator(real: Scores, fake: Scores) -> dict[str, Tensor]:
    """−log(1 − D(real)) − log D(fake): the critic's loss with its labels swapped.

    For players who have a hand in the reals too: of pairs (x, E(x)) and (G(z), z), the encoder.

    Source: Donahue et al. 2017 (BiGAN), section 3.4, the "inverse" objective.
    """
    return {"real": softplus(real).mean(), "fake": softplus(-fake).mean()}


def wasserstein_critic(real: Scores, fake: Scores) -> dict[str, Tensor]:
    """s(fake) − s(real), for a critic held to slope one by other means.

    Source: Arjovsky et al. 2017 (WGAN), algorithm 1.
    """
    return {"real": -real.mean(), "fake": fake.mean()}


def wasserstein_generator(fake: Scores) -> dict[str, Tensor]:
    """−s(fake).

    Source: Arjovsky et al. 2017 (WGAN), algorithm 1.
    """
    return {"adversarial": -fake.mean()}


def least_squares_critic(
    real: Scores, fake: Scores, targets: tuple[float, float] = (0.0, 1.0)
) -> dict[str, Tensor]:
    """½ (s(real) − b)² + ½ (s(fake) − a)², with `targets` (a, b).

    Source: Mao et al. 2017 (LSGAN), equation 2; (0, 1) is its equation 9.
    """
    a, b = targets
    return {"real": (real - b).square().mean() / 2, "fake": (fake - a).square().mean() / 2}


def least_squares_generator(fake: Scores, target: float = 1.0) -> dict[str, Tensor]:
    """½ (s(fake) − c)², with `target` c.

    Source: Mao et al. 2017 (LSGAN), equation 2; 1 is its equation 9.
    """
    return {"adversarial": (fake - target).square().mean() / 2}


def reversed_least_squares_critic(real: Scores, fake: Scores) -> dict[str, Tensor]:
    """s(real)² + 0.1 (s(fake) − 1)²: here a *low* score means real.

    Source: Karras et al. 2018 (ProGAN), appendix B; weights from its Theano code.
    """
    return {"real": real.square().mean(), "fake": 0.1 * (fake - 1).square().mean()}


def reversed_least_squares_generator(fake: Scores) -> dict[str, Tensor]:
    """s(fake)²: fakes should score 0, as reals do.

    Source: Karras et al. 2018 (ProGAN), appendix B; weights from its Theano code.
    """
    return {"adversarial": fake.square().mean()}


def hinge_critic(real: Scores, fake: Scores) -> dict[str, Tensor]:
    """max(0, 1 − s(real)) + max(0, 1 + s(fake)): nothing to gain beyond the margin.

    Source: Lim & Ye 2017 (Geometric GAN); Miyato et al. 2018 (SNGAN), equation 16.
    """
    return {"real": relu(1 - real).mean(), "fake": relu(1 + fake).mean()}


def hinge_generator(fake: Scores) -> dict[str, Tensor]:
    """−s(fake).

    Source: Miyato et al. 2018 (SNGAN), equation 17.
    """
    return {"adversarial": -fake.mean()}


def relativistic(loss: Loss, ahead: Scores, behind: Scores) -> Float[Tensor, ""]:
    """E[loss(s(ahead) − s(behind))] over pairs: how far one side of the batch leads the other.

    The critic plays it with reals ahead, the generator with fakes ahead. With the logistic loss,
    log(1 + e^(−d)), it is RSGAN, and with R1 and R2 beside it the game of R3GAN.

    Source: Jolicoeur-Martineau 2019 (Relativistic GANs), equations 5 and 6.
    """
    return loss(ahead - behind).mean()


def relativistic_average(loss: Loss, ahead: Scores, behind: Scores) -> Float[Tensor, ""]:
    """E[loss(s(ahead) − E s(behind))] + E[loss(E s(ahead) − s(behind))].

    Each sample is compared with the mean of the other side, over the part of the batch that is
    looked at together.

    Source: Jolicoeur-Martineau 2019 (Relativistic GANs), equations 11 to 14, with a loss that
    is mirrored for the other side, as in each game the paper names.
    """
    return loss(ahead - behind.mean()).mean() + loss(ahead.mean() - behind).mean()


def logistic(lead: Scores) -> Scores:
    """log(1 + e^(−d))."""
    return softplus(-lead)


def squared_lead(lead: Scores) -> Scores:
    """(d − 1)²."""
    return (lead - 1).square()


def hinged(lead: Scores) -> Scores:
    """max(0, 1 − d)."""
    return relu(1 - lead)
