"""Takes alerts that are on disk into incidents: opens, opens again, joins, clears. Runs inside a
transaction."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from playcall.core.alert import HEARTBEATS, Alert, group_key
from playcall.core.effects import Moved
from playcall.core.events import (
    AlertsCleared,
    AlertsJoined,
    AnotherOpened,
    Opened,
    QuietEnded,
    Reopened,
)
from playcall.core.incident import Incident, Whence
from playcall.core.maintenance import Window, window_for
from playcall.core.parameters import commands_for, kind_of, why_unfit
from playcall.core.plan import Plan
from playcall.core.severities import LABELS, level_of
from playcall.engine import proving
from playcall.engine.commit import Committer
from playcall.engine.grouping import Grouping, grouping
from playcall.engine.homes import Home, of_alert, of_group
from playcall.engine.inbox import Arrival
from playcall.engine.ports import Transaction
from playcall.engine.scrub import scrub_alert
from playcall.engine.tally import UNHEARD

log = logging.getLogger(__name__)

RELATED = 5  # how many open incidents are told of a new one
TITLE_LENGTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How this installation takes alerts in."""

    plan: str  # digest of the plan that new incidents open with
    group_by: tuple[str, ...]  # labels, beside the alert's name
    severities: Mapping[str, str]  # a label's value -> level of the document, beside the usual ones
    values: Mapping[str, str]  # placeholders filled by the settings
    severity_labels: tuple[str, ...] = LABELS
    windows: tuple[Window, ...] = ()  # announced maintenance


def take_in(
    tx: Transaction, arrivals: Sequence[Arrival], intake: Intake, committer: Committer, at: datetime
) -> None:
    groups: dict[str, list[Alert]] = {}
    for arrival in arrivals:
        if proving.is_test(arrival.alert):
            proving.begin(tx, arrival.alert)
        elif arrival.alert.name not in HEARTBEATS:
            groups.setdefault(group_key(arrival.alert, intake.group_by), []).append(arrival.alert)
    belonging = grouping(tx, intake.group_by)
    unheard = {one.id for one in arrivals if _is_unheard(belonging, one, intake)}
    _Batch(tx, intake, committer, at, belonging, storm=len(groups) > RELATED).take(groups)
    tx.take_in(arrivals, unheard)
    if unheard:
        log.warning("%d alerts came and went before they were taken in", len(unheard))
        tx.count(UNHEARD, len(unheard))


def _is_unheard(belonging: Grouping, arrival: Arrival, intake: Intake) -> bool:
    """Whether it came and went without anybody hearing. It opens nothing: whoever was woken for it
    could only see that it is over. It is kept to be seen, and counted."""
    alert = arrival.alert
    if not arrival.unheard or alert.name in HEARTBEATS:
        return False
    group = group_key(alert, intake.group_by)
    tx = belonging.tx
    incident = belonging.home(alert, group) or tx.live_in_group(group) or tx.lately_over(group)
    member = incident.alerts.get(alert.fingerprint) if incident else None
    return member is None or member.alert.starts_at < alert.starts_at


def take_found(
    tx: Transaction, alerts: Sequence[Alert], intake: Intake, committer: Committer, at: datetime
) -> int:
    """Alerts that fire and whose message never came, as if it had; returns how many were taken in.
    One whose row is on disk already, so that its message did come, is taken in at once."""
    taken = 0
    belonging = grouping(tx, intake.group_by)
    groups: dict[str, list[Alert]] = {}
    for alert in (scrub_alert(found, committer.hide) for found in alerts):
        group = group_key(alert, intake.group_by)
        incident = belonging.home(alert, group) or belonging.live(group, [alert])
        member = incident.alerts.get(alert.fingerprint) if incident else None
        if member and member.firing:
            continue
        taken += 1
        if not tx.receive([alert], at).news:
            groups.setdefault(group, []).append(alert)
    _Batch(tx, intake, committer, at, belonging, storm=len(groups) > RELATED).take(groups)
    return taken


