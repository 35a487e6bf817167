"""Every preset builds, plays both turns at every kind of moment, and is described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from progan.core.batch import Images
from progan.systems.configs.progan import ProGANConfig

Make = Callable[..., Any]
PRESETS = list(ProGANConfig.PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_plays_its_turns_with_finite_gradients(make: Make, preset: str) -> None:
    narrow = {} if preset.startswith("mnist") else {"fmap_base": 32, "latent_size": 8}
    if "growing" not in preset:
        narrow["first_resolution"] = 4  # also the networks that usually do not grow
    narrow["total_images"] = 30_000_000
    system = make(preset, resolution=8, **narrow)
    plan, players = system.plan(), system.players()
    for index, stage in enumerate(plan.stages):
        at = plan.at(plan.start(index) + stage.images // 2)
        batch = Images(torch.rand(4, 3, stage.resolution, stage.resolution) * 2 - 1)
        system.begin_stage(batch, at)
        for turn in system.turns(at):
            for name, terms in turn.losses(batch, at).items():
                found = torch.autograd.grad(
                    sum(terms.values()),
                    players[name].parameters,
                    allow_unused=True,
                    retain_graph=True,
                )
                assert all(g.isfinite().all() for g in found if g is not None)
        assert system.preview(batch, at)["samples"].shape == batch.image.shape


def test_every_preset_has_a_line_of_help() -> None:
    assert list(ProGANConfig.PRESET_HELP) == PRESETS


def test_the_first_preset_is_the_paper_and_changes_nothing() -> None:
    assert PRESETS[0] == "paper"
    assert not ProGANConfig.PRESETS["paper"]


@pytest.mark.parametrize("preset", ["paper", "v2", "cpu"])
def test_names_in_the_state_tell_block_and_layer(make: Make, preset: str) -> None:
    """Files of fused and separate networks have the same names and shapes."""
    system = make(preset, resolution=8, fmap_base=32, latent_size=8)
    names = [name for name in system.state_dict() if not name.startswith("critic.verdict")]
    assert [name for name in names if name.endswith("weight")] == [
        "generator.blocks.4.0.conv.dense.weight",
        "generator.blocks.4.1.conv.weight",
        "generator.blocks.8.0.conv.weight",
        "generator.blocks.8.1.conv.weight",
        "generator.to_image.4.weight",
        "generator.to_image.8.weight",
        "critic.from_image.4.conv.weight",
        "critic.from_image.8.conv.weight",
        "critic.blocks.8.0.conv.weight",
        "critic.blocks.8.1.conv.weight",
    ]


def test_rows_of_table_1_differ_step_by_step(config_of: Callable[..., Any]) -> None:
    rows = {row: config_of(f"table1-{row}") for row in ("a", "b", "c", "d", "e*", "e", "f", "g")}
    assert rows["a"].first_resolution is None
    assert rows["b"].first_resolution == 4
    assert [rows[row].batch[4] for row in "abcdefg"] == [64, 64, 16, 16, 16, 16, 16]
    assert [rows[row].critic_steps for row in "abcdefg"] == [5, 5, 5, 1, 1, 1, 1]
    assert [rows[row].optimizer.lr for row in "abcdefg"] == [1e-4] * 5 + [1e-3] * 2
    assert [rows[row].optimizer.betas[1] for row in "abcdefg"] == [0.9] * 3 + [0.99] * 4
    assert [rows[row].latent for row in "abcdefg"] == [128] * 3 + [512] * 4
    assert [rows[row].tanh for row in "cd"] == [True, False]
    assert [rows[row].drift for row in "cd"] == [0.0, 0.001]
    assert [rows[row].stddev_group for row in "def"] == [0, "all", "all"]
    assert rows["e*"].minibatch_discrimination
    assert [rows[row].equalized for row in "efg"] == [False, True, True]
    assert [rows[row].pixelnorm for row in "fg"] == [False, True]


def test_gray_pictures_have_networks_of_one_channel(make: Make) -> None:
    system = make(resolution=8, channels=1, fmap_base=32, latent_size=8)
    at = system.plan().at(0)
    assert system.generate(system.draw(2), at).shape == (2, 1, 4, 4)
    assert system.score(Images(torch.zeros(2, 1, 4, 4)), at).shape == (2,)
