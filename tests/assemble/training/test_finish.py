from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from progan.assemble.training import finish
from progan.assemble.training.finish import seconds_to_finish
from progan.core.plan import Plan, Progress, Stage
from progan.core.system import Latents

AT = Plan((Stage(name="8", images=8, resolution=8, batch=4),)).at(8)
SHEET = np.zeros((64, 64, 3), np.uint8)


class Slow(nn.Module):
    """Draws in `seconds` a picture."""

    latent_fields = ()

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.weight = nn.Parameter(torch.zeros(1))

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        return {"z": torch.randn(n, 4)}

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        time.sleep(self.seconds)
        return torch.zeros(len(latents["z"]), 3, 8, 8)


def test_the_slower_the_network_the_longer_the_end() -> None:
    seconds = seconds_to_finish(Slow(0.02), AT, SHEET)  # type: ignore[arg-type]
    assert seconds >= 0.02 * finish.DRAWN * finish.REST


def test_the_network_draws_as_it_will_at_the_end_and_stays_as_it_is() -> None:
    class Normed(Slow):
        """Batch norm refuses a single picture in training, and moves its averages."""

        def __init__(self) -> None:
            super().__init__(0.0)
            self.norm = nn.BatchNorm1d(4)

        def generate(self, latents: Latents, at: Progress) -> Tensor:
            self.norm(latents["z"])
            return super().generate(latents, at)

    system = Normed()
    before = {name: value.clone() for name, value in system.state_dict().items()}
    assert seconds_to_finish(system, AT, SHEET) > 0  # type: ignore[arg-type]
    assert system.training
    assert system.norm.training
    for name, value in system.state_dict().items():
        assert torch.equal(before[name], value), name


def test_pictures_that_are_hard_to_compress_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(image: object, *, lossless: bool) -> bytes:
        time.sleep(0.02 if lossless else 0.04)
        return b""

    monkeypatch.setattr(finish, "webp_bytes", encode)
    nothing = nn.Linear(1, 1)  # a system that makes nothing from noise alone
    small = seconds_to_finish(nothing, AT, SHEET)  # type: ignore[arg-type]
    assert small >= 0.02 * finish.ENCODED * finish.REST
    large = np.zeros((4096, 4096, 3), np.uint8)
    assert seconds_to_finish(nothing, AT, large) >= 0.04 * finish.ENCODED * finish.REST  # type: ignore[arg-type]
