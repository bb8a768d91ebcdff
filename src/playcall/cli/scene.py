"""A whole scene on this machine: a range, a mail server, and Playcall serving a playbook beside it.

What `playcall demo` plays on, and what end-to-end tests play on. Everything started here ends with
the exit stack it was given.
"""

import contextlib
import functools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from playcall.core.plan import Plan

T = TypeVar("T")

TELLING = """[updates]
publish = "by itself"
title = "Moving virtual machines is slower than usual"
[facts]
"migrations hurt" = "sum(increase(dwcp_v3_migration_latency_seconds_count[5m]))"
[[review.figures]]
name = "Migrations affected"
query = "sum(increase(dwcp_v3_migration_latency_seconds_count[$window]))"
[[review.figures]]
name = "Errors for each hundred migrations"
query = '''
100 * sum(increase(dwcp_v3_errors_total[$window]))
/ sum(increase(dwcp_v3_migration_latency_seconds_count[$window]))
'''
unit = "%"
"""
TITLES = {
    "DWCPv3LatencyP95High": "Some virtual machines move more slowly than usual",
    "DWCPv3ThroughputCriticalLow": "Virtual machines move at a fraction of the usual rate",
    "DWCPv3ThroughputLow": "Virtual machines move at less than the usual rate",
    "DWCPv3RolloutNoGo": "The new way of moving virtual machines does not do well",
    "DWCPv3ErrorRateCritical": "Moving virtual machines fails for some",
}
PEOPLE = {"ada": "commander", "grace": "responder", "alan": "commander"}
FIRST = next(iter(PEOPLE))
START_SECONDS = 30.0
_STATUS_PAGE = (
    "[status_page]",
    "serve = true",
    'title = "Virtual machine migrations: status"',
    "[[status_page.components]]",
    'name = "Migrations"',
    'description = "Moving running virtual machines between hosts"',
    'alerts = ["*"]',
)


class SceneFailed(Exception):
    """Something of the scene did not do what it should; the message has the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the parts listen."""

    playcall: str
    prometheus: str
    alertmanager: str
    mail_port: int
    env: dict[str, str]  # for commands that are to act on the range


