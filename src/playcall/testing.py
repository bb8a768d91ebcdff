"""Builders and fakes, for our tests and other people's: values with defaults, a clock that is set,
hands that remember what they were asked."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from playcall.core.alert import Alert
from playcall.core.events import Opened
from playcall.core.incident import RunStatus
from playcall.core.judge import Sample
from playcall.core.message import Message
from playcall.core.plan import (
    ChecklistItem,
    Command,
    Comparison,
    Criterion,
    Duty,
    EffectClass,
    Guard,
    Phase,
    Placeholder,
    Plan,
    Play,
    PlayEscalation,
    Purpose,
    Role,
    Rung,
    RungCondition,
    Severity,
    Step,
    Team,
    Wake,
)
from playcall.core.reconciliation import FoundSilence, WatchedAlert
from playcall.engine.monitoring import RangeVector, Vector
from playcall.engine.ports import (
    Exit,
    Output,
    Unavailable,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def an_alert(
    name: str = "LatencyHigh",
    *,
    fingerprint: str = "f1",
    firing: bool = True,
    starts_at: datetime = NOON,
    severity: str = "critical",
    **labels: str,
) -> Alert:
    return Alert(
        fingerprint=fingerprint,
        labels={"alertname": name, "severity": severity, **labels},
        annotations={"summary": "requests are slow"},
        firing=firing,
        starts_at=starts_at,
        ends_at=None if firing else starts_at + minutes(5),
        generator_url="http://prometheus.example/graph",
    )


def a_command(
    command_id: str = "1.1",
    *,
    text: str = "uptime",
    effect: EffectClass = EffectClass.OBSERVE,
    guard: str | None = None,
    placeholders: Sequence[str] = (),
) -> Command:
    return Command(
        id=command_id,
        title=f"Command {command_id}",
        text=text,
        guard=Guard(kind="if", text=guard, line=1) if guard else None,
        effect=effect,
        reasons=("because",),
        placeholders=tuple(
            Placeholder(name=name, text=name, line=1, column=1) for name in placeholders
        ),
        runs_as=None,
        line=1,
        last_line=1,
    )


def a_criterion(
    criterion_id: str = "recovery",
    *,
    purpose: Purpose = Purpose.RECOVERY,
    comparison: Comparison = Comparison.BELOW,
    threshold: float = 0.5,
    holds_for: timedelta = timedelta(minutes=5),
    query: str | None = "latency",
) -> Criterion:
    return Criterion(
        id=criterion_id,
        purpose=purpose,
        text="latency <500ms for 5 minutes",
        comparison=comparison,
        threshold=threshold,
        written="500ms",
        unit="s",
        holds_for=holds_for,
        query=query,
        query_name="Latency",
        line=1,
    )


def a_play(
    alert: str = "LatencyHigh",
    *,
    commands: Sequence[Command] | None = None,
    criteria: Sequence[Criterion] | None = None,
    severity: str | None = "CRITICAL",
    escalation: str | None = "performance team",
) -> Play:
    if commands is None:
        commands = (
            a_command("1.1"),
            a_command("2.1", effect=EffectClass.CHANGE, text="restart", guard="slow"),
        )
    step = Step(number=1, title="Look", commands=tuple(commands), checks=(), decision=None, line=1)
    phase = Phase(
        title="Immediate Actions", role=Role.ACT, starts=None, ends=None, steps=(step,), line=1
    )
    return Play(
        alert=alert,
        severity=severity,
        respond_within=None,
        escalation=PlayEscalation(
            text=f"Immediate to {escalation}", after=timedelta(), whom=escalation, line=1
        )
        if escalation
        else None,
        criteria=tuple(criteria if criteria is not None else (a_criterion(),)),
        symptoms=(),
        phases=(phase,),
        templates=(),
        line=1,
        last_line=9,
    )


LADDER = (
    (("On-Call Primary",), 0, RungCondition.ALWAYS),
    (("On-Call Secondary",), 5, RungCondition.NO_ACK),
    (("Team Lead",), 10, RungCondition.NO_RESOLUTION),
    (("Engineering Manager",), 15, RungCondition.CRITICAL),
    (("VP Engineering", "CTO"), 20, RungCondition.SLA_VIOLATION),
)


LEVELS = (
    ("CRITICAL", 0, Wake.YES),
    ("HIGH", 10, Wake.IF_PERSISTENT),
    ("WARNING", 30, Wake.NO),
)
PERFORMANCE = Team(
    label="team",
    value="performance",
    primary="Performance Eng",
    secondary="Platform SRE",
    expert="Jo",
    line=1,
)
SILENCING = Duty(
    title="Close",
    within=timedelta(hours=1),
    items=(ChecklistItem(text="Silence the alert", line=1),),
    template=None,
    line=1,
)


def a_severity(level: str, after: float, wake: Wake) -> Severity:
    return Severity(
        level=level,
        respond_within=minutes(5),
        escalate_after=minutes(after),
        wake=wake,
        examples=(),
        line=1,
    )


def a_plan(*plays: Play, silence: bool = True) -> Plan:
    """With the example document's ladder; `silence`: a duty asks for one after the incident."""
    return Plan(
        title="A playbook",
        source="playbook.md",
        digest="d" * 64,
        facts=(),
        severities=tuple(a_severity(*row) for row in LEVELS),
        rungs=tuple(
            Rung(roles=roles, means="Page", after=minutes(after), condition=condition, line=1)
            for roles, after, condition in LADDER
        ),
        teams=(PERFORMANCE,),
        plays=plays or (a_play(),),
        channels=(),
        status_page=None,
        audiences=(),
        rollback=None,
        duties=(SILENCING,) if silence else (),
        essentials=(),
        queries=(),
        contacts=(),
        lines=(),
    )


