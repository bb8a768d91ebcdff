"""A Playcall server for benchmarks, on a temporary database, with where its pages go beside it."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from playcall.settings import hash_token
from tests.servers import free_port

TOKEN = "a token of the benchmark"
PLAYBOOK = """\
# Bench

### SomethingElse

**Severity:** CRITICAL

1. **Look**
   ```bash
   uptime
   ```
"""


@dataclass(frozen=True, slots=True)
class Served:
    url: str

    @property
    def webhook(self) -> str:
        return f"{self.url}/api/v1/alerts/alertmanager"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


@contextlib.contextmanager
def playcall(mail_port: int = 25, webhook: str = "") -> Iterator[Served]:
    """Pages go by mail, or by webhook where an address is given."""
    port = free_port()
    token = hash_token(TOKEN)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Path(folder, "playcall.toml")
        Path(folder, "playbook.md").write_text(PLAYBOOK, "utf-8")
        Path(folder, "secret").write_text("a secret of the benchmark", "utf-8")
        way = f'webhook = "{webhook}"' if webhook else 'mail = "ada@example.org"'
        settings.write_text(
            f'[server]\nport = {port}\n[documents]\nplaybook = "playbook.md"\n'
            f'[intake]\ntokens = ["{token}"]\ngroup_by = ["group"]\n'
            f'[mail]\nhost = "127.0.0.1"\nport = {mail_port}\nsender = "bench@example.org"\n'
            f'[on_call]\n"On-Call Primary" = ["ada"]\n'
            f'[webhook]\nsecret_file = "secret"\n'
            f'[people.ada]\nname = "Ada"\n{way}\ntokens = ["{token}"]\n',
            "utf-8",
        )
        argv = [sys.executable, "-m", "playcall", "serve", "--settings", str(settings)]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/sign-in", process, Path(folder, "log"))
            yield Served(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(20)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url)
            return
        time.sleep(0.05)
    raise RuntimeError(log.read_text())


def alerts(name: str, labels: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Firing alerts as Alertmanager delivers them, about 600 bytes each."""
    at = datetime.now(UTC).isoformat()
    return [
        {
            "status": "firing",
            "labels": {"alertname": name, "severity": "critical", **extra},
            "annotations": {"summary": "s" * 150, "description": "d" * 150},
            "startsAt": at,
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.org/graph",
            "fingerprint": f"{abs(hash(tuple(sorted(extra.items())))):016x}",
        }
        for extra in labels
    ]


def notification(found: list[dict[str, Any]]) -> bytes:
    return msgspec.json.encode(
        {
            "version": "4",
            "groupKey": "{}",
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "bench",
            "groupLabels": {},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "",
            "alerts": found,
        }
    )
