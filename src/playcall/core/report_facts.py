"""What a post-mortem can say from the events alone: each fact with a link to its event. What nobody
recorded is not here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from playcall.core import events as ev
from playcall.core import pins, timeline
from playcall.core.action_facts import action_facts
from playcall.core.alert import Alert
from playcall.core.milestones import Milestones, milestones
from playcall.core.pin_events import Pin
from playcall.core.plan import Command, Plan, Play
from playcall.core.review import Review
from playcall.core.wording import say_duration

MOST_LINES = 1000  # of a timeline
NAMES_CAUSE = "root cause:"  # how a note begins that says it
MOST_ALERTS = 50
# What comes after the incident, the writing of its post-mortem among it, is not a part of it.
_ASIDE = (
    ev.ReportWritten
    | ev.DutyEvent
    | ev.ActionEvent
    | ev.ReviewEvent
    | ev.SendingEvent
    | ev.PinEvent
)


class Turn(StrEnum):
    """The turns of an incident that a template asks for."""

    FIRED = "Alert fired"
    PAGED = "First page delivered"
    INVESTIGATED = "Investigation began"
    CAUSE = "Root cause identified"
    MITIGATED = "Mitigation applied"
    RESOLVED = "Resolved"


# What a person pins, and the turn that it is.
_PINNED = {
    Pin.INVESTIGATION: Turn.INVESTIGATED,
    Pin.CAUSE: Turn.CAUSE,
    Pin.MITIGATION: Turn.MITIGATED,
}
_MARKED = {Pin.QUESTION: "Question", Pin.IMPORTANT: "Important"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the timeline; `n` is its event's number, 0 when it stands for several."""

    at: datetime
    text: str  # Markdown
    n: int = 0
    turns: tuple[Turn, ...] = ()
    mark: str = ""  # "Important": as a person pinned it
    of: int | None = None  # another incident, which was merged into this one


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one incident, from its events, oldest first, beginning with Opened."""

    events: Sequence[ev.Event]
    plan: Plan
    opened: ev.Opened
    play: Play | None
    times: Milestones
    url: str | None
    zone: ZoneInfo
    review: Review | None = None  # None: nothing was measured
    merged: "tuple[Facts, ...]" = ()  # of incidents that were merged into it

    def link(self, n: int, of: int | None = None) -> str:
        """To an event, with a space before it; empty where there is no server."""
        if self.url is None:
            return ""
        return f" ([{n}]({self.url}/incidents/{of or self.opened.incident}#event-{n}))"

    # --- the head

    @property
    def title(self) -> str:
        return plain(self.opened.title)

    @property
    def date(self) -> str:
        day = f"{self.times.fired.astimezone(UTC):%Y-%m-%d}"
        here = f"{self.times.fired.astimezone(self.zone):%Y-%m-%d}"
        beside = f", {here} in {self.zone.key}" if here != day else ""
        return f"{day}{beside}{self.link(1)}"

    @property
    def duration(self) -> str:
        over = self.times.resolved
        if over is None:
            return "not over yet"
        return f"{say_duration(over - self.times.fired)}{self.link(self._number(ev.Resolved))}"

    @property
    def severity(self) -> str:
        changed = self._number(ev.SeverityChanged)
        found = self.events[changed - 1] if changed else self.opened
        level = found.severity if isinstance(found, ev.SeverityChanged | ev.Opened) else ""
        return f"{plain(level)}{self.link(changed or 1)}"

    def _number(self, kind: type[ev.Event]) -> int:
        """Of the last event of a kind; 0 when there is none."""
        found = [n for n, event in enumerate(self.events, 1) if isinstance(event, kind)]
        return found[-1] if found else 0

    # --- the sections

    def impact(self) -> list[str]:
        lines = [f"- {plain(_summary(alert))}{self.link(1)}" for alert in self.opened.alerts]
        joined: dict[str, tuple[Alert, int]] = {}
        for n, event in enumerate(self.events, 1):
            if isinstance(event, ev.AlertsJoined):
                for alert in event.alerts:
                    joined.setdefault(alert.fingerprint, (alert, n))
        known = {alert.fingerprint for alert in self.opened.alerts}
        lines += [
            f"- {plain(_summary(alert))}{self.link(n)}"
            for fingerprint, (alert, n) in joined.items()
            if fingerprint not in known
        ]
        for one in self.merged:
            text = f"{plain(one.opened.title)} (incident {one.opened.incident}, merged)"
            lines.append(f"- {text}{one.link(1)}")
        more = len(lines) - MOST_ALERTS
        lines = [*lines[:MOST_ALERTS], *([f"- And {more} more alerts"] if more > 0 else [])]
        beside = ", ".join(str(other) for other in self.opened.alongside)
        if beside:
            lines.append(f"- Open at the same time: incident {beside}{self.link(1)}")
        return lines

    def cause(self) -> str | None:
        """As people put it, each once and where it was said first: a line that stands is not
        changed by whoever says it again. None when nobody said it."""
        words: dict[str, int] = {}
        for n, text in self.causes():
            words.setdefault(plain(text), n)
        said = [text + self.link(n) for text, n in words.items()]
        return "\n\n".join(said[-MOST_ALERTS:]) or None

    def causes(self) -> Iterator[tuple[int, str]]:
        """Each as it was said, with its event."""
        pinned = self.pinned
        for n, event in enumerate(self.events, 1):
            if isinstance(event, ev.Resolved) and event.cause:
                yield n, event.cause
            elif isinstance(event, ev.NoteAdded) and _names_cause(event):
                yield n, event.text[len(NAMES_CAUSE) :].strip()
            elif pinned.get(n) is Pin.CAUSE and (
                said := timeline.entry(event, self.plan, self.play)
            ):
                yield n, said.text

    @property
    def pinned(self) -> Mapping[int, Pin]:
        return pins.standing(self.events)

    def turns(self) -> Mapping[Turn, int]:
        """The number of the event that was each turn; a turn that nobody recorded is left out.
        What a person pinned comes first. When the cause was found, only that or a note can say;
        whoever named it with the resolution had found it by then."""
        times = self.times
        named = [n for n, e in enumerate(self.events, 1) if _names_cause(e)]
        found = {
            Turn.FIRED: 1,
            Turn.PAGED: self._at(ev.PageDelivered, times.paged),
            Turn.INVESTIGATED: self._at(ev.Acknowledged, times.acknowledged),
            Turn.CAUSE: named[0] if named else self._resolved_with_cause(),
            Turn.MITIGATED: self._at(ev.CommandFinished, times.mitigated),
            Turn.RESOLVED: self._number(ev.Resolved) if times.resolved else 0,
        }
        for n, pin in sorted(self.pinned.items(), reverse=True):
            if pin in _PINNED:
                found[_PINNED[pin]] = n
        return {turn: n for turn, n in found.items() if n}

    def _resolved_with_cause(self) -> int:
        n = self._number(ev.Resolved)
        resolved = self.events[n - 1] if n else None
        return n if isinstance(resolved, ev.Resolved) and resolved.cause else 0

    def _at(self, kind: type[ev.Event], at: datetime | None) -> int:
        numbered = enumerate(self.events, 1)
        return next((n for n, e in numbered if isinstance(e, kind) and e.at == at), 0)

    def timeline(self) -> list[Line]:
        turned: dict[int, tuple[Turn, ...]] = {}
        for turn, n in self.turns().items():
            if turn is not Turn.FIRED:
                turned[n] = (*turned.get(n, ()), turn)
        lines = [Line(at=self.times.fired, text=Turn.FIRED, n=1, turns=(Turn.FIRED,))]
        marks = {n: _MARKED[pin] for n, pin in self.pinned.items() if pin in _MARKED}
        lines += [
            Line(
                at=e.at,
                text=plain(e.text),
                n=e.n,
                turns=turned.get(e.n, ()),
                mark=marks.get(e.n, ""),
            )
            for e in timeline.entries(self.events, self.plan, self.play)
            if (e.milestone or e.n in turned or e.n in marks)
            and not isinstance(self.events[e.n - 1], _ASIDE)
        ]
        merged = [line for one in self.merged for line in one.told_elsewhere()]
        if merged:
            lines = sorted([*lines, *merged], key=lambda line: line.at)
        return self._folded(lines)

    def told_elsewhere(self) -> list[Line]:
        """Its lines in the record of the incident that it was merged into."""
        number = self.opened.incident
        return [
            Line(at=line.at, text=f"Incident {number}: {line.text}", n=line.n, of=number)
            for line in self.timeline()
            if line.n
        ]

    def _folded(self, lines: list[Line]) -> list[Line]:
        """Of a very long record, its beginning and its end; every turn, and where the rest is."""
        if len(lines) <= MOST_LINES:
            return lines
        half = MOST_LINES // 2
        left = [line for line in lines[half:-half] if not (line.turns or line.mark)]
        turns = [line for line in lines[half:-half] if line.turns or line.mark]
        where = f":{self._of(left[0])} to{self._of(left[-1])}" if self.url is not None else ""
        told = Line(at=left[0].at, text=f"{len(left)} more lines are on record{where}")
        return [*lines[:half], *sorted([told, *turns], key=lambda one: one.at), *lines[-half:]]

    def _of(self, line: Line) -> str:
        return self.link(line.n, line.of)

    def clock(self, at: datetime) -> str:
        """In UTC and in the team's zone, with the day when the incident had several."""
        times = self.times
        last = max(times.resolved or times.opened, self.events[-1].at)
        several = last.astimezone(UTC).date() != times.fired.astimezone(UTC).date()
        shape = "%Y-%m-%d %H:%M:%S" if several or last - times.fired > timedelta(1) else "%H:%M:%S"
        said = f"{at.astimezone(UTC):{shape}} UTC"
        if self.zone.key == "UTC":
            return said
        return f"{said} ({at.astimezone(self.zone):{shape}} {at.astimezone(self.zone):%Z})"

    def resolution(self) -> list[str]:
        """Every run that somebody approved, with what ran and on whose word."""
        agreed: dict[str, list[str]] = {}  # since the command's last run
        edited: dict[str, str] = {}
        lines = []
        for n, event in enumerate(self.events, 1):
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
                    command = self.plan.command(
                        self.play.alert if self.play else None, event.command
                    )
                    who = " and ".join(dict.fromkeys(agreed.pop(event.command)))
                    other = edited.pop(event.command, None)
                    if command:
                        lines.append(self._ran(n, event, command, who, other))
                case _:
                    pass
        more = len(lines) - MOST_LINES
        return [*lines[:MOST_LINES], *([f"- And {more} more runs"] if more > 0 else [])]

    def actions(self) -> list[str]:
        return [
            f"- [{'x' if item.done else ' '}] {item.line(plain)}{self.link(item.n)}"
            for item in action_facts(self.events)
        ]

    def _ran(
        self, n: int, event: ev.CommandFinished, command: Command, who: str, edited: str | None
    ) -> str:
        text = command.text if edited is None else edited
        note = " (edited for this run)" if edited is not None else ""
        return (
            f"- {self.clock(event.at)} {plain(command.title)}{note}, approved by {plain(who)}: "
            f"{event.status}{self.link(n)}\n\n      {text.replace(chr(10), chr(10) + '      ')}\n"
        )


