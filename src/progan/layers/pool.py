"""A pool of old fakes: critics are shown some of them among the new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ImagePool"]


class ImagePool(nn.Module):
    """Store pictures, and give old ones back in place of new ones.

        fewer than `capacity` stored:   store x, give x back
        else, with probability ½:       give a stored picture back, each as likely, and store x in
                                        its place
        else:                           give x back

    Pictures of a batch go through one after the other. They are stored and given back without a
    graph, in float32. What is stored are buffers: a run that is cut goes on with the same pool. The
    dice are torch's generator of the CPU, whatever the device. With capacity 0 nothing is stored.

    Source: Shrivastava et al. 2017 (SimGAN), section 2.3; in this form in the code published with
            Zhu et al. 2017 (CycleGAN), section 4, where the capacity is 50.
    """

    images: Tensor
    stored: Tensor

    def __init__(self, capacity: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.capacity = capacity
        if capacity:
            self.register_buffer("images", torch.zeros(capacity, channels, height, width))
            self.register_buffer("stored", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fake: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Pictures to show instead of `fake`."""
        if not self.capacity:
            return fake.detach()
        shown = fake.detach().clone()
        begun = int(self.stored)
        filling = min(len(fake), self.capacity - begun)
        self.images[begun : begun + filling] = shown[:filling]
        self.stored += filling
        for row in range(filling, len(fake)):
            swap = bool(torch.rand(()) < 0.5)
            place = int(torch.randint(self.capacity, ()))
            if swap:
                old = self.images[place].clone()
                self.images[place] = shown[row]
                shown[row] = old
        return shown
