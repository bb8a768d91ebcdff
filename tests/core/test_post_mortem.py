"""The document's own template, filled from the record; what nobody said is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from playcall.core import events as ev
from playcall.core.compiler import compile_document
from playcall.core.incident import RunStatus
from playcall.core.merge import open_conflicts
from playcall.core.plan import Plan
from playcall.core.post_mortem import draft, edited, is_outdated, regenerated, tidy
from playcall.core.report import write_report
from playcall.core.report_facts import MOST_LINES
from playcall.core.report_form import TO_WRITE
from playcall.testing import NOON, a_plan, an_alert, an_opening, minutes

EXAMPLE = Path(__file__).parents[2] / "examples" / "dwcp-v3" / "playbooks.md"
HOSTILE = (
    "</textarea><script>alert(1)</script>",
    "[x](javascript:alert(1)) ![p](http://evil/p.png) <http://evil>",
    "# heading\n\n```\nfence\n> quote\n| a | b |",
    "&lt;b&gt; \\*not bold\\* **bold** `code` ~~gone~~ \u202e\x00",
    "_To be written",
)


def compiled(text: bytes, zone: str = "UTC") -> Plan:
    plan = compile_document(text, "playbooks.md").plan
    assert plan
    return replace(plan, response=replace(plan.response, zone=zone))


PLAN = compiled(EXAMPLE.read_bytes(), "Europe/Berlin")
PLAY = PLAN.plays[0]
CHANGE = next(command for command in PLAY.commands() if command.effect == "change")


def note(minute: float, text: str) -> ev.NoteAdded:
    return ev.NoteAdded(at=NOON + minutes(minute), by="ada", text=text)


def resolved(minute: float, cause: str = "") -> ev.Resolved:
    return ev.Resolved(at=NOON + minutes(minute), by="ada", cause=cause)


OPENING = an_opening(play=PLAY.alert)
WHOLE: tuple[ev.Event, ...] = (
    OPENING,
    ev.Acknowledged(at=NOON + minutes(2), by="ada"),
    note(3, "Root cause: a full disk"),
    ev.RunApproved(at=NOON + minutes(5), by="ada", command=CHANGE.id),
    ev.CommandFinished(
        at=NOON + minutes(6),
        command=CHANGE.id,
        run="r",
        status=RunStatus.SUCCEEDED,
        exit_code=0,
        summary="ok",
    ),
    resolved(30, "logs were never rotated"),
)


def written(*events: ev.Event, plan: Plan = PLAN) -> str:
    return write_report(events, plan, "https://p.example").markdown


def test_the_documents_own_headings_stand_in_its_order() -> None:
    heads = [line for line in written(*WHOLE).split("\n") if line.startswith("#")]
    assert heads == [
        "# DWCP v3 incident: LatencyHigh: requests are slow",
        "## Who was hurt",
        "## What happened when",
        "## Why",
        "## What helped",
        "## What we will do",
    ]


def test_every_fact_is_filled_and_leads_to_its_event() -> None:
    text = written(*WHOLE)
    link = "https://p.example/incidents/1#event-"
    assert f"**Day:** 2026-03-01 ([1]({link}1))" in text
    assert f"**Lasted:** 30 min ([6]({link}6))" in text
    assert f"**Severity:** CRITICAL ([1]({link}1))" in text
    for said in (
        f"- 12:00:00 UTC (13:00:00 CET) - the alert fired ([1]({link}1))",
        "- 12:02:00 UTC (13:02:00 CET) - **somebody began to look**: Acknowledged by ada",
        "- 12:03:00 UTC (13:03:00 CET) - **the cause was found**: Root cause: a full disk",
        "(13:06:00 CET) - **the remedy was applied**: ",
        "(13:30:00 CET) - **it was over**: Resolved by ada",
        f"a full disk ([3]({link}3))\n\nlogs were never rotated ([6]({link}6))",
        f"approved by ada: succeeded ([5]({link}5))\n\n      {CHANGE.text}",
    ):
        assert said in text, said
    assert "HH:MM" not in text
    assert text.count(TO_WRITE) == 5, "who was hurt and what it cost, and three actions"


def test_a_cause_that_was_named_at_the_end_was_found_by_then() -> None:
    text = written(*(event for event in WHOLE if not isinstance(event, ev.NoteAdded)))
    assert (
        "(13:30:00 CET) - **the cause was found, at the latest**: **it was over**: Resolved by ada"
    ) in text
    assert "HH:MM" not in text


def test_without_a_server_there_is_nothing_to_link_to() -> None:
    text = write_report(WHOLE, PLAN, url=None).markdown
    assert "](" not in text
    assert "**Lasted:** 30 min  \n" in text


def test_what_nobody_said_is_asked_for_and_not_invented() -> None:
    text = written(OPENING)
    for asked in (
        "- HH:MM - the cause was found: ",
        "- HH:MM - it was over: ",
        "The chain of causes: ",
        "The remedy, and how we knew: ",
        "- What it cost: ",
        "- [ ] So that it cannot happen again: ",
    ):
        assert asked + TO_WRITE in text, asked
    assert "**Lasted:** not over yet" in text


def test_action_items_take_the_place_of_the_templates() -> None:
    added = ev.ActionAdded(at=NOON, by="ada", text="rotate *logs*", owner="bob", priority="high")
    text = written(*WHOLE, added, ev.ActionDone(at=NOON, by="bob", action=1))
    assert "- [x] rotate \\*logs\\* (bob, high) ([7](" in text
    assert "So that it cannot happen again" not in text


def test_a_document_without_a_template_keeps_the_usual_form() -> None:
    text = write_report((an_opening(), resolved(1)), a_plan()).markdown
    assert "## Root Cause\n\n" + TO_WRITE in text
    assert "## How long it took" in text


def test_a_section_that_is_not_understood_keeps_its_words_and_asks() -> None:
    template = b"""# Playbook

