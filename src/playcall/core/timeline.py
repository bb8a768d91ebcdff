"""Events as lines for people: the page's timeline, the CLI's, and the post-mortem's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from playcall.core import events as ev
from playcall.core.alert import Alert
from playcall.core.judge import Verdict
from playcall.core.plan import Plan, Play
from playcall.core.wording import say_judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    at: datetime
    text: str
    by: str | None  # the person, None for Playcall itself
    milestone: bool  # belongs in a short timeline


def entries(events: Iterable[ev.Event], plan: Plan, play: Play | None) -> list[Entry]:
    """The lines of an incident in the order of their times, which is not always that of the log."""
    lines = [line for event in events if (line := entry(event, plan, play))]
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
    )


def _is_milestone(event: ev.Event) -> bool:
    if isinstance(event, ev.MetricRead):
        return event.judgement.verdict in (Verdict.HOLDS, Verdict.BROKEN)
    return not isinstance(event, ev.CommandBegun | ev.Woken | ev.PageFailed)


def _text(event: ev.Event, plan: Plan, play: Play | None) -> str | None:
    match event:
        case ev.Opened():
            names = ", ".join(sorted({alert.name for alert in event.alerts}))
            return f"Incident {event.incident} opened, {event.severity}: {names} fired"
        case ev.AlertsJoined():
            return f"{_names(event.alerts)} fired"
        case ev.AlertsCleared():
            return f"{_names(event.alerts)} cleared"
        case ev.AnotherOpened():
            return f"Incident {event.incident} opened beside it: {event.title}"
        case ev.Acknowledged():
            return f"Acknowledged by {event.by}"
        case ev.NoteAdded():
            return event.text
        case ev.Resolved():
            return _resolved(event)
        case ev.MetricRead():
            criterion = play.criterion(event.criterion) if play else None
            return say_judgement(criterion, event.judgement, event.at) if criterion else None
        case ev.PageDelivered():
            return f"Paged {event.person} ({event.role}) by {event.channel}"
        case ev.PageFailed():
            whom = f"{event.person} ({event.role})" if event.person else event.role
            return f"PAGE NOT DELIVERED to {whom}: {event.reason}"
        case ev.Silenced():
            return f"Silenced in Alertmanager until {event.until:%H:%M:%S} UTC ({event.silence})"
        case ev.SilenceFailed():
            return f"NOT SILENCED in Alertmanager: {event.reason}"
        case ev.ReportWritten():
            return f"Post-mortem written: {event.path}"
        case ev.Woken():
            return None
        case (
            ev.RunApproved()
            | ev.RunDeclined()
            | ev.CommandBegun()
            | ev.CommandFinished()
            | ev.CommandInterrupted()
        ):
            return _command(event, play)
    assert_never(event)


def _command(
    event: ev.RunApproved
    | ev.RunDeclined
    | ev.CommandBegun
    | ev.CommandFinished
    | ev.CommandInterrupted,
    play: Play | None,
) -> str:
    command = play.command(event.command) if play else None
    name = f'{event.command} "{command.title}"' if command else event.command
    match event:
        case ev.RunApproved():
            again = ", once more" if event.again else ""
            return f"{event.by} approved {name}{again}"
        case ev.RunDeclined():
            return f"{event.by} declined {name}: {event.reason}"
        case ev.CommandBegun():
            return f"Began {name}"
        case ev.CommandFinished():
            return f"{name} {event.status}: {event.summary}"
        case ev.CommandInterrupted():
            return f"OUTCOME UNKNOWN: {name} was running when Playcall stopped; decide"
    assert_never(event)


def _resolved(event: ev.Resolved) -> str:
    text = f"Resolved by {event.by}"
    if event.unverified:
        text += ", NOT VERIFIED by the criteria"
    return f"{text}: {event.cause}" if event.cause else text


def _names(alerts: tuple[Alert, ...]) -> str:
    return ", ".join(sorted({alert.name for alert in alerts}))
