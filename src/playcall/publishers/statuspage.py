"""Pushes updates to Atlassian Statuspage (api.statuspage.io/v1). An incident of ours is known there
by its metadata, which is written with each update in one request."""

import asyncio
from collections.abc import Mapping

import msgspec

from playcall.core.status_page import HEALTH, Health
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.publishers.service import Mark, Service

LOOKED_AT = 100  # incidents, the latest ones


class _Incident(msgspec.Struct):
    id: str
    metadata: object = None


class Statuspage:
    """`ports.Publisher`; `components`: our names of components -> ids there."""

    def __init__(
        self, service: Service, page: str, components: Mapping[str, str], mark: Mark
    ) -> None:
        self._service = service
        self._incidents = f"/v1/pages/{page}/incidents"
        self._components = components
        self._mark = mark
        self._one_by_one = asyncio.Lock()  # or two updates at once would make two incidents

    async def publish(self, update: StatusUpdate, key: str) -> None:
        async with self._one_by_one:
            found = await self._find(update)
            body = {"incident": self._incident(update)}
            if found is None:
                await self._service.ask("POST", self._incidents, _Incident, body)
                return
            known, number = found
            if number < update.number:  # else it is there, or a later one is
                await self._service.ask("PATCH", f"{self._incidents}/{known}", _Incident, body)

    async def _find(self, update: StatusUpdate) -> tuple[str, int] | None:
        """The incident's id, and the number of the latest update there."""
        path = f"{self._incidents}?limit={LOOKED_AT}"
        for incident in await self._service.ask("GET", path, list[_Incident]):
            match incident.metadata:
                case {"playcall": {"incident": known, "number": int(number)}} if (
                    known == self._mark.incident(update)
                ):
                    return incident.id, number
        return None

    def _incident(self, update: StatusUpdate) -> dict[str, object]:
        ids = [self._components[name] for name in update.components if name in self._components]
        resolved = update.state is UpdateState.RESOLVED
        health = Health.OPERATIONAL if resolved else HEALTH[update.impact]
        mark = {"incident": self._mark.incident(update), "number": update.number}
        return {
            "name": update.title,
            "status": update.state,
            "body": update.body,
            "impact_override": update.impact,
            "component_ids": ids,
            "components": dict.fromkeys(ids, health),
            "deliver_notifications": True,
            "metadata": {"playcall": mark},
        }
