"""Playcall is killed (SIGKILL) at random moments of an incident, again and again, until its end.

`python -m tests.drills.crash --rounds 50 --seed 7`. Prometheus, Alertmanager, the mail server, bash
and Playcall are real; what is guarded is a number in a file, its remedy a script whose every run
is counted on disk. Each round is decided by its seed.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from playcall.core import events as ev
from playcall.core import incident as i
from playcall.core.decide import decide
from playcall.core.effects import Moved
from playcall.core.incident import Incident, RunStatus
from playcall.engine.ports import Dossier, Unavailable
from playcall.settings import hash_token
from playcall.storage import Database
from tests.drills import points
from tests.servers import Mailbox, alertmanager, free_port, prometheus, smtp

PLAYBOOK = """\
# Playbook

## Severity

| Level | Response Time | Escalation | Wake On-Call |
|---|---|---|---|
| **CRITICAL** | <5 minutes | Immediate | YES |

## Escalation Path

```
ALERT FIRES
    ↓
On-Call Primary (Page)
    ↓ (1 minutes, no ACK)
On-Call Secondary (Page)
```

### ServiceSlow

**Severity:** CRITICAL

#### Symptoms
- Latency >500ms

#### Immediate Actions

1. **Look**
   ```bash
   # The load of this machine
   cat /proc/loadavg

   # A look that takes a moment
   sleep 0.3
   ```

2. **Mend**
   ```bash
   # Make it fast again
   mend-latency
   ```

#### Resolution

3. **Close**
   - Verify latency <500ms for 1 consecutive minutes

## After the incident

### Within 1 Hour

1. **Close Alert**
   - Silence alert in AlertManager

## Key Metrics Queries

