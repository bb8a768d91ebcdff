"""Text to a tree of Markdown blocks, each with the lines it stands on. Knows no meaning."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_NESTING = 20


class Kind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    FENCE = "fence"
    INDENTED = "indented code"
    LIST = "list"
    ITEM = "item"
    TABLE = "table"
    QUOTE = "quote"
    RULE = "rule"
    HTML = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A table's row; the first one holds the headers."""

    cells: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block; lines count from 1 and include fences."""

    kind: Kind
    first: int
    last: int
    text: str = ""  # content without markers; a fence's body without its last line end
    level: int = 0  # of a heading
    info: str = ""  # a fence's tag, in lower case: "bash"
    number: int | None = None  # of an ordered item, as shown
    children: tuple["Block", ...] = ()
    rows: tuple[Row, ...] = ()
    closed: bool = True  # False: a fence that runs into the end of its container

    @property
    def body_line(self) -> int:
        """The line on which a code block's text begins."""
        return self.first + 1 if self.kind is Kind.FENCE else self.first

    @property
    def last_text(self) -> int:
        """The last line of an item's own first paragraph."""
        return self.children[0].last if self.children else self.first

    @property
    def is_code(self) -> bool:
        return self.kind in (Kind.FENCE, Kind.INDENTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    top: tuple[Block, ...]
    front: tuple[int, int] | None  # the lines of front matter
    too_deep: int | None  # the first line nested deeper than the parser goes


def read_blocks(lines: tuple[str, ...]) -> Blocks:
    front = _front_matter(lines)
    kept = lines if front is None else ("",) * front[1] + lines[front[1] :]
    tokens = _parser().parse("\n".join(kept))
    deep = (t.map[0] + 1 for t in tokens if _is_bottom(t) and t.map is not None)
    top = _Builder(tokens, lines).siblings(0, len(tokens))
    return Blocks(top=top, front=front, too_deep=next(deep, None))


def _is_bottom(token: Token) -> bool:
    """A container at the parser's limit: what it holds was not parsed."""
    return token.level >= MAX_NESTING - 1 and token.type in ("blockquote_open", "list_item_open")


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Every block, outer ones first, in the order of the document."""
    for block in blocks:
        yield block
        yield from walk(block.children)


def unquoted(block: Block) -> Block:
    """The paragraph of a bullet such as '- > 85 % disk', which Markdown takes for a quote."""
    first = block.children[0] if block.kind is Kind.QUOTE and block.children else None
    if first is None or first.kind is not Kind.PARAGRAPH or not first.text[0].isdigit():
        return block
    return replace(first, text=f"> {first.text}")


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table")
    parser.disable("reference")
    parser.core.ruler.disable("inline")
    return parser


def _front_matter(lines: tuple[str, ...]) -> tuple[int, int] | None:
    if not lines or lines[0].rstrip() != "---":
        return None
    for index, line in enumerate(lines[1:60], 2):
        if line.rstrip() in ("---", "..."):
            return (1, index)
        if line.strip() and not re.match(r"[\s#-]|[\w.-]+\s*:", line):
            return None
    return None


_LEAVES = {
    "fence": Kind.FENCE,
    "code_block": Kind.INDENTED,
    "hr": Kind.RULE,
    "html_block": Kind.HTML,
}
_CONTAINERS = {
    "heading_open": Kind.HEADING,
    "paragraph_open": Kind.PARAGRAPH,
    "bullet_list_open": Kind.LIST,
    "ordered_list_open": Kind.LIST,
    "list_item_open": Kind.ITEM,
    "blockquote_open": Kind.QUOTE,
    "table_open": Kind.TABLE,
}


class _Builder:
    def __init__(self, tokens: list[Token], lines: tuple[str, ...]) -> None:
        self.tokens = tokens
        self.lines = lines

    def siblings(self, begin: int, end: int) -> tuple[Block, ...]:
        found: list[Block] = []
        index = begin
        while index < end:
            token = self.tokens[index]
            close = self._close(index, end)
            if token.type in _LEAVES:
                found.append(self._leaf(token))
            elif token.type in _CONTAINERS:
                found.append(self._container(index, close))
            index = close + 1
        return tuple(found)

    def _close(self, index: int, end: int) -> int:
        """The index of the token that closes the one at `index`."""
        token = self.tokens[index]
        if token.nesting != 1:
            return index
        close = index + 1
        while close < end and self.tokens[close].level != token.level:
            close += 1
        return min(close, end - 1)

    def _leaf(self, token: Token) -> Block:
        first, last = _span(token)
        block = Block(
            kind=_LEAVES[token.type],
            first=first,
            last=last,
            text=token.content.removesuffix("\n"),
            info=token.info.strip().split(" ")[0].split("{")[0].lower(),
        )
        if block.kind is not Kind.FENCE:
            return block
        return replace(block, closed=self._is_closed(token, first, last))

    def _is_closed(self, token: Token, first: int, last: int) -> bool:
        final = self.lines[last - 1].strip(" \t>")
        fence = token.markup
        return last > first and len(final) >= len(fence) and not final.strip(fence[0])

    def _container(self, begin: int, close: int) -> Block:
        token = self.tokens[begin]
        first, last = _span(token)
        kind = _CONTAINERS[token.type]
        block = Block(kind=kind, first=first, last=last)
        if kind in (Kind.HEADING, Kind.PARAGRAPH):
            content = self.tokens[begin + 1].content if begin + 1 < close else ""
            text = "\n".join(line.strip() for line in content.split("\n"))
            level = int(token.tag[1]) if kind is Kind.HEADING else 0
            return replace(block, text=text, level=level)
        if kind is Kind.TABLE:
            return replace(block, rows=self._rows(begin, close))
        number = int(token.info) if kind is Kind.ITEM and token.info.isdecimal() else None
        return replace(block, number=number, children=self.siblings(begin + 1, close))

    def _rows(self, begin: int, close: int) -> tuple[Row, ...]:
        rows: list[Row] = []
        cells: list[str] = []
        for token in self.tokens[begin:close]:
            if token.type == "inline":
                cells.append(token.content.strip())
            elif token.type == "tr_open":
                cells = []
            elif token.type == "tr_close":
                rows.append(Row(cells=tuple(cells), line=0))
        opens = [t for t in self.tokens[begin:close] if t.type == "tr_open"]
        return tuple(
            replace(row, line=_span(token)[0]) for row, token in zip(rows, opens, strict=False)
        )


def _span(token: Token) -> tuple[int, int]:
    begin, end = token.map or [0, 1]
    return begin + 1, max(end, begin + 1)
