"""The board's groups and what is late, the strip of GO and NO-GO, and the words of a search."""

from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.core.incident import Incident, Status
from playcall.core.overview import first, groups, late, say_counts
from playcall.core.readiness import Readiness, State
from playcall.core.readiness_history import say_shares, stretches
from playcall.core.search import in_plan, words
from playcall.core.telling import Telling
from playcall.testing import NOON, a_plan, minutes
from tests.ports.stored import an_incident

PLAN = a_plan()
HOUR = timedelta(hours=1)


def an_open_one(number: int, severity: str, status: Status, age: float = 0) -> Incident:
    return replace(
        an_incident(number),
        severity=severity,
        status=status,
        plan="plan",
        fired_at=NOON - minutes(age),
        unheard_from=NOON - minutes(age),
        respond_by=None,
    )


def test_the_most_urgent_come_first_and_the_oldest_of_them() -> None:
    some = [
        an_open_one(1, "WARNING", Status.OPEN),
        an_open_one(2, "CRITICAL", Status.ACKNOWLEDGED),
        an_open_one(3, "CRITICAL", Status.OPEN),
        an_open_one(4, "CRITICAL", Status.OPEN, age=9),
        an_open_one(5, "HIGH", Status.RECOVERED),
    ]
    found = groups(some, {"plan": PLAN}, NOON)
    assert [[card.incident.id for card in group.cards] for group in found] == [
        [4, 3],
        [2],
        [5],
        [1],
    ]
    assert say_counts(found) == (
        "2 CRITICAL open, 1 CRITICAL acknowledged, 1 HIGH recovered, 1 WARNING open"
    )
    cut = first(found, 3)
    assert [[card.incident.id for card in group.cards] for group in cut] == [[4, 3], [2]]


def test_a_severity_that_no_table_knows_is_as_urgent_as_any() -> None:
    some = [an_open_one(1, "HIGH", Status.OPEN), an_open_one(2, "WEIRD", Status.OPEN)]
    assert [group.severity for group in groups(some, {"plan": PLAN}, NOON)] == ["WEIRD", "HIGH"]


def test_what_is_late_is_said_until_somebody_has_it() -> None:
    target = PLAN.severities[0].respond_within
    assert target
    fresh = an_open_one(1, "CRITICAL", Status.OPEN)
    fresh = replace(fresh, play=None, respond_by=NOON + target)
    assert list(late(fresh, PLAN, NOON)) == []
    missed = replace(fresh, respond_by=None)
    assert list(late(missed, PLAN, NOON + target)) == [
        f"nobody acknowledged within {round(target.total_seconds() / 60)} min"
    ]
    heard = replace(missed, acknowledged_by="ada", status=Status.ACKNOWLEDGED)
    assert list(late(heard, PLAN, NOON + target)) == []
    due = replace(heard, telling=Telling(due_at=NOON - minutes(3)))
    assert list(late(due, PLAN, NOON)) == ["a status update is 3 min overdue"]


def test_a_day_of_go_and_no_go_is_cut_at_its_ends() -> None:
    def since(state: State, hours_ago: float) -> Readiness:
        at = NOON - hours_ago * HOUR
        return Readiness(state=state, since=at, value=None, read_at=at)

    changes = [
        since(State.GO, 1),
        since(State.NO_GO, 2),
        since(State.GO, 30),
        since(State.NO_GO, 40),
    ]
    found = stretches(changes, NOON - 24 * HOUR, NOON)
    assert [(one.state, one.lasted) for one in found] == [
        (State.GO, 22 * HOUR),
        (State.NO_GO, HOUR),
        (State.GO, HOUR),
    ]
    assert say_shares(found) == "GO 23 h, NO-GO 1 h"
    assert stretches(changes[:1], NOON - 24 * HOUR, NOON)[0].starts_at == NOON - HOUR
    assert say_shares(stretches([], NOON - HOUR, NOON)) == "nothing was measured"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Latency  HIGH", ("latency", "high")),
        ('"a" OR b* NEAR(c) -d', ("a", "or", "b", "near", "c", "d")),
        ("'; DROP TABLE incidents; --", ("drop", "table", "incidents")),
        ("\0 \ufffd * %", ()),
        ("naïve 7", ("naïve", "7")),
    ],
)
def test_only_letters_and_digits_of_what_was_typed_count(text: str, found: tuple[str, ...]) -> None:
    assert words(text) == found
    assert len(words("x " * 10_000)) == 1
    assert len(words(" ".join(map(str, range(10_000))))) == 12


def test_plays_steps_and_commands_are_found_by_all_of_the_words() -> None:
    play = PLAN.plays[0]
    command = play.commands()[0]
    assert next(iter(in_plan(PLAN, words(play.alert)))).kind == "play"
    kinds = {one.kind for one in in_plan(PLAN, words(command.text))}
    assert "command" in kinds
    assert not list(in_plan(PLAN, words(f"{command.text} nosuchword")))
    assert not list(in_plan(PLAN, ()))
