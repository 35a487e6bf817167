"""What captions say of portraits, what reads it, and the task that holds one against the other."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from progan.acceptance import portrayed as task
from progan.acceptance.attributes import (
    OPTIONAL,
    READ,
    UNSAID,
    Reader,
    Said,
    portrayed,
    said_of,
    share,
    sizes,
    trained,
)
from progan.data.packaged import PortraitSet
from progan.data.portraits import ATTRIBUTES, attributes, captions


def test_an_attribute_counts_as_named_exactly_where_the_caption_has_words_for_it() -> None:
    people = PortraitSet(seed=5).people(np.arange(3_000))
    said, table, texts = said_of(attributes(people)), attributes(people), captions(people)
    words = {"freckles": "freckles", "scarf": "scarf", "smiling": "smiling", "old": "an old person"}
    words |= {"moustache": "a moustache"}
    for name, word in words.items():
        assert said.named[name].tolist() == [word in text for text in texts]
    for name in ("beard", "glasses", "earrings", "hat"):
        values = "|".join(v for v in ATTRIBUTES[name] if not v.startswith("no "))
        found = [bool(re.search(rf"\b({values})\b", text)) for text in texts]
        assert said.named[name].tolist() == found
    assert said.named["hair"].tolist() == ["bald" not in text for text in texts]
    for name in ("skin", "style", "garment", "palette", "scene"):
        assert said.named[name].all()
    for name in ("skin", "hair", "garment", "palette"):
        rows = np.flatnonzero(said.named[name])
        assert all(ATTRIBUTES[name][table[name][i]] in texts[i] for i in rows.tolist())


def test_what_is_left_out_is_not_there_and_what_is_unsaid_does_not_count() -> None:
    table = {name: np.zeros(3, np.int64) for name in ATTRIBUTES}
    table["style"] = np.array([0, 1, 1])  # the first is bald: no colour is said
    table["hair"] = np.array([4, 5, 6])
    table["beard"] = np.array([0, 3, 0])  # of the second's beard, no moustache is said
    table["moustache"] = np.array([0, 1, 1])
    said = said_of(table)
    assert said.named["hair"].tolist() == [False, True, True]
    assert said.named["moustache"].tolist() == [False, False, True]
    assert said.left_out["moustache"].tolist() == [True, False, False]
    assert not any(said.left_out[name].any() for name in READ if name not in OPTIONAL)
    labels = dict(zip(READ, said.labels.T.tolist(), strict=True))
    assert labels["hair"] == [UNSAID, 5, 6]
    assert labels["moustache"] == [0, UNSAID, 1]
    assert said.part(np.array([2, 0])).value["hair"].tolist() == [6, 4]


def test_a_share_is_over_all_attributes_and_pictures_that_are_asked_about() -> None:
    value = {"hat": np.array([1, 2]), "old": np.array([1, 1])}
    yes, one = np.ones(2, bool), np.array([True, False])
    said = Said(value=value, named={"hat": yes, "old": one}, left_out={})
    read = {"hat": np.array([1, 0]), "old": np.array([0, 0])}
    assert share(read, said, said.named) == pytest.approx(1 / 3)
    assert share(read, said, {"hat": one}) == 1.0


def test_a_reader_learns_what_is_large_and_reads_pictures_of_either_side() -> None:
    torch.set_num_threads(1)
    known, held = portrayed(400, 1, 16), portrayed(150, 2, 16)
    reader = trained(known, 16, images=128 * 40, seed=0)
    image = held.pictures.pictures.images
    read = reader.read(image)
    assert share(read, held.said, {"palette": held.said.named["palette"]}) > 0.5  # chance 0.1
    doubled = reader.read(image.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert all(np.array_equal(read[name], doubled[name]) for name in READ)
    again = trained(known, 16, images=128, seed=0).read(image)
    twice = trained(known, 16, images=128, seed=0).read(image)
    assert all(np.array_equal(again[name], twice[name]) for name in READ)


def test_the_task_runs_whole_and_nothing_drawn_by_chance_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = ["ratio=2", "width=2", "critic_width=2", "second_width=2", "second_critic_width=2"]
    short += ["code=8", "batch=4", "text_images=4", "images=8", "second_images=8"]
    for name, value in (("KNOWN", 40), ("OTHERS", 256), ("HELD", 60), ("READER_IMAGES", 640)):
        monkeypatch.setattr(task, name, value)
    monkeypatch.setattr(task, "SETS", short)
    task.readers.cache_clear()
    numbers = task.measured(0)
    task.readers.cache_clear()
    assert all(math.isfinite(one.value) for one in numbers.values())
    for stage in ("stage I", "stage II"):
        assert not numbers[f"{stage}, heard"].holds  # after two steps
        assert numbers[f"{stage}, real"].value > numbers[f"{stage}, wrong"].value
    assert {f"{name}, stage II, drawn" for name in READ} <= numbers.keys()


def test_there_is_a_logit_for_every_value_of_every_attribute() -> None:
    assert sizes() == [len(ATTRIBUTES[name]) for name in READ]
    assert isinstance(trained(portrayed(130, 3, 16), 16, images=128, seed=1), Reader)
