"""Applies an event to its incident inside a transaction: decide, resolve roles to people, render
messages, bind commands, and record all of it together. No I/O beyond the transaction."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import assert_never

from playcall.core import approvals, notices
from playcall.core.bound import Ready, as_written, ready, used
from playcall.core.compiler.shell import Unbindable, first_program
from playcall.core.decide import decide
from playcall.core.delivery import origin_of
from playcall.core.effects import (
    CloseTicket,
    Effect,
    EndSilence,
    ExtendSilence,
    Inform,
    MeasureMetrics,
    Moved,
    OpenTicket,
    Page,
    PublishUpdate,
    Refused,
    RunCommand,
    SendText,
    Silence,
    Tell,
    WriteReport,
)
from playcall.core.events import (
    CommandFinished,
    Event,
    Opened,
    PageFailed,
    StakeholdersMissed,
    StoodIn,
)
from playcall.core.incident import Incident, RunStatus
from playcall.core.medium import Medium, medium_of_page
from playcall.core.people import first_roles
from playcall.core.placement import Place, Placement
from playcall.core.plan import Command, EffectClass, Plan
from playcall.engine.directory import Directory, Found, straight, ways
from playcall.engine.mailing import keep_published
from playcall.engine.ports import (
    Delivery,
    Execution,
    Job,
    Person,
    Prolonging,
    Publishing,
    Reporting,
    Reviewing,
    Silencing,
    Task,
    Transaction,
    Unsilencing,
)
from playcall.engine.saying import Said, compose, missed_by, owed_by
from playcall.engine.scrub import Hide, scrub
from playcall.engine.tally import tally
from playcall.engine.tickets import Ticketing

log = logging.getLogger(__name__)

_Note = PageFailed | StoodIn | CommandFinished | StakeholdersMissed  # what did not go as decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Committer:
    """What applying an event needs to know of this installation."""

    directory: Directory
    url: str  # where people reach this server
    last_resort: tuple[str, ...] = ()  # roles for when nobody is behind those of an older plan
    placement: Placement = field(default_factory=Placement)
    hide: Hide = str  # takes secrets out of a text
    publishers: tuple[str, ...] = ()  # names of the status pages elsewhere

    def apply(self, tx: Transaction, event: Event, incident: int | None = None) -> Moved | Refused:
        """Decide and record. What is refused changes nothing."""
        event = scrub(event, self.hide)
        state = tx.incident(incident) if incident is not None else None
        plan = tx.plan(self._plan_of(state, event))
        outcome = decide(state, event, plan)
        if isinstance(outcome, Refused):
            return outcome
        jobs, notes = self._follow(tx, outcome, event, plan)
        tx.record(outcome.incident, event, jobs)
        tally(tx, outcome.incident, event)
        keep_published(tx, outcome.incident, event)
        for following in (*outcome.follows, *notes):
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
        """The jobs that carry out the effects, and events for what did not go as decided."""
        jobs: list[Job] = []
        notes: list[Event] = []
        # One person gets one page for one event, one summary, and one message about each thing.
        reached: dict[tuple[str, bool, bool, str], int] = {}
        for index, effect in enumerate(moved.effects):
            prefix = f"{moved.incident.id}.{moved.incident.version}.{index}"
            for name, task in self._tasks(tx, moved.incident, effect, event, plan):
                if isinstance(task, _Note):
                    notes.append(task)
                    continue
                if isinstance(task, Delivery):
                    about = effect.about if isinstance(effect, Tell) else ""
                    kind = (task.person.id, task.page, task.owed is not None, about)
                    first = reached.setdefault(kind, index)
                    if first != index:
                        continue
                jobs.append(Job(key=f"{prefix}.{name}", incident=moved.incident.id, task=task))
        return jobs, notes

    def _tasks(
        self, tx: Transaction, incident: Incident, effect: Effect, event: Event, plan: Plan
    ) -> Iterator[tuple[str, Task | _Note]]:
        match effect:
            case Page() | Tell() | Inform() | SendText():
                yield from self._deliveries(tx, incident, effect, event, plan)
            case PublishUpdate():
                for name in self.publishers:
                    yield f"publish.{name}", Publishing(publisher=name, update=effect.update)
            case OpenTicket():
                yield "ticket", Ticketing(action=effect.action)
            case CloseTicket():
                yield "ticket", Ticketing(action=effect.action, closing=True)
            case RunCommand():
                yield "run", _execution(incident, effect, event, plan, self.placement)
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
            case MeasureMetrics():
                yield "review", Reviewing(by_hand=effect.by_hand)
            case _:
                assert_never(effect)

    def _deliveries(
        self, tx: Transaction, incident: Incident, effect: Said, event: Event, plan: Plan
    ) -> Iterator[tuple[str, Delivery | _Note]]:
        """To whoever is behind the role; to whoever is behind the first ones, when that is nobody,
        so that nothing is swallowed."""
        found = self._look_up(tx, incident, effect.role, event)
        if isinstance(effect, Page):
            for who, reason in found.told():
                failed = PageFailed(at=event.at, role=effect.role, person=who, reason=reason)
                yield "page", failed
        if found.people:
            yield from self._messages(tx, incident, effect, event, plan, found.people)
            return
        instead = self._stand_ins(tx, incident, effect, event, plan)
        page = isinstance(effect, Page)
        yield "page", StoodIn(at=event.at, role=effect.role, to=tuple(instead), page=page)
        if isinstance(effect, Inform) and not instead:
            yield "missed", missed_by(effect.role, owed_by(effect), event.at)
        for role, people in instead.items():
            meant = replace(effect, role=role)
            for name, task in self._messages(tx, incident, meant, event, plan, people):
                message = notices.in_place_of(task.message, effect.role)
                yield name, replace(task, message=message)

    def _look_up(self, tx: Transaction, incident: Incident, role: str, event: Event) -> Found:
        overrides = tx.overrides(event.at) if self.directory.schedules else ()
        found = self.directory.look_up(role, event.at, overrides)
        for note in found.notes:
            log.warning("incident %d, %s: %s", incident.id, role, note)
        return found

    def _stand_ins(
        self, tx: Transaction, incident: Incident, effect: Said, event: Event, plan: Plan
    ) -> dict[str, tuple[Person, ...]]:
        """Whoever is meant to stand in, else whoever is behind the plan's first roles; behind
        today's, when that is nobody too."""
        meant = effect.instead if isinstance(effect, Tell) else ()
        for roles in (meant, first_roles(plan), self.last_resort):
            others = [other for other in roles if other != effect.role]
            found = {other: self._look_up(tx, incident, other, event).people for other in others}
            if any(found.values()):
                return {other: people for other, people in found.items() if people}
        return {}

    def _messages(
        self,
        tx: Transaction,
        incident: Incident,
        effect: Said,
        event: Event,
        plan: Plan,
        people: tuple[Person, ...],
    ) -> Iterator[tuple[str, Delivery]]:
        page = isinstance(effect, Page)
        medium = medium_of_page(effect, plan) if isinstance(effect, Page) else Medium.PAGE
        message = compose(tx, incident, effect, plan, event.at, self.url, self.placement)
        for person in people:
            for way in ways(person, event.at, medium) if page else (straight(person),):
                yield (
                    way.name,
                    Delivery(
                        role=effect.role,
                        person=way.person,
                        message=message,
                        page=page,
                        later=way.later,
                        origin=origin_of(effect, event.at),
                        owed=owed_by(effect) if isinstance(effect, Inform) else None,
                    ),
                )


