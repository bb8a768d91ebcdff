"""Pushes updates to Instatus (api.instatus.com/v1). It keeps nothing but the words of an update:
what is ours is known by the reference that they end with."""

import asyncio
from collections.abc import Mapping
from datetime import UTC

import msgspec

from playcall.core.status_page import HEALTH, Health
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.publishers.service import Mark, Service

LOOKED_AT = 100  # incidents, the latest ones


class _Update(msgspec.Struct):
    message: str | None = None


class _Incident(msgspec.Struct):
    id: str
    updates: list[_Update] = []


class Instatus:
    """`ports.Publisher`; `components`: our names of components -> ids there."""

    def __init__(
        self, service: Service, page: str, components: Mapping[str, str], mark: Mark
    ) -> None:
        self._service = service
        self._incidents = f"/v1/{page}/incidents"
        self._components = components
        self._mark = mark
        self._one_by_one = asyncio.Lock()  # or two updates at once would make two incidents

    async def publish(self, update: StatusUpdate, key: str) -> None:
        async with self._one_by_one:
            found = await self._find(update)
            body = self._update(update)
            if found is None:
                body["name"] = update.title
                await self._service.ask("POST", self._incidents, _Incident, body)
                return
            known, number = found
            if number < update.number:  # else it is there, or a later one is
                path = f"{self._incidents}/{known}/incident-updates"
                await self._service.ask("POST", path, object, body)

    async def _find(self, update: StatusUpdate) -> tuple[str, int] | None:
        """The incident's id, and the number of the latest update there."""
        path = f"{self._incidents}?page=1&per_page={LOOKED_AT}"
        for incident in await self._service.ask("GET", path, list[_Incident]):
            numbers = [self._mark.number(update, one.message or "") for one in incident.updates]
            ours = [number for number in numbers if number is not None]
            if ours:
                return incident.id, max(ours)
        return None

    def _update(self, update: StatusUpdate) -> dict[str, object]:
        ids = [self._components[name] for name in update.components if name in self._components]
        resolved = update.state is UpdateState.RESOLVED
        health = Health.OPERATIONAL if resolved else HEALTH[update.impact]
        status = health.replace("_", "").upper()  # as in DEGRADEDPERFORMANCE
        return {
            "message": self._mark.text(update),
            "status": update.state.upper(),
            "started": update.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "components": ids,
            "statuses": [{"id": one, "status": status} for one in ids],
            "notify": True,
        }
