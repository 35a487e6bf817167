from __future__ import annotations

from typing import Any

import pytest

from progan.core.comparison import Question, parse_comparison, slug_of
from progan.core.errors import ConfigError
from progan.core.yaml_text import write_yaml

TEXT = """\
title: Who draws better
data: {source: fashion-mnist, resolution: 32}
train: {minutes: 10}
seeds: [3, 1]
metrics: [swd]
images: 512
contestants:
  ProGAN: {system: progan, preset: cpu}
  A GAN: {system: gan, train: {minutes: 5}, set: {width: 16}}
questions:
  - {lower: ProGAN, than: A GAN, metric: swd, level: 16, words: Better outlines}
"""


def test_contestants_share_what_the_comparison_says_and_add_their_own() -> None:
    found = parse_comparison(TEXT, "duel.yaml")
    first, second = found.recipe("ProGAN", 3), found.recipe("A GAN", 1)
    assert (first.system, first.preset, first.train.minutes, first.train.seed) == (
        *("progan", "cpu", 10, 3),
    )
    assert (second.train.minutes, second.train.seed, second.set) == (5, 1, {"width": 16})
    assert {r.data.resolution for r in (first, second)} == {32}
    assert (found.metrics, found.images, found.title) == (("swd",), 512, "Who draws better")
    assert found.questions == (
        Question(lower="ProGAN", than="A GAN", metric="swd", level="16", words="Better outlines"),
    )


def test_seed_follows_seed_and_not_contestant_contestant() -> None:
    found = parse_comparison(TEXT, "duel.yaml")
    assert found.trainings() == [("ProGAN", 3), ("A GAN", 3), ("ProGAN", 1), ("A GAN", 1)]


def test_what_is_not_said_has_its_usual_value() -> None:
    found = parse_comparison("contestants: {A: {}, B: {system: gan}}", "b.yaml")
    assert (found.seeds, found.metrics, found.images) == ((0, 1, 2), None, None)
    assert (found.title, found.contestants["A"].system) == ("A and B", "progan")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contestants": {"A": {}}}, "two to 100 names"),
        ({"contestants": {"A": {}, "a ": {}}}, "differ in signs alone"),
        ({"contestants": {"A": {}, "B": 3}}, "needs a name"),
        ({"contestants": {"A": {}, "B": {"sytem": "gan"}}}, "contestant B"),
        ({"contestants": {"A": {}, "B": {"train": {"seed": 1}}}}, "seeds are those of the whole"),
        ({"seeds": []}, "list of whole numbers"),
        ({"seeds": [0, True]}, "list of whole numbers"),
        ({"seeds": [1, 1]}, "there once"),
        ({"metrics": "swd"}, "list of names"),
        ({"images": 2}, "at least 4"),
        ({"title": ""}, "must be words"),
        ({"winner": "A"}, 'no part "winner"'),
        ({"questions": [{"lower": "A"}]}, "question 1 must be"),
        (
            {"questions": [{"lower": "C", "than": "B", "metric": "swd", "words": "x"}]},
            "no contestant; there are A, B",
        ),
    ],
)
def test_mistakes_are_one_line_that_names_the_file(change: dict[str, Any], message: str) -> None:
    plain: dict[str, Any] = {"contestants": {"A": {}, "B": {"system": "gan"}}}
    with pytest.raises(ConfigError) as caught:
        parse_comparison(write_yaml({**plain, **change}), "duel.yaml")
    assert message in str(caught.value)
    assert "duel.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_contestants_is_no_comparison() -> None:
    for text in ("system: progan", "[1, 2]", ""):
        with pytest.raises(ConfigError, match="names no contestants"):
            parse_comparison(text, "duel.yaml")


def test_names_become_folders() -> None:
    assert slug_of("ProGAN, with labels") == "progan-with-labels"
    assert slug_of("../¿") == "contestant"
