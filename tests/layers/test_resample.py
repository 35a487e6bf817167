from __future__ import annotations

import torch

from progan.layers.resample import blend, down, resized, up

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


def test_resizing_keeps_plain_pictures_and_the_same_size_and_the_range() -> None:
    plain = torch.full((1, 3, 9, 14), 0.25)
    torch.testing.assert_close(resized(plain, 5, 31), torch.full((1, 3, 5, 31), 0.25))
    image = torch.rand(1, 1, 8, 8) * 2 - 1
    assert resized(image, 8, 8) is image
    edges = torch.tensor([[-1.0, 1.0] * 4] * 8)[None, None]
    larger = resized(edges, 24, 24)
    assert larger.abs().max() <= 1


def test_shrinking_averages_before_it_samples() -> None:
    """A chessboard of single pixels becomes grey; without smoothing it would become black."""
    board = torch.ones(1, 1, 32, 32)
    board[..., ::2, 1::2] = board[..., 1::2, ::2] = -1
    assert resized(board, 8, 8).abs().max() < 0.05
