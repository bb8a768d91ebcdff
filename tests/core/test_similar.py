"""Which past incidents are like one, and what fixed them."""

from dataclasses import replace

from playcall.core import events as ev
from playcall.core.incident import RunStatus
from playcall.core.insights import Record
from playcall.core.similar import MOST, rank, words_of
from playcall.testing import NOON, an_alert, an_opening, minutes
from tests.core.responding import PLAN, after, opened


def a_record(number: int, *events: ev.Event, alert: str = "LatencyHigh", **labels: str) -> Record:
    fired = an_alert(alert, **labels)  # type: ignore[arg-type]
    opening = an_opening(incident=number, alerts=(fired,))
    state = replace(after(opened(alerts=opening.alerts)), id=number)
    return Record(incident=state, plan=PLAN, events=(opening, *events))


def note(text: str) -> ev.NoteAdded:
    return ev.NoteAdded(at=NOON, by="ada", text=text)


def ran(command: str, status: RunStatus) -> ev.CommandFinished:
    return ev.CommandFinished(
        at=NOON + minutes(1), command=command, run=command, status=status, exit_code=0, summary=""
    )


FIXED = (
    ev.RunApproved(at=NOON, by="ada", command="2.1"),
    ran("2.1", RunStatus.SUCCEEDED),
    ev.Resolved(at=NOON, by="ada", cause="a full disk"),
)


def test_what_shares_more_comes_first_and_says_what_it_shares() -> None:
    now = a_record(9, note("checkpoint queue grows"), host="db1")
    same = a_record(1, *FIXED, note("the checkpoint queue again"), host="db1")
    less = a_record(2, host="db2")
    other = a_record(3, alert="Other", host="db7")
    first, second, *rest = rank(now, [other, less, same])
    assert (first.incident, second.incident) == (1, 2)
    assert first.fixed_by == ("2.1 Command 2.1",)
    assert first.cause == "a full disk"
    assert "labels: host=db1" in first.shares
    assert any(text.startswith("words: ") and "checkpoint" in text for text in first.shares)
    assert all(one.score < second.score for one in rest)


def test_the_same_failing_diagnostics_count() -> None:
    failed = ran("1.1", RunStatus.FAILED)
    found = rank(a_record(9, failed), [a_record(1), a_record(2, failed)])
    assert [one.incident for one in found] == [2, 1]
    assert "what failed: LatencyHigh 1.1" in found[0].shares


def test_itself_and_what_shares_nothing_are_left_out() -> None:
    now = a_record(9, host="db1")
    foreign = a_record(1, alert="Zzz", host="q")
    foreign = replace(foreign, incident=replace(foreign.incident, title="zzz"))
    assert rank(now, [now, foreign]) == ()


def test_only_the_most_like_are_told_and_the_newer_one_first() -> None:
    found = rank(a_record(99), [a_record(n) for n in range(1, 20)])
    assert [one.incident for one in found] == list(range(19, 19 - MOST, -1))


def test_words_to_look_for_are_words() -> None:
    said = words_of(a_record(1, note('"a" OR (drop) NEAR/3 * naïve 12345 x')))
    assert said[:3] == ("drop", "near", "naïve")
