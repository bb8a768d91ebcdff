"""A post-mortem by its sections: nothing is lost by cutting it, and who writes elsewhere is in
nobody's way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playcall.core.merge import END, GENERATED, WRITTEN, Choice, conflicts, decided, merge
from playcall.core.paper_diff import Kind, Piece, Row, compare
from playcall.core.paper_parts import (
    answered,
    merge_parts,
    part,
    parts,
    questions,
    with_actions,
    with_part,
)
from playcall.core.report_form import TO_WRITE

PAPER = f"""# Slow

**Date:** today

## Impact

- Who was affected: {TO_WRITE}
- 12:00 - HH:MM - Fixed: {TO_WRITE}

## Root *Cause*

{TO_WRITE}

### Below it

```
## no heading
```

## Impact

- [ ] {TO_WRITE}
"""
LINES = st.lists(
    st.sampled_from(["# A", "## B", "## C", "### d", "```", "x", "", TO_WRITE, WRITTEN]),
    max_size=14,
).map("\n".join)


def test_a_section_is_a_heading_with_what_is_below_it() -> None:
    assert [one.key for one in parts(PAPER)] == ["slow", "impact", "root-cause", "impact--2"]
    assert "## no heading" in parts(PAPER)[2].text
    assert [one.key for one in parts("words\n# A")] == ["beginning", "a"]


@given(LINES)
def test_all_sections_together_are_the_text(text: str) -> None:
    found = parts(text)
    assert "\n".join(one.text for one in found) == text
    assert len({one.key for one in found}) == len(found)
    assert len(questions(text)) == text.count(TO_WRITE)


def test_a_section_that_is_written_keeps_the_room_below_it() -> None:
    made = with_part(PAPER, "impact", "\n## Impact\r\n\r\nNone.\r\n\r\n\r\n")
    assert "today\n\n## Impact\n\nNone.\n\n## Root" in made
    with pytest.raises(LookupError, match='no section "effect"'):
        with_part(PAPER, "effect", "x")


def test_people_in_different_sections_never_clash_though_all_their_lines_are_alike() -> None:
    base = "# A\nx\n# B\nx\n# C\nx\n"
    mine, theirs = with_part(base, "a", "# A\ny\ny"), with_part(base, "b", "# B\ny")
    found = merge_parts(base, mine, theirs)
    assert (found.text, found.conflicts) == ("# A\ny\ny\n# B\ny\n# C\nx\n", 0)
    assert merge_parts(base, base.replace("# B", "# D"), theirs).conflicts == 1


def test_a_question_is_called_by_what_asks_it() -> None:
    asked = [(one.part, one.prompt, one.alone) for one in questions(PAPER)]
    assert asked == [
        ("impact", "Who was affected", False),
        ("impact", "12:00 - Fixed", False),
        ("root-cause", "Root Cause", True),
        ("impact--2", "Impact", False),
    ]


def test_an_answer_stands_where_it_was_asked_for() -> None:
    made = answered(PAPER, {1: "all\r\nof us", 3: " one\n\ntwo ", 4: "  ", 9: "x"})
    assert "- Who was affected: all of us\n" in made
    assert "Cause*\n\none\n\ntwo\n\n" in made
    assert [one.prompt for one in questions(made)] == ["12:00 - Fixed", "Impact"]


def test_only_the_action_items_are_taken_from_a_newer_generation() -> None:
    base = "# T\n\n## Impact\n\nold\n\n## Action Items\n\n- [ ] a\n"
    fresh = base.replace("old", "new").replace("- [ ] a", "- [x] a\n- [ ] b")
    assert with_actions(base, fresh) == base.replace("- [ ] a", "- [x] a\n- [ ] b")
    assert with_actions("# T\n", fresh) == "# T\n"


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        (Choice.MINE, "a\nmine\nb\n"),
        (Choice.THEIRS, "a\ntheirs\nb\n"),
        (Choice.BOTH, "a\nmine\ntheirs\nb\n"),
    ],
)
def test_of_a_conflict_stays_what_was_chosen(choice: Choice, kept: str) -> None:
    text = merge("a\nx\nb\n", "a\nmine\nb\n", "a\ntheirs\nb\n").text
    (found,) = conflicts(text)
    assert (found.mine, found.theirs) == ("mine", "theirs")
    assert decided(text, {1: choice}) == kept


@given(base=LINES, mine=LINES, theirs=LINES)
def test_what_nobody_chose_for_stays_as_it_is(base: str, mine: str, theirs: str) -> None:
    text = merge(base, mine, theirs).text
    assert decided(text, {}) == text


def test_marks_that_a_person_took_apart_are_theirs() -> None:
    text = merge("a\nx\nb\n", "a\nmine\nb\n", "a\ntheirs\nb\n").text
    for mark in (WRITTEN, GENERATED, END):
        assert conflicts(text.replace(mark, "")) == []


def test_two_versions_differ_by_lines_and_a_changed_line_by_words() -> None:
    old = "\n".join(["1", "2", "3", "4", "it was a full disk", "gone"])
    new = "\n".join(["1", "2", "3", "4", "it was a slow disk", "else"])
    assert compare(old, old) == []
    assert compare(old, new) == [
        Row(kind=Kind.SKIPPED, count=2),
        Row(kind=Kind.SAME, pieces=(Piece("3"),)),
        Row(kind=Kind.SAME, pieces=(Piece("4"),)),
        Row(
            kind=Kind.GONE, pieces=(Piece("it was a "), Piece("full", changed=True), Piece(" disk"))
        ),
        Row(
            kind=Kind.CAME, pieces=(Piece("it was a "), Piece("slow", changed=True), Piece(" disk"))
        ),
        Row(kind=Kind.GONE, pieces=(Piece("gone"),)),
        Row(kind=Kind.CAME, pieces=(Piece("else"),)),
    ]


@given(old=LINES, new=LINES)
def test_every_line_is_shown_or_counted(old: str, new: str) -> None:
    rows = compare(old, new)
    if old != new:
        gone = sum(row.count for row in rows if row.kind is not Kind.CAME)
        came = sum(row.count for row in rows if row.kind is not Kind.GONE)
        assert (gone, came) == (old.count("\n") + 1, new.count("\n") + 1)


def test_a_section_is_found_by_its_key() -> None:
    found = part(PAPER, "impact--2")
    assert found is not None
    assert found.line == 19
