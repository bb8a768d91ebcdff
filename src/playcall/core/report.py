"""The post-mortem, written from the events and nothing else. What nobody recorded is asked for, and
marked as such; it is never invented."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from playcall.core import events as ev
from playcall.core import incident as i
from playcall.core import timeline
from playcall.core.alert import Alert
from playcall.core.plan import Command, EffectClass, Plan, Play
from playcall.core.wording import say_duration, say_instant

TO_WRITE = "_To be written by a person._"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    title: str
    markdown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestones:
    """The instants that the numbers come from; None for what has not happened."""

    fired: datetime
    opened: datetime
    paged: datetime | None
    diagnosed: datetime | None  # the first diagnostic finished
    acknowledged: datetime | None
    approved: datetime | None  # the first approval
    mitigated: datetime | None  # the last change that succeeded
    recovered: datetime | None  # alerts cleared and criteria held
    resolved: datetime | None


def write_report(events: Sequence[ev.Event], plan: Plan) -> Report:
    """Markdown from the events of one incident, oldest first, beginning with Opened."""
    opened = events[0]
    if not isinstance(opened, ev.Opened):
        raise ValueError("an incident's events begin with Opened")
    play = plan.play(opened.play) if opened.play else None
    times = milestones(events, play)
    title = f"Incident {opened.incident}: {opened.title}"
    sections = [
        f"# {_plain(title)}",
        _head(opened, times, plan),
        "## Impact\n\n" + _impact(opened, times),
        "## Timeline\n\nAll times are UTC.\n\n" + _timeline(events, plan, play),
        "## Root Cause\n\n" + _cause(events),
        "## Resolution\n\n" + _resolution(events, plan, play),
        "## How long it took\n\n" + _durations(times),
        "## Action Items\n\n- [ ] " + TO_WRITE,
    ]
    return Report(title=title, markdown="\n\n".join(sections) + "\n")


def milestones(events: Sequence[ev.Event], play: Play | None) -> Milestones:
    """Only a change mitigates: what looks may be approved as well."""
    opened = next(event for event in events if isinstance(event, ev.Opened))
    resolved = _first(events, ev.Resolved)
    runs = {e.run: e for e in events if isinstance(e, ev.CommandFinished)}
    approved = {e.command for e in events if isinstance(e, ev.RunApproved)}
    changes = {c.id for c in play.commands() if c.effect is EffectClass.CHANGE} if play else set()
    fixes = [
        e.at
        for e in runs.values()
        if e.command in approved & changes and e.status is i.RunStatus.SUCCEEDED
    ]
    looks = [e.at for e in runs.values() if e.command not in approved]
    return Milestones(
        fired=min((alert.starts_at for alert in opened.alerts), default=opened.at),
        opened=opened.at,
        paged=_first(events, ev.PageDelivered),
        diagnosed=min(looks, default=None),
        acknowledged=_first(events, ev.Acknowledged),
        approved=_first(events, ev.RunApproved),
        mitigated=max(fixes, default=None),
        recovered=max((e.at for e in events if isinstance(e, ev.Recovered)), default=None),
        resolved=resolved,
    )


def _first(events: Sequence[ev.Event], kind: type[ev.Event]) -> datetime | None:
    return next((event.at for event in events if isinstance(event, kind)), None)


def _head(opened: ev.Opened, times: Milestones, plan: Plan) -> str:
    over = times.resolved
    lasted = say_duration(over - times.fired) if over else "not over yet"
    return "\n".join(
        [
            f"**Date:** {times.fired:%Y-%m-%d}  ",
            f"**Duration:** {lasted}  ",
            f"**Severity:** {opened.severity}  ",
            f"**Playbook:** {plan.source}, {opened.play or 'no play for this alert'}",
        ]
    )


def _impact(opened: ev.Opened, times: Milestones) -> str:
    lines = [f"- {_plain(_summary(alert))}" for alert in opened.alerts]
    beside = ", ".join(str(other) for other in opened.alongside)
    if beside:
        lines.append(f"- Open at the same time: incident {beside}")
    return "\n".join([*lines, f"- Who was affected: {TO_WRITE}"])


def _summary(alert: Alert) -> str:
    return alert.annotations.get("summary") or alert.annotations.get("description") or alert.name


def _timeline(events: Sequence[ev.Event], plan: Plan, play: Play | None) -> str:
    opened = events[0]
    fired = min((a.starts_at for a in getattr(opened, "alerts", ())), default=opened.at)
    lines = [f"- {fired:%H:%M:%S} - Alert fired"]
    for line in timeline.entries(events, plan, play):
        if line.milestone:
            lines.append(f"- {line.at:%H:%M:%S} - {_plain(line.text)}")
    return "\n".join(lines)


def _cause(events: Sequence[ev.Event]) -> str:
    causes = [e.cause for e in events if isinstance(e, ev.Resolved) and e.cause]
    return _plain(causes[-1]) if causes else TO_WRITE


def _resolution(events: Sequence[ev.Event], plan: Plan, play: Play | None) -> str:
    """Every run that somebody approved, with what ran and on whose word."""
    agreed: dict[str, list[str]] = {}  # since the command's last run
    edited: dict[str, str] = {}
    lines = []
    for event in events:
        match event:
            case ev.RunApproved():
                alone = f" alone, EMERGENCY: {event.reason}" if event.emergency else ""
                agreed.setdefault(event.command, []).append(f"{event.by}{alone}")
            case ev.RunEdited():
                edited[event.command] = event.text
                agreed.pop(event.command, None)
            case (
                ev.RunDeclined()
                | ev.RequestExpired()
                | ev.ApprovalLapsed()
                | ev.CommandInterrupted()
            ):
                agreed.pop(event.command, None)
                edited.pop(event.command, None)
            case ev.CommandFinished() if event.command in agreed:
                command = plan.command(play.alert if play else None, event.command)
                who = " and ".join(dict.fromkeys(agreed.pop(event.command)))
                other = edited.pop(event.command, None)
                if command:
                    lines.append(_ran(event, command, who, other))
            case _:
                pass
    return "\n".join(lines) if lines else f"Nothing was changed by Playcall. {TO_WRITE}"


def _ran(event: ev.CommandFinished, command: Command, who: str, edited: str | None) -> str:
    text = command.text if edited is None else edited
    note = " (edited for this run)" if edited is not None else ""
    return (
        f"- {event.at:%H:%M:%S} {_plain(command.title)}{note}, approved by {_plain(who)}: "
        f"{event.status}\n\n      {text.replace(chr(10), chr(10) + '      ')}\n"
    )


def _durations(times: Milestones) -> str:
    rows = [
        ("First page delivered", times.paged),
        ("First diagnostic finished", times.diagnosed),
        ("Acknowledged", times.acknowledged),
        ("First approval", times.approved),
        ("Mitigated", times.mitigated),
        ("Recovered, proven by the criteria", times.recovered),
        ("Resolved", times.resolved),
    ]
    lines = ["| Since the alert fired | after | at |", "|---|---|---|"]
    for name, at in rows:
        if at:
            lines.append(f"| {name} | {say_duration(at - times.fired)} | {say_instant(at)} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text from an alert or a person, so that it stays text in Markdown and on one line."""
    escaped = "".join(f"\\{c}" if c in r"\`*_[]<>#|" else c for c in text)
    return " ".join(escaped.split())