Merged = tuple[Sequence[ev.Event], Plan]  # an incident that was merged into another one


def gather(
    events: Sequence[ev.Event],
    plan: Plan,
    url: str | None = "",
    review: Review | None = None,
    merged: Sequence[Merged] = (),
) -> Facts:
    """`url`: where people reach the server; empty: links lead to the server they are read on; None:
    there is no server, and there are no links."""
    opened = events[0]
    if not isinstance(opened, ev.Opened):
        raise ValueError("an incident's events begin with Opened")
    play = plan.play(opened.play) if opened.play else None
    zone = ZoneInfo(plan.response.zone)
    others = tuple(gather(its, plan_of, url) for its, plan_of in merged)
    times = milestones(events, play)
    return Facts(events, plan, opened, play, times, url, zone, review, others)


def plain(text: str) -> str:
    """Text from an alert or a person, so that it stays text in Markdown and on one line."""
    escaped = "".join(f"\\{c}" if c in r"\`*_[]<>#|&~" else c for c in text)
    return " ".join(escaped.split())


def _summary(alert: Alert) -> str:
    return alert.annotations.get("summary") or alert.annotations.get("description") or alert.name


def _names_cause(event: ev.Event) -> bool:
    return isinstance(event, ev.NoteAdded) and event.text.lower().startswith(NAMES_CAUSE)
