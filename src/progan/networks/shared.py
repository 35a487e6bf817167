"""Networks that share their layers: several generators all but the first, two critics all but the
last.

    generators   z → first layer of generator k → the rest, common to all
    critic       x → all layers but the last → score, and which generator made x

They are cut out of plain networks whose layers stand in a row: after the first rectifier, and
before the last layer.

Source: Hoang et al. 2018 (MGAN), section 3 and figure 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.networks.dcgan import start_small

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["SharedCritic", "SharedGenerators", "by_member", "cut_last"]


def by_member(networks: Sequence[Callable[[Tensor], Tensor]], x: Tensor, member: Tensor) -> Tensor:
    """Row i of `x` through network `member[i]`, a whole number, and no other.

    A network that is traced or compiled cannot choose as it goes: then all take all rows.
    """
    traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    if traced or torch.compiler.is_compiling():
        all_of_them = torch.stack([network(x) for network in networks])
        return all_of_them[member, torch.arange(x.shape[0], device=x.device)]
    counts = torch.bincount(member, minlength=len(networks)).tolist()
    order = member.argsort(stable=True)
    pieces = zip(networks, torch.split(x[order], counts), strict=True)
    made = torch.cat([network(rows) for network, rows in pieces if len(rows)])
    return made[order.argsort()]


def row_of_layers(network: nn.Module) -> nn.Sequential:
    """The layers of a network that is one row of them."""
    body = network.get_submodule("body")
    assert isinstance(body, nn.Sequential)
    return body


def cut_last(critic: nn.Module) -> tuple[nn.Sequential, nn.Conv2d | nn.Linear, int]:
    """A network as all layers before its last dense or convolutional one, that one, and how many
    features it takes."""
    row = row_of_layers(critic)
    cut = max(i for i, layer in enumerate(row) if isinstance(layer, nn.Linear | nn.Conv2d))
    trunk, last = row[:cut], row[cut]
    assert isinstance(trunk, nn.Sequential)
    assert isinstance(last, nn.Linear | nn.Conv2d)
    return trunk, last, last.in_features if isinstance(last, nn.Linear) else last.in_channels


class SharedGenerators(nn.Module):
    """Generators of one make, each with a first layer of its own; the rest is the first one's."""

    def __init__(self, generators: Sequence[nn.Module]) -> None:
        super().__init__()
        rows = [row_of_layers(generator) for generator in generators]
        cut = 1 + next(i for i, layer in enumerate(rows[0]) if isinstance(layer, nn.ReLU))
        self.heads = nn.ModuleList(row[:cut] for row in rows)
        self.trunk = rows[0][cut:]

    def forward(
        self, z: Float[Tensor, "n z"], member: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]:
        """Draw the picture of row i of `z` by generator `member[i]`.

        The slope in a first layer that draws nothing is 0, not missing: every part of a batch
        then reaches the same weights.
        """
        x = by_member(list(self.heads), z, member)
        if torch.is_grad_enabled():
            x = x + 0 * torch.stack([weight.sum() for weight in self.heads.parameters()]).sum()
        return self.trunk(x).float()


class SharedCritic(nn.Module):
    """A critic, and beside its last layer one that tells `members` generators apart."""

    def __init__(self, critic: nn.Module, members: int) -> None:
        super().__init__()
        self.trunk, self.verdict, features = cut_last(critic)
        self.classifier: nn.Module
        if isinstance(self.verdict, nn.Conv2d):
            self.classifier = nn.Conv2d(features, members, self.verdict.kernel_size[0])
            start_small(self.classifier)
        else:
            self.classifier = nn.Linear(features, members)

    def verdicts(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k"]:
        """Of each picture: its score, then a logit for each generator that may have made it."""
        features = self.trunk(image)
        heads = (self.verdict(features).flatten(1), self.classifier(features).flatten(1))
        return torch.cat(heads, dim=1).float()

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.verdict(self.trunk(image)).float().flatten()
