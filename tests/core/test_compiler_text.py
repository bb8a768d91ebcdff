"""Bytes to text: what is repaired, what is refused, and that both are told."""

import pytest

from playcall.core.compiler.text import MAX_BYTES, read_text
from playcall.core.place import Level
from tests.core.compiling import a_document, codes, compiled, plan_of

DRAWN = "On-call ↓ (5 minutes) ├─ é ⚠️ 🚨"


def damaged(text: str, encoding: str) -> str:
    return text.encode().decode(encoding)


def browser_damaged(text: str) -> str:
    """UTF-8 read as Windows-1252 the way browsers do: its five holes become control characters."""
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in b"\x81\x8d\x8f\x90\x9d" else chr(byte)
        for byte in text.encode()
    )


def test_a_sound_document_has_no_problems() -> None:
    assert compiled(a_document()).problems == ()


@pytest.mark.parametrize("hurt", [damaged(DRAWN, "mac_roman"), browser_damaged(DRAWN)])
def test_damaged_utf8_is_read_as_it_was_meant(hurt: str) -> None:
    text = read_text(f"fine ↓\n\n{hurt}\n".encode(), "x.md")

    assert text.lines == ("fine ↓", "", DRAWN)
    assert [(p.code, p.level, p.place.line) for p in text.problems] == [("PC005", Level.WARNING, 3)]


@pytest.mark.parametrize(
    "line",
    ["Größe → 5 µs", "naïve café", "São Paulo √2", "日本語 🚨", "“quoted” – dash…", "Ω ‚low‘"],
)
def test_sound_text_in_other_scripts_is_left_alone(line: str) -> None:
    text = read_text(line.encode(), "x.md")

    assert (text.lines, text.problems) == ((line,), ())


def test_line_ends_and_byte_order_mark_make_no_difference() -> None:
    document = a_document()
    plan = plan_of(document)

    for variant in (
        b"\xef\xbb\xbf" + document.encode(),
        document.replace("\n", "\r\n").encode(),
        document.replace("\n", "\r").encode(),
        document.encode("utf-16"),
    ):
        other = plan_of(variant)
        assert (other.plays, other.rungs, other.lines) == (plan.plays, plan.rungs, plan.lines)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "PC001"),
        (b"\xef\xbb\xbf", "PC001"),
        (b" \n\t\n", "PC001"),
        (b"#" * (MAX_BYTES + 1), "PC002"),
        (b"\n" * 90_000 + b"x\n" * 90_000, "PC002"),
        (bytes(range(256)) * 64, "PC003"),
        (b"\x7fELF" + b"\0" * 500, "PC003"),
    ],
)
def test_what_is_not_a_document_is_refused_unread(data: bytes, code: str) -> None:
    refused = compiled(data)

    assert refused.plan is None
    assert [problem.code for problem in refused.problems] == [code]
    assert refused.problems[0].level is Level.ERROR


def test_bytes_that_are_not_utf8_are_told_with_their_line() -> None:
    found = compiled(b"# A\n\ncaf\xe9\n").problems

    assert ("PC004", 3) in [(p.code, p.place.line) for p in found]


def test_a_torn_write_is_told_and_read_on() -> None:
    torn = a_document().replace("df -h", "df\0-h")

    assert codes(torn) == ["PC006"]
    assert plan_of(torn).plays
