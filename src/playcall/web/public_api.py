"""The status page as JSON, in the shape that Statuspage publishes (`/api/v2/*.json`), so that what
reads those reads this."""

from datetime import UTC, datetime

from playcall.core.status_page import (
    HEALTH,
    Health,
    Maintenance,
    PublicComponent,
    PublicIncident,
    PublicPage,
    public_id,
)
from playcall.core.status_update import PublicImpact, StatusUpdate, UpdateState

Json = dict[str, object]
SHOWN = 50  # incidents at most
# What Statuspage says of a page as a whole.
_SAID = {
    PublicImpact.NONE: "All Systems Operational",
    PublicImpact.MINOR: "Partially Degraded Service",
    PublicImpact.MAJOR: "Partial System Outage",
    PublicImpact.CRITICAL: "Major Service Outage",
}
PATHS = (
    "summary.json",
    "status.json",
    "components.json",
    "incidents.json",
    "incidents/unresolved.json",
    "scheduled-maintenances.json",
    "scheduled-maintenances/upcoming.json",
    "scheduled-maintenances/active.json",
)


class PublicApi:
    """The answers for one page; `title` and `url` are the page's own."""

    def __init__(self, page: PublicPage, title: str, url: str) -> None:
        self._page = page
        self._title = title
        self._url = url
        self._id = public_id("page", title)

    def answer(self, path: str) -> Json:
        """Raises KeyError."""
        incidents = [self._incident(one) for one in self._page.incidents[:SHOWN]]
        unresolved = [self._incident(one) for one in self._page.open]
        windows = self._page.maintenances
        upcoming = [one for one in windows if one.starts > self._page.at]
        active = [one for one in windows if one.starts <= self._page.at]
        parts: dict[str, Json] = {
            "summary.json": {
                "components": self._components(),
                "incidents": unresolved,
                "scheduled_maintenances": [self._maintenance(one) for one in windows],
                "status": self._status(),
            },
            "status.json": {"status": self._status()},
            "components.json": {"components": self._components()},
            "incidents.json": {"incidents": incidents},
            "incidents/unresolved.json": {"incidents": unresolved},
        }
        for name, some in (("", windows), ("/upcoming", upcoming), ("/active", active)):
            shown = [self._maintenance(one) for one in some]
            parts[f"scheduled-maintenances{name}.json"] = {"scheduled_maintenances": shown}
        return {"page": self._head(), **parts[path]}

    def _head(self) -> Json:
        told = [one.latest.at for one in self._page.incidents]
        known = [*told, *([self._page.since] if self._page.since else [])]
        return {
            "id": self._id,
            "name": self._title,
            "url": self._url,
            "time_zone": "Etc/UTC",
            "updated_at": iso(max(known, default=self._page.at)),
        }

    def _status(self) -> Json:
        impact = self._page.impact
        if impact is PublicImpact.NONE and self._page.under_maintenance:
            return {"indicator": "maintenance", "description": "Service Under Maintenance"}
        return {"indicator": impact, "description": _SAID[impact]}

    def _components(self) -> list[Json]:
        return [self._component(one, n) for n, one in enumerate(self._page.components, start=1)]

    def _component(self, component: PublicComponent, position: int) -> Json:
        changes = [
            one.latest.at for one in self._page.incidents if component.name in one.components
        ]
        since = self._page.since or self._page.at
        return {
            "id": public_id("component", component.name),
            "name": component.name,
            "status": component.health,
            "created_at": iso(since),
            "updated_at": iso(max(changes, default=since)),
            "position": position,
            "description": component.description or None,
            "showcase": True,
            "start_date": since.astimezone(UTC).date().isoformat(),
            "group_id": None,
            "page_id": self._id,
            "group": False,
            "only_show_if_degraded": False,
        }

    def _incident(self, incident: PublicIncident) -> Json:
        monitored = [u.at for u in incident.updates if u.state is UpdateState.MONITORING]
        found = public_id("incident", incident.number)
        return {
            "id": found,
            "name": incident.title,
            "status": incident.state,
            "created_at": iso(incident.began_at),
            "updated_at": iso(incident.latest.at),
            "monitoring_at": iso(monitored[0]) if monitored else None,
            "resolved_at": iso(incident.resolved_at) if incident.resolved_at else None,
            "impact": incident.impact,
            "shortlink": f"{self._url}/incidents/{found}",
            "started_at": iso(incident.began_at),
            "page_id": self._id,
            "incident_updates": self._updates(incident, found),
            "components": [
                self._component(one, n)
                for n, one in enumerate(self._page.components, start=1)
                if one.name in incident.components
            ],
        }

    def _updates(self, incident: PublicIncident, incident_id: str) -> list[Json]:
        before = Health.OPERATIONAL
        shown = []
        for update in reversed(incident.updates):
            shown.append(self._update(incident, incident_id, update, before))
            before = _health(update)
        return shown[::-1]

    def _update(
        self, incident: PublicIncident, incident_id: str, update: StatusUpdate, before: Health
    ) -> Json:
        affected: list[Json] = [
            {
                "code": public_id("component", name),
                "name": name,
                "old_status": before,
                "new_status": _health(update),
            }
            for name in incident.components
        ]
        return {
            "id": public_id("update", f"{update.incident}.{update.number}"),
            "status": update.state,
            "body": update.body,
            "incident_id": incident_id,
            "created_at": iso(update.at),
            "updated_at": iso(update.at),
            "display_at": iso(update.at),
            "affected_components": affected,
            "deliver_notifications": True,
            "custom_tweet": None,
            "tweet_id": None,
        }

    def _maintenance(self, one: Maintenance) -> Json:
        found = public_id("maintenance", f"{one.title}{one.starts}")
        state = "in_progress" if one.starts <= self._page.at else "scheduled"
        return {
            "id": found,
            "name": one.title,
            "status": state,
            "created_at": iso(one.starts),
            "updated_at": iso(one.starts),
            "monitoring_at": None,
            "resolved_at": None,
            "impact": "maintenance",
            "shortlink": f"{self._url}#maintenance",
            "started_at": iso(one.starts),
            "page_id": self._id,
            "incident_updates": [],
            "components": [
                self._component(part, n)
                for n, part in enumerate(self._page.components, start=1)
                if part.name in one.components
            ],
            "scheduled_for": iso(one.starts),
            "scheduled_until": iso(one.ends),
        }


def _health(update: StatusUpdate) -> Health:
    resolved = update.state is UpdateState.RESOLVED
    return Health.OPERATIONAL if resolved else HEALTH[update.impact]


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
