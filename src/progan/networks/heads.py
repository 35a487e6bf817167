"""What stands beside or in the place of a critic's last layer, so that it can tell more than one
thing: whether a label matches, how a label changes the score, which code drew a picture.

Each is cut out of a plain network whose layers stand in a row: trunk, and last layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.layers.labels import with_planes
from progan.networks.dcgan import Norm, normed, start_small
from progan.networks.shared import cut_last

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["CodeCritic", "MatchCritic", "MatchHead", "ProjectionCritic"]


class ProjectionCritic(nn.Module):
    """A critic whose score is moved by the inner product of its features with a label's vector.

        a(x, y) = ψ(x) + ⟨V y, φ(x)⟩

    ψ is the plain critic, φ its last features, of maps their sum over the pixels. V y is a
    class's own vector, or a linear map of a label that is a vector itself.

    Source: Miyato & Koyama 2018, "cGANs with Projection Discriminator", equation 3.
    """

    def __init__(self, critic: nn.Module, labels: int) -> None:
        super().__init__()
        self.trunk, self.verdict, features = cut_last(critic)
        self.embedding = nn.Linear(labels, features, bias=False)
        if isinstance(self.verdict, nn.Conv2d):
            nn.init.normal_(self.embedding.weight, 0.0, 0.02)

    def forward(
        self, image: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, " n"]:
        """Judge whether `image` is real and belongs to `y`."""
        features = self.trunk(image)
        summed = features.float().flatten(2).sum(2) if features.ndim == 4 else features.float()
        inner = (self.embedding(y).float() * summed).sum(dim=1)
        return self.verdict(features).float().flatten() + inner


class MatchHead(nn.Module):
    """Features and a label to a logit: whether they belong together.

        maps      y → dense, leaky relu, as planes beside the maps → 1×1, norm, leaky relu → 4×4 → 1
        vectors   y → dense, leaky relu, beside the features → dense, leaky relu → dense 1

    Source: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.1, and
            its code, for maps.
    """

    def __init__(self, features: int, labels: int, *, maps: bool, norm: Norm) -> None:
        super().__init__()
        wide = min(128, features)
        self.label = nn.Sequential(nn.Linear(labels, wide), nn.LeakyReLU(0.2))
        if maps:
            self.body = nn.Sequential(
                nn.Conv2d(features + wide, features, 1, bias=norm == "none"),
                *normed(features, norm),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(features, 1, 4),
            )
            self.body.apply(start_small)
        else:
            layers = (nn.Linear(features + wide, features), nn.LeakyReLU(0.2))
            self.body = nn.Sequential(*layers, nn.Linear(features, 1))

    def forward(
        self, features: Float[Tensor, "n f *space"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, " n"]:
        """One logit for each pair."""
        label = self.label(y)
        if features.ndim == 4:
            return self.body(with_planes(features, label)).float().flatten()
        return self.body(torch.cat([features, label.to(features.dtype)], dim=1)).float().flatten()


class MatchCritic(nn.Module):
    """A critic that judges pairs of picture and label on its last features.

    With two heads it keeps its last layer too, which judges the picture alone.
    """

    def __init__(self, critic: nn.Module, labels: int, *, two_heads: bool, norm: Norm) -> None:
        super().__init__()
        self.trunk, verdict, features = cut_last(critic)
        self.verdict = verdict if two_heads else None
        self.match = MatchHead(features, labels, maps=isinstance(verdict, nn.Conv2d), norm=norm)

    def forward(
        self, image: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, "n o"]:
        """Of each pair: the logit of being real, where there are two heads; that of matching."""
        features = self.trunk(image)
        match = self.match(features, y)
        if self.verdict is None:
            return match[:, None]
        return torch.stack([self.verdict(features).float().flatten(), match], dim=1)


class CodeCritic(nn.Module):
    """A critic, and beside its last layer a network Q that guesses the code behind a picture.

        trunk → score;    trunk → dense 128, norm, leaky relu → dense `outputs`

    Source:  Chen et al. 2016 (InfoGAN), appendix C.1.
    Departs: behind maps the norm of the 128 is over each picture alone, so that one picture can be
             guessed at; behind dense layers without norms of their own there is none.
    """

    def __init__(self, critic: nn.Module, outputs: int, *, norm: Norm) -> None:
        super().__init__()
        self.trunk, self.verdict, features = cut_last(critic)
        maps = isinstance(self.verdict, nn.Conv2d)
        dense = any(isinstance(layer, nn.BatchNorm1d) for layer in self.trunk)
        first: nn.Module = (
            nn.Conv2d(features, 128, 4, bias=norm == "none")
            if maps
            else nn.Linear(features, 128, bias=not dense)
        )
        norms: list[nn.Module] = [nn.BatchNorm1d(128)] if dense else []
        if maps:
            norms = normed(128, "none" if norm == "none" else "layer")
        self.guess = nn.Sequential(
            first, *norms, nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(128, outputs)
        )
        self.guess.apply(start_small)

    def verdicts(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k"]:
        """Of each picture: its score, then what Q says of its code."""
        features = self.trunk(image)
        heads = (self.verdict(features).flatten(1), self.guess(features))
        return torch.cat(heads, dim=1).float()

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.verdict(self.trunk(image)).float().flatten()
