"""A document's Markdown as HTML, with a mark for every line and notes where they belong. HTML in it
stays text, links lead to http(s) only, no picture is fetched, and what is very long is cut."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

MOST_LINES, MOST_CHARACTERS = 5000, 200_000  # of a document
LONGEST = 5_000  # characters of a paragraph that is still read as Markdown
_NESTING = 20
_HOLDERS = ("paragraph_open", "heading_open", "list_item_open", "th_open", "td_open")
_NOTED = ("paragraph_close", "heading_close", "table_close")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if code not in (9, 10)}


@dataclass(frozen=True, slots=True)
class Drawn:
    html: Markup
    left_out: int  # lines


def visible(text: str) -> str:
    """What would turn the text around, or cannot be seen, as something that can."""
    marked = _DIRECTIONS.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
    return marked.translate(_CONTROLS)


def draw(
    lines: Sequence[str], ends: Mapping[int, int], note: Callable[[int, int], Markup]
) -> Drawn:
    """`ends`: for the first line of each command its last one; `note` is what belongs below a run
    of lines, both counted."""
    kept = _bounded(lines)
    drawing = _Drawing(kept, ends, note)
    # All of it was escaped, here or by the renderer.
    return Drawn(html=Markup(drawing.draw()), left_out=len(lines) - len(kept))


def _bounded(lines: Sequence[str]) -> list[str]:
    kept, left = [], MOST_CHARACTERS
    for line in lines[:MOST_LINES]:
        kept.append(visible(line[:left]))
        left -= len(line) + 1
        if left <= 0:
            break
    return kept


class _Drawing:
    def __init__(
        self,
        lines: Sequence[str],
        ends: Mapping[int, int],
        note: Callable[[int, int], Markup],
    ) -> None:
        self._lines = lines
        self._ends = ends
        self._note = note
        self._out: list[str] = []
        self._marked = 0  # the last line that has its mark
        self._noted = 0
        self._level = 1  # of the last heading

    def draw(self) -> str:
        markdown = _markdown()
        tokens = markdown.parse("\n".join(self._lines))
        open_at: list[tuple[int, int]] = []
        for index, token in enumerate(tokens):
            first, last = (token.map[0] + 1, token.map[1]) if token.map else (0, 0)
            if token.nesting < 0:
                first, last = open_at.pop()
            if token.type in ("fence", "code_block"):
                self._code(token, first)
            elif token.type == "inline":
                self._inline(markdown, token)
            else:
                self._block(markdown, tokens, index, (first, last))
            if token.nesting > 0:
                open_at.append((first, last))
        self._out.append(self._below(len(self._lines)))
        return "".join(self._out)

    def mark(self, line: int) -> str:
        """For this line, and for those before it that have none yet."""
        found = range(self._marked + 1, line + 1)
        self._marked = max(self._marked, line)
        return "".join(f'<span id="L{number}"></span>' for number in found)

    def _block(
        self, markdown: MarkdownIt, tokens: Sequence[Token], index: int, at: tuple[int, int]
    ) -> None:
        token = tokens[index]
        if token.type in ("heading_open", "heading_close"):
            self._lower(token)
        if token.type == "table_open":
            name = f"Table, line {at[0]}"
            self._out.append(
                f'<div class="sideways" tabindex="0" role="region" aria-label="{name}">'
            )
        self._out.append(_renderer(markdown).renderToken(tokens, index, markdown.options, {}))
        if token.type in _HOLDERS:
            self._out.append(self.mark(at[0]))
        if token.type == "table_close":
            self._out.append("</div>")
        if token.type in _NOTED:
            self._out.append(self._below(at[1]))

    def _lower(self, token: Token) -> None:
        """Under the page's own heading, and no deeper than one level at a time."""
        if token.nesting > 0:
            self._level = min(int(token.tag[1]) + 1, self._level + 1, 6)
        token.tag = f"h{self._level}"

    def _inline(self, markdown: MarkdownIt, token: Token) -> None:
        line = token.map[0] + 1 if token.map else 0
        told = {"mark": self.mark, "line": line}
        self._out.append(self.mark(line))
        children = token.children or []
        self._out.append(_renderer(markdown).renderInline(children, markdown.options, told))

    def _below(self, last: int) -> str:
        """What belongs to this line, and to those before it that were not noted yet."""
        first = self._noted + 1
        self._noted = max(self._noted, last)
        return self._note(first, last) if first <= last else ""

    def _code(self, token: Token, first: int) -> None:
        line = first + 1 if token.type == "fence" else first
        texts = token.content.removesuffix("\n").split("\n")
        plain: list[str] = []
        index = 0
        while index < len(texts):
            number = line + index
            length = max(self._ends.get(number, number) - number + 1, 1)
            piece = self._pre(texts[index : index + length], number)
            note = self._below(number + length - 1)
            if number in self._ends or note:
                self._close(plain)
                self._out.append(f'<div class="line">{piece}{note}</div>\n')
            else:
                plain.append(piece.removeprefix("<pre>").removesuffix("</pre>"))
            index += length
        self._close(plain)

    def _close(self, plain: list[str]) -> None:
        """What stands between commands, without an empty line in front."""
        blank = 0
        while blank < len(plain) and plain[blank].endswith('"></span>'):
            blank += 1
        front, rest = "".join(plain[:blank]), "\n".join(plain[blank:])
        if plain:
            self._out.append(f"<pre>{front}{rest}</pre>\n" if rest else front)
        plain.clear()

    def _pre(self, texts: Sequence[str], number: int) -> str:
        before = self.mark(number - 1)
        self._marked = max(self._marked, number + len(texts) - 1)
        drawn = "\n".join(
            f'<span id="L{number + n}">{escape(text)}</span>' for n, text in enumerate(texts)
        )
        return f"<pre>{before}{drawn}</pre>"


def _renderer(markdown: MarkdownIt) -> RendererHTML:
    assert isinstance(markdown.renderer, RendererHTML)
    return markdown.renderer


def _is_link(url: str) -> bool:
    return url.lower().startswith(("https://", "http://"))


def _read_inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if len(token.content) <= LONGEST:
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        else:
            text = Token("text", "", 0)
            text.content = token.content
            token.children.append(text)


def _softbreak(
    _: RendererHTML, _tokens: Sequence[Token], _index: int, _options: object, env: dict[str, Any]
) -> str:
    env["line"] += 1
    return f"\n{env['mark'](env['line'])}"


def _image(
    _: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object
) -> str:
    token = tokens[index]
    link = escape(str(token.attrs.get("src", "")))
    return f'!<a href="{link}" rel="noreferrer">{escape(token.content) or link}</a>'


def _link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    tokens[index].attrs["rel"] = "noreferrer"
    return renderer.renderToken(tokens, index, options, env)


@cache
def _markdown() -> MarkdownIt:
    found = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTING}).enable("table")
    found.disable("reference")
    found.validateLink = _is_link  # type: ignore[method-assign]
    found.core.ruler.at("inline", _read_inline)
    for name in ("softbreak", "hardbreak"):
        found.add_render_rule(name, _softbreak)
    found.add_render_rule("image", _image)
    found.add_render_rule("link_open", _link)
    return found
