from __future__ import annotations

import torch

from progan.core.latents import draw_fields, label_field
from progan.core.specs import DataSpec


def test_data_without_labels_have_no_field() -> None:
    assert label_field(DataSpec(resolution=8)) is None


def test_classes_are_drawn_as_often_as_the_data_have_them() -> None:
    shares = (0.5, 0.125, 0.375)
    field = label_field(DataSpec(resolution=8, classes=3, label_shares=shares))
    assert field is not None
    assert (field.prior, field.role, field.choices, field.mixes) == (
        "categorical",
        "class",
        3,
        True,
    )
    torch.manual_seed(0)
    counts = torch.bincount(draw_fields((field,), 8000)["label"], minlength=3) / 8000
    torch.testing.assert_close(counts, torch.tensor(shares), rtol=0, atol=0.02)


def test_several_labels_are_coins_of_their_own() -> None:
    data = DataSpec(resolution=8, label_kind="multi-label", label_size=2, label_shares=(0.9, 0.25))
    field = label_field(data)
    assert field is not None
    torch.manual_seed(0)
    drawn = draw_fields((field,), 8000)["label"]
    assert set(drawn.flatten().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(0), torch.tensor([0.9, 0.25]), rtol=0, atol=0.02)
    product = drawn.prod(dim=1).mean()  # independent: 0.9 · 0.25
    torch.testing.assert_close(product, torch.tensor(0.225), rtol=0, atol=0.02)


def test_labels_that_go_together_in_the_data_are_drawn_together() -> None:
    data = DataSpec(
        resolution=8,
        label_kind="multi-label",
        label_size=2,
        label_shares=(0.25, 0.25),
        label_rows=((0.0, 0.0), (1.0, 1.0)),
        row_shares=(0.75, 0.25),
    )
    field = label_field(data)
    assert field is not None
    torch.manual_seed(0)
    drawn = draw_fields((field,), 8000)["label"]
    assert set(map(tuple, drawn.tolist())) == {(0.0, 0.0), (1.0, 1.0)}  # never one without other
    torch.testing.assert_close(drawn.mean(0), torch.tensor([0.25, 0.25]), rtol=0, atol=0.02)
    assert data.label_means == (0.25, 0.25)


def test_numbers_are_drawn_from_the_rows_of_the_data() -> None:
    rows = ((-1.0, 0.5), (1.0, -0.25))
    data = DataSpec(resolution=8, label_kind="continuous", label_size=2, label_rows=rows)
    field = label_field(data)
    assert field is not None
    torch.manual_seed(0)
    drawn = draw_fields((field,), 4000)["label"]
    assert set(map(tuple, drawn.tolist())) == set(rows)
    torch.testing.assert_close(drawn.mean(0), torch.tensor([0.0, 0.125]), rtol=0, atol=0.05)
    assert data.label_means == (0.0, 0.125)


def test_numbers_are_uniform_from_minus_one_to_one() -> None:
    field = label_field(DataSpec(resolution=8, label_kind="continuous", label_size=3))
    assert field is not None
    drawn = draw_fields((field,), 4000)["label"]
    assert drawn.shape == (4000, 3)
    assert drawn.abs().max() <= 1
    assert abs(float(drawn.square().mean()) - 1 / 3) < 0.02
