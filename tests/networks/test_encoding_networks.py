"""The networks of VAE-GAN, BiGAN and ALI: sizes of the papers, and where they are cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from progan.core.errors import ConfigError
from progan.networks import ali, pairs, vae


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def meta(make: Any, **options: Any) -> Any:
    with torch.device("meta"):
        return make(**options)


SIZE32, SIZE64 = ({"resolution": side, "channels": 3} for side in (32, 64))


def test_vaegan_has_the_published_sizes_at_32_pixels() -> None:
    """Convolutions 25 · in · out, dense in · out, two numbers a channel for each norm; biases only
    where no norm follows."""
    encoder = meta(vae.GaussianEncoder.convolutional, **SIZE32, code_size=256)
    maps = 25 * (3 * 64 + 64 * 128 + 128 * 256) + 2 * (64 + 128 + 256)
    assert count(encoder) == maps + 4096 * 1024 + 2 * 1024 + 1024 * 512 + 512
    decoder = meta(vae.VAEGenerator, **SIZE32, latent_size=256)
    up = 25 * (256 * 192 + 192 * 128 + 128 * 32) + 2 * (192 + 128 + 32)
    assert count(decoder) == 256 * 4096 + 2 * 4096 + up + 25 * 32 * 3 + 3
    discriminator = meta(vae.FeatureDiscriminator.convolutional, **SIZE32)
    down = 25 * (32 * 128 + 128 * 192 + 192 * 256) + 2 * (128 + 192 + 256)
    whole = 25 * 3 * 32 + 32 + down + 4096 * 512 + 2 * 512 + 512 + 1
    assert count(discriminator) == whole


@pytest.mark.parametrize(
    ("size", "shape"), [(SIZE32, (192, 8, 8)), (SIZE64, (256, 8, 8))], ids=["32", "64"]
)
def test_layer_l_lies_behind_a_convolution_in_front_of_its_norm(size: Any, shape: Any) -> None:
    """The second halving at 32 pixels, 12,288 features; the third at 64, 16,384."""
    found = vae.FeatureDiscriminator.convolutional(**size)
    image = torch.randn(2, 3, size["resolution"], size["resolution"])
    features, scores = found.both(image)
    assert features.shape == (2, *shape)
    assert scores.shape == (2,)
    assert isinstance(found.trunk[-1], nn.Conv2d)
    assert isinstance(found.head[0], nn.BatchNorm2d)


def test_all_three_fit_together_at_every_size() -> None:
    for side in (8, 16, 64):
        size: Any = {"resolution": side, "channels": 1, "width": 2}
        encoder = vae.GaussianEncoder.convolutional(**size, code_size=3)
        mean, log_variance = encoder(torch.randn(2, 1, side, side))
        assert mean.shape == log_variance.shape == (2, 3)
        assert vae.VAEGenerator(**size, latent_size=3)(mean).shape == (2, 1, side, side)
    with pytest.raises(ConfigError, match=r"resolution is 4.*multiple of 8"):
        vae.VAEGenerator(resolution=4, channels=1, latent_size=3)


def test_a_log_variance_stays_within_ten_and_is_itself_near_0() -> None:
    body = nn.Flatten()
    raw = torch.tensor([0.0, -1000.0, 1000.0, 0.5]).view(1, 1, 2, 2).repeat(1, 2, 1, 1)
    _, log_variance = vae.GaussianEncoder(body)(raw)
    assert log_variance.abs().max() <= 10
    torch.testing.assert_close(log_variance[0, 3], torch.tensor(0.5), rtol=1e-3, atol=0)


def test_bigans_dense_networks_have_the_papers_sizes() -> None:
    """28 · 28 grey pixels, 50 latents, 1024 units twice; the norm has no parameters."""
    size: Any = {"resolution": 28, "channels": 1}
    hidden = 784 * 1024 + 1024 + 1024 * 1024
    assert count(meta(pairs.dense_encoder, **size, outputs=50)) == hidden + 1024 * 50 + 50
    generator = 50 * 1024 + 1024 + 1024 * 1024 + 1024 * 784 + 784
    assert count(meta(pairs.dense_generator, **size, latent_size=50)) == generator
    joint = hidden + 50 * 1024 + 1024 + 1
    assert count(meta(pairs.DenseJoint, **size, latent_size=50)) == joint


def test_alis_networks_have_the_published_sizes() -> None:
    size: Any = {"resolution": 32, "channels": 3}
    widths = (32, 64, 128, 256, 512, 512)
    kernels = (25, 16, 16, 16, 16, 1)
    down = sum(
        k * a * b + 2 * b for k, a, b in zip(kernels, (3, *widths[:-1]), widths, strict=True)
    )
    assert count(meta(ali.encoder, **size, outputs=128)) == down + 512 * 128 + 128
    up = (256, 128, 64, 32, 32, 32)
    grown = sum(
        k * a * b + 2 * b
        for k, a, b in zip((16, 16, 16, 16, 25, 1), (64, *up[:-1]), up, strict=True)
    )
    assert count(meta(ali.generator, **size, latent_size=64)) == grown + 32 * 3 + 3
    # Maxout of two pieces: half of the channels go on.
    image = sum(
        k * a * b + b for k, a, b in zip(kernels[:5], (3, 16, 32, 64, 128), widths[:5], strict=True)
    )
    code = (64 * 512 + 512) + (256 * 512 + 512)
    joint = 2 * (512 * 1024 + 1024) + 512 + 1
    assert count(meta(ali.ALIJoint, **size, latent_size=64)) == image + code + joint


def test_alis_networks_lead_from_32_pixels_to_one_and_back() -> None:
    size: Any = {"resolution": 32, "channels": 1, "width": 2}
    z = ali.encoder(**size, outputs=5)(torch.randn(3, 1, 32, 32))
    assert z.shape == (3, 5)
    image = ali.generator(**size, latent_size=5)(z)
    assert image.shape == (3, 1, 32, 32)
    assert ali.ALIJoint(**size, latent_size=5)(image, z).shape == (3,)
    with pytest.raises(ConfigError, match=r"resolution is 64; ALI.*32 pixels"):
        ali.encoder(resolution=64, channels=1, outputs=5)


def test_maxout_keeps_the_larger_of_each_pair_of_channels() -> None:
    layer = ali.ConvMaxout(1, 4)
    with torch.no_grad():
        layer.convolution.weight.copy_(torch.tensor([1.0, -1.0, 2.0, 3.0])[:, None, None, None])
        layer.convolution.bias.zero_()  # type: ignore[union-attr]
    # 2: the larger of 2 and −2, of 4 and 6; −2: of −2 and 2, of −4 and −6.
    x = torch.tensor([2.0, -2.0]).view(2, 1, 1, 1)
    assert layer(x).flatten(1).tolist() == [[2.0, 6.0], [2.0, -4.0]]


JOINTS = {
    "dense": lambda: pairs.DenseJoint(resolution=8, channels=1, latent_size=3, hidden=8),
    "toy": lambda: pairs.ToyJoint(resolution=8, channels=1, latent_size=3),
    "conv": lambda: pairs.ConvJoint(resolution=8, channels=1, latent_size=3, width=4),
}


@pytest.mark.parametrize("name", JOINTS)
def test_a_pair_is_judged_by_both_of_its_parts(name: str) -> None:
    torch.manual_seed(0)
    joint = JOINTS[name]().eval()
    image, z = torch.randn(4, 1, 8, 8), torch.randn(4, 3)
    scores = joint(image, z)
    assert scores.shape == (4,)
    assert not torch.equal(joint(image.flip(0), z), scores)
    assert not torch.equal(joint(image, z.flip(0)), scores)
