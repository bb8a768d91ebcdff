"""Events as lines for people: what is done in a response reads as a sentence."""

import pytest

from playcall.core import events as ev
from playcall.core.incident import Part, SilencePurpose
from playcall.core.timeline import entry
from playcall.testing import NOON, an_alert, minutes
from tests.trees import a_deciding_plan

PLAN = a_deciding_plan()
LATER = NOON + minutes(30)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (ev.Unacknowledged(at=NOON, by="ada"), "ada gave it back: nobody has it"),
        (ev.Snoozed(at=NOON, by="ada", until=LATER), "Snoozed by ada until 12:30:00 UTC"),
        (ev.Assigned(at=NOON, by="ada", to="bob"), "ada assigned it to bob"),
        (ev.Escalated(at=NOON, by="ada", whom=ev.Whom.NEXT), "ada called the next rung"),
        (
            ev.Escalated(at=NOON, by="ada", whom=ev.Whom.PERSON, to="bob", reason="it is big"),
            "ada called bob: it is big",
        ),
        (
            ev.Escalated(at=NOON, by="ada", whom=ev.Whom.TEAM, to="network"),
            "ada called team network",
        ),
        (
            ev.PartTaken(at=NOON, by="ada", part=Part.COMMANDER, person="bob"),
            "bob is incident commander now, by ada",
        ),
        (
            ev.QuestionAnswered(at=NOON, by="ada", question="6.1.0", answer="NO"),
            "Is the fix risky? NO (ada)",
        ),
        (
            ev.QuestionAnswered(at=NOON, by="Playcall", question="6", answer="YES", measured=True),
            "Is the cause known? YES (measured)",
        ),
        (
            ev.Decided(at=NOON, outcome="ROLLBACK", commands=("7.2",)),
            "Decided: ROLLBACK (commands 7.2)",
        ),
        (
            ev.PageDelivered(at=NOON, role="On-Call Primary", person="ada", channel="mail"),
            "Paged ada (On-Call Primary) by mail",
        ),
        (
            ev.PageDelivered(at=NOON, role="ada", person="ada", channel="mail"),
            "Paged ada by mail",
        ),
        (
            ev.Silenced(
                at=NOON, silence="s1", until=LATER, purpose=SilencePurpose.FOREIGN, by="eve"
            ),
            "Silenced in Alertmanager by eve until 2026-03-01 12:30:00 UTC (s1)",
        ),
        (
            ev.Reopened(at=NOON, alerts=(an_alert(),)),
            "OPENED AGAIN: LatencyHigh fired after it was over",
        ),
        (ev.TimeBoxEnded(at=NOON, phase="Decision Points"), "The time for Decision Points is over"),
    ],
)
def test_an_event_reads_as_a_sentence(event: ev.Event, text: str) -> None:
    found = entry(event, PLAN, PLAN.plays[0])
    assert found is not None
    assert found.text == text
