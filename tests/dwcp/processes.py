"""Starts the roles as real processes on free ports, and reads what they answer."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

from dwcp import web
from dwcp.environment import Address
from tests.servers import PATIENCE

LISTENING = re.compile(r"listening on ([\d.]+):(\d+) \((\w+)\)")
FREE = "127.0.0.1:0"
LISTENERS = {
    "amst": ("DWCP_METRICS_LISTEN",),
    "destination": ("DWCP_LISTEN", "DWCP_METRICS_LISTEN"),
    "source": ("DWCP_CONTROL_LISTEN", "DWCP_METRICS_LISTEN"),
    "hde": ("DWCP_METRICS_LISTEN",),
    "control": ("DWCP_HTTP_LISTEN",),
    "load": ("DWCP_METRICS_LISTEN",),
    "v1": ("DWCP_HTTP_LISTEN",),
    "v1-destination": ("DWCP_LISTEN",),
}
Series = dict[tuple[tuple[str, str], ...], float]


def environment(**variables: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | variables


class Role:
    """One process; its log is kept. Killed at the end, whatever happened."""

    def __init__(self, name: str, **variables: str) -> None:
        free = dict.fromkeys(LISTENERS[name], FREE)
        self.log: list[str] = []
        self.listening: dict[str, Address] = {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dwcp", name],
            env=environment(**(free | variables)),
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wanted = {*free, *variables}
        expected = sum(each.endswith("_LISTEN") for each in wanted)
        wait_until(lambda: len(self.listening) == expected, self._said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr
        self.process.stderr.close()

    def address(self, what: str) -> str:
        host, port = self.listening[what]
        return f"{host}:{port}"

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self._reader.join()
        return code

    def metrics(self, what: str = "metrics") -> dict[str, Series]:
        """Samples by name and labels."""
        text = scrape(self.listening[what], "/metrics")
        found: dict[str, Series] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        return found

    def errors(self, what: str = "metrics") -> dict[str, float]:
        """Those that happened, by type."""
        series = self.metrics(what).get("dwcp_v3_errors_total", {})
        return {dict(labels)["error_type"]: value for labels, value in series.items() if value}

    def migrate(self, size: int, **more: object) -> tuple[int, dict[str, Any]]:
        body = {"id": "vm", "size": size} | more
        where = self.listening.get("control") or self.listening["http"]
        return web.ask(where, "/migrations", body, 60)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            if found := LISTENING.search(line):
                self.listening[found[3]] = (found[1], int(found[2]))

    def _said(self) -> str:
        return "".join(self.log)


def scrape(server: Address, path: str) -> str:
    import http.client

    connection = http.client.HTTPConnection(*server, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def wait_until(holds: Callable[[], object], said: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, said()
        time.sleep(0.01)
