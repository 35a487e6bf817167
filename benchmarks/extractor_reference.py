"""Features of the public networks on random weights: what our own networks must agree with.

    pip install --no-deps torch-fidelity==0.4.0 pytorch-fid==0.3.0 \
        efficientnet-lite-pytorch==0.1.0 torchvision==0.28.0 tqdm
    python benchmarks/extractor_reference.py tests/golden/extractor_reference.json

Run it in an environment of its own; nothing of theirs is here. Pictures and weights follow the two
rules below, which the test shares: each tensor is drawn by numpy's RandomState, whose stream is
frozen for good, from a seed that is the checksum of its name. The public weights are not needed.
"""

from __future__ import annotations

import json
import sys
import types
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SHOWN = 64
"""Features stored of each picture, beside sums over all."""


def random_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Weights by name that keep activations of order one through many layers.

    Kernels and matrices: uniform with variance 2 / inputs. Variances and scales: 0.5 … 1.5.
    Biases and means: −0.1 … 0.1.
    """
    state = {}
    for name, shape in shapes.items():
        drawn = np.random.RandomState(zlib.crc32(name.encode())).random_sample(shape)
        if len(shape) > 1:
            drawn = (2 * drawn - 1) * np.sqrt(6 / np.prod(shape[1:]))
        elif name.endswith("running_var") or (name.endswith("weight") and "bn" in name):
            drawn = 0.5 + drawn
        else:
            drawn = 0.2 * (drawn - 0.5)
        state[name] = torch.from_numpy(drawn.astype(np.float32))
    return state


def pictures(kind: str) -> NDArray[np.uint8]:
    """Two pictures n c h w: noise on waves. Small ones are enlarged, large ones made smaller."""
    height, width = {"small": (32, 40), "large": (340, 310)}[kind]
    drawn = np.random.RandomState(zlib.crc32(kind.encode()))
    y, x = np.mgrid[:height, :width]
    rates = drawn.random_sample((2, 3, 2, 1, 1)) * 0.5
    waves = np.sin(rates[:, :, 0] * y + rates[:, :, 1] * x) * 90
    noise = drawn.random_sample((2, 3, height, width)) * 70
    return np.clip(np.rint(128 + waves + noise - 35), 0, 255).astype(np.uint8)


def summary(features: Tensor, logits: Tensor) -> dict[str, Any]:
    """The first numbers of each row, and its mean and mean square."""
    rows = {"features": features.double(), "logits": logits.double()}
    return {
        **{name: [[float(v) for v in row[:SHOWN]] for row in all_] for name, all_ in rows.items()},
        **{f"{name} mean": all_.mean(1).tolist() for name, all_ in rows.items()},
        **{f"{name} square": all_.square().mean(1).tolist() for name, all_ in rows.items()},
    }


def shapes_of(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes, without counters of batches."""
    state = network.state_dict()
    return {n: tuple(t.shape) for n, t in state.items() if not n.endswith("num_batches_tracked")}


def _torch_fidelity(images: Tensor) -> dict[str, Any]:
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    def no_weights(*given: object, **options: object) -> Mapping[str, Tensor]:
        return {}

    theirs.load_state_dict_from_url = no_weights
    kept = torch.nn.Module.load_state_dict
    torch.nn.Module.load_state_dict = lambda self, state: None
    network = theirs.FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"])
    torch.nn.Module.load_state_dict = kept
    network.load_state_dict(random_weights(shapes_of(network)), strict=False)
    return summary(*network(images))


def _pytorch_fid(images: Tensor) -> dict[str, Any]:
    import pytorch_fid.inception as theirs

    wanted: dict[str, Any] = {}

    def random_state(*given: object, **options: object) -> Mapping[str, Tensor]:
        return random_weights(wanted)

    # its own function asks for the weights of a network that it has just built
    kept = torch.nn.Module.load_state_dict

    def load(self: torch.nn.Module, state: object) -> None:
        kept(self, random_weights(shapes_of(self)), strict=False)
        wanted["fc"] = self.fc.weight

    theirs.load_state_dict_from_url = random_state
    torch.nn.Module.load_state_dict = load
    network = theirs.InceptionV3([3]).eval()
    torch.nn.Module.load_state_dict = kept
    (features,) = network(images.float() / 255)
    features = features.flatten(1)
    return summary(features, features @ wanted["fc"].T)


def _efficientnet(images: Tensor) -> dict[str, Any]:
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(random_weights(shapes_of(network)), strict=False)
    x = (images[:, :, :224, :224].float() - 127) / 128
    features = network.extract_features(x).mean((2, 3))
    return summary(features, network(x))


def main(to: Path) -> None:
    """Write the features of all three."""
    # its registrations ask for compiled operators, which networks do not need
    sys.modules.setdefault(
        "torchvision._meta_registrations", types.ModuleType("torchvision._meta_registrations")
    )
    with torch.no_grad():
        found = {
            "torch-fidelity 0.4.0": {
                kind: _torch_fidelity(torch.from_numpy(pictures(kind)))
                for kind in ("small", "large")
            },
            "pytorch-fid 0.3.0": {
                kind: _pytorch_fid(torch.from_numpy(pictures(kind))) for kind in ("small", "large")
            },
            "efficientnet-lite-pytorch 0.1.0": {
                "large": _efficientnet(torch.from_numpy(pictures("large")))
            },
        }
    head = {"made by": "benchmarks/extractor_reference.py", "torch": torch.__version__}
    to.write_text(json.dumps({**head, **found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
