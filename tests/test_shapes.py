"""The checker of shapes itself: what it must catch, and that nothing escapes it."""

from __future__ import annotations

import inspect
import pkgutil
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

import shapes
from progan.layers.equalized import EqualizedDownConv2d
from progan.layers.norm import PixelNorm
from progan.metrics.pyramid import laplacian_pyramid
from progan.networks.mlp import DenseDiscriminator
from progan.objectives.adversarial import wasserstein_critic
from progan.objectives.penalty import gradient_penalty


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        pytest.param(
            EqualizedDownConv2d(3, 2),
            (torch.zeros(3, 8, 8),),
            id="layers: a picture without the axis of the batch",
        ),
        pytest.param(
            PixelNorm(), (torch.zeros(2, 3, dtype=torch.int64),), id="layers: integers for floats"
        ),
        pytest.param(
            wasserstein_critic,
            (torch.zeros(4), torch.zeros(4, 1)),
            id="objectives: a column of scores, which would broadcast to a table",
        ),
        pytest.param(
            wasserstein_critic,
            (torch.zeros(4), torch.zeros(5)),
            id="objectives: more fakes than reals",
        ),
        pytest.param(
            gradient_penalty,
            (lambda x: x.sum((1, 2, 3)), torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 8, 8)),
            id="objectives: reals and fakes of two sizes",
        ),
        pytest.param(
            DenseDiscriminator(resolution=4, channels=1),
            (torch.zeros(2, 16),),
            id="networks: a flat picture",
        ),
        pytest.param(
            laplacian_pyramid,
            (np.zeros((1, 1, 32, 32), np.uint8), 1),
            id="metrics: bytes for floats",
        ),
    ],
)
def test_a_wrong_shape_is_caught_before_anything_is_computed(
    call: Callable[..., Any], wrong: tuple[Any, ...]
) -> None:
    with pytest.raises(TypeCheckError, match="Type-check error whilst checking the parameters"):
        call(*wrong)


def test_a_wrong_result_is_caught_too() -> None:
    judge = DenseDiscriminator(resolution=4, channels=1)
    judge.body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    with pytest.raises(TypeCheckError, match="checking the return value"):
        judge(torch.zeros(3, 1, 4, 4))


def test_an_int_will_do_for_a_float() -> None:
    critic = lambda x: x.sum((1, 2, 3))  # noqa: E731
    gradient_penalty(critic, *torch.zeros(2, 2, 3, 4, 4), 1, 1)


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every function and method of the checked packages, with the name it goes by."""
    for package in shapes.PACKAGES:
        for found in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            module = import_module(found.name)
            for holder in (module, *vars(module).values()):
                if holder is not module and not inspect.isclass(holder):
                    continue
                for name, value in vars(holder).items():
                    plain = (
                        value.__func__ if isinstance(value, staticmethod | classmethod) else value
                    )
                    if inspect.isfunction(plain) and plain.__module__ == found.name:
                        yield f"{found.name}.{getattr(holder, '__qualname__', '')}.{name}", plain


def test_no_annotation_is_passed_over_because_a_name_in_it_is_missing() -> None:
    checked, missing = 0, []
    for name, function in functions():
        try:
            hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
        except NameError as error:
            missing.append(f"{name}: {error}")
            continue
        checked += any("jaxtyping" in getattr(hint, "__module__", "") for hint in hints.values())
    assert missing == []
    assert checked > 30
