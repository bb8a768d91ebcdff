"""All open incidents at one look: grouped with the most urgent first, and what is late in each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from playcall.core import deadlines, escalation
from playcall.core.incident import Incident, Status
from playcall.core.plan import Plan
from playcall.core.wording import say_duration, say_unreached

_LIVE = (Status.OPEN, Status.ACKNOWLEDGED, Status.RECOVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An incident in its group."""

    incident: Incident
    late: tuple[str, ...]  # in words; what should have happened and did not
    due: str  # what happens next if nobody does anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Incidents of one severity and state, the oldest first."""

    severity: str
    status: Status
    cards: tuple[Card, ...]


def groups(
    incidents: Iterable[Incident], plans: Mapping[str, Plan], at: datetime
) -> tuple[Group, ...]:
    """`plans` by digest: the ones that the incidents opened with."""
    sorted_: dict[tuple[int, str, int], list[Incident]] = {}
    for incident in incidents:
        key = (_rank(incident, plans), incident.severity, _LIVE.index(incident.status))
        sorted_.setdefault(key, []).append(incident)
    return tuple(
        Group(
            severity=severity,
            status=_LIVE[state],
            cards=tuple(
                _card(one, plans[one.plan], at)
                for one in sorted(together, key=lambda one: (one.fired_at, one.id))
            ),
        )
        for (_, severity, state), together in sorted(sorted_.items())
    )


def first(found: Iterable[Group], most: int) -> tuple[Group, ...]:
    """The most urgent, at most so many."""
    kept: list[Group] = []
    for group in found:
        cards = group.cards[: most - sum(len(one.cards) for one in kept)]
        if cards:
            kept.append(replace(group, cards=cards))
    return tuple(kept)


def say_counts(found: Iterable[Group]) -> str:
    """'1 CRITICAL open, 2 HIGH acknowledged'."""
    return ", ".join(f"{len(one.cards)} {one.severity} {one.status}" for one in found)


def late(incident: Incident, plan: Plan, at: datetime) -> Iterator[str]:
    """What is overdue in it, the gravest first."""
    if unreached := say_unreached(incident):
        yield unreached
    if within := _missed_target(incident, plan, at):
        yield f"nobody acknowledged within {within}"
    play = plan.play(incident.play) if incident.play else None
    for index in incident.ended_boxes:
        if play and index < len(play.phases) and incident.status is not Status.RECOVERED:
            yield f'the time for "{play.phases[index].title}" is over'
    due = incident.telling.due_at
    if due is not None and due <= at:
        yield f"a status update is {_about(at - due)} overdue"


def _card(incident: Incident, plan: Plan, at: datetime) -> Card:
    return Card(
        incident=incident, late=tuple(late(incident, plan, at)), due=_due(incident, plan, at)
    )


def _rank(incident: Incident, plans: Mapping[str, Plan]) -> int:
    """By its plan's table. A severity that no table knows is as urgent as any."""
    row = plans[incident.plan].severity(incident.severity)
    return plans[incident.plan].severities.index(row) if row else 0


def _missed_target(incident: Incident, plan: Plan, at: datetime) -> str:
    """The response time that is over; empty: there is none, it runs still, or somebody has it."""
    if incident.status is not Status.OPEN or incident.acknowledged_by or incident.quiet:
        return ""
    if incident.respond_by is not None and incident.respond_by > at:
        return ""
    play = plan.play(incident.play) if incident.play else None
    within = deadlines.target(plan, play, incident.severity)
    return say_duration(within) if within and incident.unheard_from + within <= at else ""


def _due(incident: Incident, plan: Plan, at: datetime) -> str:
    following = escalation.next_rung(incident, plan, at)
    if following is None or incident.status is Status.RECOVERED:
        return ""
    due, rung = following
    return f"{' and '.join(rung.roles)} in {_about(due - at)}"


def _about(duration: timedelta) -> str:
    """In whole seconds: what moves need not be exact."""
    return say_duration(timedelta(seconds=round(duration.total_seconds())))
