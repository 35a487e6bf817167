"""The Inception network of FID: the graph of 2015-12-05, with the names of its PyTorch weights.

    features   mean over the 8 × 8 places of the last block, 2048 numbers ("pool3")
    logits     W · features, without the bias, 1008 classes: what the Inception Score is taken of

It is Inception v3 with the peculiarities of that graph: averages over 3 × 3 neighbourhoods leave
out what lies beyond the border, the last block takes a maximum there instead of an average, batch
normalization adds 10⁻³ to variances, and there are 1008 classes, of which 1000 mean something.

Source:  Szegedy et al. 2016 (Rethinking the Inception Architecture); Heusel et al. 2017 (FID),
         whose network it is; names and shapes of parameters as in the public file
         pt_inception-2015-12-05-6726825d.pth, which pytorch-fid and torch-fidelity share.
Departs: nowhere.
Checked: run beside torch-fidelity's network on random weights; features and logits are in
         tests/golden/extractor_reference.json, made by benchmarks/extractor_reference.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from progan.extractors.base import Extractor
from progan.extractors.resize import tf_bilinear, torch_bilinear
from progan.extractors.weights import filled

__all__ = ["RESIZES", "SIDE", "FIDInception", "inception"]

SIDE = 299
CLASSES = 1008

Kernel: TypeAlias = int | tuple[int, int]
Step: TypeAlias = tuple[int, Kernel]
"""Channels out, and the kernel."""
Chain: TypeAlias = tuple[Step | tuple[Step, Step], ...]
"""Convolutions one after another; two in the last place stand side by side."""
Pool: TypeAlias = Literal["mean", "max", "halve"]


class Convolution(nn.Module):
    """relu(normalize(conv(x))), with the statistics that training found."""

    def __init__(self, inputs: int, step: Step, stride: int = 1, padding: Kernel = 0) -> None:
        super().__init__()
        outputs, kernel = step
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """N c h w."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """Chains of convolutions side by side on one input, and a pool; results are stacked.

    `pool` is a mean or a maximum over 3 × 3, followed by a 1 × 1 convolution to `pooled` channels;
    or, in a block that halves its input, a maximum at every second place, with nothing after it,
    and then the last convolution of each chain has stride 2 too.
    """

    def __init__(
        self, inputs: int, chains: Mapping[str, Chain], pool: Pool, pooled: int = 0
    ) -> None:
        super().__init__()
        self.pool = pool
        self.names: list[tuple[tuple[str, ...], ...]] = []
        self.outputs = pooled or inputs
        for branch, chain in chains.items():
            self.names.append(self._add(branch, inputs, chain))
        if pooled:
            self.branch_pool = Convolution(inputs, (pooled, 1))

    def _add(self, branch: str, inputs: int, chain: Chain) -> tuple[tuple[str, ...], ...]:
        """Make the convolutions of a chain; their names, place by place."""
        names: list[tuple[str, ...]] = []
        for place, steps in enumerate(chain, start=1):
            beside = cast(tuple[Step, ...], steps if isinstance(steps[0], tuple) else (steps,))
            stride = 2 if self.pool == "halve" and place == len(chain) else 1
            here: list[str] = []
            for letter, step in zip("ab", beside, strict=False):
                name = branch if len(chain) == 1 else f"{branch}_{place}"
                name += letter if len(beside) > 1 else ""
                padding = _around(step[1]) if stride == 1 else 0
                self.add_module(name, Convolution(inputs, step, stride, padding))
                here.append(name)
            inputs = sum(step[0] for step in beside)
            names.append(tuple(here))
        self.outputs += inputs
        return tuple(names)

    def forward(self, x: Tensor) -> Tensor:
        """N c h w."""
        found = []
        for chain in self.names:
            y = x
            for beside in chain:
                parts = [self.get_submodule(name)(y) for name in beside]
                y = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
            found.append(y)
        if self.pool == "halve":
            return torch.cat([*found, F.max_pool2d(x, 3, 2)], 1)
        if self.pool == "max":
            around = F.max_pool2d(x, 3, 1, 1)
        else:
            around = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return torch.cat([*found, self.branch_pool(around)], 1)


def _around(kernel: Kernel) -> Kernel:
    """The padding that keeps the size."""
    return kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)


def _block_35(inputs: int, pooled: int) -> Mixed:
    chains: dict[str, Chain] = {
        "branch1x1": ((64, 1),),
        "branch5x5": ((48, 1), (64, 5)),
        "branch3x3dbl": ((64, 1), (96, 3), (96, 3)),
    }
    return Mixed(inputs, chains, "mean", pooled)


def _block_17(c: int) -> Mixed:
    row, column = (1, 7), (7, 1)
    chains: dict[str, Chain] = {
        "branch1x1": ((192, 1),),
        "branch7x7": ((c, 1), (c, row), (192, column)),
        "branch7x7dbl": ((c, 1), (c, column), (c, row), (c, column), (192, row)),
    }
    return Mixed(768, chains, "mean", 192)


def _block_8(inputs: int, pool: Pool) -> Mixed:
    fork: tuple[Step, Step] = ((384, (1, 3)), (384, (3, 1)))
    chains: dict[str, Chain] = {
        "branch1x1": ((320, 1),),
        "branch3x3": ((384, 1), fork),
        "branch3x3dbl": ((448, 1), (384, 3), fork),
    }
    return Mixed(inputs, chains, pool, 192)


def _blocks() -> dict[str, Mixed]:
    halve_35: dict[str, Chain] = {
        "branch3x3": ((384, 3),),
        "branch3x3dbl": ((64, 1), (96, 3), (96, 3)),
    }
    halve_17: dict[str, Chain] = {
        "branch3x3": ((192, 1), (320, 3)),
        "branch7x7x3": ((192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)),
    }
    return {
        "Mixed_5b": _block_35(192, 32),
        "Mixed_5c": _block_35(256, 64),
        "Mixed_5d": _block_35(288, 64),
        "Mixed_6a": Mixed(288, halve_35, "halve"),
        "Mixed_6b": _block_17(128),
        "Mixed_6c": _block_17(160),
        "Mixed_6d": _block_17(160),
        "Mixed_6e": _block_17(192),
        "Mixed_7a": Mixed(768, halve_17, "halve"),
        "Mixed_7b": _block_8(1280, "mean"),
        "Mixed_7c": _block_8(2048, "max"),
    }


class FIDInception(nn.Module):
    """Pictures n 3 299 299, about [-1, 1] -> features n 2048, logits without bias n 1008."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, (32, 3), stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, (32, 3))
        self.Conv2d_2b_3x3 = Convolution(32, (64, 3), padding=1)
        self.Conv2d_3b_1x1 = Convolution(64, (80, 1))
        self.Conv2d_4a_3x3 = Convolution(80, (192, 3))
        blocks = _blocks()
        for name, block in blocks.items():
            self.add_module(name, block)
        self.mixed: Sequence[str] = tuple(blocks)
        self.fc = nn.Linear(2048, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features n 2048 and logits n 1008."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = F.max_pool2d(x, 3, 2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))
        x = F.max_pool2d(x, 3, 2)
        for name in self.mixed:
            x = self.get_submodule(name)(x)
        features = x.mean((2, 3))
        return features, F.linear(features, self.fc.weight)


def _as_tensorflow(x: Tensor) -> Tensor:
    return (tf_bilinear(x.float(), SIDE) - 128) / 128


def _as_pytorch_fid(x: Tensor) -> Tensor:
    return 2 * torch_bilinear(x.float() / 255, SIDE) - 1


RESIZES: Mapping[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "tf-bilinear": (
        _as_tensorflow,
        "bilinear of TensorFlow 1 to 299 × 299, (x − 128) / 128, as torch-fidelity",
    ),
    "torch-bilinear": (
        _as_pytorch_fid,
        "bilinear of PyTorch to 299 × 299, 2 x / 255 − 1, as pytorch-fid",
    ),
}
"""By the last word of the name: what is done to pictures, and how that is said."""


def inception(
    state: Mapping[str, Tensor],
    sha256: str,
    resize: str = "tf-bilinear",
    *,
    device: torch.device | str = "cpu",
    batch: int = 16,
) -> Extractor:
    """FID's network with these weights, which come from a file with this checksum.

    Raises: DataError for weights of another layout.
    """
    prepare, words = RESIZES[resize]
    return Extractor(
        name=f"inception-2015-12-05:{resize}",
        sha256=sha256,
        resize=words,
        side=SIDE,
        channels=3,
        dimension=2048,
        classes=CLASSES,
        network=filled(FIDInception, state, "the Inception of FID").to(device),
        prepare=prepare,
        batch=batch,
    )
