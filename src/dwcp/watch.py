"""How the roles and components are, looked at again and again; what `/health` says of them."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge

from dwcp import web
from dwcp.environment import Address
from dwcp.web import Answer, says

WATCH_SECONDS = 1.0
ASK_SECONDS = 3.0
CRITICAL = ("amst", "acp")
Status = Mapping[str, object]


class Watch:
    """`inside`: the components that this process is host to, each with its own status."""

    def __init__(
        self,
        source: Address,
        inside: Mapping[str, Callable[[], Status]],
        registry: CollectorRegistry,
    ) -> None:
        self._source = source
        self._inside = inside
        self._started_at = time.monotonic()
        self._components: dict[str, Status] = {
            "amst": {"status": "unknown", "detail": "not asked yet"}
        }
        self._gauge = Gauge(
            "dwcp_v3_component_health",
            "1 when the component works",
            ["component", "version"],
            registry=registry,
        )

    def run(self, stop: threading.Event) -> None:
        while True:
            self._look()
            if stop.wait(WATCH_SECONDS):
                return

    def health(self) -> Answer:
        components = self._components
        working = ("healthy", "not configured")
        down = [n for n in CRITICAL if n in components and components[n]["status"] not in working]
        return says(
            503 if down else 200,
            status="unhealthy" if down else "healthy",
            timestamp=datetime.now(UTC).isoformat(),
            uptime=round(time.monotonic() - self._started_at, 3),
            version="v3",
            components=components,
        )

    def _look(self) -> None:
        components = self._ask_source()
        components |= {name: status() for name, status in self._inside.items()}
        self._components = components
        for name, found in components.items():
            if found["status"] in ("healthy", "unhealthy", "unreachable", "draining"):
                good = found["status"] in ("healthy", "draining")
                self._gauge.labels(name, "v3").set(good)

    def _ask_source(self) -> dict[str, Status]:
        hde = "unknown"
        try:
            code, answer = web.ask(self._source, "/health", seconds=ASK_SECONDS)
        except OSError as error:
            return {
                "amst": {"status": "unreachable", "detail": str(error)},
                "hde": {"status": hde},
            }
        parts = answer.get("components", {})
        state = "healthy" if code == 200 else "unhealthy"
        told = ", ".join(f"{name} {part.get('status')}" for name, part in parts.items())
        return {
            "amst": {"status": state, "detail": told},
            "hde": {"status": str(parts.get("hde", {}).get("status"))},
        }


def component_health(status: Callable[[], Status]) -> Callable[[], Answer]:
    """What a component answers on its own address."""

    def health() -> Answer:
        found = status()
        return says(200 if found["status"] == "healthy" else 503, version="v3", **found)

    return health
