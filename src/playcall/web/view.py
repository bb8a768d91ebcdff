"""What the incident page shows, as values made from a dossier: pure, so that it can be tested."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from markupsafe import Markup

from playcall.core import timeline, verification
from playcall.core.access import Access
from playcall.core.approvals import asked_now
from playcall.core.bound import judged
from playcall.core.commands import missing_values
from playcall.core.incident import Incident, RunStatus, Status
from playcall.core.judge import Judgement, Verdict
from playcall.core.placement import Placement
from playcall.core.plan import (
    Command,
    Criterion,
    EffectClass,
    Guard,
    Phase,
    Play,
    Purpose,
    Question,
    Step,
)
from playcall.core.standing import say_diagnostics, say_standing
from playcall.core.wording import say_duration, say_value
from playcall.engine.outbox import Buried, Sent
from playcall.engine.ports import Dossier, StoredRun
from playcall.web import duties, printed, rollback, tree_picture, view_response
from playcall.web.approval_view import AskView, view_ask
from playcall.web.countdowns import Countdown, countdowns
from playcall.web.duties import OwedView
from playcall.web.printed import Printed
from playcall.web.response import BoxView, ResponseView, Surroundings, TreeView, respond
from playcall.web.rollback import RollbackView
from playcall.web.surrounding import BesideView, beside
from playcall.web.telling import standing
from playcall.web.timeline_view import Part, TimelineView, latest
from playcall.web.told import ToldView, told
from playcall.web.values import Preview, ValueView, preview, wanted_by
from playcall.web.view_response import ResponseLines

WHOLE = Part()
MOST_SENT = 200  # messages on the page; the API has all

STATUS_WORDS = {
    Status.OPEN: "Nobody has acknowledged",
    Status.ACKNOWLEDGED: "Acknowledged",
    Status.RECOVERED: "Recovered, proven by the criteria",
    Status.RESOLVED: "Resolved",
    Status.CLOSED: "Closed",
    Status.MERGED: "Merged into another incident",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    words: str  # "12 s of 60 s"
    percent: int  # of its time limit


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    id: str
    anchor: str  # usable as an HTML id
    title: str
    written: str
    runs_as: str | None  # shown beside it when something else runs
    why: str  # the reasons for its class, and for its translation
    effect: EffectClass
    approver: Access  # the least that who approves it must have
    missing: tuple[str, ...]
    values: tuple[ValueView, ...]  # of its placeholders
    preview: Preview
    status: str  # "" before anything happened
    summary: str
    after: str  # the change whose end made it look again
    approved_by: str | None
    took: str
    placed: str  # " on db1 by SSH as playcall"; "" before it ran
    printed: Printed
    progress: Progress | None  # of one that runs
    unknown: tuple[str, ...]  # what is known of one that nobody saw end
    run: str | None
    can_approve: bool
    again: bool  # approving means running it once more
    ask: AskView


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceView:
    """Commands that stand under one lead line, or under none."""

    guard: Guard | None
    chosen: bool  # the decision tree led to it
    commands: tuple[CommandView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    key: str  # its number, "1b" when the play has it twice
    title: str
    checks: tuple[str, ...]
    choices: tuple[ChoiceView, ...]
    tree: tuple[str, ...]  # the whole decision tree, line by line
    picture: Markup  # of that tree
    walk: TreeView | None  # how far it was walked


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseView:
    title: str
    box: str  # the time box in words
    left: str  # what is left of it
    current: bool
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionView:
    id: str
    anchor: str
    text: str
    recovery: bool
    value: str
    limit: str
    state: str  # "good", "bad" or "unknown"
    words: str
    percent: int  # of its window


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    incident: Incident
    headline: str
    notes: tuple[str, ...]  # no play, nobody woken
    status: str
    age: str
    response: ResponseLines
    countdowns: tuple[Countdown, ...]
    criteria: tuple[CriterionView, ...]
    phases: tuple[PhaseView, ...]
    timeline: TimelineView
    doubts: tuple[str, ...]
    beside: tuple[int, ...]
    around: BesideView
    given_up: tuple[Buried, ...]
    sent: tuple[Sent, ...]  # newest first
    diagnostics: str  # "5 of 6 finished"
    decide: CommandView | None  # the first change that nobody has decided on
    can_acknowledge: bool
    can_resolve: bool
    over: bool
    rollback: RollbackView | None
    owed: OwedView | None  # None: it is not over
    telling: tuple[str, bool]  # when the next status update is due, and whether one is overdue
    told: ToldView


def show(found: Dossier, around: Surroundings, now: datetime, part: Part = WHOLE) -> IncidentView:
    incident, plan = found.incident, found.plan
    state = respond(found, around, now)
    play = plan.play(incident.play) if incident.play else None
    over = incident.status.over
    owes = incident.resolved_at or incident.owed.actions  # what was merged owes no duties
    commands = Commands(
        found=found, play=play, placement=around.placement, limit=around.time_limit, now=now
    )
    phases = tuple(_phase(phase, commands, state) for phase in (play.phases if play else ()))
    return IncidentView(
        incident=incident,
        headline=_headline(incident, play),
        notes=say_standing(incident, plan, now),
        status=STATUS_WORDS[incident.status],
        age=say_duration((incident.ended_at or now) - incident.fired_at),
        response=view_response.say(state, incident, plan, around, now),
        countdowns=countdowns(state, incident, now),
        criteria=tuple(
            _criterion(criterion, found, now)
            for criterion in (play.criteria if play else ())
            if criterion.purpose is not Purpose.QUESTION  # asked in the decision tree
        ),
        phases=phases,
        timeline=latest(found.events, plan, play, part),
        doubts=() if over else verification.doubts(incident, plan),
        beside=incident.alongside,
        around=beside(incident, plan),
        given_up=found.buried,
        sent=tuple(reversed(found.sent))[:MOST_SENT],
        diagnostics=say_diagnostics(incident),
        decide=_undecided(phases, state) if incident.acknowledged_by else None,
        can_acknowledge=incident.acknowledged_by is None and not over,
        can_resolve=not over,
        over=over,
        rollback=rollback.view(found),
        owed=duties.owed(incident, plan, now, around) if over and owes else None,
        telling=standing(found, now),
        told=told(found, play),
    )


def _undecided(phases: Iterable[PhaseView], state: ResponseView) -> CommandView | None:
    """What the decision tree led to comes first. None as soon as a change has run, or runs: then
    its effect is what is waited for."""
    changes = [
        command
        for phase in phases
        for step in phase.steps
        for choice in step.choices
        for command in choice.commands
        if command.effect is EffectClass.CHANGE
    ]
    decided = {key for tree in state.trees for one in tree.outcomes for key in one.commands}
    waiting = [command for command in changes if command.status in ("", RunStatus.DECLINED)]
    for command in waiting:
        if command.id in decided and command.can_approve:
            return command
    if len(waiting) < len(changes):
        return None
    return next((command for command in changes if command.can_approve), None)


def _headline(incident: Incident, play: Play | None) -> str:
    if play is None:
        return ""  # the notes say so
    symptoms = [c.text for c in play.criteria if c.purpose is Purpose.SYMPTOM]
    return symptoms[0] if symptoms else (play.symptoms[0].text if play.symptoms else "")


def _criterion(criterion: Criterion, found: Dossier, now: datetime) -> CriterionView:
    _, reading = found.readings.get(criterion.id, (now, None))
    recovery = criterion.purpose is Purpose.RECOVERY
    value = reading.value if reading else None
    return CriterionView(
        id=criterion.id,
        anchor=f"criterion-{_anchor(criterion.id)}",
        text=criterion.text,
        recovery=recovery,
        value="no data" if value is None else say_value(value, criterion.unit),
        limit=f"{criterion.comparison} {say_value(criterion.threshold, criterion.unit)}",
        state=state_of(reading, recovery),
        words=_reading_words(criterion, reading, now),
        percent=_percent(criterion, reading, now),
    )


def state_of(reading: Judgement | None, recovery: bool) -> str:
    """As `CriterionView.state`."""
    if reading is None or reading.verdict is Verdict.UNKNOWN:
        return "unknown"
    met = reading.verdict in (Verdict.HOLDS, Verdict.HOLDING)
    return "good" if met == recovery else "bad"


def _reading_words(criterion: Criterion, reading: Judgement | None, now: datetime) -> str:
    if criterion.query is None:
        return "cannot be measured: look at it yourself"
    if reading is None:
        return "not measured yet"
    window = say_duration(criterion.holds_for)
    match reading.verdict:
        case Verdict.UNKNOWN:
            return f"unknown: {reading.reason or 'no data'}"
        case Verdict.BROKEN:
            return "not so now"
        case Verdict.HOLDS:
            return f"held for {window}" if criterion.holds_for else "so now"
        case Verdict.HOLDING:
            held = say_duration(now - reading.since) if reading.since else "0 s"
            return f"for {held} of {window}"


def _percent(criterion: Criterion, reading: Judgement | None, now: datetime) -> int:
    if reading is None or reading.since is None:
        return 0
    if reading.verdict is Verdict.HOLDS or not criterion.holds_for:
        return 100
    return max(0, min(99, int(100 * ((now - reading.since) / criterion.holds_for))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What is needed to show a command."""

    found: Dossier
    play: Play | None
    placement: Placement
    limit: timedelta | None  # of the settings
    now: datetime


