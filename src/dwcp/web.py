"""The HTTP that roles speak: routes on one address, and a client for them. It knows no role."""

import http.client
import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, generate_latest

from dwcp.environment import Address

log = logging.getLogger(__name__)

LARGEST_BODY = 1 << 20
READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    type: str = "application/json"


Route = Callable[[bytes], Answer]  # of the body; of the query where there is no body
Routes = Mapping[tuple[str, str], Route]  # by method and path; one that ends with "/" gets the rest


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_SECONDS
    server: "Server"

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query.encode())

    def do_DELETE(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        size = self.headers.get("content-length") or "0"
        if not size.isascii() or not size.isdigit() or int(size) > LARGEST_BODY:
            self._send(says(413, error=f"a body of at most {LARGEST_BODY} bytes"))
            return
        self._answer(self.rfile.read(int(size)))

    def _answer(self, body: bytes) -> None:
        path = urlsplit(self.path).path
        route = self.server.routes.get((self.command, path))
        if route is None:
            start, slash, rest = path.rpartition("/")
            route = self.server.routes.get((self.command, start + slash)) if rest else None
            body = rest.encode()
        self._send(route(body) if route else says(404, error=f"no {self.command} {path}"))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not worth a line each."""


class Server(ThreadingHTTPServer):
    """Answers in the background until `close`. The port may be shared with a successor."""

    daemon_threads = True
    allow_reuse_port = True
    request_queue_size = 128

    def __init__(self, listen: Address, routes: Routes, what: str) -> None:
        self.routes = routes
        self._working = 0
        self._settled = threading.Condition()
        try:
            super().__init__(listen, _Handler)
        except OSError as error:
            where = "{}:{} ({})".format(*listen, what)
            raise OSError(error.errno, f"{where}: {error.strerror}") from error
        log.info("listening on %s:%d (%s)", *self.server_address[:2], what)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Take no more; answers under way are still given."""
        self.shutdown()
        self.server_close()

    def settle(self, seconds: float) -> None:
        """Wait until the answers under way are given."""
        with self._settled:
            self._settled.wait_for(lambda: not self._working, seconds)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._settled:
            self._working += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._settled:
                self._working -= 1
                self._settled.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        if isinstance(sys.exception(), OSError):
            log.info("%s left before its answer", client_address)
        else:
            log.exception("no answer for %s", client_address)


def says(code: int, /, **body: object) -> Answer:
    return Answer(code, json.dumps(body).encode())


def probes(
    component: str,
    registry: CollectorRegistry,
    stop: threading.Event,
    health: Callable[[], Answer],
) -> dict[tuple[str, str], Route]:
    """What every role answers on its metrics address."""

    def metrics(_: bytes) -> Answer:
        text = generate_latest(registry)
        return Answer(200, text, "text/plain; version=0.0.4; charset=utf-8")

    def ready(_: bytes) -> Answer:
        return says(503, status="draining") if stop.is_set() else says(200, status="ready")

    return {
        ("GET", "/metrics"): metrics,
        ("GET", f"/metrics/{component}"): metrics,
        ("GET", "/ready"): ready,
        ("GET", "/health"): lambda _: health(),
    }


def ask(
    server: Address,
    path: str,
    body: object = None,
    seconds: float = 2.0,
    method: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """GET, or POST when there is a body. Raises OSError when the other end is not there."""
    connection = http.client.HTTPConnection(*server, timeout=seconds)
    method = method or ("GET" if body is None else "POST")
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        content = json.loads(response.read() or b"{}")
    except (http.client.HTTPException, ValueError) as error:
        raise ConnectionError(f"{server[0]}:{server[1]}{path}: {error!r}") from error
    finally:
        connection.close()
    if not isinstance(content, dict):
        raise ConnectionError(f"{server[0]}:{server[1]}{path} answered with something else")
    return response.status, content