```promql
# Latency
max(app_latency_seconds)
```
"""
PACE = 30.0
TOKEN = "a token of the test"
MEND = """\
#!/bin/sh
echo begun >> "$FIXES"
sync "$FIXES"
sleep 0.4
echo 0.1 > "$LATENCY.draft" && mv "$LATENCY.draft" "$LATENCY"
echo ended >> "$FIXES"
"""


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass(frozen=True, slots=True)
class Result:
    seed: int
    kills: int
    seconds: float
    approvals: int
    interrupted: int
    mails: int

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.kills} kills in {self.seconds:.1f} s, {self.approvals} "
            f"approvals, {self.interrupted} changes interrupted, {self.mails} mails"
        )


class Surroundings:
    """What outlives Playcall: the monitoring, the mail server, the guarded number."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.latency = root / "latency"
        self.fixes = root / "fixes"
        self.port = free_port()
        self.round = 0
        self.mailbox: Mailbox
        self.prometheus = ""
        self.alertmanager = ""

    @contextlib.contextmanager
    def up(self) -> Iterator["Surroundings"]:
        (self.root / "bin").mkdir()
        script = self.root / "bin" / "mend-latency"
        script.write_text(MEND)
        script.chmod(0o755)
        self.set_latency(0.1)
        rule = {
            "alert": "ServiceSlow",
            "expr": "app_latency_seconds > 0.5",
            "labels": {"severity": "critical"},
            "annotations": {"summary": "it is slow"},
        }
        webhook = f"http://127.0.0.1:{self.port}/api/v1/alerts/alertmanager"
        with contextlib.ExitStack() as stack:
            exporter = stack.enter_context(self._exporter())
            self.alertmanager = stack.enter_context(alertmanager(webhook, TOKEN))
            address = self.alertmanager.removeprefix("http://")
            self.prometheus = stack.enter_context(prometheus([rule], [exporter], [address]))
            self.mailbox = stack.enter_context(smtp())
            yield self

    def set_latency(self, value: float) -> None:
        draft = self.root / "latency.new"
        draft.write_text(f"{value}\n")
        draft.replace(self.latency)

    @contextlib.contextmanager
    def _exporter(self) -> Iterator[str]:
        surroundings = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                value = surroundings.latency.read_text().strip()
                line = f'app_latency_seconds{{round="{surroundings.round}"}} {value}\n'
                self.send_response(200)
                self.end_headers()
                self.wfile.write(line.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Round:
    """One incident, from its fault to its end, with kills in between."""

    def __init__(self, around: Surroundings, seed: int) -> None:
        self._around = around
        self._random = random.Random(seed)
        self._seed = seed
        self._directory = around.root / f"round-{seed}"
        self._directory.mkdir()
        self._settings = self._directory / "playcall.toml"
        (self._directory / "playbook.md").write_text(PLAYBOOK, "utf-8")
        self._settings.write_text(self._toml(), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._kills = 0

    def play(self) -> Result:
        around = self._around
        around.round = self._seed
        around.fixes.write_text("")
        around.mailbox.messages.clear()
        started = time.monotonic()
        around.set_latency(0.9)
        done = threading.Event()
        killer = threading.Thread(target=self._keep_killing, args=(done,))
        self._start()
        killer.start()
        try:
            self._respond(deadline=started + 90)
        finally:
            done.set()
            killer.join()
            self._stop()
        found = self._read()
        self._check(found)
        around.set_latency(0.1)
        return self._result(found, time.monotonic() - started)

    # --- Playcall, and its deaths

    def _start(self) -> None:
        with (self._directory / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "playcall", "serve", "--settings", str(self._settings)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONWARNINGS": ""},
            )

    def _keep_killing(self, done: threading.Event) -> None:
        """Mostly soon after it began to work, sometimes later; five times at most."""
        while self._kills < 5 and not done.wait(1.0 + self._random.expovariate(1 / 1.2)):
            assert self._process is not None
            self._process.kill()
            self._process.wait()
            self._kills += 1
            self._start()

    def _stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        if self._process.wait(20) != 0:
            raise Broken(f"Playcall ended with {self._process.returncode}: {self._log()}")

    # --- the person

    def _respond(self, deadline: float) -> None:
        """Acknowledge, approve, approve anew where the outcome is unknown, resolve; all of it
        again and again, since the server dies under one's hands."""
        while time.monotonic() < deadline:
            time.sleep(0.1)
            try:
                if self._step():
                    return
            except (httpx.HTTPError, ValueError):
                continue
        raise Broken(f"seed {self._seed}: no end within 90 s: {self._log()}")

    def _step(self) -> bool:
        listed = self._ask("GET", "/incidents").json()
        if not listed:
            return False
        number = listed[-1]["id"]
        incident = self._ask("GET", f"/incidents/{number}").json()
        mend = next(c for c in incident["commands"] if c["as_written"] == "mend-latency")
        run = mend["run"]
        if any(entry["kind"] == "ReportWritten" for entry in incident["timeline"]):
            return True
        if incident["status"] == "recovered":
            self._ask("POST", f"/incidents/{number}/resolve", {"cause": "a crash test"})
        elif not incident["acknowledged_by"] and self._around.mailbox.messages:
            self._ask("POST", f"/incidents/{number}/acknowledge", {})
        elif run is None:
            self._ask("POST", f"/incidents/{number}/approve", {"command": mend["id"]})
        elif run["status"] == "unknown" and self._still_slow():
            again = {"command": mend["id"], "again": True}
            self._ask("POST", f"/incidents/{number}/approve", again)
        return False

    def _still_slow(self) -> bool:
        """What a person would look at before running a change once more."""
        time.sleep(1.0)
        return float(self._around.latency.read_text()) > 0.5

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return httpx.request(
            method,
            f"http://127.0.0.1:{self._around.port}/api/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=5,
            trust_env=False,
        )

    # --- what must hold

    def _read(self) -> Dossier:
        import asyncio

        async def read() -> list[Dossier]:
            store = Database(f"sqlite:///{self._directory / 'data' / 'playcall.db'}")
            try:
                listed = await store.read(lambda views: views.incidents())
                found = [await store.read(_dossier(one.id)) for one in listed]
                unfinished = await store.write(_unfinished)
            finally:
                await store.close()
            if unfinished:
                raise Broken(f"left undone: {unfinished}")
            return [dossier for dossier in found if dossier]

        try:
            found = asyncio.run(read())
        except Unavailable as error:
            raise Broken(f"the database does not open: {error}") from error
        if len(found) != 1:
            raise Broken(f"seed {self._seed}: {len(found)} incidents for one alert")
        return found[0]

    def _check(self, found: Dossier) -> None:
        events = [stored.event for stored in found.events]
        self._check_pages(events)
        self._check_changes(found, events)
        if found.incident.status is not i.Status.CLOSED:
            raise Broken(f"seed {self._seed}: ended {found.incident.status}")
        if _replay(found) != found.incident:
            raise Broken(f"seed {self._seed}: replaying the events gives another state")
        report = self._directory / "data" / "reports" / f"incident-{found.incident.id}.md"
        if "a crash test" not in report.read_text("utf-8"):
            raise Broken(f"seed {self._seed}: the post-mortem lacks the cause")

    def _check_pages(self, events: list[ev.Event]) -> None:
        delivered = [event for event in events if isinstance(event, ev.PageDelivered)]
        if not any(event.role == "On-Call Primary" for event in delivered):
            raise Broken(f"seed {self._seed}: the first page was not delivered")
        pages = {m["Message-ID"] for m in self._around.mailbox.messages if m["X-Priority"]}
        if len(pages) < len(delivered):
            raise Broken(f"seed {self._seed}: {len(delivered)} pages recorded, {len(pages)} came")

    def _check_changes(self, found: Dossier, events: list[ev.Event]) -> None:
        """Each approval was good for at most one run, and each run left its record."""
        approvals = sum(isinstance(event, ev.RunApproved) for event in events)
        begun = self._around.fixes.read_text().split().count("begun")
        changes = [run for run in found.runs if run.execution.text == "mend-latency"]
        if begun > approvals or len(changes) != approvals:
            raise Broken(
                f"seed {self._seed}: {approvals} approvals, {len(changes)} runs on record, "
                f"{begun} begun on disk"
            )
        succeeded = sum(run.status is RunStatus.SUCCEEDED for run in changes)
        if begun < succeeded:
            raise Broken(f"seed {self._seed}: {succeeded} recorded as done, {begun} begun")

    def _result(self, found: Dossier, seconds: float) -> Result:
        events = [stored.event for stored in found.events]
        return Result(
            seed=self._seed,
            kills=self._kills,
            seconds=seconds,
            approvals=sum(isinstance(e, ev.RunApproved) for e in events),
            interrupted=sum(isinstance(e, ev.CommandInterrupted) for e in events),
            mails=len(self._around.mailbox.messages),
        )

    def _log(self) -> str:
        return (self._directory / "serve.log").read_text("utf-8", "replace")[-3000:]

    def _toml(self) -> str:
        around, token = self._around, hash_token(TOKEN)
        path = os.pathsep.join([str(around.root / "bin"), os.environ["PATH"]])
        return f"""
pace = {PACE}
[server]
port = {around.port}
data = "data"
[documents]
playbook = "playbook.md"
[intake]
tokens = ["{token}"]
group_by = ["round"]
[prometheus]
url = "{around.prometheus}"
[alertmanager]
url = "{around.alertmanager}"
[mail]
host = "127.0.0.1"
port = {around.mailbox.port}
sender = "playcall@example.org"
[runner.env]
PATH = "{path}"
FIXES = "{around.fixes}"
LATENCY = "{around.latency}"
[on_call]
"On-Call Primary" = ["ada"]
"On-Call Secondary" = ["alan"]
[people.ada]
name = "Ada"
access = "commander"
mail = "ada@example.org"
tokens = ["{token}"]
[people.alan]
name = "Alan"
mail = "alan@example.org"
"""


def _dossier(number: int) -> Callable[[Any], Dossier | None]:
    return lambda views: views.dossier(number)


def _unfinished(tx: Any) -> list[str]:
    """Jobs that were neither done nor given up, but for a review that comes minutes later."""
    from datetime import UTC, datetime, timedelta
    from typing import get_args

    from playcall.engine.ports import Reviewing, Task
    from playcall.engine.turns import Limits

    later = datetime.now(UTC) + timedelta(days=1)
    kinds = tuple(kind for kind in get_args(Task) if kind is not Reviewing)
    jobs = tx.claim("check", kinds, later, timedelta(), 100)
    return [job.key for job in (*jobs, *tx.claim_turns("check", later, timedelta(), Limits()))]


def _replay(found: Dossier) -> Incident | None:
    state: Incident | None = None
    for stored in found.events:
        outcome = decide(state, stored.event, found.plan)
        assert isinstance(outcome, Moved), (stored, outcome)
        state = outcome.incident
    return state


def run_rounds(root: Path, seeds: list[int], say: Callable[[str], None]) -> list[Result]:
    """Raises Broken at the first promise that was not kept."""
    results = []
    with Surroundings(root).up() as around:
        for seed in seeds:
            results.append(Round(around, seed).play())
            say(str(results[-1]))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument(
        "--points", action="store_true", help="at every point of a command's life instead"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crash-") as root:
        seeds = list(range(args.seed, args.seed + args.rounds))
        try:
            if args.points:
                return _die_at_points(Path(root), seeds)
            results = run_rounds(Path(root), seeds, lambda words: print(words, flush=True))
        except (Broken, points.Broken) as error:
            print(f"BROKEN: {error}", file=sys.stderr)
            return 1
    kills = sum(result.kills for result in results)
    interrupted = sum(result.interrupted for result in results)
    print(f"{len(results)} rounds, {kills} kills, {interrupted} changes interrupted, none broken")
    return 0


def _die_at_points(root: Path, seeds: list[int]) -> int:
    deaths = points.run_points(root, seeds, lambda words: print(words, flush=True))
    print(f"{len(seeds)} rounds, {deaths} deaths at their points, none broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
