"""Pins: what a person says of an entry of the timeline is what the post-mortem says."""

from dataclasses import replace

from playcall.core import events as ev
from playcall.core.pin_events import EntryPinned, EntryUnpinned, Pin
from playcall.core.pins import MOST, standing
from playcall.core.report import write_report
from playcall.core.report_facts import MOST_LINES, Turn, gather
from playcall.testing import NOON, an_opening, minutes
from tests.core.responding import acknowledged, after, opened, refused
from tests.core.test_post_mortem import PLAN, PLAY, note, resolved, written

OPENING = an_opening(play=PLAY.alert)


def pinned(n: int, pin: Pin = Pin.CAUSE) -> EntryPinned:
    return EntryPinned(at=NOON + minutes(50), by="ada", n=n, pin=pin)


def unpinned(n: int) -> EntryUnpinned:
    return EntryUnpinned(at=NOON + minutes(51), by="ada", n=n)


def turns(*events: ev.Event) -> dict[Turn, int]:
    return dict(gather(events, PLAN).turns())


def test_an_entry_is_what_it_was_pinned_as_last_and_nothing_once_the_pin_is_off() -> None:
    incident = after(opened(), pinned(1), pinned(1, Pin.IMPORTANT))
    assert incident.pins == {1: Pin.IMPORTANT}
    assert after(incident, unpinned(1)).pins == {}
    assert standing((pinned(1), pinned(2), pinned(1, Pin.QUESTION), unpinned(2))) == {
        1: Pin.QUESTION
    }


def test_what_is_not_there_or_so_already_is_refused() -> None:
    incident = after(opened(), pinned(1))
    assert refused(incident, pinned(0)).startswith("there is no entry 0; the latest is ")
    assert refused(incident, pinned(incident.version + 1)).startswith("there is no entry")
    assert refused(incident, pinned(1)) == "entry 1 is pinned as cause already"
    assert refused(incident, unpinned(2)) == "entry 2 is not pinned"
    full = replace(incident, version=2 * MOST, pins=dict.fromkeys(range(1, MOST + 1), Pin.CAUSE))
    assert "are pinned already" in refused(full, pinned(MOST + 1))


def test_a_pin_comes_before_what_the_record_guesses() -> None:
    events = (OPENING, acknowledged(2), note(4, "disk is full"), note(6, "Root cause: logs"))
    assert turns(*events)[Turn.CAUSE] == 4
    assert turns(*events, pinned(3))[Turn.CAUSE] == 3
    assert turns(*events, pinned(3), unpinned(3))[Turn.CAUSE] == 4
    assert turns(*events, pinned(3), pinned(4))[Turn.CAUSE] == 3, "when it was found: the first"
    assert turns(*events, pinned(3, Pin.INVESTIGATION))[Turn.INVESTIGATED] == 3
    assert turns(*events, pinned(3, Pin.MITIGATION))[Turn.MITIGATED] == 3


def test_pinned_entries_stand_in_the_post_mortem_and_the_pinning_does_not() -> None:
    events = (OPENING, note(4, "disk <b>full</b>"), note(5, "who has the key?"), resolved(30))
    plain = written(*events)
    text = written(*events, pinned(2), pinned(3, Pin.QUESTION))
    why = text[text.index("## Why") : text.index("## What helped")]
    assert r"disk \<b\>full\</b\> ([2](https://p.example/incidents/1#event-2))" in why
    assert "**the cause was found**: disk" in text
    assert "**Question**: who has the key?" in text
    assert "pinned entry" not in text
    assert "**Question**" not in plain


def test_a_pinned_entry_survives_the_fold_of_a_long_record() -> None:
    notes = [note(1, f"note {n}") for n in range(MOST_LINES + 200)]
    half = len(notes) // 2
    text = write_report((OPENING, *notes, pinned(half, Pin.IMPORTANT)), PLAN).markdown
    assert f"**Important**: note {half - 2}" in text
