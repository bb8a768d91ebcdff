"""A whole range: real service, real Prometheus, real Alertmanager, one fault, and its remedy."""

import asyncio
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drillrange.faults import FAULTS
from drillrange.processes import NotReady
from drillrange.range import Range, Webhook, bring_up

ALERT = "DWCPv3LatencyP99Critical"
TOKEN = "a-token-of-a-test"
PARTS = {"dwcp-v3", "dwcp-v3-amst", "dwcp-v1", "dwcp-v3-source", "etcd-0", "prometheus-0"}
P99 = "histogram_quantile(0.99, sum(rate(dwcp_v3_migration_latency_seconds_bucket[15s])) by (le))"


class Inbox:
    """A webhook receiver: keeps what Alertmanager delivers with the right token."""

    def __init__(self) -> None:
        inbox = self
        self.deliveries: list[dict[str, Any]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                if known:
                    inbox.deliveries.append(json.loads(body))
                self.send_response(200 if known else 401)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def alerts(self, status: str) -> list[dict[str, Any]]:
        every = [alert for delivery in self.deliveries for alert in delivery["alerts"]]
        return [a for a in every if a["labels"]["alertname"] == ALERT and a["status"] == status]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.close()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


async def run(place: Range, *argv: str) -> str:
    """A command as a playbook has it, in the range's environment."""
    process = await asyncio.create_subprocess_exec(
        *argv, env=place.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, (argv, out, err)
    return out.decode()


async def ask(place: Range, query: str) -> float:
    """By the unmodified curl; not a number where there is no data."""
    found = json.loads(
        await run(
            place,
            *("curl", "-sS", "--get", "--data-urlencode", f"query={query}"),
            "http://prometheus:9090/api/v1/query",
        )
    )["data"]["result"]
    return float(found[0]["value"][1]) if found else float("nan")


async def until(holds: Callable[[], object], seconds: float, said: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, said()
        await asyncio.sleep(0.1)


async def test_a_fault_fires_its_alert_and_more_streams_resolve_it(
    inbox: Inbox, token_file: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    webhook = Webhook(url=inbox.url, token_file=token_file)
    async with bring_up(tmp_path / "range", 20, webhook, told.append) as place:
        assert told
        assert place.status() == dict.fromkeys(place.status(), "up")
        assert place.status().keys() >= PARTS
        health = json.loads(await run(place, "curl", "-sS", "http://dwcp-v3:8080/health"))
        assert health["status"] == "healthy"
        for port in (9091, 9092):
            metrics = await run(place, "curl", "-sS", f"http://localhost:{port}/metrics")
            assert "dwcp_v3_" in metrics

        fault = FAULTS["amst-pacing"]
        await asyncio.to_thread(fault.inject, place.ground)
        await until(lambda: inbox.alerts("firing"), 60, lambda: inbox.deliveries)
        assert inbox.alerts("firing")[0]["labels"]["severity"] == "critical"
        assert await ask(place, P99) > 0.5

        await run(place, "kubectl", "set", "env", "deployment/dwcp-v3-amst", "STREAM_COUNT=16")
        await run(place, "kubectl", "rollout", "status", "deployment/dwcp-v3-amst")
        await until(lambda: inbox.alerts("resolved"), 60, lambda: inbox.deliveries)
        assert await ask(place, P99) < 0.5
        assert await ask(place, "sum(rate(dwcp_v3_migration_latency_seconds_count[15s]))") > 1
        await asyncio.to_thread(fault.heal, place.ground)


def processes_in(directory: Path) -> list[str]:
    """Command lines that name a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(directory).encode() in words:
            found.append(words.replace(b"\0", b" ").decode("utf-8", "replace")[:200])
    return found


def start_range(directory: Path, token_file: Path) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "drillrange", "up", "--directory", str(directory)]
    argv += ["--webhook-url", "http://127.0.0.1:1/hook", "--webhook-token-file", str(token_file)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_range_that_ends_leaves_no_process(
    how: signal.Signals, tmp_path: Path, token_file: Path
) -> None:
    directory = tmp_path / "range"
    with start_range(directory, token_file) as place:
        assert place.stdout is not None
        answer = place.stdout.readline()
        try:
            found = json.loads(answer)
            assert processes_in(directory)
            with urllib.request.urlopen(f"{found['alertmanager']}/-/ready") as ready:
                assert ready.status == 200
        finally:
            os.kill(place.pid, how)
            place.communicate()
    assert place.returncode == (0 if how == signal.SIGTERM else -signal.SIGKILL)
    deadline = time.monotonic() + 10
    while left := processes_in(directory):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


async def test_a_program_that_is_not_installed_is_named(
    tmp_path: Path, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "openssl").symlink_to("/usr/bin/openssl")
    monkeypatch.setenv("PATH", str(tools))
    webhook = Webhook(url="http://127.0.0.1:1/hook", token_file=token_file)
    directory = tmp_path / "range"
    with pytest.raises(NotReady, match="etcd is not installed"):
        async with bring_up(directory, 20, webhook, lambda _: None):
            pass
    assert processes_in(directory) == []
