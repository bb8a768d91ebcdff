"""The incident page's words about the response: who is on it, who is next, what time is left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core import engagement, escalation
from playcall.core.incident import Incident, Part
from playcall.core.people import team_of
from playcall.core.plan import Plan, RungCondition
from playcall.core.response import ResponsePolicy
from playcall.core.wording import say_duration, say_unreached
from playcall.web.response import BoxView, ResponseView, RungView, Surroundings, TreeView, short

SNOOZES = (15, 30, 60)  # minutes, as buttons
SILENCES = (1, 4, 24)  # hours, as buttons


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An option of a list: what is sent, and what is shown."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """A part, its people, and by what word it is asked for."""

    name: str
    title: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that has a time: a rung, a time box."""

    text: str
    words: str
    state: str  # "done", "next", "now" or "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLines:
    state: ResponseView
    due: str  # what happens next if nobody does anything
    target: str
    late: bool  # the target was missed
    quiet: str
    again: str  # that the path started over, or the incident was opened again
    parts: tuple[PartLine, ...]
    commander: str
    rungs: tuple[Line, ...]
    boxes: tuple[Line, ...]
    next_call: str  # whom the next rung is for; "": there is none
    next_rung: int
    calls: tuple[tuple[str, tuple[Choice, ...]], ...]  # by group
    people: tuple[Choice, ...]
    severities: tuple[str, ...]  # that it could be made
    snoozes: tuple[int, ...]
    silences: tuple[int, ...]
    plan: str
    unreached: str  # that a page did not arrive
    unbound: str  # roles of its plan that nobody fills
    asking: TreeView | None  # the first tree whose question waits and whose time has come


def say(
    state: ResponseView, incident: Incident, plan: Plan, around: Surroundings, now: datetime
) -> ResponseLines:
    boxes = tuple(_box(box, now) for box in state.boxes)
    heard = incident.acknowledged_by is not None
    rungs = tuple(_rung(rung, state, heard, now) for rung in state.rungs)
    waiting = (tree for tree in state.trees if tree.asked and tree.due)
    commanders = incident.roles.get(Part.COMMANDER, ())
    live = not incident.status.over
    return ResponseLines(
        state=state,
        due=_due(state, now) if live else "",
        target=_target(state, heard, now) if live else "",
        late=state.target_missed and not heard,
        quiet=_quiet(state, now) if live else "",
        again=_again(state),
        parts=tuple(
            PartLine(name=short(part), title=part.value, people=incident.roles.get(part, ()))
            for part in Part
        ),
        commander=commanders[0] if commanders else "",
        rungs=rungs if live else (),
        boxes=boxes if live else (),
        next_call=_next_call(incident, plan),
        next_rung=engagement.next_rung(incident),
        unreached=say_unreached(incident),
        unbound=_unbound(around),
        calls=tuple(_calls(incident, plan, around)),
        people=tuple(_people(around)),
        severities=tuple(row.level for row in plan.severities if row.level != incident.severity),
        snoozes=_snoozes(plan.response),
        silences=SILENCES,
        plan=_plan(state),
        asking=next(waiting, None) if live else None,
    )


def time_left(box: BoxView | None, now: datetime) -> str:
    """'12 min left', 'starts in 3 min', 'over for 2 min'."""
    if box is None:
        return ""
    if box.ended:
        return f"over for {_countdown(now - box.ends)}" if box.ends <= now else "over"
    if now < box.starts:
        return f"starts in {_countdown(box.starts - now)}"
    return f"{_countdown(box.ends - now)} left"


def _box(box: BoxView, now: datetime) -> Line:
    later = "later" if now < box.starts else "now"
    return Line(text=box.phase, words=time_left(box, now), state="done" if box.ended else later)


def _rung(rung: RungView, state: ResponseView, heard: bool, now: datetime) -> Line:
    text = f"{' and '.join(rung.roles)} · {rung.means.lower()}"
    if rung.climbed:
        return Line(text=text, words="called", state="done")
    following = state.next
    if following and (following.roles, following.at) == (rung.roles, rung.due):
        return Line(text=text, words=f"in {_countdown(following.at - now)}", state="next")
    return Line(text=text, words=_waiting(rung, state, heard, now), state="later")


