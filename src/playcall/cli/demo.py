"""`playcall demo`: the whole way once, on this machine, with nothing pretended.

Brings a range up, serves the example playbook beside it, breaks DWCP v3, and stays until the
incident is closed and its post-mortem written. A person presses the buttons, or `--hands-off` does.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PLAYBOOK = Path("examples/dwcp-v3/playbooks.md")
PLAY = "DWCPv3LatencyP99Critical"
REMEDY = "STREAM_COUNT=16"
FAULT = "amst-pacing"
FACTOR = 20.0
PEOPLE = ("ada", "grace", "alan")
PATIENCE = {True: 240.0, False: 1800.0}  # seconds: hands off, or with a person


class Failed(Exception):
    """The demo did not get to its end; the message says where it stopped."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("demo", help="see one incident through, on this machine")
    parser.add_argument("--hands-off", action="store_true", help="approve and resolve by itself")
    parser.add_argument("--directory", default="demo", help="where it keeps its files")
    parser.add_argument("--factor", type=float, default=FACTOR, help="compresses the clock")


def run(args: argparse.Namespace) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with contextlib.ExitStack() as stack:
            _Demo(args, stack).play()
    except Failed as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addresses:
    playcall: str
    prometheus: str
    alertmanager: str
    env: dict[str, str]


