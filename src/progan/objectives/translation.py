"""What translators and their critics want of the scores, at the weights of the published code.

    least squares     critic      ½ E[(D(y) − 1)²] + ½ E[D(G(x))²]
                      generator   E[(D(G(x)) − 1)²]
    non-saturating    critic      −½ E[log D(y)] − ½ E[log(1 − D(G(x)))]
                      generator   −E[log D(G(x))]

The critic's loss is halved, "which slows down the rate at which D learns relative to G"; the
generator's is not.

Source: Isola et al. 2017 (pix2pix), section 3.3; Zhu et al. 2017 (CycleGAN), equation 7 and
        section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch import Tensor
from torch.nn.functional import softplus

from progan.objectives.adversarial import least_squares_critic, minimax_critic

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Game", "translation_critic", "translation_generator"]

Game = Literal["least-squares", "non-saturating"]


def translation_critic(
    game: Game, real: Float[Tensor, "n 1 h w"], fake: Float[Tensor, "n 1 h w"]
) -> dict[str, Tensor]:
    """Half of the game's loss, over all patches."""
    if game == "least-squares":
        return least_squares_critic(real.flatten(), fake.flatten())
    terms = minimax_critic(real.flatten(), fake.flatten())
    return {name: term / 2 for name, term in terms.items()}


def translation_generator(game: Game, fake: Float[Tensor, "n 1 h w"]) -> Float[Tensor, ""]:
    """The generator's whole loss, over all patches."""
    return (fake - 1).square().mean() if game == "least-squares" else softplus(-fake).mean()
