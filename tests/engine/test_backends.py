"""Backends agree with float32 within their tolerance, and the fastest is chosen by measurement."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import progan
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.engine import backends, choice
from progan.engine.backends import BACKENDS, TOLERANCES, Plain, Tolerance, batch_for, fixed, present
from progan.engine.choice import choose
from progan.engine.preview import draw_seeds, generate
from progan.networks.folded import FoldedGenerator
from progan.systems.registry import load_config_class, load_system_class

CPU = torch.device("cpu")
SPEC = DataSpec(resolution=16, channels=3, classes=0, images=9)


def make(name: str = "progan", spec: DataSpec = SPEC, **settings: Any) -> System[Any]:
    torch.manual_seed(2)
    if name == "progan":
        settings = {"fmap_base": 128, "fmap_max": 16, "latent_size": 8, **settings}
    config = load_config_class(name)(**settings)
    return load_system_class(name)(config, spec).eval()


def last(system: System[Any]) -> Progress:
    plan = system.plan()
    return plan.at(plan.images, 0)


def loud(system: System[Any]) -> System[Any]:
    """The system with the generator's last layer fifty times as strong: it draws from the start."""
    with torch.no_grad():
        list(system.generator.parameters())[-2].mul_(50)  # type: ignore[union-attr]
    return system


SYSTEMS: dict[str, Callable[[], System[Any]]] = {
    "progan": make,
    "progan with classes": lambda: make(
        spec=DataSpec(resolution=16, channels=1, classes=3, images=9), condition="ac-gan"
    ),
    "progan modes": lambda: make(network="modes"),
    "gan": lambda: loud(make("gan")),
}


def exact(system: System[Any], latents: dict[str, torch.Tensor]) -> np.ndarray:
    """Each picture alone."""
    count = len(latents["z"])
    rows = ({name: value[i : i + 1] for name, value in latents.items()} for i in range(count))
    return np.concatenate([next(iter(generate(system, row, last(system)))) for row in rows])


@pytest.mark.parametrize("kind", SYSTEMS)
@pytest.mark.parametrize("name", ["eager-fp32", "eager-bf16"])
def test_eager_pictures_agree_with_those_made_alone(kind: str, name: str) -> None:
    system = SYSTEMS[kind]()
    latents = draw_seeds(system, range(8))
    backend = backends.build(name, system, last(system), 8, latents)
    made, alone = backend(latents), exact(system, latents)
    assert made.shape == alone.shape
    assert made.std() > 5  # there is something to see
    assert TOLERANCES[BACKENDS[name].precision].accepts(made, alone)
    assert np.array_equal(backend(latents), made)


def test_the_growing_generator_is_folded_and_others_are_taken_as_they_are() -> None:
    assert isinstance(fixed(make(), last(make())), FoldedGenerator)
    for kind in ("progan modes", "gan"):
        assert isinstance(fixed(SYSTEMS[kind](), last(SYSTEMS[kind]())), Plain)


@pytest.mark.skipif(
    not any(name.startswith("compile") for name in present(CPU)), reason="no C++ compiler"
)
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in present(CPU) if name.startswith("compile")])
def test_compiled_pictures_agree(name: str) -> None:
    agrees_apart(name, {})  # what checks shapes in tests cannot be compiled


def agrees_apart(name: str, environment: dict[str, str]) -> None:
    """`agrees` in a process of its own, as users have it: without what checks shapes in tests."""
    script = f"import test_backends; test_backends.agrees({name!r})"
    places = os.pathsep.join(
        [str(Path(progan.__file__).parents[1]), *map(str, Path(__file__).parents[:2])]
    )
    around = {**os.environ, "PYTHONPATH": places, "CI": "false", **environment}
    subprocess.run([sys.executable, "-c", script], env=around, check=True)


WITH_OPENVINO = pytest.mark.skipif(find_spec("openvino") is None, reason="no OpenVINO")


@WITH_OPENVINO
@pytest.mark.parametrize("name", ["openvino-fp32", "openvino-bf16"])
def test_openvino_pictures_agree(name: str) -> None:
    if name not in present(CPU):
        pytest.skip("no bfloat16 here")
    agrees(name)


@WITH_OPENVINO
def test_openvino_sends_nothing_and_leaves_the_home_folder_alone(tmp_path: Path) -> None:
    agrees_apart("openvino-fp32", {"HOME": str(tmp_path)})
    assert not list(tmp_path.iterdir())


def agrees(name: str) -> None:
    system = make()
    chosen = choose(system, last(system), 8, name=name).backend
    latents = draw_seeds(system, range(chosen.batch))
    reference = choose(system, last(system), 8, name="eager-fp32").backend
    assert chosen.name == name
    tolerance = TOLERANCES[BACKENDS[name].precision]
    assert tolerance.accepts(chosen(latents), reference(latents))


@pytest.mark.parametrize(
    ("values", "levels", "accepted"),
    [
        (0, 0, True),
        (19, 1, True),  # of 2,000 values: rms √(19/2000) = 0.097
        (21, 1, False),  # 0.102
        (2, 2, True),  # rms √(8/2000) = 0.063, and one value in a thousand
        (3, 2, False),  # 0.077, but more than that
    ],
)
def test_a_tolerance_bounds_the_mean_and_all_but_a_thousandth(
    values: int, levels: int, accepted: bool
) -> None:
    reference = np.full((2, 1, 20, 50), 255, np.uint8)
    made = reference.copy()
    made.reshape(-1)[:values] -= levels
    assert TOLERANCES["fp32"].accepts(made, reference) is accepted
    assert not Tolerance(255, 255).accepts(made[:1], reference)


