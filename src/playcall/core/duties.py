"""The duties after an incident: who owes what until when, reminders, what is overdue, and what
Playcall itself can prove to be done."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from playcall.core import duty_proofs, verification
from playcall.core.action_events import DutyGiven
from playcall.core.duty_events import (
    DutyDone,
    DutyOverdue,
    DutyReminded,
    DutyUnproven,
    DutyWaived,
    PostMortemSaved,
)
from playcall.core.duty_lines import duty_title
from playcall.core.effects import Effect, MeasureMetrics, Moved, Refused, Tell, WriteReport
from playcall.core.events import Event, MetricsReviewed, ReportWritten, ReviewAsked
from playcall.core.incident import Incident, Status
from playcall.core.owed import Owed, Settled
from playcall.core.people import engaged, first_roles
from playcall.core.plan import ChecklistItem, Duty, Plan

REMIND_AT = 0.75  # of the time there is
OWED = "owed: "  # how the reason of a message about duties begins

_ANY = frozenset(Status)
_OVER = frozenset({Status.RESOLVED, Status.CLOSED})
ACCEPTED: Mapping[type[Event], frozenset[Status]] = {
    PostMortemSaved: _ANY,
    DutyDone: _OVER,
    DutyUnproven: _ANY,
    DutyWaived: _OVER,
    DutyReminded: _ANY,
    DutyOverdue: _ANY,
    MetricsReviewed: _ANY,
    ReviewAsked: _ANY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """A duty of a plan, as it stands in an incident that is over."""

    key: str  # "1"
    duty: Duty
    owner: str
    due_at: datetime
    settled: Settled | None  # None: not as a whole
    items: tuple[tuple[str, ChecklistItem, Settled | None], ...]  # with their keys
    overdue: bool  # and told of

    @property
    def open(self) -> bool:
        return self.settled is None and (
            not self.items or any(settled is None for _, _, settled in self.items)
        )


def owing(incident: Incident, plan: Plan) -> tuple[Owing, ...]:
    """Every duty of the document, settled ones too; none before the incident is over."""
    if incident.resolved_at is None:
        return ()
    known = incident.owed.settled
    return tuple(
        Owing(
            key=str(number),
            duty=duty,
            owner=incident.owed.owners.get(str(number)) or owner(incident, plan),
            due_at=incident.resolved_at + duty.within,
            settled=known.get(str(number)),
            items=tuple(
                (f"{number}.{index}", item, known.get(f"{number}.{index}"))
                for index, item in enumerate(duty.items, 1)
            ),
            overdue=str(number) in incident.owed.overdue,
        )
        for number, duty in enumerate(plan.duties, 1)
    )


def owner(incident: Incident, plan: Plan) -> str:
    """The incident commander, else who had it, else the first role of the path."""
    return engaged(incident, plan)[0]


def next_at(incident: Incident, plan: Plan) -> datetime | None:
    """When the next reminder or deadline is."""
    if not incident.owed.opened:
        return None
    times = [
        one.due_at if one.key in incident.owed.reminded else _remind_at(one)
        for one in owing(incident, plan)
        if one.open and not one.overdue
    ]
    return min(times, default=None)


def pass_(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """What is proven is done; then every reminder and deadline that has passed, each once."""
    if not incident.owed.opened:
        return Moved(incident=incident)
    incident, lost = _look_again(incident, plan, at)
    proven = tuple(_proven(incident, plan, at))
    incident = _settle(
        incident, plan, {k: Settled(by="Playcall", at=at, measured=True) for k in proven}
    )
    follows: list[Event] = [*lost]
    follows += [DutyDone(at=at, by="Playcall", duty=key, measured=True) for key in proven]
    late = [one for one in _waiting(incident, plan) if at >= one.due_at]
    soon = [
        one
        for one in _waiting(incident, plan)
        if _remind_at(one) <= at < one.due_at and one.key not in incident.owed.reminded
    ]
    for kind, some in ((DutyOverdue, late), (DutyReminded, soon)):
        follows += [kind(at=at, duty=o.key, owner=o.owner, due_at=o.due_at) for o in some]
    owed = replace(
        incident.owed,
        overdue=(*incident.owed.overdue, *(one.key for one in late)),
        reminded=(*incident.owed.reminded, *(one.key for one in soon)),
    )
    effects = _tell_lost(incident, plan, lost) + _tell(plan, late, soon)
    return Moved(incident=replace(incident, owed=owed), effects=effects, follows=tuple(follows))


def _waiting(incident: Incident, plan: Plan) -> list[Owing]:
    return [one for one in owing(incident, plan) if one.open and not one.overdue]


def _remind_at(one: Owing) -> datetime:
    return one.due_at - one.duty.within * (1 - REMIND_AT)


def _tell(plan: Plan, late: list[Owing], soon: list[Owing]) -> tuple[Effect, ...]:
    """One message each: an owner's has all of theirs, the next role's what is overdue. Where nobody
    is behind the owner any more, the next role has the owner's."""
    told: list[Effect] = []
    for own in dict.fromkeys(one.owner for one in (*late, *soon)):
        overdue = [
            f"{one.duty.title}, overdue since {one.due_at:%H:%M} UTC"
            for one in late
            if one.owner == own
        ]
        due = [
            f"{one.duty.title}, due {one.due_at:%Y-%m-%d %H:%M} UTC"
            for one in soon
            if one.owner == own
        ]
        following = next_roles(plan, own)
        said = OWED + "; ".join([*overdue, *due])
        about = f"duties of {own}"
        told.append(Tell(role=own, reason=said, instead=following, about=about))
        if overdue:
            reason = f"{OWED}{'; '.join(overdue)} ({own} has it)"
            told += [Tell(role=role, reason=reason, about=about) for role in following]
    return tuple(told)


