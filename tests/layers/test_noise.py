from __future__ import annotations

import math

import pytest
import torch

from progan.layers.noise import LeadMeter, MultiplicativeNoise


def test_lead_moves_a_tenth_of_the_way_to_the_clipped_mean_score() -> None:
    meter = LeadMeter()
    meter.watch(torch.tensor([5.0, 1.0]))  # mean 3, clipped to 1
    meter.watch(torch.tensor([0.4, 0.6]))  # mean 0.5
    assert meter.lead.item() == pytest.approx(0.9 * 0.1 + 0.1 * 0.5)


@pytest.mark.parametrize(("lead", "level"), [(0.3, 0.0), (0.5, 0.0), (1.0, 0.05), (0.7, 0.008)])
def test_level_is_a_fifth_of_the_squared_lead_above_one_half(lead: float, level: float) -> None:
    meter = LeadMeter(strength=0.2)
    meter.lead.fill_(lead)
    assert meter.level().item() == pytest.approx(level, abs=1e-7)


def test_noise_scales_whole_channels_by_one_plus_sigma_root_c() -> None:
    meter = LeadMeter()
    meter.lead.fill_(1.0)  # σ = 0.05
    torch.manual_seed(0)
    factor = MultiplicativeNoise(meter)(torch.ones(500, 16, 2, 2))
    assert torch.equal(factor[:, :, :1, :1].expand_as(factor), factor)
    assert factor.mean().item() == pytest.approx(1.0, abs=0.01)
    assert factor.std().item() == pytest.approx(0.05 * math.sqrt(16), rel=0.05)


def test_noise_is_silent_in_evaluation_and_keeps_the_dtype() -> None:
    meter = LeadMeter()
    meter.lead.fill_(1.0)
    layer = MultiplicativeNoise(meter)
    x = torch.ones(2, 4, 2, 2, dtype=torch.bfloat16)
    assert layer(x).dtype == torch.bfloat16
    assert torch.equal(layer.eval()(x), x)
    assert not layer.state_dict()  # the meter is saved by its owner
