"""The table of variants: each system in the few forms in which its code differs.

A new system gets the whole contract by its lines here: recipe, settings that make it tiny, and,
where it is not grey pictures of 8 pixels, what the data look like. The data suit the system's
batch type; the plan keeps its stages and gets a few steps for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, one_hot

from progan.assemble.models.build import build_system
from progan.core.batch import Batch, Captioned, Images, Labelled, Layout, Paired, Unpaired
from progan.core.faults import Faults
from progan.core.plan import Plan, Size, height_width
from progan.core.randomness import seed_of
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.engine.loop import Trainer
from progan.engine.precision import Precision

__all__ = [
    "CAPTION_SHAPE",
    "COLOUR",
    "DOMAINS",
    "LAID_OUT",
    "LAYOUT_CLASSES",
    "SHARING",
    "TRANSLATORS",
    "VARIANTS",
    "FakeData",
    "Variant",
    "shortened",
]

CAPTION_SHAPE = (2, 4)
LAYOUT_CLASSES = 3
CPU = torch.device("cpu")

SMALL = DataSpec(resolution=8, channels=1, images=64)
ONE = DataSpec(resolution=32, channels=1, images=1, whole=(24, 24))
TALL = DataSpec(resolution=32, channels=3, images=1, whole=(26, 22))
COLOUR = DataSpec(resolution=16, channels=3, images=64)
LABELS = DataSpec(resolution=8, channels=1, classes=3, images=64)
UNEVEN = DataSpec(resolution=8, channels=1, classes=3, images=64, label_shares=(0.5, 0.25, 0.25))
ATTRIBUTES = DataSpec(resolution=8, channels=1, images=64, label_kind="multi-label", label_size=3)
NUMBERS = DataSpec(resolution=8, channels=1, images=64, label_kind="continuous", label_size=2)
TOGETHER = replace(
    ATTRIBUTES,
    label_rows=((0.0, 0.0, 1.0), (1.0, 1.0, 0.0)),
    row_shares=(0.75, 0.25),
    label_names=("smile", "hat", "beard"),
)


CAPTIONS = DataSpec(
    resolution=32, channels=3, images=64, captions=2, caption_texts=("a red hat", "no hat", "b")
)
DOMAINS = replace(COLOUR, domains=("a", "b"), second_channels=3, second_images=64)
LAID_OUT = replace(COLOUR, layout_names=("p", "q", "r"))
VECTORS = replace(CAPTIONS, caption_width=5, caption_encoder=f"fake:{'0' * 64}")


class FakeData:
    """Pictures, and what comes with them, as functions of the image number."""

    def __init__(self, spec: DataSpec, batch_type: type[Batch]) -> None:
        self.spec, self.batch_type = spec, batch_type

    def batch(self, numbers: range, resolution: Size) -> Batch:
        """The examples with these numbers."""
        rows = [fake_row(self.spec, number) for number in numbers]
        a, b = (
            adaptive_avg_pool2d(torch.stack([row[name] for row in rows]), height_width(resolution))
            for name in ("a", "b")
        )
        label = fake_labels(self.spec, numbers)
        classes = ((a[:, 0] + 1) * (LAYOUT_CLASSES / 2)).long().clamp(0, LAYOUT_CLASSES - 1)
        made: dict[type[Batch], Batch] = {
            Images: Images(a),
            Labelled: Labelled(a, label),
            Captioned: Captioned(
                a,
                torch.stack([fake_caption(self.spec, row["caption"]) for row in rows]),
                torch.tensor([number % 5 for number in numbers]),
            ),
            Layout: Layout(a, one_hot(classes, LAYOUT_CLASSES).movedim(3, 1).float()),
            Paired: Paired(a, -a.flip(3)),
            Unpaired: Unpaired(a, b),
        }
        return made[self.batch_type]


def fake_caption(spec: DataSpec, caption: Tensor) -> Tensor:
    """Words as they are, or vectors of them where the data bring vectors."""
    if not spec.caption_width:
        return caption
    turns = torch.arange(1, spec.caption_width + 1) * caption.sum(dim=1, keepdim=True)
    return torch.cos(turns.double()).float()


def fake_labels(spec: DataSpec, numbers: range) -> Tensor:
    """Labels of the kind that `spec` says: classes go round, others are parts of the number."""
    if spec.label_kind == "class":
        return torch.tensor([number % max(1, spec.classes) for number in numbers])
    bits = [[float(number >> k & 1) for k in range(spec.label_size)] for number in numbers]
    return torch.tensor(bits) * (1.0 if spec.label_kind == "multi-label" else 0.5)


@lru_cache(maxsize=4096)
def fake_row(spec: DataSpec, number: int) -> Mapping[str, Tensor]:
    """One example at its full size: two pictures of coloured waves, and a caption."""
    dice = torch.Generator().manual_seed(seed_of("fake", number))
    y, x = torch.meshgrid(*2 * [torch.linspace(0, 3, spec.resolution)], indexing="ij")
    waves = torch.rand(2, spec.channels, 3, 1, 1, generator=dice) * 4 - 2
    a, b = torch.sin(waves[:, :, 0] * y + waves[:, :, 1] * x + waves[:, :, 2])
    caption = torch.randint(0, 2**31, CAPTION_SHAPE, generator=dice)
    caption[:, number % 3 + 1 :] = 0
    return {"a": a, "b": b, "caption": caption}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One form of a system."""

    system: str
    name: str
    preset: str | None = None
    set: Mapping[str, Any] = field(default_factory=dict)
    data: DataSpec = SMALL
    buffers: Mapping[str, float] = field(default_factory=dict)
    """Where to start buffers that only long training would bring to where they matter."""

    @property
    def id(self) -> str:
        """How tests and golden files call it."""
        return f"{self.system}-{self.name}"

    def build(self, seed: int = 0) -> System[Any]:
        """The system with its first weights, as a recipe would build it."""
        recipe = Recipe(
            system=self.system, preset=self.preset, set=self.set, train=TrainSettings(seed=seed)
        )
        return build_system(recipe, self.data, CPU)

    def trainer(
        self,
        *,
        steps: int = 2,
        weights: int = 0,
        shards: int = 1,
        micro_batch: int | None = None,
        precision: Precision = "fp32",
        faults: Faults | None = None,
    ) -> Trainer:
        """A trainer at the start of a plan of `steps` steps a stage; `weights` seeds them."""
        system = self.build(weights)
        for name, value in self.buffers.items():
            system.get_buffer(name).fill_(value)
        return Trainer(
            system,
            FakeData(self.data, system.batch_type),
            plan=shortened(system, steps),
            shards=shards,
            micro_batch=micro_batch,
            precision=precision,
            faults=faults,
        )