def _phase(phase: Phase, commands: Commands, state: ResponseView) -> PhaseView:
    now = commands.now
    boxes = {box.phase: box for box in state.boxes}
    box: BoxView | None = boxes.get(phase.title)
    live = not commands.found.incident.status.over
    return PhaseView(
        title=phase.title,
        box=_box(phase),
        left=view_response.time_left(box, now) if live else "",
        current=live and box is not None and box.starts <= now < box.ends,
        steps=tuple(
            StepView(
                key=step.key,
                title=step.title,
                checks=tuple(check.text for check in step.checks),
                choices=tuple(_choices(step, commands, state)),
                tree=tuple(_tree(step.decision, 0)) if step.decision else (),
                walk=(walk := _walk(step, state)),
                picture=_picture(step, walk, commands.found.incident),
            )
            for step in phase.steps
        ),
    )


def _walk(step: Step, state: ResponseView) -> TreeView | None:
    return next((tree for tree in state.trees if step.decision and tree.step == step.key), None)


def _picture(step: Step, walk: TreeView | None, incident: Incident) -> Markup:
    if step.decision is None:
        return Markup()
    asked = walk.asked.question if walk and walk.asked else ""
    return tree_picture.draw(step.key, step.decision, incident.answers, asked)


def _choices(step: Step, commands: Commands, state: ResponseView) -> Iterator[ChoiceView]:
    decided = {key for tree in state.trees for one in tree.outcomes for key in one.commands}
    for guard, among in groupby(step.commands, key=lambda one: one.guard):
        listed = list(among)
        yield ChoiceView(
            guard=guard,
            chosen=any(one.id in decided for one in listed),
            commands=tuple(_command(one, commands) for one in listed),
        )


