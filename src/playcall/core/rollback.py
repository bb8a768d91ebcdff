"""The document's rollback, step by step: who lets it run, what proves each step, where it stands.

Two people, one of them the incident commander, let it run. A step is begun when the one before it
took hold. What failed is never gone past by itself: it halts, says so, and a person decides.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from playcall.core import aftermath, approvals, commands
from playcall.core.access import Access
from playcall.core.effects import Effect, Moved, Page, Refused, Tell
from playcall.core.events import ApprovalLapsed, CommandFinished, CommandInterrupted, Event
from playcall.core.incident import (
    Incident,
    Part,
    RollbackStage,
    RollbackState,
    Run,
    RunStatus,
    Tick,
)
from playcall.core.judge import Verdict
from playcall.core.people import engaged
from playcall.core.plan import (
    ChecklistItem,
    Command,
    Comparison,
    Criterion,
    EffectClass,
    Plan,
    Purpose,
)
from playcall.core.request import Approval, Request
from playcall.core.rollback_events import (
    ItemTicked,
    RollbackApproved,
    RollbackAsked,
    RollbackDone,
    RollbackHalted,
    RollbackStopped,
)
from playcall.core.wording import say_duration

APPROVED_WITHIN = timedelta(minutes=15)  # of asking; what is older is asked for again

Outcome = Moved | Refused


def ask(incident: Incident, event: RollbackAsked, plan: Plan) -> Outcome:
    """From its first step; after a halt from where it stands, unless another step is named. A step
    that it goes past is one that the person did by hand."""
    steps = plan.rollback.commands if plan.rollback else ()
    if not steps:
        return Refused(reason="the document has no rollback to run")
    if refusal := _unaskable(incident, event, steps):
        return Refused(reason=refusal)
    earlier = _unfinished(incident)
    begin = event.begin or (_step_of(earlier.at_command) if earlier else "") or steps[0].id
    ids = [step.id for step in steps]
    if begin not in ids:
        return Refused(reason=f"the rollback has no step {begin}; it has {', '.join(ids)}")
    done = earlier.done if earlier else ()
    stands_at = _step_of(earlier.at_command) if earlier else ""
    before = ids[: ids.index(begin)]
    skipped = [each for each in before if each not in done]
    if any(each != stands_at or each not in incident.runs for each in skipped):
        return Refused(reason=f"{skipped[0]} was not done, and {begin} comes after it")
    asked = RollbackState(
        stage=RollbackStage.ASKED,
        asked_by=event.by,
        asked_at=event.at,
        reason=event.reason.strip(),
        commander_asked=_commands(incident, event.by, event.access),
        begin=begin,
        emergency=event.emergency,
        at_command=begin,
        done=tuple(before),
        by_hand=(*(earlier.by_hand if earlier else ()), *skipped),
    )
    incident = replace(incident, rollback=asked)
    if event.emergency:
        return _start(incident, plan, (event.by,), event.at)
    told = f"{event.by} asks for the rollback: {asked.reason}"
    return Moved(incident=incident, effects=_tell(incident, plan, told))


def _unaskable(incident: Incident, event: RollbackAsked, steps: tuple[Command, ...]) -> str:
    now = incident.rollback
    if not event.reason.strip():
        return "say why; the reason goes on the record"
    if now and now.stage is RollbackStage.RUNNING:
        return f"the rollback is running, at {now.at_command}"
    if now and now.stage is RollbackStage.ASKED and event.at - now.asked_at <= APPROVED_WITHIN:
        return f"{now.asked_by} asked for it already: a second person approves it"
    if event.emergency and not _commands(incident, event.by, event.access):
        return "without a second person only the incident commander may run it; take command first"
    for step in steps:
        if missing := commands.missing_values(incident, step):
            return f"{step.id} has no value for {', '.join(missing)}"
    if now and now.at_command and (run := incident.runs.get(now.at_command)) and run.status.active:
        return f"{now.at_command} is {run.status}; wait for its end"
    return ""


def _unfinished(incident: Incident) -> RollbackState | None:
    """One that stands at a step; what was only asked for has left nothing half-done."""
    now = incident.rollback
    return now if now and now.stage is not RollbackStage.DONE else None


def approve(incident: Incident, event: RollbackApproved, plan: Plan) -> Outcome:
    asked = incident.rollback
    if asked is None or asked.stage is not RollbackStage.ASKED:
        return Refused(reason="nobody has asked for the rollback")
    if event.at - asked.asked_at > APPROVED_WITHIN:
        limit = say_duration(APPROVED_WITHIN)
        return Refused(reason=f"{asked.asked_by} asked more than {limit} ago; ask for it again")
    if event.by == asked.asked_by:
        return Refused(reason="the rollback needs two different people, and you asked for it")
    if not (asked.commander_asked or _commands(incident, event.by, event.access)):
        return Refused(reason="one of the two must be the incident commander; take command first")
    return _start(incident, plan, (asked.asked_by, event.by), event.at)


def stop(incident: Incident, event: RollbackStopped, plan: Plan) -> Outcome:
    now = incident.rollback
    if now is None or now.stage in (RollbackStage.DONE, RollbackStage.STOPPED):
        return Refused(reason="there is no rollback to stop")
    if not event.reason.strip():
        return Refused(reason="say why; the reason goes on the record")
    trouble = f"stopped by {event.by}: {event.reason.strip()}"
    stopped = replace(now, stage=RollbackStage.STOPPED, trouble=trouble)
    incident = replace(incident, rollback=stopped)
    return Moved(incident=incident, effects=_tell(incident, plan, f"the rollback was {trouble}"))


# --- what its commands came to -------------------------------------------------------------------


def finished(incident: Incident, event: CommandFinished, plan: Plan) -> Outcome:
    outcome = commands.finished(incident, event, plan)
    if isinstance(outcome, Refused):
        return outcome
    if not _is_at(incident, event.command):
        return aftermath.look(incident, outcome.incident, event, plan)
    if event.status is RunStatus.SUCCEEDED:
        return _go_on(outcome.incident, plan, event.command, event.at)
    return _halt(outcome.incident, plan, f"{event.status}: {event.summary}", event.at)


def interrupted(incident: Incident, event: CommandInterrupted, plan: Plan) -> Outcome:
    outcome = commands.interrupted(incident, event, plan)
    if isinstance(outcome, Refused) or not _is_at(incident, event.command):
        return outcome
    why = "it was running when Playcall stopped, and nobody saw its end"
    return _halt(outcome.incident, plan, why, event.at)


def lapsed(incident: Incident, event: ApprovalLapsed, plan: Plan) -> Outcome:
    outcome = approvals.lapse(incident, event, plan)
    if isinstance(outcome, Refused) or not _is_at(incident, event.command):
        return outcome
    return _halt(outcome.incident, plan, f"not run: {event.reason}", event.at)


def _is_at(incident: Incident, command: str) -> bool:
    now = incident.rollback
    return bool(now and now.stage is RollbackStage.RUNNING and now.at_command == command)


def _start(incident: Incident, plan: Plan, people: tuple[str, ...], at: datetime) -> Moved:
    asked = incident.rollback
    if asked is None:
        raise LookupError("no rollback was asked for")
    running = replace(asked, stage=RollbackStage.RUNNING, approved_by=people)
    incident = replace(incident, rollback=running)
    follows: tuple[Event, ...] = ()
    for number, item in _items(plan):
        if item.means == "approval" and number not in incident.ticks:
            follows += (ItemTicked(at=at, by=people[-1], item=number, access=Access.COMMANDER),)
    moved = _begin(incident, plan, asked.begin, at)
    return replace(moved, follows=(*follows, *moved.follows))


def _begin(incident: Incident, plan: Plan, command_id: str, at: datetime) -> Moved:
    now, command = incident.rollback, plan.command(None, command_id)
    if now is None or command is None:
        raise LookupError(f"the rollback has no command {command_id}")
    incident = replace(incident, rollback=replace(now, at_command=command_id))
    if command.effect is EffectClass.MANUAL:
        why = f"it needs a person: {'; '.join(command.reasons)}"
        return _halt(incident, plan, why, at)
    incident, run = commands.begin(incident, command, _request(now, at), at)
    return Moved(incident=incident, effects=(run,))


def _request(now: RollbackState, at: datetime) -> Request:
    """That stands behind one step; good for as long as the asking was."""
    return Request(
        by=now.asked_by,
        at=now.asked_at,
        digest="",
        access=Access.RESPONDER,
        people=len(now.approved_by),
        expires_at=at + APPROVED_WITHIN,
        approvals=tuple(Approval(by=person, at=at) for person in now.approved_by),
        emergency=now.reason if now.emergency else "",
    )


def _go_on(incident: Incident, plan: Plan, command_id: str, at: datetime) -> Moved:
    """To the proof of the step, else to the step after it, else to the end."""
    now, back = incident.rollback, plan.rollback
    if now is None or back is None:
        raise LookupError("the plan has no rollback")
    proof = f"{command_id}.proof"
    if any(each.id == proof for each in back.proofs):
        return _begin(incident, plan, proof, at)
    done = (*now.done, _step_of(command_id))
    incident = replace(incident, rollback=replace(now, done=done))
    following = next((step.id for step in back.commands if step.id not in done), None)
    if following is not None:
        return _begin(incident, plan, following, at)
    ended = replace(now, stage=RollbackStage.DONE, done=done, at_command=None)
    incident = replace(incident, rollback=ended)
    follows: tuple[Event, ...] = (RollbackDone(at=at),)
    for number, item in _items(plan):
        if item.means == "execution" and number not in incident.ticks:
            follows += (ItemTicked(at=at, by="Playcall", item=number, measured=True),)
    effects = _tell(incident, plan, "the rollback is done, every step took hold")
    return Moved(incident=incident, effects=effects, follows=follows)


def _halt(incident: Incident, plan: Plan, why: str, at: datetime) -> Moved:
    now = incident.rollback
    if now is None or now.at_command is None:
        raise LookupError("no rollback is at a command")
    proof = now.at_command.endswith(".proof")
    trouble = f"it was not seen to take hold, {why}" if proof else why
    incident = replace(incident, rollback=replace(now, stage=RollbackStage.HALTED, trouble=trouble))
    reason = f"the rollback halted at {_named(plan, now.at_command)}: {trouble}"
    effects = tuple(Page(role=role, rung=None, reason=reason) for role in engaged(incident, plan))
    told = RollbackHalted(at=at, command=_step_of(now.at_command), reason=trouble)
    return Moved(incident=incident, effects=effects, follows=(told,))


def left(incident: Incident, plan: Plan) -> tuple[str, ...]:
    """What a rollback that stands still leaves: one sentence for each step."""
    now, back = incident.rollback, plan.rollback
    if now is None or back is None:
        return ()
    said = []
    for step in back.commands:
        if step.id in now.by_hand:
            what = "done by hand"
        elif step.id in now.done:
            what = "done"
        elif step.id == _step_of(now.at_command):
            what = _half(incident.runs.get(step.id))
        else:
            what = "not begun"
        said.append(f"{step.id} {step.title}: {what}")
    return tuple(said)


def _half(run: Run | None) -> str:
    if run is None:
        return "not begun"
    if run.status is RunStatus.SUCCEEDED:
        return "ran, and was not seen to take hold"
    if run.status is RunStatus.UNKNOWN:
        return "may have run: nobody saw its end"
    return f"{run.status}, it may have done a part"


# --- the checklist -------------------------------------------------------------------------------


def tick(incident: Incident, event: ItemTicked, plan: Plan) -> Outcome:
    """Nothing is ticked before the approval that the list begins with."""
    found = dict(_items(plan)).get(event.item)
    if found is None:
        return Refused(reason=f"the rollback's checklist has no item {event.item}")
    if event.item in incident.ticks:
        return Refused(reason=f"{incident.ticks[event.item].by} ticked that already")
    if found.means == "approval" and not _commands(incident, event.by, event.access):
        return Refused(reason="that is the incident commander's to give; take command first")
    for number, item in _items(plan):
        if item.means == "approval" and number < event.item and number not in incident.ticks:
            return Refused(reason=f'first of all: "{item.text}"')
    ticked = Tick(by=event.by, at=event.at, note=event.note, measured=event.measured)
    incident = replace(incident, ticks={**incident.ticks, event.item: ticked})
    return Moved(incident=incident, follows=seen(incident, plan, event.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """That an item of the checklist is ticked by measuring; from the settings."""

    item: str  # its text, or enough of it to mean no other
    query: str
    at_most: float


def with_measures(plan: Plan, measures: tuple[Measure, ...]) -> Plan:
    """The plan whose checklist has them. Raises ValueError when one fits no item, or several."""
    back = plan.rollback
    items = list(back.checklist) if back else []
    for measure in measures:
        wanted = " ".join(measure.item.casefold().split())
        fitting = [n for n, item in enumerate(items) if wanted in item.text.casefold()]
        if len(fitting) != 1:
            many = "several items" if fitting else "no item"
            raise ValueError(f'"{measure.item}" is {many} of the rollback\'s checklist')
        number = fitting[0]
        items[number] = replace(items[number], criterion=_criterion(measure, items[number], number))
    return replace(plan, rollback=replace(back, checklist=tuple(items))) if back else plan


def _criterion(measure: Measure, item: ChecklistItem, index: int) -> Criterion:
    return Criterion(
        id=f"rollback.check.{index + 1}",
        purpose=Purpose.RECOVERY,
        text=item.text,
        comparison=Comparison.AT_MOST,
        threshold=measure.at_most,
        written=f"{measure.at_most:g}",
        unit="",
        holds_for=timedelta(0),
        query=measure.query,
        query_name=None,
        line=item.line,
    )


def criteria(incident: Incident, plan: Plan) -> tuple[Criterion, ...]:
    """Of the checklist, measured from the moment that a rollback is spoken of."""
    if incident.rollback is None and not incident.ticks:
        return ()
    found = (item.criterion for _, item in _items(plan))
    return tuple(each for each in found if each is not None and each.query is not None)


def seen(incident: Incident, plan: Plan, at: datetime) -> tuple[ItemTicked, ...]:
    """The items that a reading ticks now: none while the approval is not there."""
    found = []
    for number, item in _items(plan):
        if item.means == "approval" and number not in incident.ticks:
            break
        reading = incident.readings.get(item.criterion.id) if item.criterion else None
        holds = reading is not None and reading.verdict is Verdict.HOLDS
        if holds and number not in incident.ticks:
            found.append(ItemTicked(at=at, by="Playcall", item=number, measured=True))
    return tuple(found)


def _items(plan: Plan) -> tuple[tuple[int, ChecklistItem], ...]:
    return tuple(enumerate(plan.rollback.checklist, 1)) if plan.rollback else ()


def _commands(incident: Incident, person: str, access: Access) -> bool:
    """The incident commander; while nobody is, whoever may be."""
    commanders = incident.roles.get(Part.COMMANDER, ())
    return person in commanders if commanders else access.allows(Access.COMMANDER)


def _step_of(command_id: str | None) -> str:
    return (command_id or "").removesuffix(".proof")


def _named(plan: Plan, command_id: str) -> str:
    step = plan.command(None, _step_of(command_id))
    return f"{step.id} ({step.title})" if step else command_id


def _tell(incident: Incident, plan: Plan, reason: str) -> tuple[Effect, ...]:
    return tuple(Tell(role=role, reason=reason) for role in engaged(incident, plan))