def test_batches_are_powers_of_two_that_fit_the_cache() -> None:
    network = fixed(make(), last(make()))
    # the largest layer: 8·4·128/2³... channels at 16 px, whatever they are, in float32
    widest = max(16 * 16 * network.layers[-1].out_channels, 8 * 8 * network.layers[-3].out_channels)
    assert network.values == max(widest, 4 * 4 * 16)
    for values, batch in ((2**20, 8), (2**20 + 1, 4), (2**23, 1), (2**30, 1), (1, 256)):
        network.values = values
        assert batch_for(network, CPU) == batch


# The choice -----------------------------------------------------------------------------------


class Clock:
    """A time that goes on only when a backend works."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Backends that take the seconds a test says, and may fail or lie."""
    world: dict[str, Any] = {"clock": Clock(), "tried": [], "seconds": {}, "fails": {}, "lies": {}}

    def build(name: str, system: Any, at: Any, batch: int, latents: Any) -> Any:
        world["tried"].append(name)
        if name in world["fails"]:
            warnings.warn("compilers talk", stacklevel=1)
            raise world["fails"][name]

        class Slow:
            def __call__(self, latents: Any) -> np.ndarray:
                world["clock"].now += world["seconds"].get(name, 1.0)
                return np.full((batch, 3, 2, 2), 100 + world["lies"].get(name, 0), np.uint8)

        slow = Slow()
        slow.name, slow.batch = name, batch  # type: ignore[attr-defined]
        return slow

    monkeypatch.setattr(choice, "build", build)
    monkeypatch.setattr(choice, "present", lambda device: tuple(BACKENDS))
    monkeypatch.setattr(choice, "batch_for", lambda network, device: 8)
    return world


def chosen(world: dict[str, Any], images: int, name: str | None = None) -> choice.Choice:
    system = make()
    return choose(system, last(system), images, name=name, clock=world["clock"])


def test_the_fastest_is_taken(world: dict[str, Any]) -> None:
    world["seconds"] = dict.fromkeys(BACKENDS, 8.0) | {"openvino-bf16": 1.0, "compile-bf16": 2.0}
    found = chosen(world, 100_000)
    assert found.backend.name == "openvino-bf16"
    assert found.rates["eager-fp32"] == 1.0  # 8 pictures in 8 seconds
    assert found.rates["openvino-bf16"] == 8.0
    assert set(found.rates) == set(BACKENDS)


def test_what_is_slow_to_make_is_tried_only_when_it_can_pay(world: dict[str, Any]) -> None:
    world["seconds"] = dict.fromkeys(BACKENDS, 1.0)  # 8 pictures a second
    for images, most in ((16, "eager-fp32"), (80, "eager-bf16"), (800, "openvino-bf16")):
        world["tried"].clear()
        chosen(world, images)
        assert world["tried"][-1] == most  # 10 × 5 s = 400 pictures; 10 × 20 s = 1,600
    chosen(world, 1_700)
    assert world["tried"][-1] == "compile-bf16"


def test_what_fails_or_draws_other_pictures_is_left_out_with_a_note(world: dict[str, Any]) -> None:
    world["seconds"] = {"openvino-fp32": 0.1, "openvino-bf16": 0.1, "compile-bf16": 0.1}
    world["fails"] = {"compile-bf16": RuntimeError("no\n  compiler")}
    world["lies"] = {"openvino-bf16": 3, "openvino-fp32": 2}
    found = chosen(world, 100_000)
    assert found.backend.name in ("eager-fp32", "eager-bf16", "compile-fp32")
    assert len(found.notes) == 3
    assert (
        "openvino-fp32 are further than 0.1 levels rms, or one value in a thousand further than 1"
        in found.notes[0]
    )
    assert "compile-bf16 does not work here (RuntimeError: no compiler)" in found.notes[2]


def test_one_named_is_taken_or_refused_but_never_replaced(world: dict[str, Any]) -> None:
    assert chosen(world, 8, "compile-bf16").backend.name == "compile-bf16"
    assert world["tried"] == ["eager-fp32", "compile-bf16"]
    world["lies"] = {"eager-bf16": 9}
    with pytest.raises(ConfigError, match="further than 2 levels rms"):
        chosen(world, 8, "eager-bf16")
    with pytest.raises(ConfigError, match=r'backend is "eager".*one of eager-fp32'):
        chosen(world, 8, "eager")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("openvino-bf16", r"pip install progan\[fast\]"),
        ("eager-bf16", "bfloat16 in hardware"),
        ("compile-fp32", "a C.. compiler"),
        ("eager-fp23", "Did you mean eager-fp32"),
    ],
)
def test_one_that_is_not_here_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setattr(choice, "present", lambda device: ("eager-fp32",))
    with pytest.raises(ConfigError, match=words):
        choose(make(), last(make()), 8, name=name)


def test_present_are_those_the_machine_has_what_it_takes_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backends, "has_bf16", lambda device: False)
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    monkeypatch.setattr(backends.shutil, "which", lambda name: None)
    assert present(CPU) == ("eager-fp32",)
    monkeypatch.setattr(backends.shutil, "which", lambda name: "/usr/bin/g++")
    assert present(CPU) == ("eager-fp32", "compile-fp32")
    monkeypatch.setattr(backends, "has_bf16", lambda device: True)
    monkeypatch.setattr(backends, "find_spec", lambda name: object())
    assert present(CPU) == tuple(BACKENDS)
    assert "openvino-bf16" not in present(torch.device("cuda"))