class Scene:
    """The parts, their addresses, and how to talk to Playcall."""

    def __init__(
        self,
        root: Path,
        playbook: Path,
        factor: float,
        stack: contextlib.ExitStack,
        files: Path | None = None,
    ) -> None:
        """`files`: what commands find in their directory; None: what lies beside the playbook."""
        self.root = root
        self.mail = root / "mail"
        self.reports = root / "data" / "reports"
        self._playbook = playbook
        self._files = files or playbook.resolve().parent
        self._factor = factor
        self._stack = stack
        self._tokens = {name: secrets.token_urlsafe(24) for name in (*PEOPLE, "intake")}
        self._server: subprocess.Popen[str] | None = None
        self.addresses: Addresses

    def bring_up_range(self) -> None:
        """The range and the mail server; Playcall itself is started by `start_server`."""
        from drillrange.mailbox import keep_mail
        from drillrange.processes import free_ports

        port, mail_port = free_ports(2)
        (self.root / "range").mkdir(parents=True)
        token_file = self.root / "intake.token"
        token_file.write_text(self._tokens["intake"], "utf-8")
        self._stack.enter_context(keep_mail(self.mail, mail_port))
        url = f"http://127.0.0.1:{port}"
        found = self._start_range(f"{url}/api/v1/alerts/alertmanager", token_file)
        self.addresses = Addresses(
            playcall=url,
            prometheus=found["prometheus"],
            alertmanager=found["alertmanager"],
            mail_port=mail_port,
            env=found["env"],
        )
        self.settings.write_text(self._settings(port), "utf-8")

    @property
    def settings(self) -> Path:
        return self.root / "playcall.toml"

    def start_server(self) -> None:
        """Returns once it answers. Raises SceneFailed."""
        import httpx

        argv = [sys.executable, "-m", "playcall", "serve", "--settings", str(self.settings)]
        self._server = self._spawn("serve", argv)

        def answers() -> bool:
            assert self._server is not None
            if self._server.poll() is not None:
                raise SceneFailed(f"Playcall did not start:\n{self.log('serve')}")
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.addresses.playcall}/sign-in", trust_env=False)
                return True
            return False

        self.wait_for(answers, "Playcall's first answer", START_SECONDS)

    def kill_server(self) -> None:
        """As a crash would: no handler runs, nothing is flushed."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def fault(self, verb: str, name: str) -> None:
        """`verb` is inject or heal. Raises SceneFailed."""
        argv = [sys.executable, "-m", "drillrange", verb, name]
        argv += ["--directory", str(self.root / "range")]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SceneFailed(f"{verb} {name}: {done.stderr.strip()}")

    def sign_in_link(self) -> str:
        argv = [sys.executable, "-m", "playcall", "sign-in", FIRST]
        argv += ["--settings", str(self.settings)]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    # --- talking to Playcall

    def get(self, path: str) -> Any:
        """Raises SceneFailed when it does not answer, or refuses."""
        return self._request("GET", path, None)

    def ask_prometheus(self, promql: str) -> "list[dict[str, Any]]":
        """The vector of an instant query; empty when Prometheus does not answer."""
        import httpx

        url = f"{self.addresses.prometheus}/api/v1/query"
        try:
            answer = httpx.get(url, params={"query": promql}, timeout=10, trust_env=False)
        except httpx.HTTPError:
            return []
        return list(answer.json().get("data", {}).get("result", []))

    def post(self, path: str, body: dict[str, Any], by: str = FIRST) -> Any:
        """`by`: one of PEOPLE. Raises SceneFailed, as `get` does."""
        return self._request("POST", path, body, by)

    def _request(
        self, method: str, path: str, body: dict[str, Any] | None, person: str = FIRST
    ) -> Any:
        import httpx

        try:
            answer = httpx.request(
                method,
                f"{self.addresses.playcall}/api/v1{path}",
                json=body,
                headers={"Authorization": f"Bearer {self._tokens[person]}"},
                timeout=30,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise SceneFailed(f"Playcall does not answer: {error}\n{self.log('serve')}") from None
        if answer.is_error:
            raise SceneFailed(f"Playcall answered {answer.status_code}: {answer.text}")
        return answer.json()

    def wait_for(self, look: Callable[[], T], what: str, seconds: float) -> T:
        """Poll until `look` gives something true. Raises SceneFailed after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline:
                said = self.log("serve")
                raise SceneFailed(f"{what}: did not come within {seconds:g} s\n{said}".rstrip())
            time.sleep(0.1)
        return found

    def log(self, name: str) -> str:
        """Its last lines, without those that let somebody in."""
        path = self.root / f"{name}.log"
        if not path.exists():
            return ""
        lines = path.read_text("utf-8", "replace").splitlines()[-20:]
        return "\n".join(line for line in lines if "sign-in?code=" not in line)

    # --- the parts

    def _start_range(self, webhook: str, token_file: Path) -> dict[str, Any]:
        argv = [sys.executable, "-m", "drillrange", "up", "--directory", str(self.root / "range")]
        argv += ["--factor", f"{self._factor:g}", "--webhook-url", webhook]
        argv += ["--webhook-token-file", str(token_file)]
        process = self._spawn("range", argv, stdout=subprocess.PIPE)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SceneFailed(f"the range did not come up:\n{self.log('range')}")
        return dict(json.loads(line))

    def _spawn(
        self, name: str, argv: list[str], stdout: int | None = None
    ) -> "subprocess.Popen[str]":
        from drillrange.processes import die_with

        log = self._stack.enter_context((self.root / f"{name}.log").open("a"))
        process = subprocess.Popen(
            argv,
            stdout=stdout or log,
            stderr=log,
            text=True,
            start_new_session=True,
            preexec_fn=functools.partial(die_with, os.getpid()),
        )
        self._stack.callback(_stop, process)
        return process

    def _settings(self, port: int) -> str:
        from playcall.settings import hash_token

        line = _line
        names = list(PEOPLE)
        plan = self._plan()
        on_call = [line(role, [names[n % len(names)]]) for n, role in enumerate(_roles(plan))]
        titles = {alert: title for alert, title in TITLES.items() if plan.play(alert)}
        return "\n".join(
            [
                line("pace", self._factor),
                "[server]",
                line("port", port),
                line("data", str(self.root / "data")),
                "[documents]",
                line("playbook", str(self._playbook.resolve())),
                "[intake]",
                line("tokens", [hash_token(self._tokens["intake"])]),
                "[prometheus]",
                line("url", self.addresses.prometheus),
                "[alertmanager]",
                line("url", self.addresses.alertmanager),
                "[mail]",
                line("host", "127.0.0.1"),
                line("port", self.addresses.mail_port),
                line("sender", "playcall@example.org"),
                "[runner]",
                line("files", str(self._files.resolve())),
                "[runner.env]",
                line("STAKEHOLDERS", "stakeholders@example.org"),
                line("MAIL_URL", f"smtp://127.0.0.1:{self.addresses.mail_port}"),
                *(line(name, value) for name, value in self.addresses.env.items()),
                "[placeholders]",
                line("DESTINATION_HOST", "127.0.0.1"),
                TELLING,
                "[updates.titles]",
                *(line(alert, title) for alert, title in titles.items()),
                *_STATUS_PAGE,
                "[on_call]",
                *on_call,
                *(self._person(name, access) for name, access in PEOPLE.items()),
            ]
        )

    def _person(self, name: str, access: str) -> str:
        from playcall.settings import hash_token

        return "\n".join(
            [
                f"[people.{name}]",
                _line("name", name.title()),
                _line("access", access),
                _line("mail", f"{name}@example.org"),
                _line("tokens", [hash_token(self._tokens[name])]),
            ]
        )

    def _plan(self) -> "Plan":
        from playcall.core.compiler import compile_document

        plan = compile_document(self._playbook.read_bytes(), self._playbook.name).plan
        if plan is None:
            raise SceneFailed(f"{self._playbook} does not compile. See: playcall check")
        return plan


def _roles(plan: "Plan") -> tuple[str, ...]:
    from playcall.core.people import roles

    told = [role for audience in plan.audiences for role in audience.recipients]
    return tuple(dict.fromkeys([*roles(plan), *told]))


def _line(name: str, value: object) -> str:
    return f"{json.dumps(name)} = {json.dumps(value)}"


def _stop(process: "subprocess.Popen[str]") -> None:
    """TERM, and KILL of the group when that does not help."""
    if process.stdout:
        process.stdout.close()
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