def an_opening(
    *,
    incident: int = 1,
    plan: str = "plan",
    at: datetime = NOON,
    play: str | None = "LatencyHigh",
    severity: str = "CRITICAL",
    alerts: Sequence[Alert] | None = None,
    values: Mapping[str, str] | None = None,
) -> Opened:
    return Opened(
        at=at,
        incident=incident,
        plan=plan,
        group="g",
        play=play,
        title="LatencyHigh: requests are slow",
        severity=severity,
        alerts=tuple(alerts if alerts is not None else (an_alert(),)),
        values=values or {},
        alongside=(),
    )


# --- Fakes ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class SetClock:
    """A clock that stands still until it is moved."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> datetime:
        self.at += by
        return self.at


@dataclass(slots=True)
class RememberingChannel:
    """Takes every message, or refuses while `broken` says why."""

    broken: Unavailable | None = None
    sent: list[tuple[str, Message, str]] = field(default_factory=list)  # address, message, key
    refused: list[str] = field(default_factory=list)  # keys

    async def send(self, message: Message, address: str, key: str) -> None:
        if self.broken:
            self.refused.append(key)
            raise self.broken
        self.sent.append((address, message, key))


@dataclass(slots=True)
class ScriptedRunner:
    """Succeeds at once with the output given for a command, and remembers what it ran."""

    outputs: Mapping[str, bytes] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    async def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        self.ran.append(command)
        yield Output(data=self.outputs.get(command, b"ok\n"))
        yield Exit(status=RunStatus.SUCCEEDED, exit_code=0, summary="ok")


@dataclass(slots=True)
class SetMetrics:
    """Answers every query with one series that has had `value` for ever; None: no data."""

    value: float | None = None
    clock: SetClock = field(default_factory=SetClock)

    async def query(self, promql: str, at: datetime) -> Sequence[Vector]:
        if self.value is None:
            return []
        return [Vector(labels={}, sample=Sample(at=at, value=self.value))]

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Sequence[Sample]]:
        if self.value is None:
            return []
        count = int((end - start) / step)
        return [[Sample(at=end - step * n, value=self.value) for n in range(count, -1, -1)]]

    async def query_series(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[RangeVector]:
        found = await self.query_range(promql, start, end, step)
        return [RangeVector(labels={}, samples=samples) for samples in found]


@dataclass(slots=True)
class RememberingSilencer:
    silenced: list[Mapping[str, str]] = field(default_factory=list)
    prolonged: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def silence(
        self, labels: Mapping[str, str], starts_at: datetime, ends_at: datetime, comment: str
    ) -> str:
        self.silenced.append(labels)
        return f"silence-{len(self.silenced)}"

    async def prolong(self, silence: str, ends_at: datetime) -> str:
        self.prolonged.append(silence)
        return silence

    async def end(self, silence: str) -> None:
        self.ended.append(silence)


@dataclass(slots=True)
class SetWatcher:
    """An Alertmanager that holds what is set, or does not answer while `broken` says why."""

    alerts: list[WatchedAlert] = field(default_factory=list)
    silences: list[FoundSilence] = field(default_factory=list)
    since: datetime = NOON - timedelta(days=1)
    broken: Unavailable | None = None
    looks: int = 0

    async def watched(self) -> Sequence[WatchedAlert]:
        self.looks += 1
        return list(self.alerts)

    async def standing(self) -> Sequence[FoundSilence]:
        return list(self.silences)

    async def up_since(self) -> datetime:
        if self.broken:
            raise self.broken
        return self.since


@dataclass(slots=True)
class MemoryArchive:
    kept: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, text: str) -> str:
        self.kept[name] = text
        return f"memory:{name}"
