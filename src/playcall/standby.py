"""Opens the database; while it is down, the status page is served as it last was, and nothing else
is: everything but it is answered with 503, so that Alertmanager tries again."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Generator

import uvicorn

from playcall.engine.ports import Unavailable
from playcall.public import build_site
from playcall.settings import Settings
from playcall.storage import Database
from playcall.web.public import public_routes
from playcall.web.server import build_standby

log = logging.getLogger(__name__)

RETRY = 2.0  # seconds


class QuietServer(uvicorn.Server):
    """uvicorn, without handlers of signals: whoever starts it says when it stops."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def open_database(settings: Settings, listener: socket.socket) -> Database | None:
    """None: told to stop before it opened. Raises AlreadyInUse, and Unavailable when it cannot be
    opened and there is no status page to serve meanwhile."""
    try:
        return Database(settings.database)
    except Unavailable as error:
        site = build_site(settings, None, None)
        if error.permanent or not settings.status_page.serve or not site.copy.exists():
            raise
        log.error("%s; the status page is served as it last was until it does", error)
    server = QuietServer(
        uvicorn.Config(
            build_standby(public_routes(site)),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener.dup()]))
    try:
        return await _try_again(settings)
    finally:
        server.should_exit = True
        await serving


async def _try_again(settings: Settings) -> Database | None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY):
                await stop.wait()
                return None
        with contextlib.suppress(Unavailable):
            return await asyncio.to_thread(Database, settings.database)