def next_roles(plan: Plan, owner: str) -> tuple[str, ...]:
    others = [rung.roles for rung in plan.rungs[1:]] or [first_roles(plan)]
    return tuple(role for role in others[0] if role != owner)


def _tell_lost(
    incident: Incident, plan: Plan, lost: tuple[DutyUnproven, ...]
) -> tuple[Effect, ...]:
    if not lost:
        return ()
    said = "; ".join(f"{duty_title(plan, one.duty)}, again: {one.reason}" for one in lost)
    return (Tell(role=owner(incident, plan), reason=OWED + said),)


# --- what is proven ------------------------------------------------------------------------------


def _look_again(
    incident: Incident, plan: Plan, at: datetime
) -> tuple[Incident, tuple[DutyUnproven, ...]]:
    """Whether the criteria prove by now that it is over; what they no longer prove is owed anew,
    while they are looked at. What a person said stands."""
    until = duty_proofs.looked_at_until(incident, plan)
    if until is None or at > until:
        return incident, ()
    owed = incident.owed
    why = duty_proofs.broken(incident, plan)
    if not why:
        stable = owed.stable or verification.is_proven(incident, plan)
        return replace(incident, owed=replace(owed, stable=stable)), ()
    lost = [
        key
        for one in owing(incident, plan)
        for key, item, settled in one.items
        if settled and settled.measured and duty_proofs.asks_stability(item.text)
    ]
    left = {key: one for key, one in owed.settled.items() if key not in lost}
    incident = replace(incident, owed=replace(owed, stable=False, settled=left))
    return incident, tuple(DutyUnproven(at=at, duty=key, reason=why) for key in lost)


def _proven(incident: Incident, plan: Plan, at: datetime) -> Iterator[str]:
    """Items that are done because Playcall saw to it, or saw it."""
    for one in owing(incident, plan):
        if not one.open:
            continue
        if duty_proofs.is_done(incident, one.duty):
            yield one.key
        for key, item, settled in one.items:
            if settled is None and duty_proofs.is_proven(incident, item.text, at):
                yield key


# --- what people and hands do --------------------------------------------------------------------


def done(incident: Incident, event: DutyDone, plan: Plan) -> Moved | Refused:
    if event.measured:  # settled already by the move that it follows from
        return Moved(incident=incident)
    settled = Settled(by=event.by, at=event.at, note=event.note)
    return _by_hand(incident, plan, event.duty, settled)


