from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from progan.assemble.measuring import reals
from progan.assemble.measuring.moves import Moved
from progan.assemble.models.model import Model, load
from progan.core.errors import ConfigError
from progan.core.latents import LatentField
from small_world import make_run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(make_run(tmp_path_factory.mktemp("runs") / "tiny", 100), device="cpu")


def test_what_moves_is_the_noise_and_pictures_are_those_of_the_generator(model: Model) -> None:
    moved = Moved(model.system, model.moment)
    assert (moved.width, moved.prior) == (8, "normal")
    row = model.latents(5)
    (made,) = moved(row["z"].reshape(1, 8), np.array([5]))
    own = model.picture(row).transpose(2, 0, 1)
    rounded = ((made.clamp(-1, 1) + 1) * 127.5).round()
    assert (rounded - torch.from_numpy(own.astype(np.float32))).abs().max() <= 1
    assert not torch.equal(rounded, (made + 1) * 127.5)  # not rounded to 256 levels


def test_both_halves_of_a_pair_differ_by_their_noise_alone(model: Model) -> None:
    moved = Moved(model.system, model.moment)
    latents = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    made = moved(torch.cat([latents, latents]), np.array([4, 5, 6, 4, 5, 6]))
    assert torch.equal(made[:3], made[3:])
    other = moved(torch.cat([latents, latents + 1e-3]), np.array([4, 5, 6, 4, 5, 6]))
    assert torch.equal(other[:3], made[:3])
    assert not torch.equal(other[3:], made[3:])


@pytest.mark.parametrize("priors", [("normal", "uniform"), ("bernoulli",)])
def test_noise_of_other_priors_is_refused(
    model: Model, monkeypatch: pytest.MonkeyPatch, priors: tuple[str, ...]
) -> None:
    fields = tuple(
        LatentField(name=str(i), shape=(2,), prior=prior)  # type: ignore[arg-type]
        for i, prior in enumerate(priors)
    )
    monkeypatch.setattr(model.system, "latent_fields", fields)
    with pytest.raises(ConfigError, match="ppl moves noise of one prior, normal or uniform"):
        Moved(model.system, model.moment)


def test_the_pictures_that_were_trained_on_cannot_be_held_out(
    model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    same = SimpleNamespace(fingerprint="f" * 64)
    monkeypatch.setattr(reals, "pictures_of", lambda model, run: (same, ()))
    with pytest.raises(ConfigError, match="photos are the very pictures that were trained on"):
        reals.learned_by(model, tmp_path, same, "photos", 8, None)  # type: ignore[arg-type]
