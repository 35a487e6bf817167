"""GauGAN's networks: published sizes, any power of two, and what reaches what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import one_hot

from progan.core.errors import ConfigError
from progan.networks.perceptual import LAYERS, VGGFeatures, places, read_vgg
from progan.networks.segmenter import Segmenter
from progan.networks.spade import LayoutDiscriminator, LayoutGenerator, StyleEncoder

SQUARE = {"size": (256, 256), "channels": 3}
SMALL = {"depth": "small", "width": 8, "hidden": 32}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def layouts(n: int, side: int, classes: int = 3) -> torch.Tensor:
    dice = torch.Generator().manual_seed(side)
    rows = torch.randint(classes, (n, side, side), generator=dice)
    return one_hot(rows, classes).movedim(3, 1).float()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: LayoutGenerator(**SQUARE, layouts=184, style_size=0), 97_480_899),  # COCO
        (lambda: LayoutGenerator(**SQUARE, layouts=151, style_size=0), 96_492_483),  # ADE20K
        (lambda: LayoutGenerator(**SQUARE, layouts=184, style_size=256), 112_626_883),
        (
            lambda: LayoutGenerator(
                size=(256, 512), channels=3, layouts=36, style_size=0, depth="more"
            ),
            93_048_003,  # Cityscapes
        ),
        (lambda: StyleEncoder(**SQUARE, style_size=256), 10_463_424),
        (lambda: LayoutDiscriminator(channels=3, layouts=184), 5_904_514),
        (lambda: LayoutDiscriminator(channels=3, layouts=36), 5_601_410),
        (
            lambda: LayoutGenerator(size=(32, 32), channels=3, layouts=4, style_size=16, **SMALL),
            379_419,
        ),
        (lambda: StyleEncoder(size=(32, 32), channels=3, style_size=16, width=16), 56_272),
        (lambda: LayoutDiscriminator(channels=3, layouts=4, width=16, layers=3), 87_586),
    ],
)
def test_the_published_networks_have_the_published_sizes(made: Any, expected: int) -> None:
    with torch.device("meta"):
        assert parameters(made()) == expected


@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize("side", [32, 64, 128, 256])
@pytest.mark.parametrize("depth", ["small", "normal"])
def test_a_picture_becomes_a_style_and_a_style_a_picture(depth: Any, side: int, norm: Any) -> None:
    common = {"size": (side, side), "channels": 3, "style_size": 5}
    encoder = StyleEncoder(**common, width=2, norm=norm)
    generator = LayoutGenerator(**common, layouts=3, width=2, hidden=2, depth=depth)
    mean, log_variance = encoder(torch.rand(2, 3, side, side) * 2 - 1)
    assert mean.shape == log_variance.shape == (2, 5)
    image = generator(layouts(2, side), mean)
    assert image.shape == (2, 3, side, side)
    assert float(image.detach().abs().max()) <= 1


@pytest.mark.parametrize(("depth", "times"), [("normal", 5), ("more", 6), ("most", 7)])
def test_each_depth_grows_as_often_as_published(depth: Any, times: int) -> None:
    sizes = {"channels": 1, "layouts": 3, "style_size": 0, "width": 2, "hidden": 2}
    generator = LayoutGenerator(size=(128, 256), depth=depth, **sizes)
    assert generator.factor == 2**times
    assert generator.first == (32, 128 >> times, 256 >> times)
    assert generator.last.in_channels == (1 if depth == "most" else 2)


def test_without_styles_any_multiple_can_be_painted() -> None:
    generator = LayoutGenerator(
        size=(32, 32), channels=3, layouts=3, style_size=0, width=2, depth="small", hidden=2
    )
    assert generator(layouts(2, 64)[:, :, :48], None).shape == (2, 3, 48, 64)


def test_an_encoder_with_instance_norm_is_nearly_blind_to_a_common_colour() -> None:
    """And one without is not: the pitfall that `encoder_norm` is there for."""
    image = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(1)) - 0.5
    moved = {}
    for norm in ("instance", "none"):
        torch.manual_seed(0)
        encoder = StyleEncoder(size=(32, 32), channels=3, style_size=16, width=16, norm=norm)  # type: ignore[arg-type]
        nn.init.normal_(encoder.mean.weight)
        with torch.no_grad():
            mean, brighter, other = (encoder(x)[0] for x in (image, image + 0.5, image.roll(1, 0)))
        moved[norm] = float((brighter - mean).norm() / (other - mean).norm())
    assert moved["instance"] < 0.5 < moved["none"]


def test_the_discriminator_sees_the_layout_at_every_scale() -> None:
    network = LayoutDiscriminator(channels=3, layouts=3, width=4, layers=3)
    image = torch.randn(2, 3, 32, 32)
    one, other = (network(image, layouts(2, 32).roll(k, 1)) for k in (0, 1))
    assert [len(scale) for scale in one] == [4, 4]
    # 4×4 padded by 2: 32 → 17 → 9 → (stride 1) 10 → 11; at half the size 16 → 9 → 5 → 6 → 7
    assert [[f.shape[-1] for f in scale] for scale in one] == [[17, 9, 10, 11], [9, 5, 6, 7]]
    for before, after in zip(one, other, strict=True):
        assert not torch.equal(before[-1], after[-1])


def test_a_segmenter_is_the_same_alone_and_in_company() -> None:
    network = Segmenter(channels=3, classes=5, width=8).eval()
    image = torch.randn(4, 3, 16, 16)
    logits = network(image)
    assert logits.shape == (4, 5, 16, 16)
    torch.testing.assert_close(network(image[2:3]), logits[2:3])
    assert [f.shape[1:] for f in network.features(image)] == [(8, 16, 16), (16, 8, 8), (32, 4, 4)]


def vgg_weights() -> dict[str, torch.Tensor]:
    network = VGGFeatures.of_dice(3)
    return {
        f"features.{place}.{kind}": network.get_buffer(f"features_{place}_{kind}").clone()
        for place in places()
        for kind in ("weight", "bias")
    }


def test_the_layers_of_vgg_stand_where_torchvision_has_them() -> None:
    assert places() == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
    network = VGGFeatures.of_dice(0, 8)
    found = network(torch.randn(2, 1, 32, 32))
    assert [tuple(f.shape[1:]) for f in found] == [
        (8, 32, 32),
        (16, 16, 16),
        (32, 8, 8),
        (64, 4, 4),
        (64, 2, 2),
    ]
    assert VGGFeatures.of_dice(0, 8).sha256 == network.sha256 != VGGFeatures.of_dice(1, 8).sha256


def test_vgg_computes_as_torchs_layers_do() -> None:
    weights = vgg_weights()
    layers: list[nn.Module] = []
    inputs = 3
    for channels in LAYERS:
        layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()] if channels else []
        layers += [] if channels else [nn.MaxPool2d(2)]
        inputs = channels or inputs
    reference = nn.Sequential(*layers)
    reference.load_state_dict({k.removeprefix("features."): v for k, v in weights.items()})
    x, wanted = torch.randn(1, 3, 32, 32), []
    image = x
    for place, module in enumerate(reference):
        x = module(x)
        if place in (1, 6, 11, 20, 29):  # relu1_1, 2_1, 3_1, 4_1, 5_1
            wanted.append(x)
    for found, other in zip(VGGFeatures(weights)(image), wanted, strict=True):
        torch.testing.assert_close(found, other)


def test_weights_come_from_a_file_of_tensors_alone(tmp_path: Path) -> None:
    weights = {**vgg_weights(), "classifier.0.bias": torch.zeros(2)}
    save_file(weights, tmp_path / "vgg.safetensors")
    torch.save(weights, tmp_path / "vgg.pth")
    found = [read_vgg(tmp_path / name).sha256 for name in ("vgg.safetensors", "vgg.pth")]
    assert found == [VGGFeatures.of_dice(3).sha256] * 2


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("run",))


def test_files_that_are_no_vgg_are_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = vgg_weights()
    torch.save({"features.0.weight": Evil()}, tmp_path / "evil.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "noise.safetensors").write_bytes(b"\xff" * 64)
    save_file({k: v for k, v in weights.items() if "28" not in k}, tmp_path / "short.safetensors")
    infinite = {**weights, "features.0.bias": torch.full((64,), torch.inf)}
    save_file(infinite, tmp_path / "infinite.safetensors")
    for name, words in {
        "none.pth": "cannot be read",
        "evil.pth": "no file of tensors alone",
        "list.pth": "no file of tensors alone",
        "noise.safetensors": "no file of tensors alone",
        "short.safetensors": r"features.28.weight is not 512 x 512 x 3 x 3",
        "infinite.safetensors": r"features.0.bias is not 64 finite",
        "vgg.exe": "ends in .safetensors",
    }.items():
        with pytest.raises(ConfigError, match=words) as caught:
            read_vgg(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""
