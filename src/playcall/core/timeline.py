"""Events as lines for people: the page's timeline, the CLI's, and the post-mortem's."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from playcall.core import events as ev
from playcall.core import polling
from playcall.core import rollback_events as back
from playcall.core.alert import Alert
from playcall.core.decision import find_question
from playcall.core.duty_lines import say_duty_event
from playcall.core.incident import SilencePurpose
from playcall.core.judge import Verdict
from playcall.core.outcome import WORDS
from playcall.core.plan import Criterion, Plan, Play
from playcall.core.regroup_lines import say_regrouped, say_split
from playcall.core.review_events import say_review_event
from playcall.core.sending_lines import say_sending
from playcall.core.wording import say_duration, say_judgement

# Kinds of events that are put into words together.
_Alerts = ev.Opened | ev.AlertsJoined | ev.AlertsCleared | ev.AnotherOpened | ev.Reopened
_Hands = (
    ev.PageDelivered
    | ev.PageFailed
    | ev.PageLost
    | ev.PersonGone
    | ev.TaskRetried
    | ev.StoodIn
    | ev.Silenced
    | ev.SilenceFailed
    | ev.ReportWritten
    | ev.WarRoomOpened
)
_Engagement = (
    ev.Unacknowledged
    | ev.Snoozed
    | ev.Assigned
    | ev.Escalated
    | ev.PartTaken
    | ev.PartLeft
    | ev.SeverityChanged
    | ev.SilenceAsked
    | ev.QuestionAnswered
    | ev.ValueGiven
)
_Consequence = (
    ev.SilenceEnded
    | ev.RungClimbed
    | ev.TargetMissed
    | ev.TimeBoxEnded
    | ev.QuietShortened
    | ev.QuietEnded
    | ev.Recovered
    | ev.Relapsed
    | ev.Decided
)
_Rollback = (
    back.RollbackAsked
    | back.RollbackApproved
    | back.RollbackStopped
    | back.RollbackHalted
    | back.RollbackDone
    | back.ItemTicked
)
_Command = (
    ev.RunApproved
    | ev.RunDeclined
    | ev.RunRequested
    | ev.RunEdited
    | ev.ApprovalLapsed
    | ev.RequestExpired
    | ev.CommandBegun
    | ev.CommandFinished
    | ev.CommandInterrupted
    | ev.OutcomeDecided
)
_Told = (
    ev.UpdatePublished
    | ev.UpdateReminded
    | ev.UpdateMissed
    | ev.StakeholdersTold
    | ev.StakeholdersMissed
    | ev.TextSent
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    at: datetime
    text: str
    by: str | None  # the person, None for Playcall itself
    milestone: bool  # belongs in a short timeline
    n: int = 0  # the event's number in its incident; 0: not known
    about: int | None = None  # another incident, which has more of it


def entries(events: Iterable[ev.Event], plan: Plan, play: Play | None) -> list[Entry]:
    """The lines of an incident in the order of their times, which is not always that of the log.
    The events are all of them, beginning with the first."""
    lines = [
        replace(line, n=n)
        for n, event in enumerate(events, 1)
        if (line := entry(event, plan, play))
    ]
    return sorted(lines, key=lambda line: line.at)


def entry(event: ev.Event, plan: Plan, play: Play | None) -> Entry | None:
    """One line for an event; None for one that says nothing to a person."""
    text = _text(event, plan, play)
    if text is None:
        return None
    return Entry(
        at=event.at,
        text=text,
        by=getattr(event, "by", None),
        milestone=_is_milestone(event),
        about=_about(event),
    )


def _about(event: ev.Event) -> int | None:
    if isinstance(event, ev.Regrouped | ev.AnotherOpened):
        return event.incident
    return event.split.incident if isinstance(event, ev.Opened) and event.split else None


def _is_milestone(event: ev.Event) -> bool:
    if isinstance(event, ev.MetricRead):
        return event.judgement.verdict in (Verdict.HOLDS, Verdict.BROKEN)
    return not isinstance(event, ev.CommandBegun | ev.Woken | ev.PinEvent)


def _text(event: ev.Event, plan: Plan, play: Play | None) -> str | None:
    if isinstance(event, _Alerts):
        return _alerts(event)
    if isinstance(event, _Hands):
        return _hands(event)
    if isinstance(event, _Engagement):
        return _engagement(event, play)
    if isinstance(event, _Command):
        return _command(event, plan, play)
    if isinstance(event, _Rollback):
        return _rollback(event, plan)
    if isinstance(event, _Told):
        return _told(event)
    if isinstance(event, ev.Regrouped):
        return say_regrouped(event)
    if isinstance(event, ev.DutyEvent | ev.ActionEvent):
        return say_duty_event(event, plan)
    if isinstance(event, ev.ReviewEvent):
        return say_review_event(event)
    if isinstance(event, ev.SendingEvent | ev.PinEvent):
        return say_sending(event)
    match event:
        case ev.Woken():
            return None
        case ev.NoteAdded():
            return event.text or f"Picture {event.picture}"
        case ev.Acknowledged():
            return (
                f"Acknowledged by {event.by}{', by the link they were sent' if event.link else ''}"
            )
        case ev.Resolved():
            return _resolved(event)
        case ev.MetricRead():
            criterion = _criterion(event.criterion, plan, play)
            return say_judgement(criterion, event.judgement, event.at) if criterion else None
        case _:
            return _consequence(event)


def _criterion(key: str, plan: Plan, play: Play | None) -> Criterion | None:
    items = plan.rollback.checklist if plan.rollback else ()
    found = next((i.criterion for i in items if i.criterion and i.criterion.id == key), None)
    return found or (play.criterion(key) if play else None)


def _alerts(event: _Alerts) -> str:
    if isinstance(event, ev.AnotherOpened):
        return f"Incident {event.incident} opened beside it: {event.title}"
    names, found = _names(event.alerts), _found(event.alerts)
    match event:
        case ev.Opened():
            told = f"Incident {event.incident} opened, {event.severity}: {names} fired{found}"
            return told + say_split(event.split) + _held(event)
        case ev.AlertsJoined():
            return f"{names} fired{found}"
        case ev.AlertsCleared():
            return f"{names} cleared{found}"
        case ev.Reopened():
            return f"OPENED AGAIN: {names} fired after it was over{found}{_held(event)}"
    assert_never(event)


def _held(event: ev.Opened | ev.Reopened) -> str:
    return f"; pages are held, {event.quiet_reason}" if event.quiet_until else ""


def _hands(event: _Hands) -> str:
    match event:
        case ev.PageDelivered():
            role = f" ({event.role})" if event.role != event.person else ""
            return f"Paged {event.person}{role} by {event.channel}"
        case ev.PageFailed():
            whom = f"{event.person} ({event.role})" if event.person else event.role
            return f"PAGE NOT DELIVERED to {whom}: {event.reason}"
        case ev.PageLost():
            return "NO PAGE WAS DELIVERED, and none was under way: the first rung is paged again"
        case ev.PersonGone():
            role = f" ({event.role})" if event.role != event.person else ""
            return (
                f"{event.person}{role} is no longer among the people of the settings: "
                f"what was on its way goes to whoever is there now"
            )
        case ev.TaskRetried():
            return f"{event.by} had what was given up tried again: {event.what}"
        case ev.StoodIn():
            what = "paged" if event.page else "told"
            if not event.to:
                return f"NOBODY IS BEHIND {event.role}, and nobody stands in"
            return f"Nobody is behind {event.role}: {' and '.join(event.to)} {what} instead"
        case ev.Silenced():
            by = f" by {event.by}" if event.purpose is SilencePurpose.FOREIGN else ""
            until = f"{event.until:%Y-%m-%d %H:%M:%S} UTC"
            return f"Silenced in Alertmanager{by} until {until} ({event.silence})"
        case ev.SilenceFailed():
            return f"NOT SILENCED in Alertmanager: {event.reason}"
        case ev.ReportWritten():
            return f"Post-mortem written: {event.path}"
        case ev.WarRoomOpened():
            return f"War room: {event.name} ({event.url})"
    assert_never(event)


def _engagement(event: _Engagement, play: Play | None) -> str:
    match event:
        case ev.Unacknowledged():
            return f"{event.by} gave it back: nobody has it"
        case ev.Snoozed():
            return f"Snoozed by {event.by} until {event.until:%H:%M:%S} UTC"
        case ev.Assigned():
            return f"{event.by} assigned it to {event.to}"
        case ev.Escalated():
            called = {ev.Whom.NEXT: "the next rung", ev.Whom.EXPERT: "the subject-matter expert"}
            team = "team " if event.whom is ev.Whom.TEAM else ""
            whom = called.get(event.whom) or f"{team}{event.to}"
            return f"{event.by} called {whom}{_because(event.reason)}"
        case ev.PartTaken():
            given = f", by {event.by}" if event.by != event.person else ""
            return f"{event.person} is {event.part} now{given}"
        case ev.PartLeft():
            return f"{event.person} is no longer {event.part}"
        case ev.SeverityChanged():
            return f"{event.by} made it {event.severity}{_because(event.reason)}"
        case ev.SilenceAsked():
            return f"{event.by} asked for a silence of {say_duration(event.lasting)}"
        case ev.QuestionAnswered():
            question = find_question(play, event.question)
            text = question.text if question else event.question
            how = "measured" if event.measured else event.by
            return f"{text} {event.answer} ({how})"
        case ev.ValueGiven():
            found = f" ({event.found})" if event.found else ""
            return f"{event.by} gave {event.name} the value {event.value}{found}"
    assert_never(event)


def _consequence(event: _Consequence) -> str:
    match event:
        case ev.SilenceEnded():
            return f"Silence ended in Alertmanager ({event.silence})"
        case ev.RungClimbed():
            return f"Escalated to {' and '.join(event.roles)}: {event.reason}"
        case ev.TargetMissed():
            return (
                f"RESPONSE TARGET MISSED: nobody acknowledged within {say_duration(event.target)}"
            )
        case ev.TimeBoxEnded():
            return f"The time for {event.phase} is over"
        case ev.QuietShortened():
            until = f"until {event.until:%Y-%m-%d %H:%M:%S} UTC only"
            held = until if event.until > event.at else "no longer"
            return f"Pages are held {held}: the settings announce no maintenance beyond that"
        case ev.QuietEnded():
            return f"Pages are no longer held ({event.reason})"
        case ev.Recovered():
            return "Recovered: alerts cleared, and every criterion held for its whole window"
        case ev.Relapsed():
            return "RELAPSED"
        case ev.Decided():
            commands = f" (commands {', '.join(event.commands)})" if event.commands else ""
            return f"Decided: {event.outcome}{commands}"
    assert_never(event)


def _told(event: _Told) -> str:
    match event:
        case ev.UpdatePublished():
            return f"Status page, {event.update.state}: {event.update.body}"
        case ev.UpdateReminded():
            return f"A status update is due at {event.due_at:%H:%M} UTC"
        case ev.UpdateMissed():
            return f"STATUS UPDATE MISSED: it was due at {event.due_at:%H:%M} UTC"
        case ev.StakeholdersTold():
            return f"{event.audience}: summary {event.number} to {', '.join(event.recipients)}"
        case ev.StakeholdersMissed():
            due = f"{event.due_at:%H:%M} UTC"
            return f"STAKEHOLDERS MISSED: {event.role} ({event.audience}) was not told by {due}"
        case ev.TextSent():
            return f'{event.by} sent "{event.template}" to {event.role}: {event.subject}'
    assert_never(event)


def _rollback(event: _Rollback, plan: Plan) -> str:
    match event:
        case back.RollbackAsked():
            begin = f" from {event.begin}" if event.begin else ""
            if event.emergency:
                return f"EMERGENCY: {event.by} started the rollback{begin} alone: {event.reason}"
            return f"{event.by} asked for the rollback{begin}: {event.reason}"
        case back.RollbackApproved():
            return f"{event.by} approved the rollback"
        case back.RollbackStopped():
            return f"{event.by} stopped the rollback: {event.reason}"
        case back.RollbackHalted():
            return f"ROLLBACK HALTED at {event.command}: {event.reason}"
        case back.RollbackDone():
            return "The rollback is done: every step took hold"
        case back.ItemTicked():
            items = plan.rollback.checklist if plan.rollback else ()
            text = items[event.item - 1].text if event.item <= len(items) else str(event.item)
            note = f" ({event.note})" if event.note else ""
            return f"Checked off, {'measured' if event.measured else event.by}: {text}{note}"
    assert_never(event)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _found(alerts: tuple[Alert, ...]) -> str:
    """That Playcall had to look for an alert's news itself is part of the record."""
    if not any(alert.found for alert in alerts):
        return ""
    return " (found by asking Alertmanager, whose message never came)"


