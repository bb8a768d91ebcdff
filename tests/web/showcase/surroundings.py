"""What the showcase's server finds around it: a Prometheus that answers by the time it is asked
for, programs that print what they always print, and the settings."""

import contextlib
import json
import math
import os
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

from playcall.settings import hash_token
from tests.servers import answering

TOKEN = "a token of the showcase"
EXAMPLE = Path(__file__).parents[3] / "examples" / "dwcp-v3"
BEGIN = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)  # the first incident
NIGHT = datetime(2026, 3, 10, 2, 12, tzinfo=UTC)  # the one that is being worked on
MENDED = timedelta(minutes=7)  # after the start of either

DRILL = "20260225-140200-amst-pacing"

PROGRAMS = {
    "kubectl": """\
#!/bin/sh
case "$*" in
*"set env"*) echo "deployment.apps/${3#deployment/} env updated" ;;
*rollout*) echo 'deployment "dwcp-v3" successfully rolled out' ;;
*"top pods"*) printf 'NAME                 CPU(cores)   MEMORY(bytes)\\n'
  printf 'dwcp-v3-6d4f9-k2x7p  1840m        2210Mi\\ndwcp-v3-6d4f9-q8c4m  1795m        2198Mi\\n' ;;
*logs*) echo '2026-03-10T02:11:48Z error amst: stream 3 paced to 40 MB/s, queue 214 deep'
  echo '2026-03-10T02:11:52Z error amst: stream 5 paced to 40 MB/s, queue 230 deep' ;;
*ping*) echo '5 packets transmitted, 5 received, 0% packet loss, time 4005ms'
  echo 'rtt min/avg/max/mdev = 0.412/0.447/0.503/0.031 ms' ;;
*meminfo*) printf 'MemTotal:       16384000 kB\\nMemAvailable:    9120448 kB\\n' ;;
*) echo ok ;;
esac
""",
    "go": """\
#!/bin/sh
echo '      flat  flat%   sum%        cum   cum%'
echo '    21.4s 71.30% 71.30%      24.9s 83.10%  amst.(*stream).pace'
""",
    "curl": """\
#!/bin/sh
case "$*" in
*9091*) printf 'dwcp_v3_amst_throughput{stream="3"} 4.1e+07\\n' ;;
*9092*) printf 'dwcp_v3_hde_compression_latency 0.018\\n' ;;
*health*) echo '{"status":"degraded","components":{"amst":"slow","hde":"ok","acp":"ok"}}' ;;
*) echo '{"status":"success","data":{"resultType":"vector","result":[]}}' ;;
esac
""",
}


def _share_of_trouble(at: datetime) -> float:
    """From 0, all is well, to 1."""
    for start in (BEGIN, NIGHT):
        since = (at - start) / timedelta(minutes=1)
        rise, fall = min(1.0, (since + 4) / 3), (since - MENDED / timedelta(minutes=1)) / 1.5
        if since > -4:
            bad = max(0.0, rise) if fall < 0 else max(0.0, 1 - fall)
            if bad:
                return bad
    return 0.0


def measured(query: str, at: datetime) -> float:
    """What a metric was; always the same at the same time."""
    minute = at.timestamp() / 60
    wave = 0.5 + 0.3 * math.sin(minute / 7) + 0.2 * math.sin(minute * 1.7)
    bad = _share_of_trouble(at)
    if "compliance" in query:
        return 0.998 - 0.25 * bad
    if "throughput" in query:
        return (3.4 - 2.2 * bad + 0.2 * wave) * 1e9
    if "in_flight" in query:
        return 0.0
    if "error" in query:
        return 0.4 * wave + 2.0 * bad
    if "count" in query:
        return 120 + 20 * wave
    return 0.26 + 0.05 * wave + 0.55 * bad  # a latency


