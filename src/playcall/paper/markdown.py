"""The Markdown of a post-mortem: HTML in it stays text, boxes of tasks are drawn, and of pictures
it has only our own charts; any other would tell its server who reads."""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_CHART = re.compile(r"/incidents/(?P<incident>\d{1,18})/charts/(?P<name>[a-z0-9-]{1,100})\.svg")
_BOX = re.compile(r"\[([ xX])\] ")
_DRAWN = {" ": "☐ ", "x": "☑ ", "X": "☑ "}


@dataclass(frozen=True, slots=True)
class Picture:
    """One of our charts."""

    incident: int
    name: str

    @property
    def address(self) -> str:
        """On this server, without its ending."""
        return f"/incidents/{self.incident}/charts/{self.name}"


def parse(text: str) -> list[Token]:
    """What is nested deeper than the parser goes is left out by it."""
    tokens = _MARKDOWN.parse(text)
    for opened, _paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opened.type == "list_item_open" and inline.type == "inline" and inline.children:
            first = inline.children[0]
            if first.type == "text":
                first.content = _BOX.sub(lambda b: _DRAWN[b[1]], first.content, count=1)
    return tokens


def picture(token: Token, url: str) -> Picture | None:
    """None: not ours. `url`: where people reach this server."""
    address = str(token.attrs.get("src", ""))
    if url and address.startswith(f"{url}/"):
        address = address.removeprefix(url)
    found = _CHART.fullmatch(address)
    return Picture(int(found["incident"]), found["name"]) if found else None


def pictures(text: str, url: str) -> list[Picture]:
    """That it shows, each once, in their order."""
    found = (
        picture(token, url)
        for block in parse(text)
        for token in block.children or ()
        if token.type == "image"
    )
    return list(dict.fromkeys(one for one in found if one))


def to_html(text: str, url: str, draw: Callable[[Picture, str], str], home: str = "") -> str:
    """`draw` gives a picture's HTML by its address and what it shows, in words; `home` goes before
    links that lead to this server."""
    drawing: dict[str, Any] = {"url": url, "draw": draw}
    tokens = parse(text)
    if home:
        _lead_home(tokens, home)
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, drawing))


def to_html_parts(
    text: str, starts: Sequence[int], url: str, draw: Callable[[Picture, str], str]
) -> list[str]:
    """As `to_html`, cut where these lines begin; the first is 0. What one part defines holds in
    all of them."""
    pieces: list[list[Token]] = [[] for _ in starts]
    here = 0
    for token in parse(text):
        if token.level == 0 and token.map:
            here = bisect_right(starts, token.map[0]) - 1
        pieces[here].append(token)
    drawing: dict[str, Any] = {"url": url, "draw": draw}
    return [str(_MARKDOWN.renderer.render(some, _MARKDOWN.options, drawing)) for some in pieces]


def _lead_home(tokens: Sequence[Token], home: str) -> None:
    for token in tokens:
        _lead_home(token.children or (), home)
        target = str(token.attrs.get("href", ""))
        if target.startswith("/") and not target.startswith("//"):
            token.attrs["href"] = home + target


def _image(
    _: RendererHTML, tokens: Sequence[Token], index: int, _options: object, env: Mapping[str, Any]
) -> str:
    token = tokens[index]
    found = picture(token, env["url"])
    if found:
        return str(env["draw"](found, token.content))
    link = escape(str(token.attrs.get("src", "")))
    return f'!<a href="{link}">{escape(token.content)}</a>'


def _table(*_: object) -> str:
    """Wider than a phone, it is moved sideways: by the keyboard, too."""
    return '<table tabindex="0">\n'


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_MARKDOWN.add_render_rule("image", _image)
_MARKDOWN.add_render_rule("table_open", _table)
