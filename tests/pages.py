"""The documentation as tests read it: fenced blocks, code in the text, links, headings."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "progan"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PLACE = re.compile(r"(?:[\w.-]+/)*[\w-]+\.py(?::[A-Za-z_][\w.]*)?")


@dataclass(frozen=True)
class Block:
    """A fenced block, and where it begins: `docs/tutorial.md:12`."""

    place: str
    language: str
    text: str


def pages() -> list[str]:
    """Every page, from the root of the project."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[Block]:
    """The blocks of one language, in order."""
    text = text_of(page)
    return [
        Block(f"{page}:{text.count(chr(10), 0, match.start()) + 1}", match[1], match[2])
        for match in FENCE.finditer(text)
        if match[1] == language
    ]


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text_of(page))


def spans(page: str) -> list[str]:
    """Code inside the text."""
    return SPAN.findall(prose(page))


def links(page: str) -> list[str]:
    """Targets of links and pictures."""
    return LINK.findall(SPAN.sub("", prose(page)))


def anchors(page: str) -> set[str]:
    """What may stand behind # in a link to this page."""
    titles = (title.lower() for title in HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in titles}


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Every command of the `bash` blocks as words, `.venv/bin/` left out, with its place."""
    found = []
    for block in blocks(page, "bash"):
        page_, _, first = block.place.rpartition(":")
        for number, line in enumerate(block.text.splitlines(), int(first) + 1):
            for part in line.split(" && "):
                words = shlex.split(part)
                found.append((f"{page_}:{number}", [Path(words[0]).name, *words[1:]]))
    return found


def defined(file: Path) -> set[str]:
    """Names of a module, and `Class.member` of its classes."""

    def names(body: list[ast.stmt]) -> Iterator[tuple[str, list[ast.stmt]]]:
        for node in body:
            match node:
                case ast.ClassDef(name=name, body=inner):
                    yield name, inner
                case ast.FunctionDef(name=name):
                    yield name, []
                case ast.Assign(targets=[ast.Name(id=name)]):
                    yield name, []
                case ast.AnnAssign(target=ast.Name(id=name)):
                    yield name, []

    found: set[str] = set()
    for name, inner in names(ast.parse(file.read_text(encoding="utf-8")).body):
        found |= {name} | {f"{name}.{member}" for member, _ in names(inner)}
    return found