def _execution(
    incident: Incident, effect: RunCommand, event: Event, plan: Plan, placement: Placement
) -> Execution | CommandFinished:
    """The command as it will run, its values bound; or its end, when a value cannot be bound."""
    written = _command(incident, effect, plan)
    command = approvals.as_asked(written, incident.runs[effect.command].request)
    try:
        bound = _bind(command, incident, effect)
    except Unbindable as error:
        return CommandFinished(
            at=event.at,
            command=command.id,
            run=effect.run,
            status=RunStatus.CANCELLED,
            exit_code=None,
            summary=f"not run: {error}",
        )
    place = Place()
    if not bound.native:
        judged = replace(command, effect=bound.effect)
        place = placement.place(incident.play, judged, partial(first_program, bound.text))
    return Execution(
        command=command.id,
        run=effect.run,
        title=command.title,
        written=written.text,
        text=bound.text,
        native=bound.native,
        effect=bound.effect,
        repeatable=bound.effect in (EffectClass.OBSERVE, EffectClass.HEAVY),
        line=command.line,
        approved_by=effect.approved_by,
        time_limit=command.time_limit,
        target=place.target,
        where=place.where,
        whom=place.whom,
        values=used(command, incident.values),
    )


def _bind(command: Command, incident: Incident, effect: RunCommand) -> Ready:
    """The command with its values. Raises Unbindable, also where nobody approved what they make of
    it, and where a person would have to do it."""
    if not command.placeholders:
        return as_written(command)
    bound = ready(command, incident.values)
    if bound.missing:
        raise Unbindable(f"there is no value for {', '.join(bound.missing)}")
    raised = bound.effect is not command.effect
    if raised and (effect.approved_by is None or bound.effect is EffectClass.MANUAL):
        raise Unbindable(f"with its values it would be {bound.effect}, and it was {command.effect}")
    return bound


def _command(incident: Incident, effect: RunCommand, plan: Plan) -> Command:
    command = plan.command(incident.play, effect.command)
    if command is None:
        raise LookupError(f"the plan has no command {effect.command}")
    return command
