"""What a command printed, as HTML: colours kept, everything else that steers a terminal shown or
left out, all of it escaped. Bytes that are no text are shown as such."""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_CONTROL = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # moves the cursor, clears the screen
    r"|\x1b[\]P^_X].{0,256}?(?:\x07|\x1b\\|$)"  # names the window, makes a link
    r"|\x1b[ -/]*[0-~]?"
)
_UNSEEN = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_UNSEEN |= {0x7F: "␡"} | dict.fromkeys(range(128, 160), "�")
# What turns the direction of writing, and so can make a text read as another.
_UNSEEN |= dict.fromkeys((*range(8234, 8239), *range(8294, 8298)), "�")
# What takes no room, and so can hide a difference; joiners are left, which scripts and emoji need.
_UNSEEN |= dict.fromkeys((0x61C, 0x200B, 0x200E, 0x200F, *range(0x2060, 0x2065), 0xFEFF), "�")
_STEERS = re.compile(f"[{''.join(map(chr, _UNSEEN.keys() - {13}))}]")
_STYLES = {1: "bold", 2: "dim", 3: "italic", 4: "underlined"}
_COLOURS = range(30, 38), range(90, 98)
_WITH_ARGUMENTS = (38, 48)


def plain(text: str) -> str:
    """Without colours."""
    return "".join(piece for piece, _ in _pieces(_lines(text))).translate(_UNSEEN)


def visible(value: object) -> object:
    """A text that anybody wrote, with what steers or hides shown; carriage returns stay, which
    browsers send. Everything else, markup too, stays what it is."""
    if not isinstance(value, str) or not _STEERS.search(value):
        return value
    shown = _STEERS.sub(lambda found: str(_UNSEEN[ord(found[0])]), value)
    return Markup(shown) if isinstance(value, Markup) else shown


def to_html(text: str) -> Markup:
    html = Markup()
    for piece, classes in _pieces(_lines(text)):
        shown = escape(piece.translate(_UNSEEN))
        if classes and piece:
            shown = Markup('<span class="{}">{}</span>').format(" ".join(classes), shown)
        html += shown
    return html


def _lines(text: str) -> str:
    """Of a line that was written over again and again, only the last writing."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _pieces(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Text between control sequences, with the classes in force."""
    style: set[str] = set()
    colour = ""
    position = 0
    for found in _CONTROL.finditer(text):
        yield text[position : found.start()], (*sorted(style), *filter(None, [colour]))
        position = found.end()
        if found["sgr"] is not None:
            colour = _read(found["sgr"], style, colour)
    yield text[position:], (*sorted(style), *filter(None, [colour]))


def _read(codes: str, style: set[str], colour: str) -> str:
    """Change the style in place, and return the colour after it."""
    numbers = [int(code or 0) for code in codes.replace(":", ";").split(";") if len(code) < 4]
    for code in numbers:
        if code in _WITH_ARGUMENTS:
            return colour  # one of 256, or of 16 million: not told apart here
        if code == 0:
            style.clear()
            colour = ""
        elif code in _STYLES:
            style.add(_STYLES[code])
        elif code == 22:
            style -= {"bold", "dim"}
        elif code in (23, 24):
            style.discard(_STYLES[code - 20])
        elif code == 39:
            colour = ""
        elif any(code in colours for colours in _COLOURS):
            colour = f"ansi-{code % 10}"
    return colour
