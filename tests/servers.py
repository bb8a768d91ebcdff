"""Real servers for tests, each on a free port of 127.0.0.1, each gone at the end of its `with`."""

import asyncio
import contextlib
import json
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"
POLL = 0.02  # seconds between two looks
PATIENCE = 60.0  # long, for a machine where much else runs
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """One that nobody listens on, below those that the kernel gives to whoever asks for any: tests
    that run beside this one will not be given it before it is used."""
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port


def wait_for(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(POLL)


async def wait_until(
    condition: Callable[[], Awaitable[bool]], what: str, seconds: float = PATIENCE
) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        await asyncio.sleep(POLL)


# --- The monitoring ------------------------------------------------------------------------------


@contextlib.contextmanager
def prometheus(
    rules: Sequence[Mapping[str, Any]] = (),
    targets: Sequence[str] = (),
    alertmanagers: Sequence[str] = (),
    scrape_every: str = "200ms",
    history: str = "",
) -> Iterator[str]:
    """A Prometheus that scrapes itself and `targets` ("host:port"), sends to `alertmanagers`, and
    evaluates `rules` (as they stand in a rule group); `history` is what it knows of earlier times,
    as OpenMetrics. Yields its URL once it is ready."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="prometheus-") as folder:
        rule_file = Path(folder, "rules.json")
        groups = [{"name": "test", "rules": list(rules)}] if rules else []
        rule_file.write_text(json.dumps({"groups": groups}), "utf-8")
        settings = {
            "global": {"scrape_interval": scrape_every, "evaluation_interval": scrape_every},
            "rule_files": [str(rule_file)],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
            "scrape_configs": [
                {"job_name": "self", "static_configs": [{"targets": [f"{HOST}:{port}"]}]},
                {"job_name": "target", "static_configs": [{"targets": list(targets)}]},
            ],
        }
        Path(folder, "prometheus.yml").write_text(json.dumps(settings), "utf-8")
        if history:
            _remember(Path(folder), history)
        command = [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={HOST}:{port}",
            "--rules.alert.resend-delay=1s",  # else a dropped one is sent in a minute
            "--log.level=error",
        ]
        with _running(command, f"http://{HOST}:{port}/-/ready"):
            yield f"http://{HOST}:{port}"


def _remember(folder: Path, history: str) -> None:
    (folder / "history").write_text(history, "utf-8")
    make = ["promtool", "tsdb", "create-blocks-from", "openmetrics"]
    made = subprocess.run(
        [*make, str(folder / "history"), str(folder / "data")], capture_output=True, check=False
    )
    assert made.returncode == 0, made.stderr.decode()


@contextlib.contextmanager
def alertmanager(
    webhook_url: str = "",
    token: str = "",
    inhibit: tuple[str, str] | None = None,
    group_by: Sequence[str] = ("alertname",),
) -> Iterator[str]:
    """An Alertmanager that sends every alert to `webhook_url` at once. `inhibit` names two alerts:
    the first one hides the second. Yields its URL."""
    port = free_port()
    webhook: dict[str, Any] = {"url": webhook_url, "send_resolved": True}
    if token:
        webhook["http_config"] = {"authorization": {"credentials": token}}
    settings: dict[str, Any] = {
        "route": {
            "receiver": "test",
            "group_by": list(group_by),
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "test", "webhook_configs": [webhook] if webhook_url else []}],
    }
    if inhibit:
        source, target = (f'alertname="{name}"' for name in inhibit)
        settings["inhibit_rules"] = [{"source_matchers": [source], "target_matchers": [target]}]
    with tempfile.TemporaryDirectory(prefix="alertmanager-") as folder:
        Path(folder, "alertmanager.yml").write_text(json.dumps(settings), "utf-8")
        command = [
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address={HOST}:{port}",
            "--cluster.listen-address=",
            "--log.level=error",
        ]
        with _running(command, f"http://{HOST}:{port}/-/ready"):
            yield f"http://{HOST}:{port}"


@contextlib.contextmanager
def _running(command: Sequence[str], ready_url: str) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:

            def ready() -> bool:
                if process.poll() is not None:
                    log.seek(0)
                    raise AssertionError(f"{command[0]} ended: {log.read().decode()}")
                return answers(ready_url)

            wait_for(ready, f"answer from {command[0]}")
            yield
        finally:
            process.kill()  # its data is thrown away: no need for a tidy end
            process.wait()


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


# --- Mail ----------------------------------------------------------------------------------------


@dataclass
class Mailbox:
    """What an SMTP server took, and how it answers; both may be looked at and set at any time."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    rcpt_answer: str = "250 ok"
    data_answer: str = "250 taken"
    release: Event = field(default_factory=Event)  # awaited by a server that hangs

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_answer == "hang":
            await asyncio.to_thread(self.release.wait, 30)
            return "451 too late"
        if self.data_answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=default_policy)
            assert isinstance(message, EmailMessage)
            self.messages.append(message)
            self.recipients += envelope.rcpt_tos
        return self.data_answer


@contextlib.contextmanager
def smtp(
    tls: SSLContext | None = None, implicit: bool = False, password: str = ""
) -> Iterator[Mailbox]:
    """An SMTP server. `tls` is offered by STARTTLS, or spoken from the start if `implicit`; with a
    `password`, user "playcall" must sign in."""
    mailbox = Mailbox(port=free_port())

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == password.encode()
        return AuthResult(success=good, handled=False)

    options: dict[str, Any] = {}
    if password:
        options = {
            "authenticator": authenticate,
            "auth_required": not implicit,  # aiosmtpd takes TLS from the start for none, and warns
            "auth_require_tls": not implicit,
        }
    if tls is not None and not implicit:
        options["tls_context"] = tls
        options["require_starttls"] = True
    controller = Controller(
        mailbox,
        hostname=HOST,
        port=mailbox.port,
        ssl_context=tls if implicit else None,
        **options,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        mailbox.release.set()
        controller.stop()


def certificate(folder: Path) -> tuple[SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the certificate to trust for it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=127.0.0.1", "-addext", f"subjectAltName=IP:{HOST}"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


# --- Anything that speaks HTTP, well or badly ----------------------------------------------------


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that keeps what it gets; how it answers may be set at any time."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    status: int = 200
    body: bytes = b"{}"
    hang: bool = False  # answer nothing until the server ends
    release: Event = field(default_factory=Event)


@contextlib.contextmanager
def receiver() -> Generator[Receiver, None, None]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            state.requests.append(Received(self.command, self.path, headers, body))
            if state.hang:
                state.release.wait(30)
                self.close_connection = True
                return
            self.send_response(state.status)
            self.send_header("content-length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with answering(Handler, state.release) as url:
        state.url = url
        yield state


@contextlib.contextmanager
def answering(handler: type[BaseHTTPRequestHandler], release: Event) -> Iterator[str]:
    """The address of a server; `release` is set when it ends, so that what hangs goes on."""
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": POLL})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        release.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def mute_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        yield port