def shortened(system: System[Any], steps: int) -> Plan:
    """The system's own plan, with every stage `steps` steps long."""
    plan = system.plan()
    lengths = []
    for index, stage in enumerate(plan.stages):
        turns = system.turns(plan.at(plan.start(index)))
        lengths.append(steps * stage.batch * sum(turn.repeat for turn in turns if turn.draws))
    return plan.with_lengths(lengths)


BANDS = {
    "coarsest": 4,
    "width": 4,
    "coarse_width": 12,
    "coarse_critic_width": 8,
    "latent_size": 6,
    "batch": 4,
}
PATCHES = {
    **{"layers": 3, "width": 4, "widest": 8, "min_size": 21, "batch": 4},
    **{"critic_steps": 2, "generator_steps": 1},
}
STACKED = {
    "width": 2,
    "critic_width": 2,
    "second_width": 4,
    "second_critic_width": 2,
    "blocks": 1,
    "features": 6,
    "buckets": 16,
    "code": 4,
    "latent_size": 4,
    "batch": 4,
}
SPADE = {
    "width": 2,
    "hidden": 4,
    "style_size": 5,
    "encoder_width": 2,
    "critic_width": 2,
    "segmenter_width": 2,
    "perceptual_width": 2,
    "batch": 4,
}
TRANSLATORS: dict[str, Any] = {
    **{"width": 4, "blocks": 1, "critic_width": 4, "critic_layers": 2, "pool": 6, "batch": 4},
}
PAIRS = {name: value for name, value in TRANSLATORS.items() if name != "pool"}
CARRIED = {
    **{name: value for name, value in TRANSLATORS.items() if name != "blocks"},
    **{"laterals": [1.0, 0.5], "lateral": 4},
}
SHARING = {"width": 2, "blocks": 1, "layers": 6, "global_head": "shallow", "batch": 4}
TINY = {"fmap_base": 64, "fmap_max": 8, "latent_size": 8, "batch": {4: 4}}
LABELLED = {**TINY, "condition": "ac-gan"}

