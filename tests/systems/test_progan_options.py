"""ProGAN with attention and spectral norm, and what truncation does to its latents."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import pages
from contract.variants import COLOUR, FakeData
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.engine.functional import Functional
from progan.layers.attention import SelfAttention
from progan.layers.equalized import (
    EqualizedConv2d,
    EqualizedDownConv2d,
    EqualizedLinear,
    EqualizedUpConv2d,
)
from progan.layers.norm import pixel_norm
from progan.layers.spectral import SpectralNorm, with_spectral_norm

Make = Callable[..., Any]
At = Callable[..., Progress]
TINY = {"fmap_base": 64, "fmap_max": 8, "latent_size": 8, "batch": {4: 4}}


def tiny(make: Make, **settings: Any) -> Any:
    return make("cpu", **{**TINY, **settings})


def looking(system: Any) -> dict[str, SelfAttention]:
    return {n: m for n, m in system.named_modules() if isinstance(m, SelfAttention)}


# Attention


def test_attention_stands_in_both_networks_at_the_sizes_asked_for(make: Make) -> None:
    assert set(looking(tiny(make, attention=[8, 16]))) == {
        *("generator.attention.8", "generator.attention.16"),
        *("critic.attention.8", "critic.attention.16"),
    }
    assert not looking(tiny(make))


def test_a_network_begins_as_it_would_without_attention(make: Make, at: At) -> None:
    """γ = 0: the same pictures and scores, given the same other weights."""
    plain, wide = tiny(make), tiny(make, attention=[8])
    missing = wide.load_state_dict(plain.state_dict(), strict=False)
    assert all(".attention." in name for name in missing.missing_keys)
    z = plain.draw(3)
    for moment in (at(8), at(8, 0.3), at(16, 0.5), at(4)):
        image = plain.generate(z, moment)
        assert torch.equal(wide.generate(z, moment), image)
        side = moment.resolution
        assert torch.equal(
            wide.critic(image, side, moment.alpha), plain.critic(image, side, moment.alpha)
        )


def test_attention_is_not_looked_through_before_its_size_is_reached(make: Make, at: At) -> None:
    system = tiny(make, attention=[8, 16])
    for player in ("generator", "critic"):
        turn = next(one for one in system.turns(at(8)) if one.player == player)
        batch = FakeData(COLOUR, system.batch_type).batch(range(4), 8)
        total = sum(turn.loss(batch, at(8)).values())
        network = getattr(system, player)
        for size, reached in (("8", True), ("16", False)):
            weights = list(network.attention[size].parameters())
            found = torch.autograd.grad(total, weights, allow_unused=True, retain_graph=True)
            assert [one is not None for one in found] == [reached] * len(weights)


def opened(system: Any) -> Any:
    """Attention that does something."""
    for one in looking(system).values():
        nn.init.constant_(one.gamma, 0.5)
    return system


def test_a_folded_generator_is_not_made_where_it_would_be_another_function(
    make: Make, at: At
) -> None:
    assert tiny(make).folded(at(16), torch.float32) is not None
    assert tiny(make, attention=[8]).folded(at(16), torch.float32) is None
    assert tiny(make, spectral_norm="both").folded(at(16), torch.float32) is None
    assert tiny(make, spectral_norm="critic").folded(at(16), torch.float32) is not None


@pytest.mark.parametrize("player", ["critic", "generator"])
def test_turns_with_attention_are_functions_and_give_what_autograd_gives(
    make: Make, at: At, player: str
) -> None:
    system = opened(tiny(make, attention=[8], **{"penalty.every": 1}))
    assert system.functional
    moment = at(8, 0.3)
    turn = next(one for one in system.turns(moment) if one.player == player)
    batch = FakeData(COLOUR, system.batch_type).batch(range(4), 8)
    players = {player: system.players()[player]}
    torch.manual_seed(3)
    terms = turn.loss(batch, moment)
    expected = torch.autograd.grad(
        sum(terms.values()), players[player].parameters, allow_unused=True
    )
    torch.manual_seed(3)
    form = Functional(system, backend=None)
    ((_, found_terms, found),) = form(turn, players, batch, moment, 1, 1.0)
    for name, value in terms.items():
        torch.testing.assert_close(found_terms[name], value, rtol=1e-4, atol=1e-6)
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_what_spectral_norm_remembers_makes_turns_no_functions(make: Make) -> None:
    system = tiny(make, spectral_norm="critic")
    assert not system.functional
    with pytest.raises(ConfigError, match="cannot be compiled"):
        Functional(system)


# Spectral norm


LAYERS = [
    lambda: EqualizedConv2d(6, 5),
    lambda: EqualizedConv2d(6, 5, 1, gain=1.0),
    lambda: EqualizedUpConv2d(6, 5),
    lambda: EqualizedDownConv2d(6, 5),
]


@pytest.mark.parametrize("make_layer", LAYERS)
def test_a_layer_uses_its_weight_over_its_largest_singular_value_without_the_constant(
    make_layer: Callable[[], nn.Module],
) -> None:
    """c W / σ(c W) = W / σ(W), so a plain layer of that weight is the same function."""
    torch.manual_seed(0)
    layer = make_layer()
    weight = layer.weight.detach().clone()
    with_spectral_norm(layer)
    x = torch.randn(2, 6, 4, 4)
    for _ in range(60):  # the power method
        layer(x)
    layer.eval()
    sigma = torch.linalg.svdvals(weight.flatten(1))[0]
    plain = make_layer()
    plain.without_constant()
    with torch.no_grad():
        plain.weight.copy_(weight / sigma)
    torch.testing.assert_close(layer(x), plain(x), rtol=1e-3, atol=1e-4)


def test_a_dense_layer_too() -> None:
    torch.manual_seed(0)
    layer = EqualizedLinear(7, 5, bias=False)
    weight = layer.weight.detach().clone()
    with_spectral_norm(layer)
    for _ in range(60):
        layer(torch.randn(1, 7))
    found = layer.eval()(torch.eye(7)).T
    torch.testing.assert_close(
        found, weight / torch.linalg.svdvals(weight)[0], rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize(("whose", "generator"), [("critic", False), ("both", True)])
def test_every_layer_of_the_players_asked_for_has_it(
    make: Make, whose: str, generator: bool
) -> None:
    system = tiny(make, spectral_norm=whose, attention=[8])
    kinds = (EqualizedConv2d, EqualizedLinear, EqualizedUpConv2d, EqualizedDownConv2d, nn.Conv2d)

    def normed(network: nn.Module) -> set[bool]:
        layers = [m for m in network.modules() if isinstance(m, kinds)]
        return {hasattr(m, "parametrizations") for m in layers}

    assert normed(system.critic) == {True}
    assert normed(system.generator) == {generator}


def test_the_critics_memory_moves_once_for_reals_fakes_and_slope_together(
    make: Make, at: At
) -> None:
    """Its turn looks at one made weight however many pictures pass; in evaluation none moves."""
    system = tiny(make, spectral_norm="critic", **{"penalty.every": 1})
    norm = next(m for m in system.critic.modules() if isinstance(m, SpectralNorm))
    seen: list[int] = []
    norm.register_forward_hook(lambda *given: seen.append(1))
    batch = FakeData(COLOUR, system.batch_type).batch(range(4), 16)
    system.critic_loss(batch, at(16))
    assert sum(seen) <= 2  # once with a graph, once more for what is only looked at
    system.eval()
    before = norm.u.clone()
    system.critic(batch.image, 16, 1.0)
    assert torch.equal(norm.u, before)


def test_a_moved_network_keeps_its_memory_and_its_picture(make: Make, at: At) -> None:
    """`to` lays weights out anew: the stored ones, without looking through the norm."""
    system = tiny(make, spectral_norm="both").eval()
    before = {n: b.clone() for n, b in system.named_buffers()}
    z = system.draw(2)
    image = system.generate(z, at(16))
    system.to(memory_format=torch.channels_last)
    system.train().to(torch.float32)
    assert all(torch.equal(b, before[n]) for n, b in system.named_buffers())
    torch.testing.assert_close(system.eval().generate(z, at(16)), image)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attention": [12]}, "powers of two from 8 up"),
        ({"attention": [4]}, "powers of two from 8 up"),
        ({"attention": [64]}, "the pictures have 16: --set attention=.16."),
        ({"spectral_norm": "both", "clip": 0.01}, "take one: --set clip=0"),
        ({"network": "modes", "attention": [8]}, "neither attention nor spectral norm"),
    ],
)
def test_options_that_cannot_be_are_refused(
    make: Make, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        tiny(make, **settings)


# Truncation


def test_truncation_draws_again_what_lies_outside_and_keeps_the_rest(make: Make) -> None:
    system = tiny(make, latent_size=64)
    torch.manual_seed(5)
    free = system.draw(50)["z"]
    torch.manual_seed(5)
    cut = system.draw(50, truncation=0.5)["z"]
    inside = free.abs() <= 1.0  # ±2 · 0.5
    assert cut.abs().max() <= 1.0
    assert torch.equal(cut[inside], free[inside])
    assert (cut[~inside] != free[~inside]).all()
    assert 0.6 < inside.float().mean() < 0.75  # 68 % of a normal lie within one deviation


def test_normalised_latents_keep_their_length_whatever_the_truncation(make: Make) -> None:
    """The sphere takes the length away; what is left of a strong truncation is the shape, which
    goes to an even one: mean of z⁴ of 3 for a normal and 9/5 for that, at unit mean square."""
    system = tiny(make, latent_size=512)

    def fourth(truncation: float | None) -> float:
        torch.manual_seed(0)
        z = pixel_norm(system.draw(200, truncation)["z"])
        torch.testing.assert_close(z.square().mean(1), torch.ones(200), rtol=1e-4, atol=0)
        return z.pow(4).mean().item()

    assert fourth(None) == pytest.approx(3.0, abs=0.1)
    assert fourth(0.1) == pytest.approx(1.8, abs=0.03)


# The recorded ablation


def load() -> Any:
    folder = pages.ROOT / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("options", folder / "options.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def test_every_arm_of_the_ablation_builds_what_it_says(make: Make) -> None:
    options = load()
    for arm, sets in options.ARMS.items():
        labelled = options.PROJECTION in sets
        assert labelled == arm.startswith("labels")
        for word in sets:
            assert hasattr(make("cpu", **TINY).config, word.partition("=")[0]), arm


def test_the_ablation_goes_on_where_it_was_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = load()
    words = [
        *("--out", str(tmp_path / "found.jsonl"), "--cache", str(tmp_path / "data")),
        *("--images", "400", "--seeds", "0", "--size", "8", "--measured", "32"),
        *("--set", "fmap_max=8", "--set", "latent_size=8"),
    ]
    options.main([*words, "--arms", "base"])
    rows = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert [(row["arm"], row["seed"], row["done"]) for row in rows] == [("base", 0, True)]
    assert abs(rows[0]["images"] - 400) < 100  # whole batches of each stage
    assert rows[0]["swd"] > 0
    before = capsys.readouterr().out
    options.main([*words, "--arms", "base"])
    after = capsys.readouterr().out
    assert after in before  # the table alone: nothing ran again
    assert "| base | " in after