## Post-incident work

### Within 24 Hours

1. **Write it**
   ```markdown
   # Report [NUMBER]

   **Author:** [NAME OF AUTHOR]

   ## Lessons
   Be honest.
   - [What went well]
   ```

## Alert: LatencyHigh

**Severity:** CRITICAL

1. Look
   ```bash
   uptime
   ```
"""
    text = written(*WHOLE, plan=compiled(template))
    assert "# Report 1\n" in text
    assert f"**Author:** {TO_WRITE}" in text
    assert f"Be honest.\n- What went well: {TO_WRITE}" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_note_with_any_markup_stays_text(text: str) -> None:
    drawn = MarkdownIt("commonmark", {"html": False}).enable("table")
    plain, hostile = (
        drawn.parse(written(OPENING, note(1, said), resolved(2, said))) for said in ("x", text)
    )
    assert [t.type for t in hostile] == [t.type for t in plain]
    inner = [
        [c.type for token in tokens for c in token.children or () if c.type.endswith("_open")]
        for tokens in (plain, hostile)
    ]
    assert inner[0] == inner[1]


def test_an_incident_of_30_seconds_and_one_of_9_days() -> None:
    assert "**Lasted:** 30 s " in written(OPENING, resolved(0.5))
    long = written(OPENING, note(60 * 24, "x"), resolved(60 * 24 * 9))
    assert "**Lasted:** 9 d " in long
    assert "- 2026-03-10 12:00:00 UTC (2026-03-10 13:00:00 CET) - " in long


def test_50000_events_are_folded_but_no_turn_of_the_incident_is() -> None:
    many = [note(n / 60, f"note {n}") for n in range(50_000)]
    text = written(OPENING, *many[:25_000], *WHOLE[1:], *many[25_000:], resolved(900))
    assert text.count("\n") < MOST_LINES + 100
    assert "**somebody began to look**" in text
    assert "more lines are on record: ([" in text


def test_opened_again_after_it_was_written_it_keeps_every_word() -> None:
    first = draft(WHOLE, PLAN)
    mine = edited(
        first, first.text.replace(f"What it cost: {TO_WRITE}", "It cost a day."), "a", NOON
    )
    again = ev.Reopened(at=NOON + minutes(40), alerts=(an_alert(starts_at=NOON + minutes(40)),))
    later = (*WHOLE, again, resolved(90, "the disk, once more"))
    assert is_outdated(mine, later)
    assert not is_outdated(mine, WHOLE)
    found = regenerated(mine, draft(later, PLAN), "Playcall", NOON)
    assert "It cost a day." in found.text
    assert "**Lasted:** 90 s" not in found.text
    assert "1 h 30 min" in found.text
    assert "OPENED AGAIN" in found.text
    assert (found.version, found.conflicts, found.of) == (2, 0, len(later))


def test_a_fact_that_a_person_changed_is_a_conflict_when_the_record_changes() -> None:
    first = draft(WHOLE, PLAN)
    mine = edited(first, first.text.replace("**Lasted:** 30 min", "**Lasted:** an hour"), "a", NOON)
    found = regenerated(mine, draft((*WHOLE, resolved(60)), PLAN), "ada", NOON)
    assert found.conflicts == open_conflicts(found.text) == 1
    assert "**Lasted:** an hour" in found.text


def test_a_text_is_made_tidy_and_one_that_is_too_long_is_refused() -> None:
    assert tidy("a\r\nb\r\n\r\n") == "a\nb\n"
    with pytest.raises(ValueError, match="has up to"):
        tidy("\n" * 20_000 + "x")
