"""Pictures of any size through a network that takes only some: padded, in tiles, or resized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from progan.assemble.models.passes import in_one, in_tiles, through_square
from progan.assemble.models.translator import load_translator
from progan.core.errors import ConfigError
from progan.engine.preview import columns_of, painted, preview_rows
from small_translator import train_two


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Strict:
    """Takes multiples of 8 only, and remembers what came."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        assert height % 8 == 0
        assert width % 8 == 0
        self.seen.append((height, width))
        return -image


@pytest.mark.parametrize(("height", "width"), [(8, 16), (9, 15), (1, 1), (3, 40), (2, 1), (17, 3)])
def test_any_size_comes_back_as_it_went(height: int, width: int) -> None:
    image = picture(height, width)
    torch.testing.assert_close(in_one(Strict(), image, 8), -image, rtol=0, atol=0)


def test_padding_reflects() -> None:
    seen: list[Tensor] = []

    def network(image: Tensor) -> Tensor:
        seen.append(image)
        return image

    image = picture(4, 6)
    in_one(network, image, 8)
    torch.testing.assert_close(seen[0][:, :, 4:7, :6], image.flip(2)[:, :, 1:])


@pytest.mark.parametrize(("height", "width"), [(100, 70), (64, 200), (65, 64), (64, 64)])
def test_tiles_of_a_local_network_give_the_picture_at_once(height: int, width: int) -> None:
    image, network = picture(height, width), Strict()
    made = in_tiles(network, image, 8, tile=64)
    torch.testing.assert_close(made, -image, rtol=0, atol=1e-6)
    assert max(max(size) for size in network.seen) <= 64


def test_no_seam_shows_where_tiles_meet() -> None:
    numbers = iter(range(100))
    made = in_tiles(lambda image: torch.full_like(image, next(numbers)), picture(64, 120), 8, 64)
    steps = made[0, 0, 0].diff().abs()
    assert made[0, 0, 0, 0] == 0
    assert made[0, 0, 0, -1] == 1
    assert float(steps.max()) <= 1 / 7  # evenly over an overlap of 8


def test_a_fixed_network_sees_its_own_size() -> None:
    network = Strict()
    made = through_square(network, picture(20, 50), 16)
    assert network.seen == [(16, 16)]
    assert made.shape == (1, 3, 20, 50)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_two(tmp_path_factory.mktemp("translator"), images=8).path


def test_directions_are_called_by_name_or_by_what_comes_out(run: Path) -> None:
    model = load_translator(run)
    assert model.way().direction.name == "ab"
    for words in ("ba", "portraits", "portraits-ink-portraits", "portraits-ink2portraits"):
        assert model.way(words).direction.name == "ba"
    with pytest.raises(ConfigError, match="Did you mean portraits-ink"):
        model.way("portrait-ink")


def test_pictures_that_do_not_fit_are_one_clear_error(run: Path) -> None:
    model = load_translator(run)
    with pytest.raises(ConfigError, match="give uint8, h w c"):
        model.translate(np.zeros((8, 8, 3), np.float32))
    with pytest.raises(ConfigError, match="without a choice of style"):
        model.random_styles(2)


def test_pictures_of_several_sizes_come_as_a_list(run: Path) -> None:
    sizes = [(16, 16, 3), (21, 9, 3), (5, 5, 1)]
    made = load_translator(run).translate([np.zeros(size, np.uint8) for size in sizes])
    assert [one.shape for one in made] == [(16, 16, 3), (21, 9, 3), (5, 5, 3)]


def test_previews_stand_in_rows_and_leave_the_system_as_it_was(run: Path) -> None:
    model = load_translator(run)
    system = model.system.train()
    modes = [module.training for module in system.modules()]
    before = {name: value.clone() for name, value in system.state_dict().items()}
    real = picture(16, 16), picture(16, 16, 1)
    from progan.core.batch import Unpaired

    batch = Unpaired(real[0].expand(2, -1, -1, -1), real[1].expand(2, -1, -1, -1))
    rows = preview_rows(system, lambda numbers, resolution: batch, model.moment, 2)
    assert set(rows) == {"ab", "ba"}
    assert rows["ab"].shape == (6, 3, 16, 16)  # real, translated, back; twice
    np.testing.assert_array_equal(rows["ab"][0], rows["ab"][3])
    assert columns_of(system, rows["ab"]) == 3
    assert [module.training for module in system.modules()] == modes
    for name, value in system.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_layouts_are_painted_in_the_colours_of_their_classes() -> None:
    class Data:
        layout_colours = ((255, 0, 0), (0, 0, 255))

    layout = torch.zeros(1, 3, 1, 3)  # two classes and edges
    layout[0, 0, 0, 0] = layout[0, 1, 0, 1] = layout[0, 2, 0, 1] = 1
    image = painted(layout, Data())
    assert image[0, :, 0].T.tolist() == [[1, -1, -1], [-1, -1, 1], [-1, -1, -1]]
