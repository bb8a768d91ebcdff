"""PromQL blocks to named queries: the comment above a query is its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from playcall.core.compiler import fences, phrases
from playcall.core.compiler import promql as promql_
from playcall.core.compiler.blocks import Block, walk
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.sections import Section
from playcall.core.plan import NamedQuery


def read_queries(document: Section, ledger: Ledger) -> tuple[NamedQuery, ...]:
    """Every query of the document; a name given twice keeps its first query."""
    found: dict[str, NamedQuery] = {}
    for section in document.inside():
        for block in walk(section.blocks):
            if block.is_code and fences.language_of(block) == "promql":
                ledger.take(block.first, block.last, "query fence")
                _read_fence(block, section.title, found, ledger)
    return tuple(found.values())


def _read_fence(block: Block, title: str, found: dict[str, NamedQuery], ledger: Ledger) -> None:
    pieces = list(_pieces(block, ledger))
    whole = "\n".join(piece.text for piece in pieces)
    if len(pieces) > 1 and not promql_.why_not(whole) and any(p.is_broken for p in pieces):
        first = pieces[0]
        pieces = [_Piece(first.name, whole.split("\n"), first.first, pieces[-1].last)]
    for piece in pieces:
        for number, one in enumerate(_apart(piece.lines)):
            name = (piece.name if not number else "") or (title if title not in found else one)
            _keep(name, one, piece.first, piece.last, found, ledger)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines below one comment, or between blank lines; a comment may also cut a query in two."""

    name: str
    lines: list[str]
    first: int
    last: int

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def is_broken(self) -> bool:
        return bool(promql_.why_not(self.text)) and any(map(promql_.why_not, self.lines))


def _pieces(block: Block, ledger: Ledger) -> Iterator[_Piece]:
    name, query, first = "", list[str](), 0
    for line, text in enumerate((*block.text.split("\n"), ""), block.body_line):
        comment = text.strip().startswith(("#", "//"))
        if query and (comment or not text.strip()):
            yield _Piece(name, query, first, line - 1)
            name, query = "", []
        if comment:
            name = phrases.title(text.strip().lstrip("#/"))
            ledger.take(line, line, "query name")
        elif text.strip():
            first = first if query else line
            query.append(text.strip())


def _apart(lines: list[str]) -> list[str]:
    """One query of several lines, or several of one line each."""
    whole = "\n".join(lines)
    several = len(lines) > 1 and promql_.why_not(whole)
    return lines if several and not any(map(promql_.why_not, lines)) else [whole]


def _keep(
    name: str, promql: str, first: int, last: int, found: dict[str, NamedQuery], ledger: Ledger
) -> None:
    if name in found and found[name].promql != promql:
        ledger.warn(
            "PC110",
            first,
            f"A second query is named {name!r}.",
            "Give each query its own name in the comment above it; the first one is used.",
        )
        return
    ledger.take(first, last, f"query {name}")
    if why := promql_.why_not(promql):
        tell_broken(why, first, ledger)
    found.setdefault(name, NamedQuery(name=name, promql=promql, line=first))


def tell_broken(why: str, line: int, ledger: Ledger) -> None:
    ledger.warn(
        "PC304",
        line,
        f"This query is not PromQL: {why}.",
        "Try it in Prometheus; what does not parse there is never answered.",
    )
