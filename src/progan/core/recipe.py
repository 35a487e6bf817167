"""A recipe as records: what to train, on which pictures, how long, and what differs.

The text form and its reading stand in `progan.core.config`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Stage, height_width

__all__ = ["DataSettings", "Recipe", "TrainSettings"]


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which pictures, and how they are made square and equal."""

    source: str = "portraits"
    """Name of a packaged set, or path of a folder, zip, npz or IDX file."""
    resolution: int | None = None
    """Side of the largest pictures, in pixels; null chooses one that suits pictures and device."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for colour; null keeps what is found."""
    mirror: bool = False
    """Whether each picture is also shown mirrored."""
    crop: Literal["centre", "pad", "whole"] = "centre"
    """How a picture becomes square: cut to its centre, or padded. whole: not at all, for systems
    that learn from one picture."""
    background: Literal["white", "black", "grey"] = "white"
    """What stands under transparency and in padding."""
    labels: Literal["auto", "none"] | str | tuple[str, ...] = "auto"
    """Where labels come from: subfolders or the set itself (auto), nowhere (none), or columns of
    the table beside the pictures: a name alone for classes or one number, a list for several."""
    captions: Literal["auto", "found", "files", "none"] | str = "auto"
    """Where captions come from: auto finds them for systems that take them, found for all, in the
    table beside the pictures or a .txt beside each (files); or the name of a column, or none."""
    vectors: Literal["own", "minilm"] | str = "own"
    """What turns captions into vectors: a network of the system's own, all-MiniLM-L6-v2 (needs
    progan[text]), or a file of vectors that has every caption, .npz or .csv."""
    images: int | None = None
    """Use so many pictures, spread evenly over the source; null uses all."""
    landmarks: str | None = None
    """File of landmarks: each picture of a folder is cut to its face, upright, as CelebA-HQ is."""
    second: str | None = None
    """Where the second domain's pictures lie, or the layouts: a packaged set, or a path; null where
    `source` holds both."""
    domains: Literal["auto", "unpaired", "paired", "layouts"] = "auto"
    """How two domains go together: not at all, picture by picture, or as pictures and class maps;
    auto: as the system takes them."""
    held_out: float = 0.05
    """Share of two domains' pictures that is measured and never trained on, where they come without
    a test part."""
    jitter: bool = False
    """Whether pictures of two domains are enlarged by 286/256 and cut back at a random place."""

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise ConfigError(
                "data.source is empty; it must be a packaged set or a path. "
                "Type: --set data.source=portraits"
            )
        if self.resolution is not None and (
            not 4 <= self.resolution <= 1024 or self.resolution & (self.resolution - 1)
        ):
            best = 2 ** round(math.log2(min(max(self.resolution, 4), 1024)))
            raise ConfigError(
                f"data.resolution is {self.resolution}; it must be a power of two from 4 to 1024, "
                f"or null to choose. Type: --set data.resolution={best}"
            )
        _at_least(1, "data.images", self.images)
        if self.second is not None and not self.second.strip():
            raise ConfigError(
                "data.second is empty; it must be a packaged set, a path, or null. "
                "Type: --set data.second=null"
            )
        if not 0 <= self.held_out <= 0.5:
            raise ConfigError(
                f"data.held_out is {self.held_out}; it must be a share from 0 to 0.5. "
                "Type: --set data.held_out=0.05"
            )
        if not self.captions.strip():
            raise ConfigError(
                "data.captions is empty; it must be auto, found, files, none, or the name of a "
                "column. Type: --set data.captions=auto"
            )
        if not self.vectors.strip():
            raise ConfigError(
                "data.vectors is empty; it must be own, minilm, or a file of captions' vectors. "
                "Type: --set data.vectors=own"
            )
        names = [self.labels] if isinstance(self.labels, str) else list(self.labels)
        if not names or not all(name.strip() for name in names) or len({*names}) < len(names):
            raise ConfigError(
                f"data.labels is {_cut(names)}; it must be auto, none, the name of a column, or a "
                "list of different names. Type: --set data.labels=auto"
            )


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How the run is carried out: none of it belongs to a paper."""

    seed: int = 0
    """Of every draw of the run."""
    shards: int | None = None
    """Parts each batch is cut into, which are part of the result, unlike the number of processes;
    null takes one for each process that begins the run."""
    device: str = "auto"
    """auto, cpu, cuda, or cuda:N for one of several."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the arithmetic; weights are always kept in fp32. fp16 is for GPUs that have no bf16."""
    tf32: bool = False
    """Whether a GPU may round the factors of fp32 products to TF32, which keeps 10 bits of 23."""
    compile: bool = False
    """Whether losses and gradients are compiled by torch.compile: for GPUs. A compiled run that is
    resumed goes on, but perhaps not in the same bits."""
    threads: int | None = None
    """Threads on a CPU; null measures which number is fastest."""
    micro_batch: int | Mapping[int, int] | None = None
    """Most pictures per backward pass: one number, or by resolution; what is not said is chosen
    so that it fits into memory, all at once if it can."""
    checkpoint_activations: bool = False
    """Whether blocks of the networks keep only their input for the gradient, and are computed
    again for it: less memory, more time, the same numbers."""
    minutes: float | None = None
    """Fit the plan to so many minutes of wall clock, report included."""
    images: int | None = None
    """Scale the plan to so many real images in total."""
    until: int | None = None
    """End after so many real images although the plan goes on; a run that met its time says so."""
    exact: bool = False
    """One thread: the same bits on machines with other numbers of cores, at some cost of time."""
    previews: int = 64
    """Pictures in the grid."""
    log_every: int = 20
    """Steps between two lines of metrics.jsonl."""

    def __post_init__(self) -> None:
        _at_least(0, "train.seed", self.seed)
        if self.seed >= 2**63:
            raise ConfigError(
                f"train.seed is {_cut(self.seed)}; it must be below 2⁶³. Type: --set train.seed=0"
            )
        if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", self.device):
            raise ConfigError(
                f"train.device is {_cut(self.device)!r}; it must be auto, cpu, cuda, or cuda:N "
                "for the N-th. Type: --set train.device=auto"
            )
        for name in ("shards", "threads", "images", "until", "previews", "log_every"):
            _at_least(1, f"train.{name}", getattr(self, name))
        if isinstance(self.micro_batch, Mapping):
            for resolution, size in self.micro_batch.items():
                _at_least(1, f"train.micro_batch.{resolution}", size)
        else:
            _at_least(1, "train.micro_batch", self.micro_batch)
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ConfigError(
                f"train.minutes is {self.minutes}; it must be above 0, or null for the whole plan. "
                "Type: --minutes 10"
            )
        if self.minutes is not None and self.images is not None:
            raise ConfigError(
                f"train.minutes is {self.minutes:g} and train.images is {self.images}; the length "
                "follows from one of them. Set the other to null: --set train.images=null"
            )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run, said in full by what differs from the defaults."""

    system: str = "progan"
    """Name of the system: progan describe lists them."""
    preset: str | None = None
    """One of the system's named groups of settings; null takes its first."""
    data: DataSettings = field(default_factory=DataSettings)
    """The pictures."""
    train: TrainSettings = field(default_factory=TrainSettings)
    """The run."""
    set: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the system that differ from the preset, nested or dotted."""
    plan: tuple[Stage, ...] | None = None
    """Stages that take the place of the system's own plan."""
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each value was said, by dotted key: 'recipe.yaml line 4'. For messages only."""

    def __post_init__(self) -> None:
        if self.plan is not None and not self.plan:
            raise ConfigError(
                "plan has no stages; give at least one, or null for the system's own. "
                "Without it: --set plan=null"
            )
        for index, stage in enumerate(self.plan or ()):
            _at_least(0, f"plan.{index}.images", stage.images)
            _at_least(1, f"plan.{index}.batch", stage.batch)
            for side in height_width(stage.resolution):
                _at_least(1, f"plan.{index}.resolution", side)


def _at_least(least: int, key: str, value: int | None) -> None:
    if value is not None and value < least:
        example = "plan=null" if key.startswith("plan.") else f"{key}={least}"
        raise ConfigError(
            f"{key} is {_cut(value)}; it must be at least {least}. For example: --set {example}"
        )


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"
