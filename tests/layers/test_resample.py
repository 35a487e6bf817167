from __future__ import annotations

import torch

from progan.layers.resample import blend, down, up

PICTURE = torch.tensor([[0.0, 2.0], [4.0, 6.0]]).view(1, 1, 2, 2)


def test_up_repeats_and_down_averages() -> None:
    assert torch.equal(up(PICTURE)[0, 0, 0], torch.tensor([0.0, 0.0, 2.0, 2.0]))
    assert down(PICTURE).item() == 3.0
    assert torch.equal(down(up(PICTURE, 4), 4), PICTURE)


def test_blend_starts_coarse_and_ends_sharp() -> None:
    assert torch.equal(blend(PICTURE, 0.0), torch.full((1, 1, 2, 2), 3.0))
    # A quarter of the way from 3 to each pixel.
    expected = torch.tensor([[2.25, 2.75], [3.25, 3.75]]).view(1, 1, 2, 2)
    torch.testing.assert_close(blend(PICTURE, 0.25), expected)
    assert blend(PICTURE, 1.0) is PICTURE
