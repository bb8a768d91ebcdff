"""Links within a document and to files beside it (CommonMark 6.3; anchors as GitHub makes them)."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Kind, walk
from playcall.core.compiler.ledger import Ledger

_LINK = re.compile(
    r"(?<!!)\[[^\[\]\n]{1,300}\]\(\s*<?(?P<to>[^()\s<>]{1,500})>?(?:\s+[\"'][^()]*)?\)"
)
_TICKS = re.compile("`+")
_NAMED = re.compile(r"\b(?:id|name)=[\"'](?P<anchor>[^\"']+)[\"']|\{#(?P<given>[\w.-]+)\}")
_ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//|/|\{|<)", re.IGNORECASE)
_SHORTCODES = re.compile(r"\{\{|\{%|<%")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads: a path relative to the document's folder, "" for the document."""

    path: str
    anchor: str
    line: int
    column: int


def read_links(blocks: tuple[Block, ...], lines: tuple[str, ...]) -> Iterator[Link]:
    """Every link that leads to a place that this document's folder could hold."""
    for block in walk(blocks):
        if block.kind not in (Kind.PARAGRAPH, Kind.HEADING, Kind.TABLE):
            continue
        for number in range(block.first, block.last + 1):
            line = _without_code(lines[number - 1])
            for found in _LINK.finditer(line):
                to = found["to"]
                if _ELSEWHERE.match(to) or _SHORTCODES.search(to):
                    continue
                path, _, anchor = to.partition("#")
                column = found.start("to") + 1
                yield Link(unquote(path.partition("?")[0]), unquote(anchor), number, column)


def _without_code(line: str) -> str:
    """Blanks instead of code spans: from a run of ticks to the next one of as many."""
    runs = [found.span() for found in _TICKS.finditer(line)]
    ends: dict[int, int] = {}  # where a span ends that begins here
    nearest: dict[int, int] = {}  # of each length, the end of the run seen last
    for start, end in reversed(runs):
        if end - start in nearest:
            ends[start] = nearest[end - start]
        nearest[end - start] = end
    parts, at = list[str](), 0
    for start in (start for start, _ in runs if start in ends):
        if start >= at:
            parts += (line[at:start], " " * (ends[start] - start))
            at = ends[start]
    return "".join((*parts, line[at:]))


def check_anchors(blocks: tuple[Block, ...], lines: tuple[str, ...], ledger: Ledger) -> None:
    within = [link for link in read_links(blocks, lines) if not link.path and link.anchor]
    known = _anchors(blocks, lines) if within else set[str]()
    for link in within:
        if link.anchor.lower() not in known:
            ledger.warn(
                "PC116",
                link.line,
                f"The link #{link.anchor} leads nowhere: no heading has that anchor.",
                "Use the heading's words in lower case, with '-' for every space.",
                column=link.column,
            )


def _anchors(blocks: tuple[Block, ...], lines: tuple[str, ...]) -> set[str]:
    """Of headings, with '-1' and on for repeated ones, and of what gives itself a name."""
    seen: Counter[str] = Counter()
    found = {"top", ""}
    for block in walk(blocks):
        if block.kind is Kind.HEADING:
            slug = slug_of(block.text)
            repeated = f"-{seen[slug]}" if seen[slug] else ""
            variants = (slug, slug.strip("-"), re.sub("-+", "-", slug).strip("-"))
            found |= {f"{variant}{repeated}" for variant in variants}
            seen[slug] += 1
    for line in lines:
        for named in _NAMED.finditer(line):
            found.add((named["anchor"] or named["given"]).lower())
    return found


def slug_of(heading: str) -> str:
    """GitHub's: lower case, without punctuation, each space a hyphen."""
    words = phrases.LINK.sub(r"\1", heading).replace("\n", " ").lower()
    text = re.sub(r"[^\w\- ]", "", words)
    return text.replace(" ", "-")
