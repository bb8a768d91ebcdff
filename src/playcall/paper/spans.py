"""A paragraph of Markdown as pieces of text, each with how it is set and where it leads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it.token import Token

from playcall.paper.markdown import Picture, picture


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    link: str = ""


Piece = Span | Picture


def pieces(tokens: Sequence[Token], url: str, home: str) -> Iterator[Piece]:
    """`home` goes before links that lead to this server."""
    now = Span("")
    for token in tokens:
        match token.type:
            case "strong_open" | "strong_close":
                now = replace(now, bold=token.type == "strong_open")
            case "em_open" | "em_close":
                now = replace(now, italic=token.type == "em_open")
            case "link_open":
                now = replace(now, link=_leads(str(token.attrs.get("href", "")), home))
            case "link_close":
                now = replace(now, link="")
            case "code_inline":
                yield replace(now, text=token.content, code=True)
            case "softbreak":
                yield replace(now, text=" ")
            case "hardbreak":
                yield replace(now, text="\n")
            case "image":
                address = str(token.attrs.get("src", ""))
                other = replace(now, text=f"!{token.content}", link=_leads(address, home))
                yield picture(token, url) or other
            case _:
                yield replace(now, text=token.content)


def _leads(target: str, home: str) -> str:
    """A sheet of paper has no address of its own: what leads nowhere from it is no link."""
    if target.startswith("/") and not target.startswith("//"):
        return f"{home}{target}" if home else ""
    return target if target.startswith(("http://", "https://", "mailto:")) else ""