@contextlib.contextmanager
def monitoring() -> Iterator[str]:
    """What a Prometheus and an Alertmanager answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say([] if "/alerts" in self.path or "/silences" in self.path else {})

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if "/silences" in self.path:
                self._say({"silenceID": "5e1f0c1e-0000-4000-8000-000000000001"})
                return
            form = dict(urllib.parse.parse_qsl(body.decode()))
            self._say({"status": "success", "data": _answer(self.path, form)})

        def _say(self, said: object) -> None:
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with answering(Handler, Event()) as url:
        yield url


def _answer(path: str, form: dict[str, str]) -> dict[str, Any]:
    def point(seconds: float) -> list[Any]:
        return [seconds, str(measured(form["query"], datetime.fromtimestamp(seconds, UTC)))]

    if not path.endswith("query_range"):
        value = point(float(form["time"]))
        return {"resultType": "vector", "result": [{"metric": {}, "value": value}]}
    at, end, step = (float(form[name]) for name in ("start", "end", "step"))
    points = [point(at + n * step) for n in range(int((end - at) / step) + 1)]
    return {"resultType": "matrix", "result": [{"metric": {}, "values": points}]}


def furnish(folder: Path, port: int, mail_port: int, monitoring_url: str) -> Path:
    """The settings' file, with all that it names beside it."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(text, "utf-8")
        (programs / name).chmod(0o755)
    _keep_drill(folder / "drills" / DRILL)
    (folder / "vault").write_text("a secret of the showcase", "utf-8")
    settings = folder / "playcall.toml"
    example = (EXAMPLE / "playcall.toml").read_text("utf-8")
    kept = example[example.index("[updates]") : example.index("[on_call]")]
    settings.write_text(
        SETTINGS.format(
            port=port,
            mail_port=mail_port,
            monitoring=monitoring_url,
            playbook=EXAMPLE / "playbooks.md",
            files=EXAMPLE,
            token=hash_token(TOKEN),
            path=os.pathsep.join([str(programs), os.environ["PATH"]]),
        )
        + kept
        + PEOPLE.format(token=hash_token(TOKEN)),
        "utf-8",
    )
    return settings


def _keep_drill(folder: Path) -> None:
    """One that was passed, as `playcall drill` keeps it."""
    folder.mkdir(parents=True)
    (folder / "report.md").write_text(REPORT, "utf-8")
    record = {
        "drill": "amst-pacing",
        "alert": "DWCPv3LatencyP99Critical",
        "document": "playbooks.md",
        "digest": "",
        "outcome": "passed",
        "at": (BEGIN - timedelta(days=6)).isoformat(),
        "commands": [],
        "why": "",
        "factor": 20.0,
        "milestones": {"detected": 61.0, "paged": 62.0, "recovered": 402.0},
    }
    (folder / "report.json").write_text(json.dumps(record), "utf-8")


REPORT = """\
# Drill amst-pacing: passed

Transport streams were paced to 40 MB/s; the play for DWCPv3LatencyP99Critical was run as written.

| moment | seconds after the fault |
|---|---|
| alert | 61 |
| page | 62 |
| proven over | 402 |

- `kubectl set env deployment/dwcp-v3-amst STREAM_COUNT=16` helped: P99 fell below 500 ms.
- Every diagnostic ran.
"""
SETTINGS = """\
[server]
port = {port}
[documents]
playbook = "{playbook}"
drills = "drills"
[intake]
tokens = ["{token}"]
[prometheus]
url = "{monitoring}"
[alertmanager]
url = "{monitoring}"
reconcile_every = 0
[mail]
host = "127.0.0.1"
port = {mail_port}
sender = "playcall@example.org"
[webhook]
secret_file = "vault"
[runner]
files = "{files}"
[runner.env]
PATH = "{path}"
[response]
war_room = "https://meet.example.org/incident-{{incident}}"
"""
PEOPLE = """
[schedules.first]
zone = "Europe/Helsinki"
fallback = ["priya"]
[[schedules.first.layers]]
people = ["ines", "mikko"]
rotation = "weekly"
weekday = "mon"
hand_off = "09:00"
starts_on = 2026-01-05
[schedules.lead]
part_time = true
zone = "Europe/Helsinki"
[[schedules.lead.layers]]
people = ["priya", "tomasz"]
rotation = "daily"
starts_on = 2026-01-05
only = ["mon-fri 08:00-18:00"]

[on_call]
"On-Call Primary" = ["first"]
"On-Call Secondary" = ["mikko"]
"Team Lead" = ["lead", "priya"]
"Engineering Manager" = ["tomasz"]
"VP Engineering" = ["amara"]
"CTO" = ["amara"]
"Product Lead" = ["lena"]
"Platform SRE" = ["ines"]
"Performance Eng" = ["mikko"]
"Network Eng" = ["priya"]
"Distributed Systems" = ["tomasz"]
"ML Platform" = ["amara"]

[people.ines]
name = "Ines Ferrand"
access = "administrator"
mail = "ines@example.org"
zone = "Europe/Helsinki"
tokens = ["{token}"]
[people.mikko]
name = "Mikko Salo"
mail = "mikko@example.org"
zone = "Europe/Helsinki"
[people.priya]
name = "Priya Raman"
access = "commander"
mail = "priya@example.org"
[people.tomasz]
name = "Tomasz Wilk"
access = "commander"
mail = "tomasz@example.org"
[people.lena]
name = "Lena Brandt"
access = "viewer"
mail = "lena@example.org"
[people.amara]
name = "Amara Obi"
access = "commander"
mail = "amara@example.org"
"""
