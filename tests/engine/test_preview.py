"""Pictures of fixed seeds: the same from first to last step, and free of consequences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from progan.core.batch import Images
from progan.core.latents import LatentField
from progan.core.plan import Progress, Size
from progan.core.system import System
from progan.engine.preview import draw_seeds, generate, preview_rows, seeded
from toys import ToyData, ToyGrowing, toy

CLASSES = LatentField(name="label", shape=(), prior="categorical", role="class", choices=3)


def at(system: System[Images], images: int = 0) -> Progress:
    return system.plan().at(images)


def test_a_seed_gives_its_latents_whoever_stands_beside_it() -> None:
    alone = draw_seeds(toy(), [7])["z"]
    assert torch.equal(draw_seeds(toy(), [7, 8, 9])["z"][:1], alone)
    assert torch.equal(draw_seeds(toy(), range(10))["z"][7:8], alone)
    assert not torch.equal(draw_seeds(toy(), [8])["z"], alone)


def test_two_of_the_same_seed_are_twins() -> None:
    first, second = draw_seeds(toy(), [3, 3])["z"]
    assert torch.equal(first, second)


def test_truncation_keeps_the_seeds_and_cuts_their_latents() -> None:
    wide, narrow = draw_seeds(toy(), range(20))["z"], draw_seeds(toy(), range(20), 0.25)["z"]
    assert wide.abs().max() > 0.5
    assert narrow.abs().max() <= 0.5
    inside = wide.abs().amax(1) <= 0.5  # nothing to cut there
    assert torch.equal(wide[inside], narrow[inside])


def test_classes_go_round_by_seed() -> None:
    system = toy()
    system.latent_fields = (*ToyGrowing.latent_fields, CLASSES)
    assert draw_seeds(system, [0, 1, 2, 3, 5])["label"].tolist() == [0, 1, 2, 0, 2]


def test_seeded_draws_leave_everybody_elses_dice_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    draw_seeds(toy_without_seeding(), range(5))
    with seeded("anything", 2):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with seeded("anything", 2):
        assert torch.equal(torch.rand(3), inside)
    with seeded("anything", 3):
        assert not torch.equal(torch.rand(3), inside)


def toy_without_seeding() -> ToyGrowing:
    state = torch.get_rng_state()
    system = ToyGrowing()
    torch.set_rng_state(state)
    return system


def test_dice_are_as_they_were_also_after_an_error() -> None:
    before = torch.get_rng_state()
    try:
        with seeded(0):
            torch.rand(5)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_pieces_make_up_the_whole() -> None:
    system = toy()
    latents = draw_seeds(system, range(10))
    pieces = list(generate(system, latents, at(system), chunk=4))
    assert [len(piece) for piece in pieces] == [4, 4, 2]
    (whole,) = generate(system, latents, at(system), chunk=10)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_preview_is_uint8_at_the_resolution_of_the_moment() -> None:
    system = toy()
    for images, side in ((0, 4), (64, 8), (191, 8)):
        rows = preview_rows(system, ToyData().batch, at(system, images), 5)
        assert list(rows) == ["samples"]
        assert (rows["samples"].shape, rows["samples"].dtype) == ((5, 1, side, side), np.uint8)


class Mirror(System[Images]):
    """Shows what it was given beside noise: it has no latents."""

    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        noise = torch.rand_like(batch.image) * 2 - 1
        return {"real": batch.image, "turned": batch.image.flip(3), "noise": noise}


def test_a_system_without_latents_shows_its_panels_of_fixed_reals() -> None:
    asked: list[tuple[range, Size]] = []

    def draw(numbers: range, resolution: int) -> Images:
        asked.append((numbers, resolution))
        return ToyData().batch(numbers, resolution)

    moment = at(toy())
    before = torch.get_rng_state()
    first, second = (preview_rows(Mirror(), draw, moment, 3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert asked == [(range(3), 4)] * 2
    np.testing.assert_array_equal(first["turned"], first["real"][..., ::-1])
    np.testing.assert_array_equal(first["noise"], second["noise"])  # its dice are fixed too
