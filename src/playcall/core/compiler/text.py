"""Bytes to lines of text: byte-order marks, line ends, and damaged encodings mended and told.

Never guesses silently: whatever was changed is a problem with its line.
"""

import re
from dataclasses import dataclass

from playcall.core.place import Level, Place, Problem

MAX_BYTES = 10 * 1024 * 1024
MAX_LINES = 100_000

# What the first bytes of UTF-8 sequences look like after being read in the wrong encoding.
_SIGNATURES = {
    "mac_roman": re.compile("[‚\uf8ffÔ¬√œ–Ã][^\x00-\x7f]"),
    "cp1252": re.compile("[âðÃÂïÅÎ][^\x00-\x7f]"),
}
_ODD_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A document's lines, mended, without line ends. No lines at all: it was refused."""

    lines: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def joined(self) -> str:
        return "\n".join(self.lines)


def read_text(data: bytes, path: str) -> Text:
    refusal = _refuse(data, path)
    if refusal is not None:
        return Text(lines=(), problems=(refusal,))
    text, problems = _decode(data, path)
    lines = _split(text)
    if not any(line.strip() for line in lines):
        return Text(lines=(), problems=(_empty(path),))
    if len(lines) > MAX_LINES:
        return Text(lines=(), problems=(_too_large(path, f"{len(lines)} lines"),))
    lines, more = _without_nul(lines, path)
    lines, repaired = _repair(lines, path)
    return Text(lines=tuple(lines), problems=(*problems, *more, *repaired))


def _refuse(data: bytes, path: str) -> Problem | None:
    if not data.strip():
        return _empty(path)
    if len(data) > MAX_BYTES:
        return _too_large(path, f"{len(data)} bytes")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    sample = data[:65536]
    odd = len(_ODD_BYTES.findall(sample))
    if odd > 8 and odd * 20 > len(sample):
        return Problem(
            code="PC003",
            level=Level.ERROR,
            place=Place(file=path, line=1),
            what="This is not text: it is full of control bytes.",
            mend="Give the Markdown file itself, not an archive, an image or an export.",
        )
    return None


def _empty(path: str) -> Problem:
    return Problem(
        code="PC001",
        level=Level.ERROR,
        place=Place(file=path, line=1),
        what="The document is empty.",
        mend="Write a heading with an alert's name, and the steps that answer it.",
    )


def _too_large(path: str, size: str) -> Problem:
    return Problem(
        code="PC002",
        level=Level.ERROR,
        place=Place(file=path, line=1),
        what=f"The document has {size}; it was not read.",
        mend=f"Keep a document under {MAX_BYTES} bytes and {MAX_LINES} lines; split it by alert.",
    )


def _decode(data: bytes, path: str) -> tuple[str, list[Problem]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _tolerant(data, "utf-16", path)
    return _tolerant(data.removeprefix(b"\xef\xbb\xbf"), "utf-8", path)


def _tolerant(data: bytes, encoding: str, path: str) -> tuple[str, list[Problem]]:
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, errors="replace")
        good = _split(f"{before}?")
        place = Place(file=path, line=len(good), column=len(good[-1]))
        problem = Problem(
            code="PC004",
            level=Level.ERROR,
            place=place,
            what=f"Byte {data[error.start : error.start + 1].hex()} is not {encoding.upper()}.",
            mend="Save the document as UTF-8; until then such bytes are read as U+FFFD.",
        )
        return data.decode(encoding, errors="replace"), [problem]


def _split(text: str) -> list[str]:
    """Lines as an editor counts them: LF, CRLF and CR end one; nothing else does."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _without_nul(lines: list[str], path: str) -> tuple[list[str], list[Problem]]:
    hurt = [number for number, line in enumerate(lines, 1) if "\0" in line]
    if not hurt:
        return lines, []
    problem = Problem(
        code="PC006",
        level=Level.ERROR,
        place=Place(file=path, line=hurt[0], column=lines[hurt[0] - 1].index("\0") + 1),
        what=f"{_count(len(hurt), 'line')} held NUL characters, as a torn write leaves them.",
        mend="Restore the document from its history; until then they are read as U+FFFD.",
    )
    return [line.replace("\0", "\ufffd") for line in lines], [problem]


def _repair(lines: list[str], path: str) -> tuple[list[str], list[Problem]]:
    """Undo UTF-8 read as something else, by the one encoding that mends the most lines."""
    best: dict[int, str] = {}
    name = ""
    for encoding in _SIGNATURES:
        mended = {
            index: better
            for index, line in enumerate(lines)
            if not line.isascii() and (better := _mend(line, encoding)) is not None
        }
        if len(mended) > len(best):
            best, name = mended, encoding
    if not best:
        return lines, []
    first = min(best)
    problem = Problem(
        code="PC005",
        level=Level.WARNING,
        place=Place(file=path, line=first + 1, column=_first_odd(best[first])),
        what=(
            f"{_count(len(best), 'line')} held UTF-8 that was once read as "
            f"{_NAMES[name]}; here {best[first].strip()[:40]!r} was meant. All were read as meant."
        ),
        mend="Save the document in its mended form, so that people read it as Playcall does.",
    )
    return [best.get(index, line) for index, line in enumerate(lines)], [problem]


def _first_odd(line: str) -> int:
    return next(column for column, char in enumerate(line, 1) if not char.isascii())


_NAMES = {"mac_roman": "Mac Roman", "cp1252": "Windows-1252"}


def _mend(line: str, encoding: str) -> str | None:
    """The line as it was meant; None unless that is certain and the damage is gone."""
    if not _SIGNATURES[encoding].search(line):
        return None
    damaged = _encode(line, encoding)
    if damaged is None:
        return None
    try:
        mended = damaged.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _SIGNATURES[encoding].search(mended) else mended


def _encode(line: str, encoding: str) -> bytes | None:
    """Encode; Windows-1252 as browsers know it, with its five holes filled by C1 controls."""
    try:
        if encoding == "cp1252":
            return b"".join(
                bytes([ord(char)]) if "\x80" <= char <= "\x9f" else char.encode(encoding)
                for char in line
            )
        return line.encode(encoding)
    except UnicodeEncodeError:
        return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
