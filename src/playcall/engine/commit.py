"""Applies an event to its incident inside a transaction: decide, resolve roles to people, render
messages, bind commands, and record all of it together. No I/O beyond the transaction."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from playcall.core import notices
from playcall.core.compiler.shell import Unbindable, bind, read_command
from playcall.core.decide import decide
from playcall.core.effects import (
    Effect,
    EndSilence,
    ExtendSilence,
    Moved,
    Page,
    Refused,
    RunCommand,
    Silence,
    Tell,
    WriteReport,
)
from playcall.core.events import CommandFinished, Event, Opened, PageFailed
from playcall.core.incident import Incident, RunStatus
from playcall.core.plan import Command, EffectClass, Plan
from playcall.engine.directory import Directory, straight, ways
from playcall.engine.ports import (
    Delivery,
    Execution,
    Job,
    Prolonging,
    Reporting,
    Silencing,
    Task,
    Transaction,
    Unsilencing,
)
from playcall.engine.scrub import Hide, scrub
from playcall.engine.tally import tally

log = logging.getLogger(__name__)

_DANGER = list(EffectClass)  # from harmless to not at all by machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Committer:
    """What applying an event needs to know of this installation."""

    directory: Directory
    url: str  # where people reach this server
    hide: Hide = str  # takes secrets out of a text

    def apply(self, tx: Transaction, event: Event, incident: int | None = None) -> Moved | Refused:
        """Decide and record. What is refused changes nothing."""
        event = scrub(event, self.hide)
        state = tx.incident(incident) if incident is not None else None
        plan = tx.plan(self._plan_of(state, event))
        outcome = decide(state, event, plan)
        if isinstance(outcome, Refused):
            return outcome
        jobs, failures = self._follow(tx, outcome, event, plan)
        tx.record(outcome.incident, event, jobs)
        tally(tx, outcome.incident, event)
        for following in (*outcome.follows, *failures):
            self.apply(tx, following, outcome.incident.id)
        return outcome

    def _plan_of(self, state: Incident | None, event: Event) -> str:
        if state is not None:
            return state.plan
        if isinstance(event, Opened):
            return event.plan
        raise LookupError("there is no such incident")

    def _follow(
        self, tx: Transaction, moved: Moved, event: Event, plan: Plan
    ) -> tuple[list[Job], list[Event]]:
        """The jobs that carry out the effects, and events for those that cannot be."""
        jobs: list[Job] = []
        failures: list[Event] = []
        reached: dict[tuple[str, bool], int] = {}  # one person gets one page for one event
        for index, effect in enumerate(moved.effects):
            prefix = f"{moved.incident.id}.{moved.incident.version}.{index}"
            for name, task in self._tasks(tx, moved.incident, effect, event, plan):
                if isinstance(task, PageFailed | CommandFinished):
                    failures.append(task)
                    continue
                if isinstance(task, Delivery):
                    first = reached.setdefault((task.person.id, task.page), index)
                    if first != index:
                        continue
                jobs.append(Job(key=f"{prefix}.{name}", incident=moved.incident.id, task=task))
        return jobs, failures

    def _tasks(
        self, tx: Transaction, incident: Incident, effect: Effect, event: Event, plan: Plan
    ) -> Iterator[tuple[str, Task | PageFailed | CommandFinished]]:
        match effect:
            case Page() | Tell():
                yield from self._deliveries(tx, incident, effect, event, plan)
            case RunCommand():
                yield "run", _execution(incident, effect, event, plan)
            case Silence():
                yield (
                    "silence",
                    Silencing(
                        label_sets=effect.label_sets,
                        lasting=effect.lasting,
                        comment=effect.comment,
                        purpose=effect.purpose,
                        by=effect.by,
                    ),
                )
            case ExtendSilence():
                yield "prolong", Prolonging(silence=effect.silence, lasting=effect.lasting)
            case EndSilence():
                yield "unsilence", Unsilencing(silence=effect.silence)
            case WriteReport():
                yield "report", Reporting()
            case _:
                assert_never(effect)

    def _deliveries(
        self, tx: Transaction, incident: Incident, effect: Page | Tell, event: Event, plan: Plan
    ) -> Iterator[tuple[str, Delivery | PageFailed]]:
        overrides = tx.overrides(event.at) if self.directory.schedules else ()
        found = self.directory.look_up(effect.role, event.at, overrides)
        for note in found.notes:
            log.warning("incident %d, %s: %s", incident.id, effect.role, note)
        page = isinstance(effect, Page)
        if page:
            for who, reason in found.told():
                failed = PageFailed(at=event.at, role=effect.role, person=who, reason=reason)
                yield "page", failed
        if not found.people:
            return
        others = [
            other.title
            for number in incident.alongside
            if (other := tx.incident(number)) is not None and not other.status.over
        ]
        link = f"{self.url}/incidents/{incident.id}"
        message = notices.compose(incident, effect, plan, event.at, others, link)
        for person in found.people:
            for way in ways(person, event.at) if page else (straight(person),):
                yield (
                    way.name,
                    Delivery(
                        role=effect.role,
                        person=way.person,
                        message=message,
                        page=page,
                        later=way.later,
                    ),
                )


def _execution(
    incident: Incident, effect: RunCommand, event: Event, plan: Plan
) -> Execution | CommandFinished:
    """The command as it will run, its values bound; or its end, when a value cannot be bound."""
    command = _command(incident, effect, plan)
    translated = command.runs_as
    native = translated is not None and translated.kind == "promql"
    text = translated.text if translated else command.text
    if command.placeholders:
        try:
            if native:
                raise Unbindable("values cannot be put into a query yet")
            text = _bind(text, incident, command)
        except Unbindable as error:
            return CommandFinished(
                at=event.at,
                command=command.id,
                run=effect.run,
                status=RunStatus.CANCELLED,
                exit_code=None,
                summary=f"not run: {error}",
            )
    return Execution(
        command=command.id,
        run=effect.run,
        title=command.title,
        written=command.text,
        text=text,
        native=native,
        effect=command.effect,
        repeatable=command.effect in (EffectClass.OBSERVE, EffectClass.HEAVY),
        line=command.line,
        approved_by=effect.approved_by,
        time_limit=command.time_limit,
    )


def _bind(text: str, incident: Incident, command: Command) -> str:
    """The command with its values, judged again: a value may not make it more than it was."""
    bound = bind(text, incident.values)
    effect = read_command(bound.text).effect
    if bound.missing or _DANGER.index(effect) > _DANGER.index(command.effect):
        raise Unbindable(f"with its values it would be {effect}, and it was {command.effect}")
    return bound.text


def _command(incident: Incident, effect: RunCommand, plan: Plan) -> Command:
    command = plan.command(incident.play, effect.command)
    if command is None:
        raise LookupError(f"the plan has no command {effect.command}")
    return command
