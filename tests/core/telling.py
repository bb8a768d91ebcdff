"""Shorthand for tests of telling: a plan with a status page and audiences, and a clock that drives
an incident from timer to timer."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from playcall.core import events as ev
from playcall.core.communication import Audience, StatusPage, StatusText
from playcall.core.decide import decide
from playcall.core.effects import Effect, Inform, Moved
from playcall.core.incident import Incident
from playcall.core.plan import Plan, Template, TemplateField
from playcall.core.response import ResponsePolicy, UpdatePolicy
from playcall.core.status_update import UpdateState
from playcall.core.updates import draft
from playcall.testing import NOON, a_plan, a_play, an_opening, minutes

PAGE = StatusPage(
    url="https://status.internal",
    every=minutes(15),
    texts=(
        StatusText(state="INVESTIGATING", body="We are investigating slow moves.", line=1),
        StatusText(state="IDENTIFIED", body="We know the cause.", line=2),
        StatusText(state="MONITORING", body="A remedy is in place.", line=3),
        StatusText(state="RESOLVED", body="Moves are fast again.", line=4),
    ),
    line=1,
)
CRITICAL = Audience(
    name="Critical Incidents",
    severity="CRITICAL",
    first_within=minutes(5),
    every=minutes(15),
    recipients=("VP Engineering", "CTO"),
    line=1,
)
HIGH = Audience(
    name="High Priority",
    severity="HIGH",
    first_within=minutes(15),
    every=minutes(30),
    recipients=("Engineering Manager",),
    line=2,
)


def a_template(body: str, subject: str | None = "[CRITICAL] Halted") -> Template:
    return Template(
        name="Communication Template",
        subject=subject,
        body=body,
        fields=(TemplateField(name="TIMESTAMP", line=1, column=1),),
        line=1,
        last_line=9,
    )


def telling_plan(policy: UpdatePolicy | None = None, *, template: str = "") -> Plan:
    play = replace(a_play(), templates=(a_template(template),) if template else ())
    return replace(
        a_plan(play, silence=False),
        status_page=PAGE,
        audiences=(CRITICAL, HIGH),
        response=ResponsePolicy(
            updates=policy or UpdatePolicy(), war_room="https://meet.example/{incident}"
        ),
    )


@dataclass(kw_only=True)
class Walk:
    """An incident and all that came of it; timers run when the clock passes them."""

    plan: Plan
    incident: Incident
    at: datetime = NOON
    events: list[ev.Event] = field(default_factory=list)
    effects: list[tuple[float, Effect]] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, severity: str = "CRITICAL", **changes: object) -> "Walk":
        event = replace(an_opening(severity=severity), **changes)  # type: ignore[arg-type]
        outcome = decide(None, event, plan)
        assert isinstance(outcome, Moved)
        walk = cls(plan=plan, incident=outcome.incident)
        walk._take(outcome, event)
        return walk

    def do(self, event: ev.Event) -> None:
        outcome = decide(self.incident, event, self.plan)
        assert isinstance(outcome, Moved), outcome
        self._take(outcome, event)

    def to(self, minute: float) -> "Walk":
        """Wake it at each of its timers until then."""
        until = NOON + minutes(minute)
        turns = 0
        while self.incident.wake_at is not None and self.incident.wake_at <= until:
            self.at = max(self.incident.wake_at, self.at)
            self.do(ev.Woken(at=self.at))
            turns += 1
            assert turns < 500, "timers without an end"
        self.at = until
        return self

    def publish(self, state: UpdateState | None = None) -> None:
        update = draft(self.incident, self.plan, self.at, state)
        self.do(ev.UpdatePublished(at=self.at, by="ada", update=update))

    def when(self, kind: type[ev.Event]) -> list[float]:
        """The minutes at which events of a kind came."""
        return [minute(one.at) for one in self.events if isinstance(one, kind)]

    def informed(self, audience: str = "Critical Incidents") -> list[tuple[float, str]]:
        return [
            (when, one.role)
            for when, one in self.effects
            if isinstance(one, Inform) and one.audience == audience
        ]

    def _take(self, outcome: Moved, event: ev.Event) -> None:
        self.events.append(event)
        self.incident = outcome.incident
        self.effects += [(minute(event.at), one) for one in outcome.effects]
        for following in outcome.follows:
            self.do(following)


def minute(at: datetime) -> float:
    return round((at - NOON) / timedelta(minutes=1), 2)
