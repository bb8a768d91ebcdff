"""Shorthand for tests of the response: move an incident, and read what follows."""

from datetime import date

from playcall.core import events as ev
from playcall.core.action_events import (
    ActionChanged,
    ActionDropped,
    ActionOverdue,
    ActionReminded,
    DutyGiven,
    TicketAsked,
    TicketFailed,
    TicketOpened,
)
from playcall.core.decide import decide
from playcall.core.duty_events import DutyUnproven
from playcall.core.effects import Effect, Moved, Page, Refused, Tell
from playcall.core.incident import Incident, Member
from playcall.core.judge import Judgement, Verdict
from playcall.core.pin_events import EntryPinned, EntryUnpinned, Pin
from playcall.core.plan import Plan
from playcall.core.regroup_events import Absorbed, AlertsSplit, MergedInto
from playcall.core.sending_events import PostMortemShared, SummarySent
from playcall.testing import NOON, a_plan, an_alert, an_opening, minutes

PLAN = a_plan()

MEMBER = Member(alert=an_alert(fingerprint="f9"), firing=True, changed_at=NOON)
REGROUPED: tuple[ev.Event, ...] = (
    MergedInto(at=NOON, by="cleo", incident=7, title="disk full", reason="one cause"),
    Absorbed(at=NOON, by="cleo", incident=7, title="disk full", severity="HIGH", members=(MEMBER,)),
    AlertsSplit(
        at=NOON, by="ada", incident=7, title="disk full", fingerprints=("f1",), names=("A",)
    ),
)
DUTY_EVENTS: tuple[ev.Event, ...] = (
    ev.PostMortemSaved(at=NOON, by="ada", version=1, asks=2, conflicts=0),
    ev.DutyDone(at=NOON, by="ada", duty="1.1", note="looked twice"),
    DutyUnproven(at=NOON, duty="1.1", reason="it broke"),
    ev.DutyWaived(at=NOON, by="ada", duty="1", reason="a drill"),
    ev.DutyReminded(at=NOON, duty="1", owner="ada", due_at=NOON),
    ev.DutyOverdue(at=NOON, duty="1", owner="ada", due_at=NOON),
    ev.MetricsReviewed(at=NOON, charts=3, troubled=1, points=9),
    ev.ReviewAsked(at=NOON, by="ada"),
    ev.ActionAdded(at=NOON, by="ada", text="watch the disk", owner="bob", due=date(2026, 3, 9)),
    ActionChanged(at=NOON, by="ada", action=1, text="watch the disks", owner="bob"),
    ActionReminded(at=NOON, action=1, owner="bob", due_at=NOON),
    ActionOverdue(at=NOON, action=1, owner="bob", due_at=NOON),
    TicketAsked(at=NOON, by="ada", action=1),
    TicketFailed(at=NOON, action=1, reason="GitHub refused it (410)"),
    TicketOpened(at=NOON, action=1, key="#7", url="https://github.example/o/r/issues/7"),
    ActionDropped(at=NOON, by="ada", action=1, reason="a drill"),
    DutyGiven(at=NOON, by="ada", duty="1", owner="bob"),
    ev.ActionDone(at=NOON, by="ada", action=1, note="merged"),
    EntryPinned(at=NOON, by="ada", n=1, pin=Pin.CAUSE),
    EntryUnpinned(at=NOON, by="ada", n=1),
    SummarySent(at=NOON, by="ada", subject="s", body="b", to=("CTO",)),
    PostMortemShared(at=NOON, by="ada", version=1, subject="s", body="b", to=("CTO",)),
)


def moved(incident: Incident | None, event: ev.Event, plan: Plan = PLAN) -> Moved:
    """The move, with what follows from it already committed, as the engine does."""
    outcome = decide(incident, event, plan)
    assert isinstance(outcome, Moved), outcome
    effects = outcome.effects
    state = outcome.incident
    for following in outcome.follows:
        after = decide(state, following, plan)
        assert isinstance(after, Moved), after
        state, effects = after.incident, effects + after.effects
    return Moved(incident=state, effects=effects, follows=outcome.follows)


def refused(incident: Incident | None, event: ev.Event, plan: Plan = PLAN) -> str:
    outcome = decide(incident, event, plan)
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


def after(incident: Incident, *events: ev.Event, plan: Plan = PLAN) -> Incident:
    for event in events:
        incident = moved(incident, event, plan).incident
    return incident


def opened(plan: Plan = PLAN, **changes: object) -> Incident:
    return moved(None, an_opening(**changes), plan).incident  # type: ignore[arg-type]


def pages(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.role for effect in effects if isinstance(effect, Page)]


def reasons(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.reason for effect in effects if isinstance(effect, Page)]


def told(effects: tuple[Effect, ...]) -> list[tuple[str, str]]:
    return [(effect.role, effect.reason) for effect in effects if isinstance(effect, Tell)]


def woken(minute: float) -> ev.Woken:
    return ev.Woken(at=NOON + minutes(minute))


def acknowledged(minute: float = 1, by: str = "ada") -> ev.Acknowledged:
    return ev.Acknowledged(at=NOON + minutes(minute), by=by)


def cleared(minute: float = 2) -> ev.AlertsCleared:
    return ev.AlertsCleared(at=NOON + minutes(minute), alerts=(an_alert(firing=False),))


def fired(minute: float) -> ev.AlertsJoined:
    again = an_alert(starts_at=NOON + minutes(minute))
    return ev.AlertsJoined(at=NOON + minutes(minute), alerts=(again,))


def read(verdict: Verdict, minute: float = 0, criterion: str = "recovery") -> ev.MetricRead:
    known = verdict is not Verdict.UNKNOWN
    return ev.MetricRead(
        at=NOON + minutes(minute),
        criterion=criterion,
        judgement=Judgement(verdict=verdict, value=0.4 if known else None, since=None),
    )


def resolved(minute: float, *, unverified: bool = True) -> ev.Resolved:
    return ev.Resolved(at=NOON + minutes(minute), by="ada", cause="", unverified=unverified)


def climb(incident: Incident, *steps: float, plan: Plan = PLAN) -> list[list[str]]:
    """Whom each timer pages, from the incident as it is."""
    paged = []
    for minute in steps:
        outcome = moved(incident, woken(minute), plan)
        paged.append(pages(outcome.effects))
        incident = outcome.incident
    return paged
