"""The file format of a system: names and shapes of all that its checkpoints hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract.variants import Variant

__all__ = ["golden_file", "names_of", "read", "write"]

GOLDEN = Path(__file__).parents[1] / "golden" / "names"


def golden_file(variant: Variant) -> Path:
    """Where a variant's names are stored."""
    return GOLDEN / f"{variant.id.replace('*', '-star')}.json"


def names_of(variant: Variant) -> dict[str, Any]:
    """Tensor → type and shape, of everything saved after one step; players; what is averaged."""
    trainer = variant.trainer(steps=1)
    trainer.step()
    tensors = sorted(trainer.state().tensors.items())
    return {
        "players": sorted(trainer.players),
        "averaged": sorted(trainer.system.averaged),
        "tensors": {
            name: " ".join([str(value.dtype).removeprefix("torch."), *map(str, value.shape)])
            for name, value in tensors
        },
    }


def read(variant: Variant) -> dict[str, Any]:
    """What is stored."""
    stored: dict[str, Any] = json.loads(golden_file(variant).read_text())
    return stored


def write(variant: Variant) -> Path:
    """Store what is."""
    path = golden_file(variant)
    path.write_text(json.dumps(names_of(variant), indent=1) + "\n")
    return path
