"""What became of the pictures of two domains, told together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from progan.data.records import Finding, shown
from progan.data.report import DataReport

__all__ = ["TwoReport"]


@dataclass(frozen=True, kw_only=True)
class TwoReport:
    """The reports of both domains."""

    kind: str
    names: tuple[str, str]
    a: DataReport
    b: DataReport
    tests: tuple[int, ...] = ()
    """Pictures of each domain that are measured and not trained on; none where there are none."""
    layout_names: tuple[str, ...] = ()

    @property
    def used(self) -> int:
        """Pictures used of both."""
        return self.a.used + self.b.used

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of both; of pairs of the first one, as both say the same."""
        return self.a.findings + (self.b.findings if self.kind == "unpaired" else ())

    def lines(self, path: str | None = None) -> list[str]:
        """The lines of the screen; `path` says where the details lie."""
        first, second = (shown(name) for name in self.names)
        out = ", ".join(f"{n:,} {kind}" for kind, n in self._counts().items())
        where = f"  ({out}{f': {path}' if path else ''})" if out else ""
        seen = self.a.seen + len(self._listed())
        if self.kind == "unpaired":
            line = f"{self.a.used:,} pictures of {first}, {self.b.used:,} of {second} used"
            line += f" of {self.a.seen:,} and {self.b.seen:,}"
        elif self.kind == "paired":
            line = f"{self.a.used:,} pairs used of {seen:,}: {first} and {second}"
        else:
            line = f"{self.a.used:,} pictures with class maps used of {seen:,}"
        lines = [line + where, *self._rules()]
        if self.tests:
            counts = f"{self.tests[0]:,}"
            if self.kind == "unpaired":
                counts = f"{self.tests[0]:,} and {self.tests[1]:,}"
            what = {"unpaired": "more", "paired": "more pairs", "layouts": "more with maps"}
            lines.append(f"{counts} {what[self.kind]} are kept for measuring")
        return lines

    def _rules(self) -> list[str]:
        rules = self.a.lines()[1]
        if self.kind == "layouts":
            return [f"{rules}; {len(self.layout_names)} classes: {_few(self.layout_names)}"]
        other = self.b.lines()[1]
        if rules == other:
            return [rules]
        return [f"{shown(self.names[0])}: {rules}", f"{shown(self.names[1])}: {other}"]

    def _counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for finding in self.findings:
            found[finding.kind] = found.get(finding.kind, 0) + 1
        return found

    def _listed(self) -> list[Finding]:
        """Findings about files that were never counted as pairs."""
        return [f for f in self.a.findings if f.kind == "no partner"]

    def text(self) -> str:
        """The whole report: data_report.txt."""
        parts = [f"{shown(name)}\n{report.text()}" for name, report in self._each()]
        return "\n".join([*self.lines(), "", *parts])

    def _each(self) -> list[tuple[str, DataReport]]:
        pairs = [(self.names[0], self.a), (self.names[1], self.b)]
        return pairs if self.kind == "unpaired" else pairs[:1]

    def record(self) -> dict[str, Any]:
        """The first domain's report as plain values, and with it the second's: data.json."""
        return {
            **self.a.record(),
            "domains": {
                "kind": self.kind,
                "names": [shown(name) for name in self.names],
                "tests": list(self.tests),
                "layout_names": [shown(name) for name in self.layout_names],
                "second": self.b.record(),
            },
        }

    def json(self) -> bytes:
        """`record` as the bytes of a JSON file."""
        return (json.dumps(self.record(), indent=1) + "\n").encode()


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 8} more" * (len(names) > 8)
    return ", ".join(map(shown, names[:8])) + more
