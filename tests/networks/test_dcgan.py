from __future__ import annotations

from torch import nn

from progan.networks.dcgan import ConvDiscriminator, ConvGenerator


def test_the_discriminator_leaks_a_fifth_everywhere() -> None:
    """LeakyReLU 0.2 (Radford et al. 2016, section 3), not the random slopes of RReLU."""
    network = ConvDiscriminator(resolution=32, channels=3, width=8)
    assert not [m for m in network.modules() if isinstance(m, nn.RReLU | nn.ReLU)]
    leaks = [m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)]
    assert leaks == [0.2] * len(leaks)
    assert len(leaks) >= 3


def test_the_generator_rectifies_without_a_leak() -> None:
    network = ConvGenerator(resolution=32, channels=3, latent_size=10, width=8)
    assert [m for m in network.modules() if isinstance(m, nn.ReLU)]
    assert not [m for m in network.modules() if isinstance(m, nn.RReLU | nn.LeakyReLU)]
