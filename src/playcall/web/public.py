"""The public status page: no sign-in, rendered at most every few seconds whatever the load, and
served as it last was while the database is down, from a copy on disk after a restart."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import msgspec
from fastapi import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playcall.core.status_page import (
    Component,
    History,
    Maintenance,
    PublicPage,
    Published,
    build_page,
)
from playcall.engine.ports import Clock, Store, Unavailable
from playcall.web.public_render import Answer, Look, Rendering, answer, draw

log = logging.getLogger(__name__)

RENDER_EVERY = 3.0  # seconds
PATIENCE = 5.0  # seconds that the database may take
COPY_EVERY = 30.0  # seconds between copies of a page that says nothing new


@dataclass(slots=True, kw_only=True)
class PublicSite:
    """What the status page answers. `store` None: there is no database to ask yet."""

    look: Look
    components: Sequence[Component]
    maintenances: Sequence[Maintenance]
    days: int
    store: Store | None
    clock: Clock
    copy: Path  # of the last state, for a restart while the database is down
    _shown: Rendering | None = None
    _looked_at: float = 0.0  # monotonic
    _copied_at: float = 0.0
    _looking: "asyncio.Task[None] | None" = None
    _reading: "asyncio.Future[Sequence[Published]] | None" = None
    _said: bool = field(default=False)  # that the database does not answer

    async def answer(self, path: str) -> Answer:
        shown = await self._current()
        if shown is None:
            return self._sorry("The status is not known right now.", 503)
        return shown.answer(path) or self._sorry("There is no such page.", 404)

    def _sorry(self, text: str, status: int) -> Answer:
        page = draw("public_said.html", self.look, said=text, page=None, stale=False)
        return answer(page, status=status, cache="no-store")

    async def _current(self) -> Rendering | None:
        """As it is shown now. Nobody but the very first waits for the database."""
        if time.monotonic() - self._looked_at >= RENDER_EVERY or self._shown is None:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
                self._looking.add_done_callback(_log_bug)
            if self._shown is None:
                await asyncio.wait({self._looking})
        return self._shown

    async def _look(self) -> None:
        last = self._shown.page if self._shown else await asyncio.to_thread(self._recall)
        try:
            published = await self._read()
        except Unavailable as error:
            if not self._said:
                log.error("the status page is served as it last was: %s", error)
            self._said = True
            if last is not None and not (self._shown and self._shown.stale):
                self._shown = Rendering(page=last, look=self.look, stale=True)
        else:
            self._said = False
            await asyncio.to_thread(self._show, published, last)
        self._looked_at = time.monotonic()

    async def _read(self) -> Sequence[Published]:
        """Raises Unavailable. A read that hangs is waited for, and none is begun beside it."""
        if self.store is None:
            raise Unavailable("the database is not open yet")
        if self._reading is None:
            since = self.clock.now() - timedelta(days=self.days)
            self._reading = asyncio.ensure_future(
                self.store.read(lambda views: views.published(since))
            )
        done, _ = await asyncio.wait({self._reading}, timeout=PATIENCE)
        if not done:
            raise Unavailable(f"the database did not answer within {PATIENCE:g} s")
        reading, self._reading = self._reading, None
        return reading.result()

    def _show(self, published: Sequence[Published], last: PublicPage | None) -> None:
        now = self.clock.now()
        since = (last.since if last else None) or now
        page = build_page(
            self.components,
            published,
            self.maintenances,
            now,
            History(days=self.days, since=since),
        )
        same = last is not None and replace(page, at=last.at) == last
        if not same or self._shown is None or self._shown.stale:
            self._shown = Rendering(page=page, look=self.look)
            self._shown.answer("")
        self._shown.page = page
        if not same or time.monotonic() - self._copied_at >= COPY_EVERY:
            self._keep(page)

    def _keep(self, page: PublicPage) -> None:
        beside = self.copy.with_suffix(".new")
        try:
            self.copy.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode(page))
            beside.replace(self.copy)
        except OSError as error:
            log.error("the copy of the status page was not written: %s", error)
        self._copied_at = time.monotonic()

    def _recall(self) -> PublicPage | None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self.copy.read_bytes(), type=PublicPage)
        return None


def _log_bug(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("the status page was not rendered", exc_info=error)


def public_routes(site: PublicSite) -> list[BaseRoute]:
    async def serve(request: Request) -> Response:
        found = await site.answer(request.path_params.get("rest", ""))
        return found.respond(request)

    path = site.look.path
    return [Route(path, serve), Route(f"{path}/{{rest:path}}", serve)]
