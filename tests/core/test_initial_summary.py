"""The initial summary: from the record, with nothing that readers outside must not see."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from playcall.core import events as ev
from playcall.core.alert import own_alert
from playcall.core.cards import Story, postings
from playcall.core.chat import Card, Press
from playcall.core.communication import Channel
from playcall.core.decide import decide
from playcall.core.effects import Moved
from playcall.core.incident import Incident, RunStatus
from playcall.core.initial_summary import LONGEST_SHORT, MOST_LINES, Summary, summarize
from playcall.core.judge import Verdict
from playcall.core.pin_events import EntryPinned, Pin
from playcall.core.plan import Check, Duty, Plan
from playcall.core.response import ResponsePolicy
from playcall.core.sending import channel, recipients
from playcall.core.sending_events import SummarySent
from playcall.testing import NOON, a_plan, a_play, an_alert, an_opening, minutes
from tests.core.responding import acknowledged, after, cleared, opened, read, refused
from tests.core.telling import telling_plan

BERLIN = replace(a_plan(), response=ResponsePolicy(zone="Europe/Berlin"))
CHANGE = next(one for one in a_play().commands() if one.effect == "change")
HOSTILE = "<script>x</script>\n# heading\n\u202e`code` " + "y" * 5000


def lived(*events: ev.Event, plan: Plan = BERLIN) -> tuple[Incident, list[ev.Event]]:
    """The state and the whole log, with what follows from each event."""
    state: Incident | None = None
    log: list[ev.Event] = []
    waiting: list[ev.Event] = [an_opening(), *events]
    while waiting:
        event = waiting.pop(0)
        outcome = decide(state, event, plan)
        assert isinstance(outcome, Moved), outcome
        state, log = outcome.incident, [*log, event]
        waiting = [*outcome.follows, *waiting]
    assert state
    return state, log


def summary(*events: ev.Event, plan: Plan = BERLIN) -> Summary:
    state, log = lived(*events, plan=plan)
    return summarize(state, log, plan, "https://p.example", {"ada": "Ada"})


def lines(found: Summary, title: str) -> list[str]:
    (section,) = [one for one in found.sections if one.title.startswith(title)]
    return [line.text for line in section.lines]


def note(minute: float, text: str) -> ev.NoteAdded:
    return ev.NoteAdded(at=NOON + minutes(minute), by="ada", text=text)


def end(minute: float = 30, cause: str = "", *, unverified: bool = True) -> ev.Resolved:
    return ev.Resolved(at=NOON + minutes(minute), by="ada", cause=cause, unverified=unverified)


def pin_on(noted: ev.NoteAdded, pin: Pin) -> EntryPinned:
    """Of the note that comes first after the opening."""
    _state, log = lived(noted)
    return EntryPinned(at=NOON + minutes(40), by="ada", n=log.index(noted) + 1, pin=pin)


def ran(status: RunStatus, minute: float = 6) -> Iterator[ev.Event]:
    yield ev.RunApproved(at=NOON + minutes(minute), by="ada", command=CHANGE.id)
    run = f"1/{CHANGE.id}/1"
    yield ev.CommandFinished(
        at=NOON + minutes(minute + 1),
        command=CHANGE.id,
        run=run,
        status=status,
        exit_code=0,
        summary="done on host db-7.internal",
    )


def test_one_sentence_says_what_how_bad_and_from_when_to_when() -> None:
    found = summary(acknowledged(2), end(30, "logs were never rotated"))
    assert found.sentence.endswith(
        ": CRITICAL, from 2026-03-01 12:00 UTC to 2026-03-01 12:30 UTC, 30 min in all. "
        "The cause: logs were never rotated"
    )
    seen = replace(a_play(), symptoms=(Check(text="Moves crawl", guard=None, line=1),))
    described = summary(end(), plan=a_plan(seen)).sentence
    assert described.startswith("Moves crawl: CRITICAL"), "as the play describes it"
    public = summary(end(), plan=telling_plan()).sentence
    assert public.startswith("Slow moves: CRITICAL"), "as the public calls it"
    assert "CRITICAL, over after 30 min; cause: logs were never rotated" in found.subject
    assert len(summary(end(30, HOSTILE)).subject) <= LONGEST_SHORT


def test_the_timeline_is_in_utc_and_the_teams_zone_and_has_what_people_pinned() -> None:
    noted = note(1, "the disk is full")
    found = summary(noted, acknowledged(2), end(), pin_on(noted, Pin.CAUSE))
    assert found.sections[0].title == "Timeline (UTC, Europe/Berlin)"
    told = lines(found, "Timeline")
    assert told[0] == "12:00:00 UTC (13:00:00 CET) The alert fired"
    assert "12:01:00 UTC (13:01:00 CET) The cause was found; the disk is full" in told
    assert "The cause: the disk is full" in found.sentence
    assert "12:02:00 UTC (13:02:00 CET) Acknowledged by Ada; Investigation began" in told
    assert told[-1].endswith(" Resolved by Ada, not verified by the criteria")
    long = summary(*(ev.SeverityChanged(at=NOON, by="a", severity="HIGH", reason="")
                     if n % 2 else
                     ev.SeverityChanged(at=NOON, by="a", severity="CRITICAL", reason="")
                     for n in range(1, 90)), end())  # fmt: skip
    assert len(lines(long, "Timeline")) == MOST_LINES + 1


def test_a_change_is_told_with_who_approved_it_and_how_it_ended_and_no_output() -> None:
    found = summary(acknowledged(2), *ran(RunStatus.SUCCEEDED), end())
    (line,) = lines(found, "Actions")
    assert line == f"12:07:00 UTC (13:07:00 CET) {CHANGE.title}, approved by Ada: succeeded"
    assert "db-7" not in found.plain
    assert CHANGE.text not in found.plain
    assert lines(summary(end()), "Actions") == ["Nothing was changed by Playcall."]


def test_what_verified_it_is_told_or_that_nothing_did() -> None:
    proven = summary(cleared(5), read(Verdict.HOLDS, 6), end(unverified=False))
    assert lines(proven, "What verifies") == [
        '"latency <500ms for 5 minutes" held for 5 min (400 ms)',
        "Its alerts cleared, and the criteria held.",
    ]
    assert lines(summary(end()), "What verifies") == [
        '"latency <500ms for 5 minutes" is not proven',
        "It was resolved by a person's word, without this proof.",
    ]


def test_questions_are_what_nobody_answered() -> None:
    look = ev.CommandFinished(
        at=NOON, command="1.1", run="1/1.1/1", status=RunStatus.FAILED, exit_code=1, summary="x"
    )
    asked = note(3, "Question: who turned\nit off?")
    plain = note(1, "why at noon?")
    pinned = pin_on(plain, Pin.QUESTION)
    found = lines(summary(plain, look, asked, pinned, end()), "Questions")
    assert found[:3] == ["why at noon?", "who turned it off?", "The cause is not known yet."]
    assert [line for line in found if "could not be measured" in line]
    assert [line for line in found if line.endswith("it failed.")]
    known = summary(cleared(5), read(Verdict.HOLDS, 6), end(30, "logs", unverified=False))
    assert lines(known, "Questions") == ["None is on record."]


def test_no_markup_of_anybody_is_more_than_text() -> None:
    found = summary(note(1, f"Question: {HOSTILE}"), end(30, HOSTILE))
    text = found.markdown("https://p.example/incidents/1")
    assert "<script>" not in text
    assert "\n# heading" not in text
    assert len(found.plain) < 3000


# --- to whom -------------------------------------------------------------------------------------


def sent(minute: float = 40, *, again: bool = False, to: tuple[str, ...] = ("CTO",)) -> SummarySent:
    at = NOON + minutes(minute)
    return SummarySent(at=at, by="ada", subject="s", body="b", to=to, again=again)


@pytest.mark.parametrize(
    ("severity", "roles"),
    [
        ("CRITICAL", ("VP Engineering", "CTO")),
        ("HIGH", ("Engineering Manager",)),
        ("WARNING", ("On-Call Primary",)),
    ],
)
def test_the_documents_audiences_say_who_gets_it(severity: str, roles: tuple[str, ...]) -> None:
    plan = telling_plan()
    assert recipients(opened(plan, severity=severity), plan) == roles


def test_trouble_of_our_own_alerting_is_told_to_the_team_alone() -> None:
    plan = telling_plan()
    ours = own_alert("PlaycallMetricsGone", "x", NOON)
    incident = opened(plan, alerts=(ours,))
    assert recipients(incident, plan) == ("On-Call Primary",)


def test_the_channel_is_the_one_for_incidents() -> None:
    named = tuple(
        Channel(name=f"#{name}", purpose=why, line=1)
        for name, why in (("a", "All automated alerts"), ("i", "Active incident coordination"))
    )
    assert channel(replace(BERLIN, channels=named)) == "#i"
    assert channel(replace(BERLIN, channels=())) == ""


def test_the_teams_chat_has_a_button_until_it_is_sent_and_then_the_text() -> None:
    duty = Duty(title="Initial Summary", within=minutes(60), items=(), template=None, line=1)
    plan = replace(telling_plan(), duties=(duty,))

    def cards(incident: Incident, *events: ev.Event) -> list[Card]:
        told = Story(
            incident=incident, plan=plan, events=list(enumerate(events, 1)), url="https://p/1"
        )
        return [one.card for one in postings(told)]

    over = after(opened(plan), end(), plan=plan)
    (button,) = cards(over)[1].buttons
    assert (button.press, button.value) == (Press.SEND_SUMMARY, "1")
    assert "VP Engineering, CTO" in button.confirm
    event = replace(sent(), channel="#i", body="one\ntwo")
    known = cards(after(over, event, plan=plan), event)
    assert known[1].buttons == ()
    assert (known[2].title, known[2].lines) == ("s", ("one", "two"))
    assert len(cards(over, sent())) == 2, "it was not for the channel"


def test_it_is_sent_once_unless_somebody_means_it() -> None:
    over = after(opened(), end())
    assert refused(opened(), sent()) == "incident 1 is open"
    once = after(over, sent())
    why = (
        "the summary was sent already at 2026-03-01 12:40 UTC by ada; send it again, if you mean to"
    )
    assert refused(once, sent(41)) == why
    assert after(once, sent(42, again=True)).owed.summary
    assert refused(over, sent(to=())) == "there is nobody to send it to"
    assert refused(over, replace(sent(), body=" ")) == "a text needs a subject and a body"
    fired = an_alert(starts_at=NOON + minutes(45))
    anew = after(once, ev.Reopened(at=NOON + minutes(45), alerts=(fired,)), end(50))
    assert after(anew, sent(55)).owed.summary, "the next end has a summary of its own"
