"""Every metric of pictures: what it measures, from how many, and what it is called.

To add one: a file with the mathematics, a function in `measures`, and a line in `METRICS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from progan.core.errors import ConfigError
from progan.metrics import measures
from progan.metrics.extracted import Extractor, Side
from progan.metrics.finding import Values
from progan.metrics.images import ImageSource
from progan.metrics.measures import Hears, Moves

__all__ = ["METRICS", "Hears", "Metric", "Moves", "Side", "named", "title_of"]

Measure: TypeAlias = Callable[[ImageSource, ImageSource, int, int, Hears], Values]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One way to measure, and how it is shown.

    One of `measure`, `of_features`, `of_training`, `of_model` and `of_translations` is there: what
    it looks at.
    """

    title: str
    measure: Measure | None = None
    """Pixels: (real, fake, images, seed, progress) → value by level; a single one has level ""."""
    of_features: Callable[[Side, Side, int], Values] | None = None
    """Features: (real, fake, seed) → value by level."""
    of_training: Callable[[Side, Side, Side, int], Values] | None = None
    """Features of what was trained on too: (all training pictures, reals held out of them, fake,
    seed) → value by level."""
    of_model: Callable[[Moves, Extractor, int, int, Hears], Values] | None = None
    """A generator: (it, extractor, images, seed, progress) → value by level."""
    of_translations: bool = False
    """Whether judges are asked about pictures that were translated, and about those they were made
    of: `progan.assemble.measuring.judged`."""
    images: int
    """Images of each kind in the published protocol."""
    compares: bool
    """Whether it needs two sets. If so its floor compares two disjoint draws of real images;
    if not, the value beside it is the same measurement on real images, where they have one."""
    better: Literal["lower", "higher", "real"] = "lower"
    """Where better values lie: below, above, or near that of real images."""
    falls: float | None = None
    """p, where the floor falls as n^−p; None where it does not, or not by a known law."""
    bias: str = ""
    """What few pictures do to it, in a sentence."""
    labelled: bool = False
    """Whether it asks for the classes of pictures."""
    by_channel: bool = False
    """Whether each channel of a picture is a grey picture to the extractor."""
    least: int = 2
    """Fewest images of each kind it can be had of."""
    digits: int = 4
    """Decimals shown."""

    @property
    def sees(self) -> bool:
        """Whether it needs an extractor."""
        return self.measure is None and not self.of_translations


METRICS: Mapping[str, Metric] = {
    "swd": Metric(
        title="SWD x 10³",
        measure=measures.swd,
        images=16_384,
        compares=True,
        falls=0.5,
        digits=2,
        bias="never 0: real against real falls as 1/√n",
    ),
    "msssim": Metric(
        title="MS-SSIM",
        measure=measures.likeness,
        images=20_000,
        compares=False,
        better="real",
        bias="none in n",
    ),
    "parzen": Metric(
        title="Parzen, nats",
        measure=measures.density,
        images=10_000,
        compares=True,
        better="higher",
        least=10,
        digits=1,
        bias="below the truth for perfect pictures too, more so for few of them; it rewards copies "
        "of the pictures it is tested on: test on others than were trained on",
    ),
    "fd": Metric(
        title="FD",
        of_features=measures.frechet,
        images=50_000,
        compares=True,
        falls=1.0,
        least=4,
        digits=2,
        bias="above 0 for perfect pictures too, as 1/n: compare at equal n only",
    ),
    "kd": Metric(
        title="KD x 10³",
        of_features=measures.kernel,
        images=50_000,
        compares=True,
        least=8,
        digits=2,
        bias="none: about half of the values of perfect pictures are negative",
    ),
    "mmd": Metric(
        title="MMD x 10³",
        of_features=measures.discrepancy,
        images=5_000,
        compares=True,
        least=4,
        digits=3,
        bias="none: about half of the values of perfect pictures are negative",
    ),
    "is": Metric(
        title="IS",
        of_features=measures.score,
        images=50_000,
        compares=False,
        better="real",
        digits=2,
        bias="too low for few pictures, by about (K − 1)/2n of itself for K even classes and n "
        "pictures a tenth",
    ),
    "prdc": Metric(
        title="PRDC",
        of_features=measures.shares,
        images=10_000,
        compares=True,
        better="higher",
        least=8,
        digits=3,
        bias="precision and recall rise with n: read them beside those of real pictures; density "
        "has none, and coverage is never 1",
    ),
    "agreement": Metric(
        title="Agreement",
        of_features=measures.agreement,
        images=10_000,
        compares=False,
        better="higher",
        labelled=True,
        digits=3,
        bias="none in n; the errors of the extractor are in it",
    ),
    "fd-class": Metric(
        title="FD by class",
        of_features=measures.of_classes(measures.plain_frechet),
        images=50_000,
        compares=True,
        falls=1.0,
        labelled=True,
        digits=2,
        bias="larger than FD of all, as each class has fewer pictures: compare at equal n only",
    ),
    "nn1": Metric(
        title="1-NN accuracy",
        of_features=measures.neighbour,
        images=5_000,
        compares=True,
        digits=3,
        bias="just below ½ for perfect pictures",
    ),
    "memorisation": Metric(
        title="Memorisation",
        of_training=measures.copying,
        images=10_000,
        compares=True,
        better="real",
        least=4,
        digits=3,
        bias="none in closer and copies",
    ),
    "ppl": Metric(
        title="PPL",
        of_model=measures.path,
        images=10_000,
        compares=False,
        digits=2,
        bias="none in n; 0 is a generator at a standstill",
    ),
    "stacked": Metric(
        title="Stacked",
        of_features=measures.stacked,
        images=26_000,
        compares=False,
        better="real",
        by_channel=True,
        digits=3,
        bias="KL is (K − 1)/2n for perfect pictures on K modes; the errors of the extractor are in "
        "both",
    ),
    "style": Metric(
        title="Style",
        of_translations=True,
        images=500,
        compares=False,
        better="higher",
        digits=3,
        bias="none in n; the errors of the judge are in it",
    ),
    "content": Metric(
        title="Content",
        of_translations=True,
        images=50,
        compares=False,
        better="higher",
        digits=3,
        bias="fewer pictures are easier to tell apart: compare at equal n only",
    ),
}

INCEPTION = "inception-2015-12-05"
OWN_NAMES = {"fid": "fd", "kid": "kd"}
"""What the distances are called on features of FID's own network, and on no other."""


def named(name: str, extractor: str | None) -> str:
    """The metric a user means by `name`; `fid` and `kid` are those of Inception alone.

    Raises: ConfigError where they are asked of another extractor.
    """
    if name in OWN_NAMES:
        plain = OWN_NAMES[name]
        if extractor is None or not extractor.startswith("inception"):
            raise ConfigError(
                f"{name} is measured on features of Inception only, and {extractor or 'none'} was "
                f"named. Type: --metrics {name} --extractor inception, or for the same distance on "
                f"other features: --metrics {plain} --extractor effnet-lite0"
            )
        return plain
    return name


def title_of(name: str, extractor: str = "none") -> str:
    """How a metric is called on features of an extractor: FID on Inception's, else FD-effnet, …"""
    metric = METRICS[name]
    if not metric.sees or extractor == "none":
        return metric.title
    own = {plain: own.upper() for own, plain in OWN_NAMES.items()}
    head, _, rest = metric.title.partition(" ")
    if extractor.startswith(INCEPTION) and metric.of_model is None:
        head = own.get(name, head)
    else:  # the published path length rests on LPIPS, and on no other network
        head = f"{head}-{extractor.partition('-')[0].partition(':')[0]}"
    return f"{head} {rest}".strip()