@dataclass(frozen=True, slots=True)
class _Batch:
    """Arrivals that are taken in together. In a storm everything is beside everything, and nobody
    is told so: telling would cost more than the incidents themselves."""

    tx: Transaction
    intake: Intake
    committer: Committer
    at: datetime
    belonging: Grouping
    storm: bool

    def take(self, groups: Mapping[str, Sequence[Alert]]) -> None:
        """Where people put an alert comes before its group, which is locked first: whoever merges
        or splits meanwhile waits, or was done before."""
        live = {group: self.belonging.live(group, alerts) for group, alerts in groups.items()}
        placed = self.belonging.placed(groups)
        for group, alerts in groups.items():
            latest = _latest(alerts)
            left = self._take_placed(group, latest, live[group], placed) if placed else latest
            if left:
                again = bool(placed) or self.belonging.own  # others may have changed it
                now = self.belonging.live(group, left) if again else live[group]
                self._take_group(group, left, now)

    def _take_placed(
        self,
        group: str,
        alerts: Sequence[Alert],
        live: Incident | None,
        placed: Mapping[Home, Incident],
    ) -> Sequence[Alert]:
        """Returns what is left for the group itself."""
        of_all = placed.get(of_group(group)) if live is None else None
        homes: dict[int, list[Alert]] = {}
        left: list[Alert] = []
        for alert in alerts:
            home = placed.get(of_alert(alert.fingerprint), of_all)
            (left if home is None else homes.setdefault(home.id, [])).append(alert)
        for number, some in homes.items():
            left += self._take_home(number, group, some)
        return left

    def _take_home(self, number: int, group: str, alerts: Sequence[Alert]) -> Sequence[Alert]:
        """One that is over is opened again as any other; when it is too late for that, what was put
        there has no place of its own any more."""
        home = self.tx.incident(number)
        firing, cleared = _parted(alerts)
        if home is not None and not home.status.over:
            self._take_into(home, firing, cleared)
            return ()
        if home is not None and cleared:
            self.committer.apply(self.tx, AlertsCleared(at=self.at, alerts=cleared), number)
        free = home is not None and firing and self.tx.live_in_group(home.group) is None
        if home is not None and free and self._reopen(home, firing):
            return ()
        self.tx.forget_homes([of_group(group), *(of_alert(one.fingerprint) for one in firing)])
        return firing

    def _take_group(self, group: str, alerts: Sequence[Alert], incident: Incident | None) -> None:
        firing, cleared = _parted(alerts)
        if incident is None:
            self._without_incident(group, firing, cleared)
        else:
            self._take_into(incident, firing, cleared)

    def _take_into(
        self, incident: Incident, firing: tuple[Alert, ...], cleared: tuple[Alert, ...]
    ) -> None:
        if firing:
            joined = AlertsJoined(at=self.at, alerts=firing)
            self.committer.apply(self.tx, joined, incident.id)
            self._end_maintenance(incident, firing)
        if cleared:
            gone = AlertsCleared(at=self.at, alerts=cleared)
            self.committer.apply(self.tx, gone, incident.id)

    def _end_maintenance(self, incident: Incident, firing: tuple[Alert, ...]) -> None:
        """An alert that no window covers is to be heard, though it joins some that are covered."""
        quiet = incident.quiet
        if quiet is None or quiet.snoozed or self._announced(firing):
            return
        now = self.tx.incident(incident.id)
        if now is None or now.quiet is None:  # it ended as they joined
            return
        names = ", ".join(sorted({alert.name for alert in firing}))
        heard = QuietEnded(at=self.at, reason=f"{quiet.reason} does not cover {names}")
        self.committer.apply(self.tx, heard, incident.id)

    def _announced(self, alerts: Sequence[Alert]) -> Window | None:
        return window_for(alerts, self.intake.windows, self.at)

    def _without_incident(
        self, group: str, firing: tuple[Alert, ...], cleared: tuple[Alert, ...]
    ) -> None:
        over = self.belonging.lately_over(group, [*firing, *cleared])
        if over and cleared:  # somebody resolved it while it fired
            gone = AlertsCleared(at=self.at, alerts=cleared)
            self.committer.apply(self.tx, gone, over.id)
        if firing and not (over and self._reopen(over, firing)):
            self._open(group, firing)

    def _reopen(self, over: Incident, alerts: tuple[Alert, ...]) -> bool:
        """A relapse is the same incident, unless it comes too late."""
        window = self._announced(alerts)
        again = Reopened(
            at=self.at,
            alerts=alerts,
            quiet_until=window.ends if window else None,
            quiet_reason=f"maintenance: {window.reason}" if window else "",
        )
        return isinstance(self.committer.apply(self.tx, again, over.id), Moved)

    def _open(self, group: str, alerts: tuple[Alert, ...]) -> None:
        plan = self.tx.plan(self.intake.plan)
        beside = () if self.storm else tuple(self.tx.live()[-RELATED:])
        number = self.tx.next_incident()
        opened = replace(opening(plan, alerts, self.intake, self.at, number), alongside=beside)
        self.committer.apply(self.tx, opened)
        for other in beside:
            another = AnotherOpened(at=self.at, incident=number, title=opened.title)
            self.committer.apply(self.tx, another, other)


def opening(
    plan: Plan, alerts: Sequence[Alert], intake: Intake, at: datetime, number: int
) -> Opened:
    """The event that opens incident `number` for firing alerts of one group."""
    first = alerts[0]
    play = plan.play(first.name)
    window = window_for(alerts, intake.windows, at)
    values = _values(plan, first, intake)
    return Opened(
        at=at,
        incident=number,
        plan=intake.plan,
        group=group_key(first, intake.group_by),
        play=play.alert if play else None,
        title=title_of(first),
        severity=(play.severity if play else None) or severity_of(first, plan, intake),
        alerts=tuple(alerts),
        values={name: value for name, (value, _) in values.items()},
        whence={name: whence for name, (_, whence) in values.items()},
        alongside=(),
        quiet_until=window.ends if window else None,
        quiet_reason=f"maintenance: {window.reason}" if window else "",
    )


def _parted(alerts: Sequence[Alert]) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """Those that fire, and those that have cleared."""
    firing = tuple(alert for alert in alerts if alert.firing)
    return firing, tuple(alert for alert in alerts if not alert.firing)


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
    return level_of(alert.labels, plan, intake.severity_labels, intake.severities)


def _values(plan: Plan, alert: Alert, intake: Intake) -> dict[str, tuple[str, Whence]]:
    """Values for the placeholders of the play, and whence: the alert's labels first, then the
    settings. What does not fit any command that would take it is left out."""
    sources = ((alert.labels, Whence.LABEL), (intake.values, Whence.SETTINGS))
    found: dict[str, tuple[str, Whence]] = {}
    for command in commands_for(plan, plan.play(alert.name)):
        for name in (placeholder.name for placeholder in command.placeholders):
            for known, whence in sources if name not in found else ():
                value = known.get(name, "")
                if value and not why_unfit(kind_of(command, name), value):
                    found.setdefault(name, (value, whence))
                elif value:
                    log.warning("%s from %s does not fit command %s", name, whence, command.id)
    return found
