"""A message between its decision and its delivery: moot or not, failed, its person gone."""

from dataclasses import replace

import pytest

from playcall.core import events as ev
from playcall.core.delivery import Origin, is_moot
from playcall.core.effects import Effect, Page
from playcall.core.message import Message
from playcall.core.notices import late
from playcall.core.wording import say_unreached
from playcall.testing import NOON, minutes
from tests.core.responding import (
    acknowledged,
    after,
    fired,
    moved,
    opened,
    pages,
    refused,
    resolved,
    told,
    woken,
)


def ends_when_heard(effects: tuple[Effect, ...]) -> dict[str, bool]:
    return {one.role: one.until_acknowledged for one in effects if isinstance(one, Page)}


def test_only_pages_that_ask_for_an_acknowledgement_end_with_it() -> None:
    opening = moved(opened(), woken(5))
    assert ends_when_heard(opening.effects) == {"On-Call Secondary": True}
    later = moved(opening.incident, woken(20))
    assert ends_when_heard(later.effects) == dict.fromkeys(
        ("Team Lead", "Engineering Manager", "VP Engineering", "CTO"), False
    )
    called = ev.Escalated(at=NOON, by="ada", whom=ev.Whom.PERSON, to="bob")
    assert ends_when_heard(moved(opened(), called).effects) == {"bob": False}


RUNG = Origin(at=NOON, reason="fired", rung=0, until_acknowledged=True)
LATER_RUNG = Origin(at=NOON, reason="not resolved after 10 min", rung=2)
CALL = Origin(at=NOON, reason="called by ada")


@pytest.mark.parametrize(
    ("origin", "person", "moot"),
    [
        (RUNG, "bob", True),
        (replace(RUNG, at=NOON + minutes(2)), "bob", False),  # decided after it
        (LATER_RUNG, "bob", False),
        (LATER_RUNG, "ada", False),
        (CALL, "bob", False),
        (CALL, "ada", True),
        (None, "bob", False),
    ],
)
def test_an_acknowledgement_makes_moot_what_asked_for_it(
    origin: Origin | None, person: str, moot: bool
) -> None:
    heard = after(opened(), acknowledged(1, by="ada"))
    assert is_moot(heard, origin, person, None) is moot
    assert not is_moot(opened(), origin, person, NOON)
    assert is_moot(after(heard, resolved(2)), origin, person, None)


def test_what_repeats_a_page_is_not_sent_after_an_acknowledgement() -> None:
    heard = after(opened(), acknowledged(1))
    assert is_moot(heard, LATER_RUNG, "bob", NOON)
    assert not is_moot(heard, LATER_RUNG, "bob", NOON + minutes(2))


def a_failure(person: str | None = "bob") -> ev.PageFailed:
    return ev.PageFailed(at=NOON + minutes(1), role="Team Lead", person=person, reason="mail: no")


def test_a_page_that_failed_is_said_until_another_is_delivered() -> None:
    incident = after(opened(), a_failure())
    assert say_unreached(incident) == "bob (Team Lead) was not reached at 12:01 UTC: mail: no"
    assert "Team Lead was not reached" in say_unreached(after(opened(), a_failure(None)))
    acknowledged_since = after(incident, acknowledged(2))
    assert say_unreached(acknowledged_since)
    page = ev.PageDelivered(at=NOON + minutes(3), role="CTO", person="eve", channel="mail")
    assert say_unreached(after(acknowledged_since, page)) == ""
    assert say_unreached(after(incident, resolved(3))) == ""


def gone(minute: float = 1, *, page: bool = True, message: str = "1.1.0") -> ev.PersonGone:
    return ev.PersonGone(
        at=NOON + minutes(minute),
        role="Team Lead",
        person="zoe",
        reason="called by ada",
        message=message,
        page=page,
        rung=2,
    )


def test_what_was_on_its_way_to_whoever_is_gone_goes_to_the_role_once() -> None:
    sent = moved(opened(), gone())
    assert sent.effects == (Page(role="Team Lead", rung=2, reason="called by ada"),)
    assert "already" in refused(sent.incident, gone())
    assert pages(moved(sent.incident, gone(message="1.1.1")).effects) == ["Team Lead"]
    assert told(moved(opened(), gone(page=False)).effects) == [("Team Lead", "called by ada")]
    over = after(opened(), resolved(1))
    assert "is resolved" in refused(over, gone(2))


def test_a_late_message_says_how_old_it_is_and_how_things_are_now() -> None:
    message = Message(subject="s", body="It fired.", link="l", thread="t", urgent=True)
    heard = after(opened(), fired(1), acknowledged(2))
    found = late(message, heard, NOON, NOON + minutes(12))
    assert found.body.splitlines() == [
        "LATE: this was to reach you 12 min ago (2026-03-01 12:00:00 UTC). "
        "Now the incident is acknowledged by ada.",
        "",
        "It fired.",
    ]
