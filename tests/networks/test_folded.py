"""The folded generator is the trained one: the same pictures, of every kind and at every moment."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from progan.networks.folded import FoldedGenerator
from progan.networks.progressive import Generator, resolutions

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "fused": {"fused": True},
    "not equalized": {"equalized": False},
    "not equalized, fused": {"equalized": False, "fused": True},
    "batch norm": {"batch_norm": True, "pixelnorm": False, "slope": 0.0},
    "batch norm, fused, pixel norm": {"batch_norm": True, "fused": True},
    "tanh": {"tanh": True},
    "latent as drawn": {"normalize_latent": False},
    "classes": {"classes": 3},
    "classes on the sphere": {"classes": 3, "normalize_label": True},
    "classes, latent as drawn": {"classes": 3, "normalize_latent": False},
    "grey": {"channels": 1},
}


def make(last: int = 16, **settings: Any) -> Generator:
    """A generator with random weights, biases and statistics, in evaluation."""
    torch.manual_seed(3)
    widths = {r: max(3, 40 // r) for r in resolutions(last)}
    made = Generator(
        **{"resolution": last, "channels": 3, "latent_size": 5, "widths": widths, **settings}
    )
    with torch.no_grad():
        for name, values in [*made.named_parameters(), *made.named_buffers()]:
            if name.endswith("bias") or "running_mean" in name:
                values.normal_(0, 0.5)
            elif "running_var" in name or "norm.weight" in name:
                values.uniform_(0.5, 2)
    return made.eval()


def latents(generator: Generator, n: int = 4) -> dict[str, torch.Tensor]:
    drawn = {"z": torch.randn(n, 5, generator=torch.Generator().manual_seed(1))}
    return {**drawn, "label": torch.arange(n) % 3} if generator.classes else drawn


@torch.no_grad()
def both(
    generator: Generator, resolution: int, alpha: float, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    given = latents(generator)
    folded = FoldedGenerator(generator, resolution, alpha, dtype)
    expected = generator(given["z"], given.get("label"), resolution, alpha)
    return folded(*folded.inputs(given)), expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("resolution", "alpha"), [(4, 1.0), (8, 0.3), (16, 1.0), (16, 0.0)])
def test_it_draws_the_same_pictures(kind: str, resolution: int, alpha: float) -> None:
    made, expected = both(make(**KINDS[kind]), resolution, alpha)
    assert made.dtype == torch.float32
    error = (made - expected).norm() / expected.norm()
    assert error < 1e-5  # float32 sums in another order
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_in_double_precision_nothing_is_left_to_rounding() -> None:
    generator = make(fused=False, classes=3, batch_norm=True).double()
    folded = FoldedGenerator(generator, 16, 0.25, torch.float64)
    given = latents(generator)
    rows = torch.cat(
        [generator.normalized(given["z"].double(), None), torch.eye(3).double()[given["label"]]],
        dim=1,
    )
    x = generator.blocks["4"](rows)
    coarse = generator.blocks["8"](x)
    fine = generator.blocks["16"](coarse)
    up = nn.functional.interpolate(generator.to_image["8"](coarse), scale_factor=2)
    expected = 0.75 * up.float() + 0.25 * generator.to_image["16"](fine).float()
    # Colours are float32, and so is their mixture.
    error = (folded(rows) - expected).abs().max() / expected.abs().max()
    assert error < 4e-7


@pytest.mark.parametrize("kind", ["plain", "batch norm", "classes", "tanh"])
def test_bfloat16_stays_within_a_few_hundredths(kind: str) -> None:
    made, expected = both(make(**KINDS[kind]), 16, 0.5, torch.bfloat16)
    error = float((made - expected).norm() / expected.norm())
    assert 1e-4 < error < 3e-2  # 8 bits of mantissa, ten layers deep: but not float32 either


def test_it_holds_plain_layers_and_only_those_it_needs() -> None:
    folded = FoldedGenerator(make(fused=True), 8)
    kinds = {type(module) for module in folded.modules()} - {FoldedGenerator, nn.ModuleList}
    assert kinds == {nn.Linear, nn.Conv2d, nn.ConvTranspose2d}
    # stem, conv at 4; up, conv at 8; to colours
    assert len(list(folded.parameters())) == 2 * 5
    assert folded.values == max(16 * 10, 64 * 5)  # widths are 10 at 4×4 and 5 at 8×8
    assert not any(parameter.requires_grad for parameter in folded.parameters())


def test_its_weights_are_copies() -> None:
    generator = make()
    folded = FoldedGenerator(generator, 16)
    given = folded.inputs(latents(generator))
    before = folded(*given)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.zero_()
    assert torch.equal(folded(*given), before)
