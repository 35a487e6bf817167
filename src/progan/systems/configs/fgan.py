"""Settings of f-GAN, and its presets. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from progan.systems.configs.duel import TOY, TOY_HELP, DuelConfig

__all__ = ["FGANConfig"]


@dataclass(frozen=True, kw_only=True)
class FGANConfig(DuelConfig):
    """The game of an f-divergence; the networks are DCGAN's, or the paper's dense ones."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "dcgan": {},
        "mnist": {
            "saturating": True,
            "network": "mlp",
            "batch": 4096,
            "images": 4096 * 12_000,
        },
        "cpu": {"width": 32, "images": 400_000},
        "toy": {
            **TOY,
            "saturating": True,
            "optimizer": {"kind": "Adam", "lr": 5e-4, "betas": [0.5, 0.9]},
        },
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "dcgan": "natural pictures: DCGAN's networks, and the generator's loss of section 3.2",
        "mnist": "the paper's dense networks, batch 4096",
        "cpu": "dcgan at half the width, minutes on a CPU",
        "toy": TOY_HELP,
    }

    divergence: str = "kl"
    """kl, reverse-kl, pearson, neyman, hellinger, jeffrey, js, gan, total-variation, weighted-js,
    or with a number: weighted-js=0.3, alpha=0.5."""
    saturating: bool = False
    """Whether the generator lowers the bound itself, as theory has it, or −E[T(v)], as section 3.2
    of the paper advises: on pictures the bound alone soon teaches nothing."""
    simultaneous: bool = True
    """Whether both players move at once, on one evaluation (algorithm 1), or in turns."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.simultaneous:
            self.penalty.refuse_at_once(self.critic_steps)

    @property
    def objective(self) -> str:
        """The objective's name in the table."""
        base, equals, numbers = self.divergence.partition("=")
        form = "" if self.saturating else ":non-saturating"
        return f"fgan:{base}{form}{equals}{numbers}"
