"""Makes matplotlib's SVG small, and readable for who hears it: numbers with two decimals, a title
and a description, the fonts that a reader's system has."""

import re
from html import escape

from playcall.charting.words import LONGEST

_TAG = re.compile(r"<[^<>]*>")
_PATH = re.compile(r' d="([^"]*)"')
_LONG = re.compile(r"-?\d+\.\d{2,}")
_TURNED_BY_NOTHING = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_FAMILY = re.compile(r"'DejaVu Sans', sans-serif")
_FONTS = "system-ui, Roboto, 'Segoe UI', 'DejaVu Sans', sans-serif"
_HEARD = 2000  # characters of the description


def dress(data: bytes, width: int, height: int, title: str, description: str) -> bytes:
    """As one element, without what only a parser of whole documents wants."""
    text = data.decode()
    inner = text[text.index(">", text.index("<svg")) + 1 :]
    inner = _TAG.sub(lambda found: _small(found[0]), inner)
    inner = re.sub(r">\s*\n\s*<", "><", inner).strip()
    inner = re.sub(r'<g id="[a-z0-9_]+"/>', "", inner)
    points = f"{width * 0.75:g} {height * 0.75:g}"
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-labelledby="title desc" width="{width}" height="{height}" '
        f'viewBox="0 0 {points}" font-family="{_FONTS}">'
        f'<title id="title">{_heard(title[:LONGEST])}</title>'
        f'<desc id="desc">{_heard(description[:_HEARD])}</desc>'
    )
    return f"{head}{inner}\n".encode()


def _heard(text: str) -> str:
    """Of other scripts, too: whoever reads it aloud knows more characters than a font has."""
    return escape("".join(c if c.isprintable() else " " for c in text))


def _small(tag: str) -> str:
    tag = _PATH.sub(lambda found: f' d="{" ".join(_path(found[1]))}"', tag)
    tag = _TURNED_BY_NOTHING.sub("", tag)
    tag = tag.replace("font-family: 'DejaVu Sans', sans-serif; ", "")
    tag = _FAMILY.sub(_FONTS.replace('"', "'"), tag)
    return _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), tag)


def _path(drawn: str) -> list[str]:
    """'L' is understood after an 'L', and a line break is a space."""
    found: list[str] = []
    last = ""
    for word in drawn.split():
        if word != "L" or last != "L":
            found.append(word)
        if word.isalpha():
            last = word
    return found
