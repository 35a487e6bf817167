"""The report of one run: a single file that opens anywhere, without a network."""

from __future__ import annotations

from pathlib import Path

from progan.report import gallery, sections
from progan.report.evaluated import measured_part
from progan.report.markup import Html, element, text
from progan.report.page import Section, document, folded, put
from progan.report.pictures import Album
from progan.report.read import Run, read_run
from progan.report.translated import likeness_part, translations_part

__all__ = ["build_report"]


def build_report(run: Path) -> Path:
    """Write `report.html` into the run folder `run` and give its path.

    Works at any moment of a run's life: what is missing or damaged is left out and named on the
    page. The same folder gives the same bytes. The page stays below 8 MB: pictures are made
    smaller as needed.

    Raises: ConfigError when `run` is no run folder, RoomError when the page cannot be written.
    """
    found = read_run(run)
    album = Album(found.folder)
    parts = _parts(found, album)
    head = [*sections.opening(found)]
    problems = [*_expected(found), *_unreviewed(found), *dict.fromkeys(album.problems)]
    if problems:
        head.append(_notice(problems))
    footer = [element("p", text("Made by progan report. This page needs no network."))]
    page = document(f"{found.name}: training report", head, parts, footer)
    return put(page, found.folder / "report.html")


def _parts(run: Run, album: Album) -> list[Section]:
    parts = [
        gallery.pair_part(run, album),
        translations_part(run, album),
        gallery.growth_part(run, album),
        gallery.levels_part(run, album),
        gallery.codes_part(run, album),
        gallery.walk_part(run, album),
        gallery.truncation_part(run, album),
        sections.curves_part(run),
        sections.quality_part(run),
        likeness_part(run),
        measured_part(run),
        gallery.nearest_part(run, album),
        sections.duplicates_part(run),
        sections.spectrum_part(run),
        sections.plan_part(run),
        sections.decisions_part(run),
        sections.settings_part(run),
        sections.environment_part(run),
        sections.commands_part(run),
    ]
    return [part for part in parts if part is not None]


def _expected(run: Run) -> list[str]:
    """What is missing of the run folder, but for what translators do not write."""
    if not run.review.get("translations"):
        return list(run.problems)
    return [line for line in run.problems if not line.startswith("quality.jsonl is not there")]


def _unreviewed(run: Run) -> list[str]:
    """What an existing review does not hold."""
    expected = {
        "quality": "quality was not measured",
        "walk": "there is no walk",
        "truncation": "there is no truncation strip",
        "nearest": "nearest training pictures were not looked up",
        "duplicates": "duplicates were not counted",
        "spectrum": "the spectrum was not measured",
    }
    if not run.review:
        return [
            "walk, truncation, quality, nearest pictures, duplicates and spectrum come with "
            "the review at the end of training"
        ]
    if run.review.get("translations"):
        expected = {"quality": expected["quality"]}
    return [sentence for key, sentence in expected.items() if not run.review.get(key)]


def _notice(problems: list[str]) -> Html:
    shown = problems[:100]
    items = element("ul", *(element("li", text(problem)) for problem in shown))
    things = "1 thing is" if len(problems) == 1 else f"{len(problems)} things are"
    return element("aside", folded(f"{things} missing from this report", items), class_="notice")
