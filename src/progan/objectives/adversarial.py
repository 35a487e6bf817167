"""What critic and generator want of the scores, in each paper's formula.

Every function takes scores, one per sample, and returns named terms whose sum is the loss.
Scores are logits for the probabilistic losses: D = sigmoid(score).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.functional import relu, softplus

if TYPE_CHECKING:
    from jaxtyping import Float

    Scores = Float[Tensor, " n"]

__all__ = [
    "hinge_critic",
    "hinge_generator",
    "least_squares_critic",
    "least_squares_generator",
    "minimax_critic",
    "minimax_generator",
    "non_saturating_generator",
    "reversed_least_squares_critic",
    "reversed_least_squares_generator",
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


def least_squares_critic(real: Scores, fake: Scores) -> dict[str, Tensor]:
    """½ (s(real) − 1)² + ½ s(fake)².

    Source: Mao et al. 2017 (LSGAN), equation 9, the 0-1 coding.
    """
    return {"real": (real - 1).square().mean() / 2, "fake": fake.square().mean() / 2}


def least_squares_generator(fake: Scores) -> dict[str, Tensor]:
    """½ (s(fake) − 1)².

    Source: Mao et al. 2017 (LSGAN), equation 9, the 0-1 coding.
    """
    return {"adversarial": (fake - 1).square().mean() / 2}


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
