"""The pool of old fakes."""

from __future__ import annotations

import torch

from progan.layers.pool import ImagePool


def numbered(first: int, count: int = 1) -> torch.Tensor:
    """Pictures that are their number in every pixel."""
    return torch.arange(first, first + count).float()[:, None, None, None].expand(-1, 3, 2, 2)


def test_while_it_fills_new_pictures_come_back() -> None:
    pool = ImagePool(5, 3, 2, 2)
    first, second = numbered(0, 3), numbered(3, 2)
    assert torch.equal(pool(first), first)
    assert torch.equal(pool(second), second)
    assert int(pool.stored) == 5
    assert torch.equal(pool.images, numbered(0, 5))


def test_a_batch_may_fill_it_and_then_be_exchanged() -> None:
    torch.manual_seed(0)
    whole, apart = ImagePool(3, 3, 2, 2), ImagePool(3, 3, 2, 2)
    together = whole(numbered(0, 40))
    torch.manual_seed(0)
    one_by_one = torch.cat([apart(numbered(number)) for number in range(40)])
    assert torch.equal(together, one_by_one)
    assert torch.equal(whole.images, apart.images)


def test_once_full_half_of_what_comes_back_is_old_and_nothing_is_lost_or_twice() -> None:
    torch.manual_seed(1)
    pool = ImagePool(50, 3, 2, 2)
    pool(numbered(0, 50))
    total, old, back = 4_000, 0, list[int]()
    for number in range(50, 50 + total):
        shown = int(pool(numbered(number))[0, 0, 0, 0])
        old += shown != number
        back.append(shown)
    assert abs(old / total - 0.5) < 0.03
    left = pool.images[:, 0, 0, 0].int().tolist()
    assert sorted(back + left) == list(range(50 + total))


def test_a_place_is_as_likely_as_another() -> None:
    torch.manual_seed(2)
    pool = ImagePool(4, 1, 1, 1)
    pool(torch.zeros(4, 1, 1, 1))
    changed = torch.zeros(4)
    for _ in range(2_000):
        before = pool.images.flatten().clone()
        pool(torch.rand(1, 1, 1, 1))
        changed += pool.images.flatten() != before
    # 1,000 exchanges over 4 places: 250 each, deviation 14
    assert (changed - 250).abs().max() < 60


def test_without_room_pictures_pass_through() -> None:
    pool = ImagePool(0, 3, 2, 2)
    assert torch.equal(pool(numbered(7, 3)), numbered(7, 3))
    assert not pool.state_dict()


def test_what_is_stored_and_given_back_carries_no_graph_and_is_no_view() -> None:
    pool = ImagePool(2, 3, 2, 2)
    fake = numbered(1, 2).clone().requires_grad_()
    shown = pool(fake * 2)
    assert not shown.requires_grad
    assert not pool.images.requires_grad
    shown.zero_()
    assert torch.equal(pool.images, 2 * numbered(1, 2))


def test_a_pool_that_was_saved_goes_on_as_it_would_have() -> None:
    pool, again = ImagePool(4, 3, 2, 2), ImagePool(4, 3, 2, 2)
    torch.manual_seed(3)
    pool(numbered(0, 9))
    again.load_state_dict(pool.state_dict())
    shown = []
    for one in (pool, again):
        torch.manual_seed(4)
        shown.append(one(numbered(20, 30)))
    assert torch.equal(*shown)
    assert torch.equal(pool.images, again.images)
