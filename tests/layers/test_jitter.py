from __future__ import annotations

import torch

from progan.layers.jitter import jittered


def ramp(n: int, side: int) -> torch.Tensor:
    """Pictures whose channels say how far right and how far down a pixel lies."""
    line = (torch.arange(side) + 0.5) / side * 2 - 1
    return torch.stack([line.expand(side, side), line[:, None].expand(side, side)]).expand(
        n, -1, -1, -1
    )


def test_pictures_stay_as_they_are_without_room_to_move() -> None:
    x = torch.rand(2, 3, 8, 8)
    assert jittered(x, 1.0) is x


def test_each_picture_is_a_window_of_its_enlargement() -> None:
    torch.manual_seed(0)
    x = ramp(64, 32)
    out = jittered(x, 36 / 32)
    assert out.shape == x.shape
    # across the middle of a picture the ramp is 32/36 as steep as it was
    slope = out[:, 0, 16, 20] - out[:, 0, 16, 10]
    torch.testing.assert_close(slope, torch.full((64,), 10 / 18), atol=5e-3, rtol=0)
    shift = ((out - x)[:, :, 16, 16] * 18).round()  # of the middle, in pixels of the enlargement
    for axis in range(2):
        assert len(shift[:, axis].unique()) == 5  # every place from 0 to 4
    assert not torch.equal(shift[:, 0], shift[:, 1])


def test_all_channels_of_a_picture_are_cut_at_one_place() -> None:
    torch.manual_seed(0)
    x = torch.rand(3, 3, 16, 16)
    out = jittered(torch.cat([x, x], dim=1), 1.2)
    assert torch.equal(out[:, :3], out[:, 3:])


def test_pictures_keep_their_range() -> None:
    x = (torch.arange(16) // 4 % 2 * 2.0 - 1).expand(2, 1, 16, 16)  # cubics overshoot at its edges
    out = jittered(x, 1.5)
    assert out.min() == -1
    assert out.max() == 1
