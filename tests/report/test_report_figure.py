from __future__ import annotations

from xml.etree import ElementTree

from progan.report.figure import figure
from progan.report.svg import Series

LINES = (
    Series(name="A & B", points=[(0, 1), (1, 3)]),
    Series(name="nothing", points=[]),
    Series(name="third", points=[(0, 2), (1, 2)]),
)


def test_a_figure_is_a_file_that_needs_nothing_else() -> None:
    drawn = figure("How it ends", LINES, x_label="rounds", y_label="loss")
    root = ElementTree.fromstring(drawn)
    said = "".join(root.itertext())
    for words in ("How it ends", "A & B", "third", "rounds", "loss"):
        assert words in said
    assert "nothing" not in said  # a line without points has no entry
    assert "var(" not in drawn
    assert "data-" not in drawn
    assert len(root.findall(".//{*}polyline")) == 2
