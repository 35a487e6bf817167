from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from progan.core.spelling import nearest, slips

KEYS = ["latent", "optimizer.lr", "optimizer.betas", "images_per_stage", "critic.lr_scale"]
WORDS = st.text("ab._", max_size=8)


@pytest.mark.parametrize(
    ("a", "b", "count"),
    [
        ("", "abc", 3),
        ("kitten", "sitting", 3),  # k→s, e→i, +g
        ("abcd", "acbd", 1),  # neighbours swapped
        ("ca", "abc", 3),  # not 2: a swapped pair is not edited again
        ("optimiser", "optimizer", 1),
    ],
)
def test_slips_are_counted(a: str, b: str, count: int) -> None:
    assert slips(a, b) == slips(b, a) == count


@settings(deadline=None)
@given(WORDS, WORDS, st.integers(0, 8))
def test_a_limit_changes_only_what_lies_above_it(a: str, b: str, limit: int) -> None:
    assert slips(a, b, limit) == min(slips(a, b), limit + 1)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("optimiser.lr", "optimizer.lr"),
        ("optimzier.lr", "optimizer.lr"),
        ("lr.optimizer", "optimizer.lr"),
        ("optimizer_lr", "optimizer.lr"),
        ("stage_images_per", "images_per_stage"),
        ("images-per-stage", "images_per_stage"),
        ("Latent", "latent"),
        ("lr", "optimizer.lr"),
        ("betas", "optimizer.betas"),
        ("lr_sclae.critic", "critic.lr_scale"),
    ],
)
def test_the_meant_key_is_found(typed: str, meant: str) -> None:
    assert nearest(typed, KEYS) == meant


@pytest.mark.parametrize("typed", ["resolution", "zzz", "", "x" * 10_000])
def test_nothing_is_suggested_where_nothing_is_near(typed: str) -> None:
    assert nearest(typed, KEYS) is None