def waive(incident: Incident, event: DutyWaived, plan: Plan) -> Moved | Refused:
    if not event.reason.strip():
        return Refused(reason="say why it need not be done")
    settled = Settled(by=event.by, at=event.at, note=event.reason, waived=True)
    return _by_hand(incident, plan, event.duty, settled)


def _by_hand(incident: Incident, plan: Plan, key: str, settled: Settled) -> Moved | Refused:
    there = {
        each: one.open and (known is None)
        for one in owing(incident, plan)
        for each, known in ((one.key, one.settled), *((k, s) for k, _, s in one.items))
    }
    if key not in there:
        return Refused(reason=f"there is no duty {key}; there are {', '.join(there) or 'none'}")
    if not there[key]:
        return Refused(reason=f"{duty_title(plan, key)}: it is done or waived already")
    return Moved(incident=_settle(incident, plan, {key: settled}))


def _settle(incident: Incident, plan: Plan, more: dict[str, Settled]) -> Incident:
    """With what is done no longer overdue."""
    if not more:
        return incident
    owed = replace(incident.owed, settled={**incident.owed.settled, **more})
    incident = replace(incident, owed=owed)
    still = {one.key for one in owing(incident, plan) if one.open}
    overdue = tuple(key for key in owed.overdue if key in still)
    return replace(incident, owed=replace(owed, overdue=overdue))


def saved(incident: Incident, event: PostMortemSaved, plan: Plan) -> Moved:
    written = event.asks == 0 and event.conflicts == 0
    owed = replace(incident.owed, written=written)
    return Moved(incident=replace(incident, owed=owed), effects=(WriteReport(),))


def reported(incident: Incident, event: ReportWritten, plan: Plan) -> Moved:
    return Moved(incident=replace(incident, owed=replace(incident.owed, reported=True)))


def give(incident: Incident, event: DutyGiven, plan: Plan) -> Moved | Refused:
    """Whoever has it now is reminded, and told when it is late, as the earlier owner was."""
    known = {one.key: one for one in owing(incident, plan)}
    if event.duty not in known:
        return Refused(reason=f"there is no duty {event.duty}; there are {', '.join(known) or 0}")
    if not known[event.duty].open:
        return Refused(reason=f"{duty_title(plan, event.duty)}: it is done or waived already")
    if not event.owner.strip():
        return Refused(reason="say who is to have it")
    before = incident.owed
    owed = replace(
        before,
        owners={**before.owners, event.duty: event.owner},
        reminded=tuple(key for key in before.reminded if key != event.duty),
        overdue=tuple(key for key in before.overdue if key != event.duty),
    )
    return Moved(incident=replace(incident, owed=owed))


def measured(incident: Incident, event: MetricsReviewed, plan: Plan) -> Moved:
    """With what is not there nothing is proven; what was there before stays on file."""
    whole = event.points > 0 and event.troubled == 0
    owed = replace(incident.owed, reviewed=incident.owed.reviewed or whole)
    effects = (WriteReport(),) if incident.status.over else ()
    return Moved(incident=replace(incident, owed=owed), effects=effects)


def measure(incident: Incident, event: ReviewAsked, plan: Plan) -> Moved:
    return Moved(incident=incident, effects=(MeasureMetrics(by_hand=True),))


def again(owed: Owed) -> Owed:
    """Opened again: what was done for the first end is owed for the next one. Actions stay."""
    return Owed(actions=owed.actions, owners=owed.owners)


def _record(incident: Incident, event: Event, plan: Plan) -> Moved:
    """It follows from a move that settled it already."""
    return Moved(incident=incident)


HANDLERS: Mapping[type[Event], Callable[[Incident, Any, Plan], Moved | Refused]] = {
    PostMortemSaved: saved,
    DutyDone: done,
    DutyUnproven: _record,
    DutyWaived: waive,
    DutyReminded: _record,
    DutyOverdue: _record,
    MetricsReviewed: measured,
    ReviewAsked: measure,
}
