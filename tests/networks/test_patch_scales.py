from __future__ import annotations

import torch
from torch import nn

from progan.networks.patch_scales import PatchCritic, PatchGenerator, patch_body


def test_the_published_body_has_five_convolutions_and_four_norms() -> None:
    body = patch_body(3, 3, 32, 5)
    assert [type(m) for m in body].count(nn.Conv2d) == 5
    assert [type(m) for m in body].count(nn.BatchNorm2d) == 4
    # 3·9·32 + 32, three times 32·9·32 + 32, 32·9·3 + 3, and 4 · 2 · 32 of the norms
    assert sum(p.numel() for p in body.parameters()) == 896 + 3 * 9248 + 867 + 256


def test_first_weights_are_normal_of_deviation_two_hundredths() -> None:
    torch.manual_seed(0)
    body = patch_body(3, 3, 64, 5)
    for parameter in body.parameters():
        parameter.requires_grad_(False)
    weights = torch.cat([m.weight.flatten() for m in body if isinstance(m, nn.Conv2d)])
    assert abs(float(weights.std()) - 0.02) < 0.0005
    gains = torch.cat([m.weight for m in body if isinstance(m, nn.BatchNorm2d)])
    assert abs(float(gains.mean()) - 1) < 0.01


def test_a_generator_without_detail_gives_back_the_coarse_picture() -> None:
    generator = PatchGenerator(3, 8, 5)
    nn.init.zeros_(generator.body[-1].weight)
    nn.init.zeros_(generator.body[-1].bias)
    coarse = torch.randn(2, 3, 13, 17)
    assert torch.equal(generator(torch.randn(2, 3, 13, 17), coarse), coarse)


def test_noise_of_the_pictures_size_is_surrounded_by_zeros() -> None:
    generator = PatchGenerator(3, 8, 5).eval()
    noise, coarse = torch.randn(2, 1, 3, 13, 17)
    around = torch.zeros(1, 3, 23, 27)
    around[:, :, 5:-5, 5:-5] = noise
    with torch.no_grad():
        assert torch.equal(generator(noise, coarse), generator(around, coarse))


def test_a_critic_gives_a_score_to_every_patch_of_eleven_pixels() -> None:
    critic = PatchCritic(3, 8, 5).eval()
    image = torch.randn(1, 3, 21, 30)
    with torch.no_grad():
        scores = critic(image)
        assert scores.shape == (1, 1, 11, 20)
        image[0, :, 15, 15] += 1
        rows, columns = (critic(image) != scores)[0, 0].nonzero().T
    assert (int(rows.min()), int(rows.max())) == (5, 10)  # 15 lies in patches 5 … 15; there are 11
    assert (int(columns.min()), int(columns.max())) == (5, 15)
