"""Edits as bytes: a unified diff that `git apply` and `patch` take, against the document as it was
handed over. Lines that no edit touches stay as they are, damage and all."""

import re
from collections.abc import Iterator, Sequence

from playcall.core.proposals.values import Edit

CONTEXT = 3  # lines around a change
_NO_END = b"\\ No newline at end of file\n"
_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
)


class CannotPatch(Exception):
    """The document's bytes cannot be edited line by line; the text is for a person."""


def why_not(data: bytes, name: str) -> str:
    """Why no patch can be made; empty: it can."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "The document is UTF-16, which a patch cannot be made for: save it as UTF-8."
    if b"\0" in data:
        return "The document holds NUL bytes, so patch programs take it for no text: restore it."
    if re.search(rb"\r(?!\n)", data):
        return "Lines end with a carriage return alone, which no patch program knows: use LF."
    if _CONTROL.search(name) or "/" in name or name.startswith(("-", '"')):
        return "The document's name cannot stand in a patch: rename it."
    return ""


def patched(data: bytes, lines: Sequence[str], edits: Sequence[Edit]) -> bytes:
    """The document with the edits; `lines` are those the compiler reads. Raises CannotPatch."""
    rows = split(data)
    for edit in sorted(edits, key=lambda one: one.line, reverse=True):
        rows[_span(edit)] = _rows(rows, lines, edit)
    return b"".join(rows)


def unified(data: bytes, lines: Sequence[str], edits: Sequence[Edit], name: str) -> bytes:
    """Empty without edits. Raises CannotPatch."""
    if not edits:
        return b""
    if why := why_not(data, name):
        raise CannotPatch(why)
    header = name + ("\t" if " " in name else "")
    head = f"--- {header}\n+++ {header}\n".encode()
    return head + b"".join(_hunks(split(data), lines, sorted(edits, key=lambda one: one.line)))


def split(data: bytes) -> list[bytes]:
    """Lines with their ends, as patch programs count them."""
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", data)


def _span(edit: Edit) -> slice:
    return slice(edit.line - 1, edit.line - 1 + len(edit.old))


def _rows(rows: Sequence[bytes], lines: Sequence[str], edit: Edit) -> list[bytes]:
    """What stands in place of an edit's lines, with the line ends around it."""
    if tuple(lines[_span(edit)]) != edit.old:
        raise CannotPatch(f"Line {edit.line} is not what it was.")
    if any(_CONTROL.search(text) for text in edit.new):
        raise CannotPatch(f"The edit of line {edit.line} holds control characters.")
    there = rows[_span(edit)]
    found = [
        _row(there[at], edit.old[at], text) if at < len(edit.old) else text.encode()
        for at, text in enumerate(edit.new)
    ]
    end = _end((there or rows[max(edit.line - 2, 0) :])[0])
    whole = [row + end for row in found]
    if there and not there[-1].endswith(b"\n") and whole:
        whole[-1] = whole[-1].removesuffix(end)
    return whole


def _end(row: bytes) -> bytes:
    return b"\r\n" if row.endswith(b"\r\n") else b"\n"


def _row(row: bytes, old: str, new: str) -> bytes:
    """The line's own bytes, with only what the edit changes replaced in them."""
    raw = row.rstrip(b"\r\n")
    if new == old:
        return raw
    if raw == old.encode():
        return new.encode()
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    if not before or not before.isascii() or not after.isascii() or old.count(before) != 1:
        raise CannotPatch(f"Line {old.strip()[:40]!r} is damaged, and cannot be edited in place.")
    if raw.count(before.encode()) != 1:
        raise CannotPatch(f"Line {old.strip()[:40]!r} is damaged where it would change.")
    return raw.replace(before.encode(), after.encode())


def _common(one: str, other: str) -> int:
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _hunks(rows: Sequence[bytes], lines: Sequence[str], edits: Sequence[Edit]) -> Iterator[bytes]:
    shift = 0
    for group in _groups(edits):
        first = max(0, group[0].line - 1 - CONTEXT)
        last = min(len(rows), group[-1].line - 1 + len(group[-1].old) + CONTEXT)
        body: list[bytes] = []
        at = first
        more = 0
        for edit in group:
            body += [b" " + row for row in rows[at : edit.line - 1]]
            new = _rows(rows, lines, edit)
            body += [b"-" + row for row in rows[_span(edit)]]
            body += [b"+" + row for row in new]
            at = edit.line - 1 + len(edit.old)
            more += len(new) - len(edit.old)
        body += [b" " + row for row in rows[at:last]]
        old_count, new_count = last - first, last - first + more
        yield f"@@ -{_range(first, old_count)} +{_range(first + shift, new_count)} @@\n".encode()
        yield from (row if row.endswith(b"\n") else row + b"\n" + _NO_END for row in body)
        shift += more


def _range(first: int, count: int) -> str:
    return f"{first + 1 if count else first},{count}"


def _groups(edits: Sequence[Edit]) -> list[list[Edit]]:
    """Edits whose contexts touch share a hunk."""
    groups: list[list[Edit]] = []
    for edit in edits:
        last = groups[-1][-1] if groups else None
        if last and edit.line <= last.line + len(last.old) + 2 * CONTEXT:
            groups[-1].append(edit)
        else:
            groups.append([edit])
    return groups