VARIANTS: tuple[Variant, ...] = (
    Variant(system="progan", name="cpu", preset="cpu", set=TINY, data=COLOUR),
    Variant(system="progan", name="paper", preset="paper", set=TINY),
    Variant(system="progan", name="labelled", preset="cpu", set=LABELLED, data=LABELS),
    Variant(
        system="progan",
        name="projection",
        preset="cpu",
        set={**TINY, "condition": "projection"},
        data=LABELS,
    ),
    Variant(
        system="progan",
        name="concat",
        preset="paper",
        set={**TINY, "condition": "concat"},
        data=LABELS,
    ),
    Variant(
        system="progan",
        name="projection-attributes",
        preset="cpu",
        set={**TINY, "condition": "projection", "generator_norm": "conditional"},
        data=TOGETHER,
    ),
    Variant(
        system="progan",
        name="ac-gan-numbers",
        preset="cpu",
        set={**TINY, "condition": "ac-gan"},
        data=NUMBERS,
    ),
    Variant(
        system="progan",
        name="joint",
        preset="cifar10",
        set={**TINY, "condition": "ac-gan", "label_weight": 0.5, "normalize_label": True},
        data=LABELS,
    ),
    Variant(
        system="progan",
        name="least-squares",
        preset="cpu",
        set={**TINY, "objective": "reversed-least-squares", "noise": 0.2, "penalty.kind": "none"},
        buffers={"critic.meter.lead": 0.95},
    ),
    Variant(
        system="progan",
        name="table1-c",
        preset="table1-c",
        set={**TINY, "critic_steps": 2},
    ),
    Variant(system="progan", name="table1-e*", preset="table1-e*", set=TINY),
    Variant(
        system="progan",
        name="attention",
        preset="cpu",
        set={**TINY, "attention": [8, 16]},
        data=COLOUR,
    ),
    Variant(
        system="progan",
        name="spectral",
        preset="cpu",
        set={**TINY, "attention": [8], "spectral_norm": "both", "condition": "projection"},
        data=LABELS,
    ),
    Variant(
        system="progan",
        name="modes",
        preset="mnist-1k",
        set={"batch": {4: 4}, "latent_size": 8, "first_resolution": 4, "critic_steps": 2},
    ),
    Variant(
        system="gan",
        name="mlp",
        preset="mlp",
        set={"batch": 4, "latent_size": 8, "critic_steps": 2},
    ),
    Variant(
        system="gan",
        name="dcgan",
        preset="dcgan",
        set={"width": 4, "batch": 4, "latent_size": 8},
        data=COLOUR,
    ),
    Variant(
        system="gan",
        name="toy",
        preset="toy",
        set={"batch": 4},
    ),
    Variant(
        system="gan",
        name="relativistic",
        set={
            "width": 4,
            "batch": 4,
            "latent_size": 8,
            "objective": "relativistic",
            "critic_norm": "none",
            "penalty.kind": "r1+r2",
            "penalty.every": 2,
        },
    ),
    Variant(
        system="lsgan",
        name="dcgan",
        set={"width": 4, "batch": 4, "latent_size": 8, "orthogonal": 1e-4},
    ),
    Variant(
        system="wgan",
        name="dcgan",
        preset="algorithm-1",
        set={"width": 4, "batch": 4, "latent_size": 8, "critic_steps": 2},
    ),
    Variant(
        system="wgan",
        name="mlp",
        preset="mlp",
        set={"batch": 4, "latent_size": 8, "critic_steps": 2, "warm_up": False},
    ),
    Variant(
        system="wgan_gp",
        name="dcgan",
        set={"width": 4, "batch": 4, "latent_size": 8, "critic_steps": 2},
        data=COLOUR,
    ),
    Variant(
        system="wgan_gp",
        name="dragan",
        preset="mlp",
        set={
            "batch": 4,
            "latent_size": 8,
            "critic_steps": 2,
            "penalty.kind": "dragan",
            "penalty.side": "one",
        },
    ),
    Variant(
        system="fgan",
        name="dcgan",
        set={"width": 4, "batch": 4, "latent_size": 8, "saturating": True},
    ),
    Variant(
        system="fgan",
        name="turns",
        preset="mnist",
        set={
            "batch": 4,
            "latent_size": 8,
            "simultaneous": False,
            "divergence": "alpha=0.5",
            "saturating": False,
        },
    ),
    Variant(
        system="dcgan",
        name="theano",
        preset="theano",
        set={"width": 4, "batch": 4, "latent_size": 8},
        data=COLOUR,
    ),
    Variant(
        system="dcgan",
        name="rrelu",
        preset="tiny",
        set={"width": 4, "batch": 4, "latent_size": 8, "rectifier": "rrelu", "critic_steps": 2},
    ),
    Variant(
        system="ebgan",
        name="dcgan",
        set={"width": 4, "batch": 4, "latent_size": 8, "code_size": 6, "margin_late": 0.5},
        data=COLOUR,
    ),
    Variant(
        system="ebgan",
        name="paper",
        preset="paper",
        set={"width": 4, "batch": 4, "latent_size": 8},
    ),
    Variant(
        system="ebgan",
        name="toy",
        preset="toy",
        set={"batch": 4, "pulling_away": 0.0},
    ),
    Variant(
        system="cgan",
        name="dcgan",
        set={"width": 4, "batch": 4, "latent_size": 8},
        data=LABELS,
    ),
    Variant(
        system="cgan",
        name="mlp",
        preset="mlp",
        set={"batch": 4, "latent_size": 8},
        data=UNEVEN,
    ),
    Variant(
        system="cgan",
        name="matching-aware",
        preset="matching-aware",
        set={"width": 4, "batch": 4, "latent_size": 8},
        data=LABELS,
    ),
    Variant(
        system="cgan",
        name="matching-attributes",
        preset="toy",
        set={"condition": "matching-aware", "batch": 4, "objective": "hinge"},
        data=TOGETHER,
    ),
    Variant(
        system="cgan",
        name="two-head",
        preset="two-head",
        set={"width": 4, "batch": 4, "latent_size": 8, "match_on_fake": True},
        data=LABELS,
    ),
    Variant(
        system="cgan",
        name="ac-gan",
        preset="ac-gan",
        set={"width": 4, "batch": 4, "latent_size": 8},
        data=LABELS,
    ),
    Variant(
        system="cgan",
        name="ac-gan-numbers",
        preset="toy",
        set={"condition": "ac-gan", "batch": 4},
        data=NUMBERS,
    ),
    Variant(
        system="cgan",
        name="projection",
        preset="projection",
        set={"width": 4, "batch": 4, "latent_size": 8, "critic_steps": 2},
        data=LABELS,
    ),
    Variant(
        system="cgan",
        name="relativistic",
        preset="toy",
        set={
            "batch": 4,
            "objective": "relativistic",
            "condition": "projection",
            "penalty.kind": "r1+r2",
        },
        data=LABELS,
    ),
    Variant(
        system="infogan",
        name="mnist",
        set={"width": 4, "batch": 4, "latent_size": 8},
    ),
    Variant(
        system="infogan",
        name="dcgan",
        preset="dcgan",
        set={"width": 4, "batch": 4, "latent_size": 8, "categories": [3, 2]},
    ),
    Variant(
        system="infogan",
        name="toy",
        preset="toy",
        set={"batch": 4},
    ),
    Variant(
        system="vaegan",
        name="conv",
        set={"width": 4, "batch": 4, "latent_size": 8, "gamma": 1e-3},
        data=COLOUR,
    ),
    Variant(
        system="vaegan",
        name="published",
        preset="published",
        set={"width": 4, "batch": 4, "latent_size": 8, "together": False, "negatives": ["prior"]},
    ),
    Variant(
        system="vaegan",
        name="mlp",
        preset="mlp",
        set={"width": 2, "batch": 4, "latent_size": 8, "likeness": "pixels"},
    ),
    Variant(
        system="bigan",
        name="mnist",
        preset="mnist",
        set={"width": 2, "batch": 4, "latent_size": 8},
    ),
    Variant(
        system="bigan",
        name="ali",
        preset="ali",
        set={"width": 2, "batch": 4, "latent_size": 8},
        data=replace(COLOUR, resolution=32),
    ),
    Variant(
        system="bigan",
        name="cpu",
        preset="cpu",
        set={"width": 4, "batch": 4, "latent_size": 8, "simultaneous": False},
        data=COLOUR,
    ),
    Variant(
        system="bigan",
        name="toy",
        preset="toy",
        set={"batch": 4, "encoder": "gaussian", "objective": "minimax", "simultaneous": True},
    ),
    Variant(
        system="sngan",
        name="unlabelled",
        set={"width": 2, "batch": 4, "latent_size": 6, "critic_steps": 2},
        data=COLOUR,
    ),
    Variant(
        system="sngan",
        name="projection",
        preset="projection",
        set={"width": 4, "batch": 4, "latent_size": 6, "critic_steps": 1},
        data=LABELS,
    ),
    Variant(
        system="sagan",
        name="labelled",
        set={"width": 4, "batch": 4, "latent_size": 6, "attention": [8, 16]},
        data=replace(COLOUR, classes=3),
    ),
    Variant(
        system="sagan",
        name="full",
        preset="tiny",
        set={"width": 4, "batch": 4, "attention_form": "full", "attention": [4, 8]},
    ),
    Variant(
        system="biggan",
        name="split",
        preset="tiny",
        set={"width": 4, "batch": 4, "shared": 5, "latent_size": 9, "attention": [4]},
        data=UNEVEN,
    ),
    Variant(
        system="biggan",
        name="attributes",
        preset="cpu",
        set={"width": 2, "batch": 4, "shared": 5, "latent_size": 6, "average.start_step": 1},
        data=TOGETHER,
    ),
    Variant(
        system="biggan",
        name="deep",
        preset="tiny",
        set={"width": 4, "batch": 4, "variant": "deep", "shared": 5, "latent_size": 4},
        data=LABELS,
    ),
    Variant(
        system="singan",
        name="paper",
        preset="paper",
        set={**PATCHES, "doubling": 2},
        data=ONE,
    ),
    Variant(
        system="singan",
        name="animation",
        preset="animation",
        set={**PATCHES, "penalty_norm": "image"},
        data=TALL,
    ),
    Variant(
        system="singan",
        name="larger",
        preset="cpu-larger",
        set={**PATCHES, "factor": 0.9, "generator_steps": 2},
        data=ONE,
    ),
    Variant(
        system="singan",
        name="paint",
        preset="paint",
        set={**PATCHES, "paint_scale": 1, "paint_colours": 3},
        data=TALL,
    ),
    Variant(
        system="ensemble",
        name="independent",
        set={"members": 2, "width": 4, "batch": 4, "latent_size": 8, "critic_steps": 2},
        data=COLOUR,
    ),
    Variant(
        system="ensemble",
        name="snapshot",
        preset="snapshot",
        set={"members": 3, "width": 4, "batch": 4, "latent_size": 8, "mixture": [1, 2, 1]},
    ),
    Variant(
        system="ensemble",
        name="shared",
        preset="mgan",
        set={"members": 3, "width": 4, "batch": 4, "latent_size": 8},
    ),
    Variant(
        system="ensemble",
        name="shared-toy",
        preset="mgan-toy",
        set={"members": 3, "batch": 4, "mixture": [2, 1, 1]},
    ),
    Variant(system="lapgan", name="bands", set=BANDS, data=COLOUR),
    Variant(
        system="lapgan",
        name="labelled",
        set={**BANDS, "labelled": True, "join": "concat", "enlarge": "nearest"},
        data=LABELS,
    ),
    Variant(system="lapgan", name="large", preset="lsun", set={**BANDS, "width": 8}),
    Variant(system="lapgan", name="one-level", set={**BANDS, "levels": [8]}, data=COLOUR),
    Variant(system="stackgan", name="paper", set=STACKED, data=CAPTIONS),
    Variant(
        system="stackgan",
        name="fine-tuned",
        preset="article",
        set={**STACKED, "fine_tune": True, "ratio": 2, "average.decay": 0.5},
        data=CAPTIONS,
    ),
    Variant(system="stackgan", name="vectors", set=STACKED, data=VECTORS),
    Variant(system="cyclegan", name="resnet", set=TRANSLATORS, data=DOMAINS),
    Variant(
        system="cyclegan",
        name="unet",
        preset="unet",
        set={**TRANSLATORS, "pool": 0, "objective": "non-saturating"},
        data=DOMAINS,
    ),
    Variant(
        system="cyclegan",
        name="resize",
        preset="cpu",
        set={**TRANSLATORS, "doubling": "resize", "dropout": True, "identity": 0.0},
        data=DOMAINS,
    ),
    Variant(system="pix2pix", name="unet", set=PAIRS, data=DOMAINS),
    Variant(
        system="pix2pix",
        name="resnet",
        preset="cpu",
        set={**PAIRS, "dropout": True, "swapped": True, "objective": "least-squares"},
        data=DOMAINS,
    ),
    Variant(system="ganilla", name="paper", set={**CARRIED, "blocks": [1, 2]}, data=DOMAINS),
    Variant(
        system="ganilla",
        name="sums",
        preset="sums",
        set={**CARRIED, "blocks": [1, 1], "laterals": [0.0, 1.0], "dropout": True},
        data=DOMAINS,
    ),
    Variant(system="nicegan", name="light", set=SHARING, data=replace(DOMAINS, resolution=32)),
    Variant(
        system="nicegan",
        name="full",
        preset="full",
        set={**SHARING, "coupled": True, "cam_weight": "normalised"},
        data=replace(DOMAINS, resolution=32),
    ),
    Variant(
        system="nicegan",
        name="deep",
        set={**SHARING, "global_head": "deep", "batch": 2},
        data=replace(DOMAINS, resolution=64),
    ),
    Variant(
        system="gaugan",
        name="styled",
        preset="tiny",
        set={**SPADE, "perceptual": "self", "decay_from": 0.5},
        data=LAID_OUT,
    ),
    Variant(
        system="gaugan",
        name="plain",
        preset="tiny",
        set={**SPADE, "style": False, "norm": "instance"},
        data=LAID_OUT,
    ),
    Variant(
        system="gaugan",
        name="paper",
        preset="paper",
        set={**SPADE, "statistics": "shard", "perceptual": "random", "encoder_norm": "none"},
        data=replace(LAID_OUT, resolution=32),
    ),
)
"""Add a line here."""
