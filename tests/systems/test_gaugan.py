"""GauGAN: who moves, what is compared, and what a style may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import one_hot, relu

from contract.variants import COLOUR, LAID_OUT, SPADE, FakeData
from progan.core.batch import Layout
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import Adam
from progan.core.system import Styles, Translates
from progan.engine.loop import Trainer
from progan.layers.spectral import held
from progan.networks.perceptual import VGGFeatures, places
from progan.objectives.variational import kl_to_normal
from progan.systems.configs.gaugan import GauGANConfig

Make = Callable[..., Any]


def small(make: Make, **settings: Any) -> Any:
    return make("tiny", system="gaugan", data=LAID_OUT, **{**SPADE, **settings})


def batch_of(n: int = 4) -> Layout:
    batch = FakeData(LAID_OUT, Layout).batch(range(n), 16)
    assert isinstance(batch, Layout)
    return batch


def end_of(system: Any) -> Progress:
    plan = system.plan()
    at: Progress = plan.at(plan.images)
    return at


def trainer(system: Any, *lengths: int) -> Trainer:
    return Trainer(system, FakeData(LAID_OUT, Layout), plan=system.plan().with_lengths(lengths))


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(module: nn.Module, before: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, before[n]) for n, value in module.state_dict().items())


def louder(system: Any) -> Any:
    """The first weights of 0.02 hide what reaches what."""
    for module in system.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and not hasattr(module, "parametrizations"):
            nn.init.normal_(module.weight, 0, 0.2)
    return system


def test_in_a_turn_nobody_elses_weights_or_buffers_move(make: Make) -> None:
    system = small(make)
    batch, at = batch_of(), end_of(system)
    drawing, judge = system.drawing, system.discriminator
    before = [state(module) for module in (*drawing, judge)]
    system.critic_loss(batch, at)
    assert all(same(module, old) for module, old in zip(drawing, before, strict=False))
    assert not same(judge, before[-1])  # its own singular vectors
    before = [state(module) for module in (*drawing, judge)]
    system.generator_loss(batch, at)
    assert same(judge, before[-1])
    assert not any(same(module, old) for module, old in zip(drawing, before, strict=False))


def test_reals_and_fakes_pass_the_discriminator_together_beside_the_layout(make: Make) -> None:
    system = small(make)
    given: list[tuple[Tensor, Tensor]] = []
    system.discriminator.register_forward_pre_hook(lambda module, both: given.append(both))
    batch = batch_of()
    system.critic_loss(batch, end_of(system))
    ((image, layout),) = given
    assert torch.equal(image[4:], batch.image)
    assert not torch.equal(image[:4], batch.image)
    assert torch.equal(layout, torch.cat([batch.layout, batch.layout]))


def test_the_losses_are_those_of_the_scores_and_features(make: Make) -> None:
    system = small(make, style=False, norm="instance", matching=3.0)
    batch, at = batch_of(), end_of(system)

    def features(image: Tensor, layout: Tensor) -> list[list[Tensor]]:
        first = image * 2
        return [[first, image.mean(1, keepdim=True) + k] for k in (0.0, 0.5)]

    system.discriminator.forward = features
    with torch.no_grad(), held(system.generator):
        fake = system.generator(batch.layout)
    with held(system.generator):
        terms = system.critic_loss(batch, at)
    real_score, fake_score = (x.mean(1, keepdim=True) for x in (batch.image, fake))
    for name, sign, score in (("real", -1, real_score), ("fake", 1, fake_score)):
        expected = sum(relu(1 + sign * (score + k)).mean() for k in (0.0, 0.5)) / 2
        torch.testing.assert_close(terms[name], expected)
    with held(system.generator):
        terms = system.generator_loss(batch, at)
    torch.testing.assert_close(terms["adversarial"], -(fake_score.mean() + 0.25))
    # both scales have the same first layer: their mean is 2 · |fake − real|
    expected = 3.0 * 2 * (fake - batch.image).abs().mean()
    torch.testing.assert_close(terms["matching"], expected)
    assert terms.keys() == {"adversarial", "matching"}


@pytest.mark.parametrize(("how", "times"), [("sum", 4), ("mean", 1)])
def test_the_divergence_is_summed_over_the_batch_or_averaged(
    make: Make, how: str, times: int
) -> None:
    system = small(make, kl=how, kl_weight=0.5)
    batch, at = batch_of(), end_of(system)
    with torch.no_grad():
        nn.init.normal_(system.encoder.mean.weight)
        divergence = kl_to_normal(*system.encoder(batch.image))
    assert float(divergence) > 0.1
    system.encoder.eval()
    terms = system.generator_loss(batch, at)
    torch.testing.assert_close(terms["style"], 0.5 * times * divergence, rtol=1e-3, atol=0)
    part = system.generator_loss(batch[slice(0, 2)], at)["style"]
    whole = kl_to_normal(*system.encoder(batch.image[:2]))
    torch.testing.assert_close(part, 0.5 * times * whole)  # a piece stands for the batch


def test_one_map_has_as_many_pictures_as_styles_and_one_for_each(make: Make) -> None:
    system = louder(small(make))
    at = end_of(system)
    even = one_hot(torch.ones(3, 16, 16, dtype=torch.int64), 3).movedim(3, 1).float()
    style = torch.randn(3, 5)
    style[1] = style[0]
    system.requires_grad_(False)
    image = system.styled(even, "paint", style, at)
    assert torch.equal(image, system.styled(even, "paint", style, at))
    torch.testing.assert_close(image[0], image[1])
    assert float((image[0] - image[2]).abs().mean()) > 1e-3
    # z reaches every pixel of an even map, which alone would be even but for its border
    inside = image[0, :, 6:10, 6:10]
    assert float(inside.std()) > 1e-3


def test_what_is_asked_for_changes_nothing_and_depends_on_no_neighbour(make: Make) -> None:
    system = small(make)
    batch, at, before = batch_of(), end_of(system), state(system)
    style = system.style(batch.image, at)
    image = system.styled(batch.layout, "paint", style, at)
    alone = system.styled(batch.layout[1:2], "paint", style[1:2], at)
    torch.testing.assert_close(alone, image[1:2])
    assert system.score(batch, at).shape == (4,)
    system.preview(batch, at)
    assert same(system, before)
    assert all(module.training for module in system.modules())
    middle = system.styled(batch.layout, "paint", torch.zeros(4, 5), at)
    assert torch.equal(system.translate(batch.layout, "paint", at), middle)


def test_only_the_form_with_styles_has_any(make: Make) -> None:
    styled, plain = small(make), small(make, style=False)
    assert isinstance(styled, Styles)
    assert isinstance(plain, Translates)
    assert not isinstance(plain, Styles)
    assert not hasattr(plain, "encoder")
    assert (styled.fixed, plain.fixed, plain.multiple) == (True, False, 4)
    assert (styled.kept, plain.kept) == (("generator", "encoder"), ("generator",))
    assert [(d.name, d.source, d.target) for d in styled.directions] == [
        ("paint", "layout", "image")
    ]
    owned = {id(p) for p in styled.players()["generator"].parameters}
    assert owned == {id(p) for module in styled.drawing for p in module.parameters()}


def test_two_time_scales_fall_together_over_the_last_part(make: Make) -> None:
    system = small(make, decay_from=0.5, critic_rate=4.0, images=400)
    players, plan = system.players(), system.plan()
    for images, factor in ((0, 1.0), (200, 1.0), (300, 0.5), (396, 0.02)):
        at = plan.at(images)
        assert players["generator"].rate(at) == pytest.approx(factor)
        assert players["discriminator"].rate(at) == pytest.approx(4 * factor)
    constant = small(make, images=400)
    assert constant.players()["generator"].rate(plan.at(399)) == 1.0


def test_the_published_settings_are_those_of_the_code(config_of: Any) -> None:
    config = GauGANConfig()
    assert config.optimizer == Adam(lr=1e-4, betas=(0.0, 0.9))
    assert (config.critic_rate, config.matching, config.perceptual_weight) == (4.0, 10.0, 10.0)
    assert (config.kl_weight, config.kl, config.objective) == (0.05, "sum", "hinge")
    # the code adds over the 4 pictures of each of 8 GPUs and averages over those
    assert config_of("paper", system="gaugan").kl_weight == pytest.approx(0.05 * 4 / 32)


def test_the_segmenter_learns_first_and_then_rests(make: Make) -> None:
    system = small(make, perceptual="self", segmenter_width=8)
    run = trainer(system, 4 * 60, 8)
    losses = []
    while run.images < 4 * 60:
        losses.append(float(run.step().terms["segmenter/classes"]))
    assert losses[0] > 0.9  # log 3 = 1.1
    assert sum(losses[-10:]) / 10 < 0.5 * losses[0]
    before = state(system.segmenter)
    terms = run.step().terms
    assert float(terms["generator/perceptual"]) > 0
    run.step()
    assert same(system.segmenter, before)
    assert "segmented" in system.preview(batch_of(), run.plan.at(0))


def test_likeness_is_nothing_of_the_same_pictures(make: Make) -> None:
    for how in ("self", "random"):
        system = small(make, perceptual=how).requires_grad_(False)
        before = state(system)
        image = batch_of().image
        assert float(system.likeness(image, image)) == 0
        assert float(system.likeness(image.flip(0), image)) > 0
        assert same(system, before)


def vgg_file(path: Path, seed: int) -> Path:
    network = VGGFeatures.of_dice(seed)
    save_file(
        {
            f"features.{place}.{kind}": network.get_buffer(f"features_{place}_{kind}").clone()
            for place in places()
            for kind in ("weight", "bias")
        },
        path,
    )
    return path


def test_a_run_remembers_whose_weights_compare_pictures(make: Make, tmp_path: Path) -> None:
    path = vgg_file(tmp_path / "vgg.safetensors", 0)
    system = small(make, perceptual=str(path))
    assert not [name for name in system.state_dict() if "features" in name]
    run = trainer(system, 8)
    run.step()
    told = bytes(system.perceptual_sha256.tolist()).hex()
    assert told == VGGFeatures.of_dice(0).sha256
    again = small(make, perceptual=str(path))
    again.load_state_dict(system.state_dict())
    vgg_file(path, 1)
    with pytest.raises(ConfigError, match="Put that file back"):
        again.generator_loss(batch_of(), end_of(again))
    path.unlink()
    painted = again.translate(batch_of().layout, "paint", end_of(again))  # needs no file
    assert painted.shape == (4, 3, 16, 16)


def test_edges_of_instances_are_one_channel_more(make: Make) -> None:
    data = replace(LAID_OUT, layout_edges=True)
    system = make("tiny", system="gaugan", data=data, **SPADE, perceptual="self")
    layout = torch.cat([batch_of().layout, torch.zeros(4, 1, 16, 16)], dim=1)
    batch = Layout(batch_of().image, layout)
    at = end_of(system)
    assert system.translate(layout, "paint", at).shape == (4, 3, 16, 16)
    assert system.segmenter_loss(batch, at)["classes"].isfinite()


def test_layouts_are_shown_in_their_colours(make: Make) -> None:
    colours = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
    system = make("tiny", system="gaugan", data=replace(LAID_OUT, layout_colours=colours), **SPADE)
    batch = batch_of()
    panel = system.preview(batch, end_of(system))["layout"]
    assert torch.equal(panel, batch.layout * 2 - 1)  # pure colours


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (COLOUR, {}, "the pictures have none"),
        (replace(LAID_OUT, resolution=4), {}, "4 x 4 pixels"),
        (LAID_OUT, {"depth": "normal"}, "multiples of 32 from 32 up"),
        (LAID_OUT, {"batch": 1}, "--set norm=instance"),
        (LAID_OUT, {"perceptual": "vgg"}, "VGG-19's weights"),
        (LAID_OUT, {"critic_layers": 1}, "critic_layers is 1"),
        (LAID_OUT, {"kl_weight": -1.0}, "kl_weight is -1"),
        (LAID_OUT, {"critic_rate": 0.0}, "critic_rate is 0.0"),
        (LAID_OUT, {"width": 0}, "width is 0"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    make: Make, data: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make("tiny", system="gaugan", data=data, **{**SPADE, **settings})
    assert "\n" not in str(caught.value)
