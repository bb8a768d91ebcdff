"""Where an incident's response stands: the path, its time boxes, the decision tree, who does what.

Pure values, made once for the page and for programs. Times are instants; the faces say them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from playcall.core import decision, escalation
from playcall.core.events import Reopened, TargetMissed
from playcall.core.incident import Incident, Part, Quiet
from playcall.core.medium import has_conference
from playcall.core.meeting import meeting_of
from playcall.core.placement import Placement
from playcall.core.plan import Plan, Play, Rung, Step
from playcall.engine.ports import Dossier


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a face needs to know of the installation beside the incident."""

    people: tuple[tuple[str, str], ...] = ()  # id and name of whoever can be called
    roles: tuple[str, ...] = ()  # of the document, with somebody behind them
    placement: Placement = field(default_factory=Placement)  # where commands run, and as whom
    current: str = ""  # digest of the plan by which new incidents open; "": not known
    newer: Plan | None = None  # that plan, when it is not the incident's
    unbound: tuple[str, ...] = ()  # what the incident's plan pages and nobody is behind
    time_limit: timedelta | None = None  # of a command
    number: str = ""  # that a conference is joined by; "": there is none
    names: frozenset[str] = frozenset()  # that mean somebody, in lower case
    tracker: str = ""  # where action items may be tickets
    ticket_always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RungView:
    roles: tuple[str, ...]
    means: str
    condition: str
    due: datetime | None  # None: this severity never climbs it
    climbed: bool  # in this round


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRung:
    """What is climbed next if nothing changes."""

    roles: tuple[str, ...]
    means: str
    condition: str
    at: datetime
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxView:
    """A phase of the play and its time."""

    phase: str
    starts: datetime
    ends: datetime
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A question that was answered on the way taken."""

    question: str  # its id
    text: str
    answers: tuple[str, ...]  # the labels it can be answered with
    answer: str
    by: str
    at: datetime
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The question that is asked now."""

    question: str
    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    outcome: str
    lead: str
    commands: tuple[str, ...]  # of the play, by id


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeView:
    """A decision tree, and how far it was walked."""

    step: str  # its key
    title: str
    phase: str
    due: bool  # its phase has begun, or somebody began to answer
    walked: tuple[Walked, ...]
    asked: Asking | None
    outcomes: tuple[OutcomeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceView:
    id: str
    until: datetime
    by: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """The plan the incident keeps, beside the one by which new incidents open."""

    opened_with: str  # digest
    document: str
    current: str
    changed: bool
    differences: tuple[str, ...]  # in what concerns this incident


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseView:
    round: int
    rungs: tuple[RungView, ...]
    next: NextRung | None
    quiet: Quiet | None
    assigned_to: str | None
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by short name
    respond_by: datetime | None
    target_missed: bool
    boxes: tuple[BoxView, ...]
    trees: tuple[TreeView, ...]
    silences: tuple[SilenceView, ...]
    reopened: int
    war_room: str
    conference: str = ""  # the number to call; empty: it has none
    unbound: tuple[str, ...]
    plan: PlanView


def respond(found: Dossier, around: Surroundings, now: datetime) -> ResponseView:
    incident, plan = found.incident, found.plan
    play = plan.play(incident.play) if incident.play else None
    quiet = incident.quiet if escalation.is_quiet(incident, now) else None
    return ResponseView(
        round=incident.round,
        rungs=_rungs(incident, plan),
        next=_next(incident, plan, now),
        quiet=quiet,
        assigned_to=incident.assigned_to,
        parts=parts(incident),
        respond_by=incident.respond_by,
        target_missed=_missed(found),
        boxes=_boxes(incident, play, now),
        trees=tuple(_trees(incident, play, now)),
        silences=tuple(
            SilenceView(id=key, until=one.until, by=one.by, purpose=one.purpose)
            for key, one in incident.silences.items()
            if one.until > now
        ),
        reopened=incident.reopened,
        unbound=() if incident.status.over else around.unbound,
        war_room=meeting_of(incident, plan),
        conference=around.number if _has_conference(incident, plan) else "",
        plan=_plan(incident, plan, around),
    )


def _has_conference(incident: Incident, plan: Plan) -> bool:
    return not incident.status.over and has_conference(incident, plan)


def short(part: Part) -> str:
    """A part in one word, as people type it: 'commander'."""
    return part.name.lower()


def parts(incident: Incident) -> dict[str, tuple[str, ...]]:
    return {short(part): incident.roles[part] for part in Part if incident.roles.get(part)}


def _rungs(incident: Incident, plan: Plan) -> tuple[RungView, ...]:
    return tuple(
        RungView(
            roles=rung.roles,
            means=rung.means,
            condition=rung.condition,
            due=escalation.rung_due(incident, plan, index),
            climbed=index in incident.climbed,
        )
        for index, rung in enumerate(escalation.ladder(plan))
    )


def _next(incident: Incident, plan: Plan, now: datetime) -> NextRung | None:
    following = escalation.next_rung(incident, plan, now)
    if following is None:
        return None
    at, rung = following
    restarts = at == escalation.restart_at(incident, plan)
    return NextRung(
        roles=rung.roles,
        means=rung.means,
        condition=rung.condition,
        at=at,
        round=incident.round + restarts,
    )


def _missed(found: Dossier) -> bool:
    """Since it was opened, or opened again."""
    for stored in reversed(found.events):
        if isinstance(stored.event, TargetMissed | Reopened):
            return isinstance(stored.event, TargetMissed)
    return False


def _boxes(incident: Incident, play: Play | None, now: datetime) -> tuple[BoxView, ...]:
    return tuple(
        BoxView(
            phase=phase.title,
            starts=incident.fired_at + (phase.starts or timedelta()),
            ends=incident.fired_at + phase.ends,
            ended=index in incident.ended_boxes or incident.fired_at + phase.ends <= now,
        )
        for index, phase in enumerate(play.phases if play else ())
        if phase.ends is not None
    )


# --- the decision tree ---------------------------------------------------------------------------


def _trees(incident: Incident, play: Play | None, now: datetime) -> Iterator[TreeView]:
    for phase in play.phases if play else ():
        for step in phase.steps:
            if play is None or step.decision is None:
                continue
            walk = decision.walk(step, play, incident.answers)
            walked = tuple(_way(step, play, incident))
            begun = incident.fired_at + (phase.starts or timedelta()) <= now
            asked = walk.asked
            yield TreeView(
                step=step.key,
                title=step.title,
                phase=phase.title,
                due=begun or bool(walked),
                walked=walked,
                asked=Asking(
                    question=asked.id,
                    text=asked.question.text,
                    answers=tuple(answer.label for answer in asked.question.answers),
                )
                if asked
                else None,
                outcomes=tuple(
                    OutcomeView(outcome=one.outcome, lead=one.lead, commands=one.commands)
                    for one in walk.reached
                ),
            )


def _way(step: Step, play: Play, incident: Incident) -> Iterator[Walked]:
    """The answers given in this tree, in the order asked; after a rollback nothing is asked."""
    mine = [key for key in incident.answers if key.split(".")[0] == step.key]
    for key in sorted(mine, key=lambda one: [int(part) for part in one.split(".")[1:]]):
        question, given = decision.find_question(play, key), incident.answers[key]
        if question is None:
            continue
        yield Walked(
            question=key,
            text=question.text,
            answers=tuple(answer.label for answer in question.answers),
            answer=given.answer,
            by=given.by,
            at=given.at,
            measured=given.measured,
        )
        taken = next((one for one in question.answers if one.label == given.answer), None)
        outcome = taken.outcome if taken else None
        if outcome and decision.lead_of(outcome, play).lead is decision.Lead.ROLLBACK:
            return


# --- the plan it opened with, and the one of today -----------------------------------------------


def _plan(incident: Incident, plan: Plan, around: Surroundings) -> PlanView:
    changed = bool(around.current) and around.current != incident.plan
    return PlanView(
        opened_with=incident.plan,
        document=plan.source,
        current=around.current or incident.plan,
        changed=changed,
        differences=_differences(incident, plan, around.newer) if around.newer else (),
    )


def _differences(incident: Incident, plan: Plan, newer: Plan) -> tuple[str, ...]:
    """What today's plan would do otherwise in this incident, each in a few words."""
    found = []
    if [_bare(rung) for rung in plan.rungs] != [_bare(rung) for rung in newer.rungs]:
        found.append("the escalation path")
    if plan.response != newer.response:
        found.append("the response settings")
    before = plan.play(incident.play) if incident.play else None
    after = newer.play(incident.play) if incident.play else None
    if before is None or after is None:
        if before:
            found.append("the play is gone")
        return tuple(found)
    return (*found, *_play_differences(before, after))


def _bare(rung: Rung) -> Rung:
    """A rung without its line, which moves with every edit above it."""
    return replace(rung, line=0)


def _play_differences(before: Play, after: Play) -> Iterator[str]:
    if before.severity != after.severity:
        yield f"its severity, {after.severity} now"
    old = {command.id: command.text for command in before.commands()}
    new = {command.id: command.text for command in after.commands()}
    for key in sorted(old.keys() - new.keys()):
        yield f"command {key} is gone"
    for key in sorted(new.keys() - old.keys()):
        yield f"command {key} is new"
    for key in sorted(old.keys() & new.keys()):
        if old[key] != new[key]:
            yield f"command {key} reads otherwise"
    wanted = [criterion.text for criterion in before.criteria]
    if wanted != [criterion.text for criterion in after.criteria]:
        yield "its criteria"