def _waiting(rung: RungView, state: ResponseView, heard: bool, now: datetime) -> str:
    if state.quiet:  # the banner says so
        return ""
    if rung.due is None:
        return "not for this severity"
    if heard and rung.condition == RungCondition.NO_ACK:
        return "not while acknowledged"
    if rung.due <= now:
        return f"as soon as {rung.condition}"
    only = rung.condition in (RungCondition.CRITICAL, RungCondition.SLA_VIOLATION)
    return f"in {_countdown(rung.due - now)}{f', if {rung.condition}' if only else ''}"


def _countdown(left: timedelta) -> str:
    """In whole seconds: what moves need not be exact."""
    return say_duration(timedelta(seconds=round(left.total_seconds())))


def _due(state: ResponseView, now: datetime) -> str:
    if state.next is None:
        return ""
    following = state.next
    whom = " and ".join(following.roles)
    why = following.condition
    if following.round > state.round:
        why = f"the path starts over, round {following.round}"
    return f"{whom}: {following.means.lower()} in {_countdown(following.at - now)} ({why})"


def _target(state: ResponseView, heard: bool, now: datetime) -> str:
    if state.target_missed:
        late = "Acknowledged after" if heard else "Nobody acknowledged within"
        return f"{late} the response time"
    if state.respond_by is None:
        return ""
    if state.respond_by <= now:
        return "The response time is over"
    return f"To be acknowledged within {_countdown(state.respond_by - now)}"


def _quiet(state: ResponseView, now: datetime) -> str:
    if state.quiet is None:
        return ""
    if state.quiet.until <= now:
        return f"Pages are held until it fires again: {state.quiet.reason}"
    clock = f"{state.quiet.until:%H:%M} UTC"
    left = _countdown(state.quiet.until - now)
    return f"Pages are held until {clock}, {left} from now: {state.quiet.reason}"


def _again(state: ResponseView) -> str:
    said = []
    if state.reopened:
        said.append("opened again" + (f" {state.reopened} times" if state.reopened > 1 else ""))
    if state.round > 1:
        said.append(f"round {state.round} of the path")
    return ", ".join(said)


def _plan(state: ResponseView) -> str:
    if not state.plan.changed:
        return ""
    before, after = state.plan.opened_with[:8], state.plan.current[:8]
    differs = "; ".join(state.plan.differences) or "nothing that concerns this incident"
    return (
        f"The plan changed since this opened: it keeps {before} ({state.plan.document}), new "
        f"incidents get {after}. What differs: {differs}."
    )


def _next_call(incident: Incident, plan: Plan) -> str:
    ladder = escalation.ladder(plan)
    index = engagement.next_rung(incident)
    return " and ".join(ladder[index].roles) if index < len(ladder) else ""


def _unbound(around: Surroundings) -> str:
    if not around.unbound:
        return ""
    return f"Nobody is bound to {', '.join(around.unbound)}: the first rung is paged instead"


def _calls(
    incident: Incident, plan: Plan, around: Surroundings
) -> Iterable[tuple[str, tuple[Choice, ...]]]:
    team = team_of(incident, plan)
    if team and team.expert:
        yield "Expert", (Choice(value="expert", label=f"{team.expert}, {team.value}"),)
    if plan.teams:
        yield (
            "Teams",
            tuple(
                Choice(value=f"team:{t.value}", label=f"{t.value} ({t.primary})")
                for t in plan.teams
            ),
        )
    if around.roles:
        yield "Roles", tuple(Choice(value=f"role:{role}", label=role) for role in around.roles)
    people = tuple(_people(around))
    if people:
        yield (
            "People",
            tuple(Choice(value=f"person:{one.value}", label=one.label) for one in people),
        )


def _people(around: Surroundings) -> Iterable[Choice]:
    for key, name in around.people:
        yield Choice(value=key, label=name if name.lower() == key.lower() else f"{name} ({key})")


def _snoozes(policy: ResponsePolicy) -> tuple[int, ...]:
    longest = policy.snooze_at_most.total_seconds() / 60
    return tuple(minutes for minutes in SNOOZES if minutes <= longest)
