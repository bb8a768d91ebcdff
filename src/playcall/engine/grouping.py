"""Which incident alerts of one group belong to: their group's, or that of the same trouble.

Playcall's own alert of a NO-GO has none of the labels that tell groups apart: it and the alert of
the same name that Prometheus sends are one incident, whichever came first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playcall.core.alert import Alert, group_key, is_own, own_alert
from playcall.core.incident import Incident
from playcall.engine.homes import Home, of_alert, of_group
from playcall.engine.ports import Transaction


@dataclass(frozen=True, slots=True)
class Grouping:
    tx: Transaction
    group_by: tuple[str, ...]
    own: bool  # there may be alerts of our own that stand in another group

    def live(self, group: str, alerts: Sequence[Alert]) -> Incident | None:
        """The incident they join; locked."""
        found = self.tx.live_in_group(group)
        if found is not None or not self.own:
            return found
        if any(map(is_own, alerts)):
            return self._of_name(alerts[0].name)
        ours = self._own_group(alerts[0])
        return _if_holds_own(self.tx.live_in_group(ours)) if ours != group else None

    def placed(self, groups: Mapping[str, Sequence[Alert]]) -> dict[Home, Incident]:
        """Where people put some of these alerts and groups, by merging and splitting; locked. Asked
        once their own incidents are locked, so that nobody moves them meanwhile."""
        asked = [of_alert(alert.fingerprint) for some in groups.values() for alert in some]
        found = self.tx.homes([*asked, *map(of_group, groups)])
        incidents = {number: self._going_on(number) for number in sorted({*found.values()})}
        return {home: one for home, number in found.items() if (one := incidents[number])}

    def home(self, alert: Alert, group: str) -> Incident | None:
        """Where people put it, or its group."""
        placed = self.placed({group: [alert]})
        return placed.get(of_alert(alert.fingerprint)) or placed.get(of_group(group))

    def _going_on(self, number: int) -> Incident | None:
        """What it was merged into meanwhile."""
        incident = self.tx.incident(number)
        while incident is not None and incident.kin.into is not None:
            incident = self.tx.incident(incident.kin.into)
        return incident

    def lately_over(self, group: str, alerts: Sequence[Alert]) -> Incident | None:
        """The latest that is over and that they may open again; locked."""
        found = self.tx.lately_over(group)
        ours = self._own_group(alerts[0])
        if not self.own or ours == group or self.tx.live_in_group(ours) is not None:
            return found
        joint = _if_holds_own(self.tx.lately_over(ours))
        over = [incident for incident in (found, joint) if incident is not None]
        return max(over, key=lambda incident: incident.id, default=None)

    def _own_group(self, alert: Alert) -> str:
        return group_key(own_alert(alert.name, "", alert.starts_at), self.group_by)

    def _of_name(self, name: str) -> Incident | None:
        for incident in map(self.tx.incident, self.tx.live()):
            if incident and any(member.alert.name == name for member in incident.alerts.values()):
                return incident
        return None


def grouping(tx: Transaction, group_by: tuple[str, ...]) -> Grouping:
    """A storm of labelled alerts costs nothing more where Playcall has no alert of its own."""
    return Grouping(tx, group_by, own=bool(group_by) and tx.readiness() is not None)


def _if_holds_own(incident: Incident | None) -> Incident | None:
    if incident and any(is_own(member.alert) for member in incident.alerts.values()):
        return incident
    return None
