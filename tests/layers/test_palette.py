from __future__ import annotations

import torch

from progan.layers.palette import palette_of, recoloured


def stripes(*colours: tuple[float, float, float], jitter: float = 0.0) -> torch.Tensor:
    """A picture 1 c h w of stripes of ten lines each."""
    rows = torch.tensor(colours).t()[:, :, None, None].expand(-1, -1, 10, 8)
    image = rows.reshape(1, 3, -1, 8).clone()
    return image + jitter * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))


RED, GREEN, BLUE = (0.9, -0.8, -0.8), (-0.6, 0.7, -0.6), (-0.9, -0.9, 0.5)


def test_the_colours_of_a_picture_are_found() -> None:
    found = palette_of(stripes(RED, GREEN, BLUE, jitter=0.02), 3)
    wanted = torch.tensor(sorted([RED, GREEN, BLUE], key=sum))
    torch.testing.assert_close(found, wanted, rtol=0, atol=0.02)


def test_every_pixel_takes_the_nearest_colour() -> None:
    image = stripes(RED, GREEN, BLUE, jitter=0.05)
    palette = torch.tensor([RED, GREEN, BLUE])
    assert torch.equal(recoloured(image, palette), stripes(RED, GREEN, BLUE))


def test_a_sketch_in_other_colours_takes_the_palette_by_its_own_clusters() -> None:
    pale = stripes((0.3, -0.2, -0.2), (-0.2, 0.3, -0.2), (-0.2, -0.2, 0.2))
    found = recoloured(pale, torch.tensor([RED, GREEN, BLUE]))
    assert torch.equal(found, stripes(RED, GREEN, BLUE))


def test_pictures_of_a_batch_do_not_see_each_other() -> None:
    palette = torch.tensor([RED, GREEN, BLUE])
    one, other = stripes(RED, RED, BLUE), stripes((0.3, -0.2, -0.2), GREEN, BLUE)
    both = recoloured(torch.cat([one, other]), palette)
    assert torch.equal(both, torch.cat([recoloured(one, palette), recoloured(other, palette)]))


def test_a_colour_that_nothing_is_near_stays() -> None:
    palette = palette_of(stripes(RED, RED), 4)
    assert torch.isfinite(palette).all()
    torch.testing.assert_close(recoloured(stripes(RED, RED), palette), stripes(RED, RED))
