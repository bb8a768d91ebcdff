"""What is taken from whole documents, by count: the first document, and our telling of it."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from playcall.cli.check import counts
from playcall.core.compiler import Compiled, compile_document
from playcall.core.compiler.text import read_text
from playcall.core.place import Level
from playcall.core.plan import Plan, Purpose
from tests.core.compiling import covers_every_line_once

ROOT = Path(__file__).parents[1]
OURS = ROOT / "examples/dwcp-v3/playbooks.md"
FIRST = ROOT.parent / "shared/document/dwcp-v3-alert-playbooks.md"

needs_first = pytest.mark.skipif(not FIRST.exists(), reason="the first document is not here")


def compiled(path: Path) -> tuple[Compiled, Plan, bytes]:
    data = path.read_bytes()
    found = compile_document(data, path.name)
    assert found.plan is not None
    return found, found.plan, data


SHARED = {
    "impacts": 0,
    "materials": 0,
    "facts": 7,
    "severities": 4,
    "rungs": 5,
    "teams": 5,
    "plays": 6,
    "decisions": 1,
    "templates": 2,
    "channels": 3,
    "status texts": 4,
    "audiences": 2,
    "rollback items": 7,
    "duties": 6,
}


@needs_first
def test_everything_is_taken_from_the_first_document() -> None:
    _, plan, _ = compiled(FIRST)

    assert counts(plan) == SHARED | {
        "symptoms": 12,
        "criteria": 5,
        "phases": 14,
        "steps": 32,
        "checks": 16,
        "commands": 63,
        "queries": 4,
        "contacts": 4,
    }
    assert [use for use in plan.lines if not use.taken] == []
    assert covers_every_line_once(plan, 682)


def test_everything_is_taken_from_our_own_telling() -> None:
    found, plan, data = compiled(OURS)

    assert [problem for problem in found.problems if problem.level is not Level.NOTE] == []
    assert counts(plan) == SHARED | {
        "symptoms": 14,
        "criteria": 12,
        "phases": 15,
        "steps": 37,
        "checks": 24,
        "commands": 61,
        "queries": 5,
        "contacts": 7,
    }
    assert covers_every_line_once(plan, len(data.splitlines()))


def test_the_tour_finds_its_remedy_and_its_end_in_our_own_telling() -> None:
    _, plan, _ = compiled(OURS)
    play = plan.play("DWCPv3LatencyP99Critical")
    assert play is not None
    command = next(c for c in play.commands() if c.guard and c.guard.text == "AMST bottleneck")
    recovery = [c for c in play.criteria if c.purpose is Purpose.RECOVERY]

    assert command.text == "kubectl set env deployment/dwcp-v3-amst STREAM_COUNT=16"
    assert [(c.threshold, c.unit, c.holds_for.total_seconds()) for c in recovery] == [
        (0.5, "s", 300)
    ]
    assert all(
        any(c.purpose is Purpose.RECOVERY and c.query for c in play.criteria) for play in plan.plays
    )


@needs_first
def test_the_mended_document_compiles_to_the_same_plan_as_the_damaged_one() -> None:
    found, damaged, data = compiled(FIRST)
    text = read_text(data, FIRST.name)
    mended = compile_document((text.joined + "\n").encode(), FIRST.name)

    assert mended.plan is not None
    assert dataclasses.replace(mended.plan, digest=damaged.digest) == damaged
    assert [p.code for p in text.problems] == ["PC005"]
    assert [p for p in found.problems if p.code != "PC005"] == list(mended.problems)


@needs_first
def test_the_known_gaps_of_the_first_document_are_told() -> None:
    found, _, _ = compiled(FIRST)
    told = [p.code for p in found.problems if not p.code.startswith("PC2")]

    assert sorted(told) == [
        "PC005",
        "PC119",
        "PC401",
        "PC401",
        "PC402",
        *["PC407"] * 4,
        *["PC408"] * 4,
        "PC411",
        "PC411",
        "PC411",
        "PC421",
        "PC421",
        "PC423",
        "PC423",
        "PC424",
        "PC424",
    ]


@needs_first
def test_the_page_about_the_first_document_lists_each_of_its_problems() -> None:
    page = (ROOT / "docs/first-document.md").read_text(encoding="utf-8")
    listed = {
        (line, code)
        for lines, code in re.findall(r"^\| ([\d, to]+) \| (PC\d{3}) ", page, re.MULTILINE)
        for line in _lines(lines)
    }
    found, _, _ = compiled(FIRST)

    assert listed == {(problem.place.line, problem.code) for problem in found.problems}


def _lines(written: str) -> Iterator[int]:
    """'7, 9 to 11'."""
    for part in written.split(", "):
        first, _, last = part.partition(" to ")
        yield from range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("path", [pytest.param(FIRST, marks=needs_first), OURS])
def test_every_truncation_accounts_for_every_line_it_has(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        plan = compile_document(b"".join(lines[:count]), path.name).plan
        assert plan is not None
        assert covers_every_line_once(plan, count)


@pytest.mark.parametrize("path", [pytest.param(FIRST, marks=needs_first), OURS])
def test_cutting_a_document_anywhere_breaks_nothing(path: Path) -> None:
    data = path.read_bytes()
    for end in range(1, len(data), 401):
        found = compile_document(data[:end], path.name)
        assert found.plan is not None
        assert covers_every_line_once(found.plan, len(data[:end].splitlines()))


def test_problems_of_our_telling_would_be_seen() -> None:
    data = OURS.read_bytes().replace(b"ines.ferrand@example.org", b"TBD")
    found = compile_document(data, OURS.name)

    told = [(p.code, p.level) for p in found.problems if p.level is not Level.NOTE]
    assert told == [("PC407", Level.WARNING)]
