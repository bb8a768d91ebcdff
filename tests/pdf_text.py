"""What a reader of a PDF of ours finds in it: its words page by page, its links, its outline."""

import re
import zlib
from dataclasses import dataclass

_OBJECT = re.compile(rb"(?<![0-9])(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj|(ET)", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_CONTROL = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True)
class Read:
    pages: list[str]  # words, a line of the text on a line
    links: list[str]
    outline: list[str]
    pictures: int


def read(data: bytes) -> Read:
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    objects = {int(number): body for number, body in _OBJECT.findall(data)}
    fonts: dict[bytes, dict[int, str]] = {}
    for body in objects.values():
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", body):
            fonts[name] = _characters(_stream(objects[_number(objects[int(number)], b"ToUnicode")]))
    found = [body for body in objects.values() if re.search(rb"/Type /Page\b", body)]
    joined = b"\n".join(objects.values())
    return Read(
        pages=[_words(_stream(objects[_number(page, b"Contents")]), fonts) for page in found],
        links=[link.decode() for link in re.findall(rb"/S /URI /URI \((.*?)\)>>", joined)],
        outline=[
            _title(title)
            for body in objects.values()
            if body.startswith(b"<<\n/Count") and b"/Dest " in body
            for title in re.findall(rb"/Title (.*)", body)
        ],
        pictures=len(re.findall(rb"/Subtype /Image\b", joined)),
    )


def _number(body: bytes, key: bytes) -> int:
    found = re.search(rb"/%s (\d+) 0 R" % key, body)
    assert found
    return int(found[1])


def _stream(body: bytes) -> bytes:
    inner = body[body.index(b"stream\n") + 7 : body.rindex(b"\nendstream")]
    return zlib.decompress(inner) if b"/FlateDecode" in body else inner


def _characters(table: bytes) -> dict[int, str]:
    pairs = re.findall(rb"^<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>$", table, flags=re.MULTILINE)
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _words(content: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    font: dict[int, str] = {}
    found: list[str] = []
    for name, text, end in _SHOWN.findall(content):
        if name:
            font = fonts[name]
        elif end:
            found.append("\n")
        else:
            raw = _ESCAPED.sub(lambda one: _CONTROL.get(one[1], one[1]), text)
            codes = [int.from_bytes(raw[n : n + 2]) for n in range(0, len(raw), 2)]
            found.append("".join(font.get(code, "?") for code in codes))
    return re.sub(r"\n+", "\n", "".join(found))


def _title(raw: bytes) -> str:
    if raw.startswith(b"<"):
        return bytes.fromhex(raw.strip(b"<>").decode()).decode("utf-16")
    return raw.strip(b"()").decode()
