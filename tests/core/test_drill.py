"""What a drill says of each change, from what was recorded."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from playcall.core.drill import (
    Change,
    Effect,
    Evidence,
    Finding,
    Fired,
    Look,
    Outcome,
    Sample,
    Watched,
    effects,
    findings,
    missing_alerts,
    spans,
)
from playcall.core.drill_report import Drill, write_drill_report
from playcall.core.plan import Comparison, Criterion, Purpose

START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
ALERT = "Slow"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def criterion(purpose: Purpose, comparison: Comparison, threshold: float) -> Criterion:
    return Criterion(
        id="c",
        purpose=purpose,
        text="P99 <500ms",
        comparison=comparison,
        threshold=threshold,
        written="500ms",
        unit="s",
        holds_for=timedelta(minutes=5),
        query="p99",
        query_name="P99",
        line=7,
    )


RECOVERY = criterion(Purpose.RECOVERY, Comparison.BELOW, 0.5)
SYMPTOM = criterion(Purpose.SYMPTOM, Comparison.ABOVE, 0.5)
FLOOR = criterion(Purpose.RECOVERY, Comparison.ABOVE, 2.0)


def watched(values: Sequence[float | None], of: Criterion = RECOVERY) -> Watched:
    samples = tuple(Sample(at=at(n), value=value) for n, value in enumerate(values))
    return Watched(play=ALERT, criterion=of, samples=samples)


def change(began: float, ended: float, status: str = "succeeded", name: str = "mend") -> Change:
    return Change(
        id=name,
        title=name,
        text=name,
        line=12,
        began_at=at(began),
        ended_at=at(ended),
        status=status,
        summary="exit code 1",
    )


def evidence(
    *changes: Change,
    seen: Sequence[Watched] = (),
    fired: Sequence[Fired] = (),
    looks: Sequence[Look] = (),
    healed: float | None = None,
) -> Evidence:
    return Evidence(
        alert=ALERT,
        neighbours=("Slower",),
        factor=20.0,
        broken_at=START,
        healed_at=None if healed is None else at(healed),
        milestones=(("alert fired", at(3)),),
        changes=changes,
        looks=tuple(looks),
        watched=tuple(seen),
        fired=tuple(fired),
        ended_at=at(60),
    )


@pytest.mark.parametrize(
    ("of", "before", "after", "effect"),
    [
        (RECOVERY, 0.9, 0.3, Effect.HELPED),
        (RECOVERY, 0.3, 0.9, Effect.HARMED),
        (RECOVERY, 0.9, 0.88, Effect.NONE),
        (RECOVERY, 0.9, 0.6, Effect.HELPED),
        (RECOVERY, 0.6, 0.9, Effect.HARMED),
        (RECOVERY, 0.1, 0.4, Effect.NONE),
        (RECOVERY, 0.9, None, Effect.NO_DATA),
        (RECOVERY, None, 0.3, Effect.NONE),
        (RECOVERY, None, 0.9, Effect.HARMED),
        (SYMPTOM, 0.9, 0.3, Effect.HELPED),
        (SYMPTOM, 0.3, 0.9, Effect.HARMED),
        (FLOOR, 1.0, 2.5, Effect.HELPED),
        (FLOOR, 1.8, 1.0, Effect.HARMED),
        (FLOOR, 2.5, 9.0, Effect.NONE),
    ],
)
def test_a_change_is_judged_by_what_came_of_each_criterion(
    of: Criterion, before: float | None, after: float | None, effect: Effect
) -> None:
    values = [before] * 10 + [0.7] * 2 + [after] * 10
    mended = change(9.5, 11.5)
    [found] = effects(evidence(mended, seen=[watched(values, of)]), mended)
    assert (found.before, found.after, found.effect) == (before, after, effect)


def test_a_change_is_judged_before_the_next_one_and_before_the_cause_is_taken_away() -> None:
    values = [0.9] * 10 + [2.0] * 10 + [0.1] * 20
    first, second = change(9, 10, name="first"), change(19.5, 20.5, name="second")
    both = evidence(first, second, seen=[watched(values)])
    assert [effects(both, each)[0].effect for each in (first, second)] == [
        Effect.HARMED,
        Effect.HELPED,
    ]
    healed = evidence(first, seen=[watched(values)], healed=20)
    assert effects(healed, first)[0].effect is Effect.HARMED


def test_a_query_that_two_criteria_ask_is_told_once() -> None:
    mended = change(1, 2)
    seen = [watched([0.9] * 9), watched([0.9] * 9, SYMPTOM)]
    assert len(effects(evidence(mended, seen=seen), mended)) == 1


def kinds(found: Sequence[Finding]) -> list[str]:
    return [each.kind for each in found]


def test_the_worst_finding_comes_first_and_each_names_its_line() -> None:
    look = Look(
        id="l", title="disk", text="df", line=3, status="failed", seconds=1, summary="no df"
    )
    values = [0.9] * 10 + [0.2] * 40
    fired = [
        Fired(alert=ALERT, began_at=at(3), ended_at=at(30)),
        Fired(alert="Slower", began_at=at(3), ended_at=None),
        Fired(alert="Other", began_at=at(5), ended_at=at(6)),
        Fired(alert="Other", began_at=at(9), ended_at=at(10)),
    ]
    found = findings(evidence(change(9, 10), seen=[watched(values)], fired=fired, looks=[look]))
    assert kinds(found) == ["surprise", "failed", "late", "good"]
    assert [each.line for each in found] == [None, 3, None, 12]
    assert "in true time that is 7 min" in found[2].words
    assert "900 ms → 200 ms" in found[3].words


def test_a_change_that_failed_or_moved_nothing_is_no_help() -> None:
    still = [watched([0.9] * 40)]
    assert kinds(findings(evidence(change(9, 10, "failed"), seen=still))) == ["no help"]
    assert kinds(findings(evidence(change(9, 10), seen=still))) == ["no help"]


def test_a_change_that_stops_the_service_proves_nothing() -> None:
    gone = [watched([0.9] * 10 + [None] * 30)]
    assert kinds(findings(evidence(change(9, 10), seen=gone))) == ["no data", "no help"]


def test_an_alert_that_never_fired_is_missed() -> None:
    assert missing_alerts(evidence()) == {ALERT}
    fired = [Fired(alert=ALERT, began_at=at(1), ended_at=None)]
    assert missing_alerts(evidence(fired=fired)) == set()


def test_instants_become_spans_and_the_last_one_may_still_go_on() -> None:
    instants = [at(n) for n in (1, 2, 3, 10, 11)]
    found = spans(ALERT, instants, timedelta(seconds=1), at(12))
    assert [(each.began_at, each.ended_at) for each in found] == [(at(1), at(3)), (at(10), None)]
    assert spans(ALERT, [], timedelta(seconds=1), at(12)) == []


def test_the_report_has_the_findings_first_and_everything_that_happened() -> None:
    values = [0.9] * 10 + [0.2] * 40
    fired = [Fired(alert=ALERT, began_at=at(3), ended_at=None)]
    drill = Drill(
        name="d",
        document="book.md",
        digest="0123456789abcdef",
        fault="f",
        about="it is broken",
        outcome=Outcome.FAILED,
        why="no recovery",
        incident=1,
        evidence=evidence(change(9, 10), seen=[watched(values)], fired=fired),
    )
    text = write_drill_report(drill)
    assert text.index("# Drill: Slow (d)") < text.index("**FAILED**: no recovery")
    assert text.index("What this drill found") < text.index("## When") < text.index("## Alerts")
    assert "book.md:12" in text
    assert "still firing" in text
