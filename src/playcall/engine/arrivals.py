"""Takes alerts that are on disk into incidents: opens, joins, clears. Runs inside a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from playcall.core.alert import HEARTBEATS, Alert, group_key
from playcall.core.events import AlertsCleared, AlertsJoined, AnotherOpened, Opened
from playcall.core.plan import Plan
from playcall.engine.commit import Committer
from playcall.engine.ports import Arrival, Transaction

RELATED = 5  # how many open incidents are told of a new one
TITLE_LENGTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How this installation takes alerts in."""

    plan: str  # digest of the plan that new incidents open with
    group_by: tuple[str, ...]  # labels, beside the alert's name
    severities: Mapping[str, str]  # alert label -> level of the document, in lower and upper case
    values: Mapping[str, str]  # placeholders filled by the settings


def take_in(
    tx: Transaction, arrivals: Sequence[Arrival], intake: Intake, committer: Committer, at: datetime
) -> None:
    groups: dict[str, list[Alert]] = {}
    for arrival in arrivals:
        if arrival.alert.name not in HEARTBEATS:
            groups.setdefault(group_key(arrival.alert, intake.group_by), []).append(arrival.alert)
    batch = _Batch(tx, intake, committer, at, storm=len(groups) > RELATED)
    for group, alerts in groups.items():
        batch.take_group(group, alerts)
    tx.take_in(arrivals)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Arrivals that are taken in together. In a storm everything is beside everything, and nobody
    is told so: telling would cost more than the incidents themselves."""

    tx: Transaction
    intake: Intake
    committer: Committer
    at: datetime
    storm: bool

    def take_group(self, group: str, alerts: Sequence[Alert]) -> None:
        alerts = _latest(alerts)
        firing = tuple(alert for alert in alerts if alert.firing)
        cleared = tuple(alert for alert in alerts if not alert.firing)
        incident = self.tx.live_in_group(group)
        if incident is None:
            if firing:
                self._open(group, firing)
            return
        if firing:
            joined = AlertsJoined(at=self.at, alerts=firing)
            self.committer.apply(self.tx, joined, incident.id)
        if cleared:
            gone = AlertsCleared(at=self.at, alerts=cleared)
            self.committer.apply(self.tx, gone, incident.id)

    def _open(self, group: str, alerts: tuple[Alert, ...]) -> None:
        plan = self.tx.plan(self.intake.plan)
        play = plan.play(alerts[0].name)
        severity = severity_of(alerts[0], plan, self.intake)
        beside = () if self.storm else tuple(self.tx.live()[-RELATED:])
        number = self.tx.next_incident()
        title = title_of(alerts[0])
        opened = Opened(
            at=self.at,
            incident=number,
            plan=self.intake.plan,
            group=group,
            play=play.alert if play else None,
            title=title,
            severity=(play.severity if play else None) or severity,
            alerts=alerts,
            values=_values(plan, alerts[0], self.intake),
            alongside=beside,
        )
        self.committer.apply(self.tx, opened)
        for other in beside:
            another = AnotherOpened(at=self.at, incident=number, title=title)
            self.committer.apply(self.tx, another, other)


def _latest(alerts: Sequence[Alert]) -> Sequence[Alert]:
    """The latest word on each alert: one that cleared and fires again is firing."""
    ordered = sorted(alerts, key=lambda alert: (alert.starts_at, not alert.firing))
    latest = {alert.fingerprint: alert for alert in ordered}
    return [alert for alert in alerts if latest[alert.fingerprint] is alert]


def title_of(alert: Alert) -> str:
    summary = alert.annotations.get("summary", "")
    title = " ".join(f"{alert.name or 'Alert without a name'}: {summary}".split()).rstrip(": ")
    return title if len(title) <= TITLE_LENGTH else f"{title[: TITLE_LENGTH - 1]}…"


def severity_of(alert: Alert, plan: Plan, intake: Intake) -> str:
    """By the alert's label; where it says nothing that is understood, the document's highest."""
    label = alert.labels.get("severity", "").lower()
    level = intake.severities.get(label, label.upper())
    if plan.severity(level) or not plan.severities:
        return level or "CRITICAL"
    return plan.severities[0].level


def _values(plan: Plan, alert: Alert, intake: Intake) -> dict[str, str]:
    """Values for the placeholders of the play: the alert's labels first, then the settings."""
    play = plan.play(alert.name)
    wanted = {p.name for command in (play.commands() if play else ()) for p in command.placeholders}
    known = {**intake.values, **alert.labels}
    return {name: known[name] for name in sorted(wanted) if known.get(name)}
