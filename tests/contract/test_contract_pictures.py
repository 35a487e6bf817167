"""What a system shows of itself, and what the capabilities it claims must give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from contract.checks import copy_of, differences
from contract.variants import Variant
from progan.core.latents import LatentField
from progan.core.plan import Progress, height_width
from progan.core.system import Encodes, Samples, Scores, Translates
from progan.engine.loop import Trainer
from progan.engine.preview import draw_seeds, preview_rows


def moments(trainer: Trainer) -> Iterator[Progress]:
    """A moment inside every stage: half-way through fades."""
    while not trainer.done:
        if trainer.step().entered:
            yield trainer.at


def is_picture(image: Tensor, n: int, channels: int, at: Progress) -> bool:
    """Whether `image` is n c h w in float32, at the resolution of `at`."""
    shape = (n, channels, *height_width(at.resolution))
    return image.dtype is torch.float32 and image.shape == shape and bool(image.isfinite().all())


def test_previews_are_pictures_from_minus_one_to_one_at_the_resolution(variant: Variant) -> None:
    trainer = variant.trainer()
    for at in moments(trainer):
        panels = trainer.system.preview(trainer.data.batch(range(3), at.resolution), at)
        assert panels
        for name, panel in panels.items():
            assert is_picture(panel, 3, variant.data.channels, at), name
            assert panel.min() >= -1, name
            assert panel.max() <= 1, name


def test_looking_changes_no_bit(variant: Variant) -> None:
    trainer = variant.trainer()
    for at in moments(trainer):
        before, dice = copy_of(trainer.state()), torch.get_rng_state()
        with trainer.averages.swapped_in() as system:
            first = preview_rows(system, trainer.data.batch, at, 3)
            again = preview_rows(system, trainer.data.batch, at, 3)
        assert first.keys() == again.keys()
        for name, picture in first.items():
            assert picture.dtype == np.uint8
            np.testing.assert_array_equal(picture, again[name])
        assert differences(before, trainer.state()) == []
        assert torch.equal(dice, torch.get_rng_state())


def fits(field: LatentField, rows: Tensor, n: int) -> bool:
    """Whether `rows` are `n` draws of `field`."""
    if rows.shape != (n, *field.shape):
        return False
    if field.prior == "categorical":
        whole = rows.dtype is torch.int64
        return whole and int(rows.min()) >= 0 and int(rows.max()) < field.choices
    return rows.is_floating_point() and (field.prior == "normal" or bool(rows.abs().max() <= 1))


def test_latents_are_as_their_fields_say_and_make_pictures(variant: Variant) -> None:
    trainer = variant.trainer()
    system = trainer.system
    if not isinstance(system, Samples):
        return
    for at in moments(trainer):
        for latents in (system.draw(5), system.draw(5, 0.5), draw_seeds(system, range(5))):
            assert list(latents) == [field.name for field in system.latent_fields]
            assert all(fits(f, latents[f.name], 5) for f in system.latent_fields)
            with torch.no_grad():
                image = system.generate(latents, at)
            assert is_picture(image, 5, variant.data.channels, at)


def test_scores_encodings_and_translations_have_a_row_for_every_picture(variant: Variant) -> None:
    trainer = variant.trainer()
    system = trainer.system
    for at in moments(trainer):
        batch = trainer.data.batch(range(4), at.resolution)
        image = next(iter(batch.tensors().values()))
        with torch.no_grad():
            if isinstance(system, Scores):
                score = system.score(batch, at)
                assert (score.shape, score.dtype) == ((4,), torch.float32)
                assert isinstance(system.higher_is_real, bool)
            if isinstance(system, Encodes) and isinstance(system, Samples):
                latents = system.encode(image, at)
                fields = {field.name: field for field in system.latent_fields}
                assert all(latents[name].shape == (4, *fields[name].shape) for name in latents)
            if isinstance(system, Translates):
                assert at.resolution % system.multiple == 0
                for direction in system.directions:
                    source = batch.tensors()[direction.source]
                    target = batch.tensors()[direction.target]
                    there = system.translate(source, direction.name, at)
                    assert is_picture(there, 4, target.shape[1], at), direction
