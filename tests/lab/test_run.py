from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.data.toy import Mixture
from progan.lab.run import _as_long, answer, lookup_exhibit, prepare


def test_a_game_leaves_a_page_a_film_and_its_numbers(tmp_path: Path) -> None:
    prepared = prepare("relativistic", "grid", steps=4)
    shown = prepared.play(tmp_path, command_line="progan lab …")
    assert prepared.lesson.title == "Relativistic pairs with R1 and R2"
    assert {path.name for path in tmp_path.iterdir()} == {
        *("lab.html", "film.webp", "last.png", "numbers.json")
    }
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert numbers["steps"] == 4
    assert isinstance(shown.record.world, Mixture)
    assert "progan lab …" in shown.page.read_text()


def test_steps_count_generator_updates_however_often_the_critic_moves(tmp_path: Path) -> None:
    shown = prepare("wgan_gp", "ring", steps=3).play(tmp_path, command_line="")
    assert shown.numbers["steps"] == 3
    assert shown.record.moments[-1].images == 3 * 5 * 256


def test_earlier_stages_keep_their_share_of_another_length() -> None:
    def stage(name: str, images: int) -> Stage:
        return Stage(name=name, images=images, resolution=1, batch=10)

    plan = Plan((stage("pretrain", 500), stage("train", 2_000)))
    assert [s.images for s in _as_long(plan, 10, 100).stages] == [250, 1_000]


def test_points_on_the_line_come_from_one_latent_number(tmp_path: Path) -> None:
    shown = prepare("least-squares", "gaussians1d", steps=2).play(tmp_path, command_line="")
    assert shown.record.moments[-1].threads is not None


def test_networks_for_pictures_are_refused() -> None:
    with pytest.raises(ConfigError, match="points are for toy"):
        prepare("minimax", "ring", sets=["network=mlp"])


def test_an_exhibit_leaves_a_page_with_its_answer_and_its_numbers(tmp_path: Path) -> None:
    asked = lookup_exhibit("saturation")
    outcome = answer(asked, tmp_path, command_line="progan lab --exhibit saturation")
    page = outcome.page.read_text()
    assert outcome.holds
    assert "22,026 times as hard" in page
    found = json.loads((tmp_path / "finding.json").read_text())
    assert found["numbers"]["minimax"]["holds"] is True
    assert "22,026 times as hard" in found["answer"]
    for name in found["figures"].values():
        drawn = ElementTree.parse(tmp_path / name).getroot()
        assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
        assert "non-saturating" in "".join(drawn.itertext())
    assert found["numbers"]["minimax"]["value"] == pytest.approx(4.54e-5, rel=1e-3)


def test_an_unknown_exhibit_is_told_what_may_have_been_meant() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean saturation\?"):
        lookup_exhibit("saturatoin")


def test_the_index_leads_to_every_page_it_names(tmp_path: Path) -> None:
    from PIL import Image

    from progan.lab.gallery import Card, write_index

    Image.new("RGB", (40, 60), "tan").save(tmp_path / "last.png")
    cards = [
        Card(title="One", words="first words", page="one/lab.html"),
        Card(title="Two", words="", page="two/lab.html", still=tmp_path / "last.png"),
    ]
    page = write_index(tmp_path, {"Questions": cards}, "progan lab --all").read_text()
    assert page.count("<article") == 2
    for words in ('href="one/lab.html"', 'href="two/lab.html"', "first words", "data:image/webp"):
        assert words in page


@pytest.mark.parametrize(
    ("game", "data"), [("projection", "corners"), ("cgan", "spiral"), ("infogan", "ring")]
)
def test_games_with_labels_and_codes_play_on_every_kind_of_label(
    game: str, data: str, tmp_path: Path
) -> None:
    shown = prepare(game, data, steps=2).play(tmp_path, command_line="")
    assert shown.record.moments[-1].field is not None
    assert shown.record.moments[-1].pushes is not None


def test_a_game_of_labels_needs_a_world_that_has_them() -> None:
    with pytest.raises(ConfigError, match="needs labels"):
        prepare("cgan", "gaussian1d")