class _Demo:
    """One run; everything it starts ends with `stack`."""

    def __init__(self, args: argparse.Namespace, stack: contextlib.ExitStack) -> None:
        from rich.console import Console

        self._hands_off: bool = args.hands_off
        self._factor: float = args.factor
        self._root = Path(args.directory).resolve() / f"{datetime.now():%Y%m%d-%H%M%S}"
        self._stack = stack
        self._console = Console(highlight=False)
        self._tokens = {name: secrets.token_urlsafe(24) for name in (*PEOPLE, "intake")}
        self._started = time.monotonic()
        self._deadline = self._started + PATIENCE[self._hands_off]

    def play(self) -> None:
        if not PLAYBOOK.exists():
            raise Failed(f"{PLAYBOOK} is not here. Run it from the project's root.")
        self._root.mkdir(parents=True)
        self._say(f"Everything of this demo is in {self._root}")
        self._say(
            f"COMPRESSED CLOCK: five minutes of the document last {300 / self._factor:g} s "
            f"(factor {self._factor:g})."
        )
        addresses = self._bring_up()
        self._say(f"Pages and API: {addresses.playcall}")
        if not self._hands_off:
            self._say(f"Sign in with: {self._sign_in_link()}")
        broken_at = datetime.now().astimezone()
        self._fault("inject")
        self._say("FAULT IN: the kernel now paces every transport stream to 80 MB/s.")
        incident = self._see_through(addresses)
        self._fault("heal")
        self._sum_up(addresses, incident, broken_at)

    # --- the scene

    def _bring_up(self) -> _Addresses:
        from drillrange.mailbox import keep_mail
        from drillrange.processes import free_ports

        port, mail = free_ports(2)
        (self._root / "intake.token").write_text(self._tokens["intake"], "utf-8")
        self._stack.enter_context(keep_mail(self._root / "mail", mail))
        url = f"http://127.0.0.1:{port}"
        found = self._range(f"{url}/api/v1/alerts/alertmanager")
        addresses = _Addresses(
            playcall=url,
            prometheus=found["prometheus"],
            alertmanager=found["alertmanager"],
            env=found["env"],
        )
        settings = self._root / "playcall.toml"
        settings.write_text(self._settings(addresses, port, mail), "utf-8")
        self._serve(settings, url)
        return addresses

    def _range(self, webhook: str) -> dict[str, Any]:
        argv = [sys.executable, "-m", "drillrange", "up", "--directory", str(self._root / "range")]
        argv += ["--factor", f"{self._factor:g}", "--webhook-url", webhook]
        argv += ["--webhook-token-file", str(self._root / "intake.token")]
        (self._root / "range").mkdir()
        with self._status("Starting DWCP v3, the pocket cluster, Prometheus and Alertmanager"):
            process = self._spawn("range", argv, stdout=subprocess.PIPE)
            assert process.stdout is not None
            line = process.stdout.readline()
        if not line:
            raise Failed(f"the range did not come up:\n{self._log('range')}")
        return dict(json.loads(line))

    def _serve(self, settings: Path, url: str) -> None:
        import httpx

        argv = [sys.executable, "-m", "playcall", "serve", "--settings", str(settings)]
        process = self._spawn("serve", argv)
        with self._status("Starting Playcall"):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    httpx.get(f"{url}/sign-in", trust_env=False)
                    return
                if process.poll() is not None:
                    raise Failed(f"Playcall did not start:\n{self._log('serve')}")
                self._wait(0.1)

    def _spawn(
        self, name: str, argv: list[str], stdout: int | None = None
    ) -> "subprocess.Popen[str]":
        log = self._stack.enter_context((self._root / f"{name}.log").open("w"))
        process = subprocess.Popen(
            argv, stdout=stdout or log, stderr=log, text=True, start_new_session=True
        )
        self._stack.callback(_stop, process)
        return process

    def _log(self, name: str) -> str:
        return (self._root / f"{name}.log").read_text("utf-8", "replace")[-2000:]

    def _settings(self, addresses: _Addresses, port: int, mail: int) -> str:
        from playcall.settings import hash_token

        def line(name: str, value: object) -> str:
            return f"{json.dumps(name)} = {json.dumps(value)}"

        people = [
            f"[people.{name}]\nname = {json.dumps(name.title())}\naccess = {json.dumps(access)}\n"
            f'mail = "{name}@example.org"\n' + line("tokens", [hash_token(self._tokens[name])])
            for name, access in zip(PEOPLE, ("commander", "responder", "commander"), strict=True)
        ]
        on_call = [line(role, [PEOPLE[n % len(PEOPLE)]]) for n, role in enumerate(_roles())]
        return "\n".join(
            [
                f"pace = {self._factor:g}",
                f"[server]\nport = {port}\ndata = {json.dumps(str(self._root / 'data'))}",
                f"[documents]\nplaybook = {json.dumps(str(PLAYBOOK.resolve()))}",
                "[intake]\n" + line("tokens", [hash_token(self._tokens["intake"])]),
                "[prometheus]\n" + line("url", addresses.prometheus),
                "[alertmanager]\n" + line("url", addresses.alertmanager),
                f'[mail]\nhost = "127.0.0.1"\nport = {mail}\nsender = "playcall@example.org"',
                "[runner.env]\n" + "\n".join(line(k, v) for k, v in addresses.env.items()),
                '[placeholders]\nDESTINATION_HOST = "127.0.0.1"',
                "[on_call]",
                *on_call,
                *people,
            ]
        )

    def _sign_in_link(self) -> str:
        argv = [sys.executable, "-m", "playcall", "sign-in", PEOPLE[0]]
        argv += ["--settings", str(self._root / "playcall.toml")]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def _fault(self, verb: str) -> None:
        argv = [sys.executable, "-m", "drillrange", verb, FAULT]
        subprocess.run([*argv, "--directory", str(self._root / "range")], check=True)

    # --- the incident

    def _see_through(self, addresses: _Addresses) -> dict[str, Any]:
        number = self._await(
            addresses, "Waiting for Prometheus to fire and Alertmanager to deliver", self._opened
        )
        url = f"{addresses.playcall}/incidents/{number}"
        self._say(f"PAGED: incident {number} is open: {url}")
        self._await(addresses, "Diagnostics are running", lambda a: self._diagnosed(a, number))
        self._tell_diagnostics(addresses, number)
        self._press(addresses, number, "acknowledge", {}, f"acknowledge incident {number}")
        self._await(addresses, "Waiting for the acknowledgement", lambda a: self._acked(a, number))
        command = self._remedy(addresses, number)
        body = {"command": command}
        self._press(addresses, number, "approve", body, f"approve command {command}: {REMEDY}")
        self._await(
            addresses, "Waiting for the approval", lambda a: self._run_ended(a, number, command)
        )
        self._await(
            addresses,
            "Waiting until PromQL proves it: P99 < 500 ms for the whole window",
            lambda a: self._status_in(a, number, ("recovered", "resolved", "closed")),
        )
        cause = "Transport streams were paced to 80 MB/s; more streams made up for it."
        self._press(addresses, number, "resolve", {"cause": cause}, "resolve it, with the cause")
        self._await(
            addresses,
            "Waiting for the resolution, the silence and the post-mortem",
            lambda a: self._reported(a, number),
        )
        found: dict[str, Any] = self._get(addresses, f"/incidents/{number}")
        return found

    def _opened(self, addresses: _Addresses) -> int | None:
        for incident in self._get(addresses, "/incidents"):
            if incident["play"] == PLAY:
                return int(incident["id"])
        return None

    def _diagnosed(self, addresses: _Addresses, number: int) -> bool:
        runs = [c["run"] for c in self._get(addresses, f"/incidents/{number}")["commands"]]
        active = ("pending", "running")
        return bool(any(runs)) and not any(run and run["status"] in active for run in runs)

    def _tell_diagnostics(self, addresses: _Addresses, number: int) -> None:
        for command in self._get(addresses, f"/incidents/{number}")["commands"]:
            run = command["run"]
            if run:
                summary = " ".join(run["summary"].split())[:100]
                self._say(f"  {command['id']:>4} {command['title']}: {run['status']}, {summary}")

    def _acked(self, addresses: _Addresses, number: int) -> bool:
        return bool(self._get(addresses, f"/incidents/{number}")["acknowledged_by"])

    def _remedy(self, addresses: _Addresses, number: int) -> str:
        commands = self._get(addresses, f"/incidents/{number}")["commands"]
        return next(str(c["id"]) for c in commands if REMEDY in c["as_written"])

    def _run_ended(self, addresses: _Addresses, number: int, command: str) -> bool:
        commands = self._get(addresses, f"/incidents/{number}")["commands"]
        run = next(c["run"] for c in commands if c["id"] == command)
        if run and run["status"] in ("failed", "timed out", "unknown"):
            raise Failed(f"command {command} {run['status']}: {run['summary']}")
        return bool(run) and run["status"] == "succeeded"

    def _status_in(self, addresses: _Addresses, number: int, wanted: tuple[str, ...]) -> bool:
        return self._get(addresses, f"/incidents/{number}")["status"] in wanted

    def _reported(self, addresses: _Addresses, number: int) -> bool:
        entries = self._get(addresses, f"/incidents/{number}")["timeline"]
        return any(entry["kind"] == "ReportWritten" for entry in entries)

    # --- talking

    def _press(
        self, addresses: _Addresses, number: int, verb: str, body: dict[str, Any], words: str
    ) -> None:
        import httpx

        if not self._hands_off:
            self._say(f"YOUR TURN: {words}.")
            return
        answer = httpx.post(
            f"{addresses.playcall}/api/v1/incidents/{number}/{verb}",
            json=body,
            headers={"Authorization": f"Bearer {self._tokens[PEOPLE[0]]}"},
            trust_env=False,
        )
        if answer.is_error:
            raise Failed(f"{verb} was refused: {answer.text}")
        self._say(f"Hands off: {words}.")

    def _get(self, addresses: _Addresses, path: str) -> Any:
        import httpx

        headers = {"Authorization": f"Bearer {self._tokens[PEOPLE[0]]}"}
        try:
            answer = httpx.get(
                f"{addresses.playcall}/api/v1{path}", headers=headers, timeout=30, trust_env=False
            )
        except httpx.HTTPError as error:
            raise Failed(f"Playcall does not answer: {error}\n{self._log('serve')}") from None
        if answer.is_error:
            raise Failed(f"Playcall answered {answer.status_code}: {answer.text}")
        return answer.json()

    def _await(self, addresses: _Addresses, words: str, look: Any) -> Any:
        """Poll until `look` finds something. Raises Failed at the deadline."""
        with self._status(words):
            while not (found := look(addresses)):
                self._wait(0.25)
        return found

    def _wait(self, seconds: float) -> None:
        if time.monotonic() > self._deadline:
            raise Failed(f"it took too long.\n{self._log('serve')}")
        threading.Event().wait(seconds)

    @contextlib.contextmanager
    def _status(self, words: str) -> Iterator[None]:
        if self._console.is_terminal:
            with self._console.status(words):
                yield
        else:
            self._say(f"{words} ...")
            yield

    def _say(self, words: str) -> None:
        self._console.print(
            f"{time.monotonic() - self._started:6.1f} s  {words}", markup=False, soft_wrap=True
        )

    def _sum_up(self, addresses: _Addresses, incident: dict[str, Any], broken_at: datetime) -> None:
        at = {entry["kind"]: _instant(entry["at"]) for entry in reversed(incident["timeline"])}
        ran = [c["run"] for c in incident["commands"] if c["run"]]
        looks = [_instant(r["ended_at"]) for r in ran if not r["approved_by"] and r["ended_at"]]
        changes = [_instant(r["ended_at"]) for r in ran if r["approved_by"]]
        holds = [c for c in incident["criteria"] if c["purpose"] == "recovery"]
        recovered = _instant(holds[0]["since"]) if holds and holds[0]["since"] else None
        rows = [
            ("alert fired", _instant(incident["fired_at"])),
            ("page handed over", at.get("PageDelivered")),
            ("first diagnostic finished", min(looks, default=None)),
            ("approved", at.get("RunApproved")),
            ("remedy done", max(changes, default=None)),
            ("P99 good again, since", recovered),
            ("resolved", at.get("Resolved")),
        ]
        self._console.print("\nSince the fault:", markup=False)
        for words, instant in rows:
            if instant:
                seconds = (instant - broken_at).total_seconds()
                self._console.print(f"{seconds:8.1f} s  {words}", markup=False)
        others = [i for i in self._get(addresses, "/incidents") if i["id"] != incident["id"]]
        for other in others:
            self._console.print(
                f"Also opened: incident {other['id']} {other['title']}", markup=False
            )
        mails = len(list((self._root / "mail").glob("*.eml")))
        self._console.print(
            f"Mails received: {mails}, in {self._root / 'mail'}", markup=False, soft_wrap=True
        )
        report = self._root / "data" / "reports" / f"incident-{incident['id']}.md"
        self._console.print(f"Post-mortem: {report}", markup=False, soft_wrap=True)


def _roles() -> tuple[str, ...]:
    from playcall.core.compiler import compile_document
    from playcall.core.escalation import roles

    plan = compile_document(PLAYBOOK.read_bytes(), PLAYBOOK.name).plan
    if plan is None:
        raise Failed(f"{PLAYBOOK} does not compile. See: playcall check {PLAYBOOK}")
    return roles(plan)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stop(process: "subprocess.Popen[str]") -> None:
    """TERM, and KILL of the group when that does not help."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