def _command(
    event: _Command,
    plan: Plan,
    play: Play | None,
) -> str | None:
    command = plan.command(play.alert if play else None, event.command)
    if isinstance(event, ev.CommandBegun | ev.CommandFinished) and polling.is_repetition(
        command, event.run
    ):
        return None  # how it stands now is shown beside the command
    name = f'{event.command} "{command.title}"' if command else event.command
    match event:
        case ev.RunApproved():
            again = ", once more" if event.again else ""
            if event.emergency:
                return f"EMERGENCY: {event.by} alone approved {name}{again}: {event.reason}"
            return f"{event.by} approved {name}{again}{_by_link(event)}"
        case ev.RunDeclined():
            return f"{event.by} declined {name}{_by_link(event)}: {event.reason}"
        case ev.RunRequested():
            return f"{event.by} asks for an approval of {name}"
        case ev.RunEdited():
            why = "; ".join(event.reasons)
            return (
                f"{event.by} edited {name} for one run, now {event.effect} ({why}):\n{event.diff}"
            )
        case ev.ApprovalLapsed():
            return f"NOT RUN: {name}: {event.reason}"
        case ev.RequestExpired():
            whose = f"{event.asked_by}'s request" if event.asked_by else "The request"
            return f"{whose} for {name} expired: not enough people approved it in time"
        case ev.CommandBegun():
            again = f" after {event.after}" if event.after else ""
            return f"Began {name}{again}{placed(event.where, event.whom)}"
        case ev.CommandFinished():
            return f"{name} {event.status}: {event.summary}"
        case ev.CommandInterrupted():
            reason = event.reason or "it was running when Playcall stopped"
            return f"OUTCOME UNKNOWN: {name}: {reason}; decide"
        case ev.OutcomeDecided():
            return f"{event.by} says of {name}: {WORDS[event.fate]}{_because(event.note)}"
    assert_never(event)


def placed(where: str, whom: str) -> str:
    """Follows what was run; empty when nobody said where."""
    return f" on {where} as {whom}" if where and whom else f" on {where}" if where else ""


def _by_link(event: ev.RunApproved | ev.RunDeclined) -> str:
    return f" by a link that {event.link_by} made" if event.link else ""


def _resolved(event: ev.Resolved) -> str:
    text = f"Resolved by {event.by}"
    if event.unverified:
        text += ", NOT VERIFIED by the criteria"
    return f"{text}: {event.cause}" if event.cause else text


def _names(alerts: tuple[Alert, ...]) -> str:
    return ", ".join(sorted({alert.name for alert in alerts}))