def _box(phase: Phase) -> str:
    if phase.ends is None:
        return ""
    if not phase.starts:
        return f"first {say_duration(phase.ends)}"
    return f"{say_duration(phase.starts)} to {say_duration(phase.ends)}"


def _tree(question: Question, depth: int) -> Iterable[str]:
    yield f"{'    ' * depth}{question.text}"
    for answer in question.answers:
        outcome = f" → {answer.outcome}" if answer.outcome else ""
        yield f"{'    ' * depth}  {answer.label}{outcome}"
        for following in answer.questions:
            yield from _tree(following, depth + 1)


def _command(written: Command, among: Commands) -> CommandView:
    found, now = among.found, among.now
    incident = found.incident
    command = judged(written, incident.values)
    run = incident.runs.get(command.id)
    row = next((r for r in found.runs if run and r.id == run.id), None)
    asked = asked_now(written, incident, now)
    missing = missing_values(incident, asked)
    as_run = row.execution.text if row else (command.runs_as.text if command.runs_as else "")
    idle = run is None or not run.status.active
    return CommandView(
        id=command.id,
        anchor=f"command-{_anchor(command.id)}",
        title=command.title,
        written=command.text,
        runs_as=as_run if as_run and as_run != command.text else None,
        why="; ".join([*command.reasons, command.runs_as.why if command.runs_as else ""]).strip(
            "; "
        ),
        effect=command.effect,
        approver=command.approver,
        missing=missing,
        values=wanted_by(command, found),
        preview=preview(written, incident) if idle else Preview(),
        status=run.status if run else "",
        summary=run.summary if run else "",
        after=run.after if run else "",
        approved_by=run.approved_by if run else None,
        took=_took(row, now),
        placed=timeline.placed(row.execution.where, row.execution.whom) if row else "",
        printed=printed.show(row, among.play),
        progress=_progress(row, among) if run and run.status is RunStatus.RUNNING else None,
        unknown=_known(row, among) if run and run.status is RunStatus.UNKNOWN else (),
        run=run.id if run else None,
        can_approve=idle
        and not incident.status.over
        and not missing
        and command.effect is not EffectClass.MANUAL,
        again=run is not None and not run.status.never_ran,
        ask=view_ask(written, incident, found.plan, among.placement, now),
    )


def _progress(row: StoredRun | None, among: Commands) -> Progress | None:
    if row is None or row.begun_at is None:
        return None
    limits = [one for one in (row.execution.time_limit, among.limit) if one]
    so_far = max(among.now - row.begun_at, timedelta())
    if not limits:
        return Progress(words=say_duration(so_far), percent=0)
    words = f"{say_duration(so_far)} of {say_duration(min(limits))}"
    return Progress(words=words, percent=min(100, int(100 * (so_far / min(limits)))))


def _known(row: StoredRun | None, among: Commands) -> tuple[str, ...]:
    """What helps to find out whether a change took effect."""
    if row is None or row.begun_at is None:
        return ("Nothing is known of how far it came.",)
    approved = f", approved by {row.execution.approved_by}" if row.execution.approved_by else ""
    size = f"{row.output_size} bytes, below" if row.output_size else "nothing"
    lines = [
        f"It was begun at {row.begun_at:%H:%M:%S} UTC{approved}.",
        f"Until Playcall stopped it had printed {size}.",
    ]
    for criterion in among.play.criteria if among.play else ():
        if criterion.purpose is Purpose.RECOVERY:
            shown = _criterion(criterion, among.found, among.now)
            lines.append(f"What verifies it: {shown.text} ({shown.value}, {shown.words}).")
    return tuple(lines)


def _took(row: StoredRun | None, now: datetime) -> str:
    if row is None or row.begun_at is None or row.status is RunStatus.UNKNOWN:
        return ""
    return say_duration((row.ended_at or now) - row.begun_at)


def _anchor(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "-", text)
