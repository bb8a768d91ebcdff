"""Pushes updates to Cachet 3 (/api of the page). What is ours is known by the reference that the
words of an update end with; components are set one by one."""

import asyncio
from collections.abc import Mapping
from datetime import UTC

import msgspec

from playcall.core.status_page import HEALTH, Health
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.publishers.service import Mark, Service

LOOKED_AT = 100  # incidents, the latest ones, and updates of one
STATUS = {
    UpdateState.INVESTIGATING: 1,
    UpdateState.IDENTIFIED: 2,
    UpdateState.MONITORING: 3,
    UpdateState.RESOLVED: 4,
}
COMPONENT_STATUS = {
    Health.OPERATIONAL: 1,
    Health.DEGRADED: 2,
    Health.PARTIAL: 3,
    Health.MAJOR: 4,
}
PUBLIC = 1  # visible to everybody


class _Words(msgspec.Struct):
    message: str | None = None


class _Thing(msgspec.Struct):
    id: str | int
    attributes: _Words = msgspec.field(default_factory=_Words)


class _Things(msgspec.Struct):
    data: list[_Thing]


class _One(msgspec.Struct):
    data: _Thing


class Cachet:
    """`ports.Publisher`; `components`: our names of components -> ids there."""

    def __init__(self, service: Service, components: Mapping[str, int], mark: Mark) -> None:
        self._service = service
        self._components = components
        self._mark = mark
        self._one_by_one = asyncio.Lock()  # or two updates at once would make two incidents

    async def publish(self, update: StatusUpdate, key: str) -> None:
        async with self._one_by_one:
            found = await self._find(update)
            if found is None:
                await self._create(update)
            else:
                numbers = await self._numbers(update, found)
                if max(numbers, default=update.number) > update.number:
                    return  # a later one is there
                if update.number not in numbers:
                    await self._add(update, found)
            await self._set_components(update)

    async def _find(self, update: StatusUpdate) -> _Thing | None:
        path = f"/api/incidents?per_page={LOOKED_AT}"
        for incident in (await self._service.ask("GET", path, _Things)).data:
            if self._mark.number(update, incident.attributes.message or "") is not None:
                return incident
        return None

    async def _numbers(self, update: StatusUpdate, incident: _Thing) -> set[int]:
        """Of the updates that are there; the first one is the incident's own message."""
        path = f"/api/incidents/{incident.id}/updates?per_page={LOOKED_AT}"
        there = [incident, *(await self._service.ask("GET", path, _Things)).data]
        numbers = [self._mark.number(update, one.attributes.message or "") for one in there]
        return {number for number in numbers if number is not None}

    async def _create(self, update: StatusUpdate) -> None:
        body = {
            "name": update.title[:255],
            "message": self._mark.text(update),
            "status": STATUS[update.state],
            "visible": PUBLIC,
            "notifications": True,
            "occurred_at": f"{update.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        }
        await self._service.ask("POST", "/api/incidents", _One, body)

    async def _add(self, update: StatusUpdate, incident: _Thing) -> None:
        body = {"status": STATUS[update.state], "message": self._mark.text(update)}
        await self._service.ask("POST", f"/api/incidents/{incident.id}/updates", _One, body)

    async def _set_components(self, update: StatusUpdate) -> None:
        resolved = update.state is UpdateState.RESOLVED
        health = Health.OPERATIONAL if resolved else HEALTH[update.impact]
        for name in update.components:
            if (found := self._components.get(name)) is not None:
                body = {"status": COMPONENT_STATUS[health]}
                await self._service.ask("PUT", f"/api/components/{found}", object, body)
