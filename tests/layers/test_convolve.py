"""Against torch's own gradients, first and second order, in double precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from progan.core.slopes import image_slope, weights_wait
from progan.layers import patches
from progan.layers.convolve import convolve, enlarge
from progan.layers.equalized import EqualizedConv2d, EqualizedDownConv2d, EqualizedUpConv2d
from progan.layers.prepared import ready, weights_made_once
from progan.layers.rectifier import leaky_relu

Conv = Callable[..., Tensor]
SHAPES = [(3, 1, 1), (1, 1, 0), (4, 2, 1), (3, 2, 1)]  # kernel, stride, padding


def parts(kernel: int, bias: bool = True) -> tuple[Tensor, Tensor, Tensor | None]:
    torch.manual_seed(kernel)
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    w = torch.randn(4, 3, kernel, kernel, dtype=torch.float64, requires_grad=True)
    b = torch.randn(4, dtype=torch.float64, requires_grad=True) if bias else None
    return x, w, b


@pytest.fixture(params=["products", "convolutions"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """All as products over patches, or none."""
    most = 10**9 if request.param == "products" else 0
    monkeypatch.setattr(patches, "MANY_WEIGHTS", 0)
    for name in ("FEW", "FEW_FOR_WEIGHTS"):
        monkeypatch.setattr(patches, name, dict.fromkeys((torch.float64, torch.bfloat16), most))
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
def test_either_way_is_torchs(kernel: int, stride: int, padding: int) -> None:
    x, w, b = parts(kernel)
    how = {"stride": stride, "padding": padding}
    for bias in (b, None):
        torch.testing.assert_close(convolve(x, w, bias, **how), F.conv2d(x, w, bias, **how))
        up = None if bias is None else bias[:3]
        small = torch.randn(2, 4, 3, 5, dtype=torch.float64)
        expected = F.conv_transpose2d(small, w, up, **how)
        for weight in (w, w.detach()):
            torch.testing.assert_close(enlarge(small, weight, up, **how), expected)
    with torch.no_grad():
        torch.testing.assert_close(convolve(x, w, b, **how), F.conv2d(x, w, b, **how))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
def test_the_transposed_one_has_gradients_of_numbers_too(
    kernel: int, stride: int, padding: int
) -> None:
    def run(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return enlarge(x, w, b, stride=stride, padding=padding)

    x, w, _ = parts(kernel)
    small = x.detach()[:, :2].reshape(2, 4, 6, 3)[:, :, :3].clone().requires_grad_()
    b = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, (small, w, b))
    assert torch.autograd.gradgradcheck(run, (small, w, b))


def test_few_patches_are_multiplied_and_many_are_convolved() -> None:
    wide = torch.empty(512, 512, 3, 3, dtype=torch.bfloat16)
    assert patches.few(256, 1, wide)
    assert not patches.few(257, 1, wide)
    assert patches.few(512, 2, wide)
    assert not patches.few(1, 1, wide[:128])
    assert not patches.few(1, 1, wide.float())
    assert not patches.few(1, 1, wide.to("meta"))
    assert patches.few_for_weights(2048, wide)
    assert not patches.few_for_weights(2049, wide)
    assert patches.few_for_weights(512, wide.float())


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("layer", [EqualizedUpConv2d, EqualizedDownConv2d, EqualizedConv2d])
def test_layers_keep_how_their_weights_lie(layer: Callable[..., torch.nn.Module], way: str) -> None:
    """So that an optimizer, which walks through both side by side, need not copy the gradient."""
    made = layer(8, 16).to(memory_format=torch.channels_last)
    assert isinstance(made.weight, torch.nn.Parameter)
    x = torch.randn(3, 8, 8, 8, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = made(x).float().square().mean()
    (gradient,) = torch.autograd.grad(loss, made.weight)
    assert gradient.stride() == made.weight.stride()


@pytest.mark.parametrize("layer", [EqualizedUpConv2d, EqualizedDownConv2d])
def test_wide_kernels_have_gradients_of_numbers(layer: Callable[..., torch.nn.Module]) -> None:
    made = layer(2, 3).double()

    def run(weight: Tensor) -> Tensor:
        x = torch.ones(1, 2, 4, 4, dtype=torch.float64)
        found: Tensor = torch.func.functional_call(made, {"weight": weight}, (x,))
        return found.square()

    assert torch.autograd.gradcheck(run, (made.weight,))
    assert torch.autograd.gradgradcheck(run, (made.weight,))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_first_and_second_gradients_are_those_of_numbers(
    kernel: int, stride: int, padding: int, bias: bool
) -> None:
    def run(*given: Tensor) -> Tensor:
        return convolve(*given, stride=stride, padding=padding)

    given = tuple(part for part in parts(kernel, bias) if part is not None)
    assert torch.autograd.gradcheck(run, given)
    assert torch.autograd.gradgradcheck(run, given)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
def test_a_penalty_gives_weights_what_torch_gives_them(
    kernel: int, stride: int, padding: int
) -> None:
    def gradients(conv: Conv, rectify: Conv, slope: Conv) -> list[Tensor]:
        x, w, b = parts(kernel)
        second = torch.randn(5, 4, 3, 3, dtype=torch.float64, requires_grad=True)
        y = rectify(conv(x, w, b, stride=stride, padding=padding), 0.2)
        scores = conv(y, second, None, padding=1).square().mean(dim=(1, 2, 3))
        found = slope(scores, x)
        loss = (torch.linalg.vector_norm(found.flatten(1), dim=1) - 1).square().mean()
        assert b is not None
        return list(torch.autograd.grad(loss + scores.sum(), [w, b, second]))

    def plain(scores: Tensor, x: Tensor) -> Tensor:
        return torch.autograd.grad(scores.sum(), x, create_graph=True)[0]

    expected = gradients(F.conv2d, F.leaky_relu, plain)
    for found in (
        gradients(convolve, leaky_relu, image_slope),
        gradients(convolve, leaky_relu, plain),  # weights worked out too, and left
    ):
        for mine, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


def test_third_order_still_holds() -> None:
    x, w, b = parts(3)

    def third(conv: Conv) -> Tensor:
        (slope,) = torch.autograd.grad(conv(x, w, b).pow(3).sum(), x, create_graph=True)
        (again,) = torch.autograd.grad(slope.square().sum(), w, create_graph=True)
        return torch.autograd.grad(again.square().sum(), x)[0]

    torch.testing.assert_close(third(convolve), third(F.conv2d))


def test_the_rectifier_is_checked_by_numbers_too() -> None:
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor) -> Tensor:
        return leaky_relu(x * 1.0, 0.2)

    assert torch.autograd.gradcheck(run, (x,))
    assert torch.autograd.gradgradcheck(run, (x,))
    torch.testing.assert_close(leaky_relu(x.detach().clone(), 0.0), F.relu(x.detach()))


def test_nothing_waits_once_the_slope_is_taken() -> None:
    x = torch.ones(2, requires_grad=True)
    seen: list[bool] = []
    x.register_hook(lambda gradient: seen.append(weights_wait()))
    image_slope(x * x, x)
    assert seen == [True]
    assert not weights_wait()
    with pytest.raises(RuntimeError):
        image_slope(torch.ones(2), x)
    assert not weights_wait()


def test_autocast_is_obeyed_and_weights_get_gradients_in_their_own_type() -> None:
    layer = EqualizedDownConv2d(4, 4)
    x = torch.randn(2, 4, 8, 8, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
        slope = image_slope(y.float().square().mean(dim=(1, 2, 3)), x)
        loss = slope.square().sum()
    (gradient,) = torch.autograd.grad(loss, layer.weight)
    exact = layer(x)
    slope = image_slope(exact.square().mean(dim=(1, 2, 3)), x)
    (expected,) = torch.autograd.grad(slope.square().sum(), layer.weight)
    assert (y.dtype, gradient.dtype) == (torch.bfloat16, torch.float32)
    assert torch.cosine_similarity(gradient.flatten(), expected.flatten(), dim=0) > 0.999


def test_weights_are_made_once_within_and_anew_afterwards() -> None:
    layer, made = EqualizedConv2d(3, 3), []

    def make() -> Tensor:
        made.append(1)
        return layer.weight * 2

    with weights_made_once():
        first = ready(layer, torch.float32, make)
        with weights_made_once():
            assert ready(layer, torch.float32, make) is first
        with torch.no_grad():  # never one with a graph in place of one without, or vice versa
            assert not ready(layer, torch.float32, make).requires_grad
        assert ready(layer, torch.bfloat16, make).dtype == torch.bfloat16
        assert len(made) == 3
    ready(layer, torch.float32, make)
    assert len(made) == 4


def test_two_passes_over_one_weight_add_their_gradients() -> None:
    layer = EqualizedDownConv2d(3, 3).double()
    a, b = torch.randn(2, 1, 3, 4, 4, dtype=torch.float64)
    with weights_made_once():
        (together,) = torch.autograd.grad((layer(a) * layer(b)).sum(), layer.weight)
    (apart,) = torch.autograd.grad((layer(a) * layer(b)).sum(), layer.weight)
    torch.testing.assert_close(together, apart)
