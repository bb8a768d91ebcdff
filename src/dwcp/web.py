"""The HTTP that every role speaks: a few routes on one address, answered by threads."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from dwcp.environment import Address

LARGEST_BODY = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    type: str = "application/json"


Route = Callable[[bytes], Answer]


def serve(listen: Address, routes: Mapping[tuple[str, str], Route]) -> ThreadingHTTPServer:
    """Answer `routes`, keyed by method and path, in the background. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            self._answer(self.rfile.read(min(size, LARGEST_BODY)))

        def _answer(self, body: bytes) -> None:
            route = routes.get((self.command, urlsplit(self.path).path))
            answer = route(body) if route else Answer(404, b'{"error": "no such path"}')
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not worth a line each."""

    server = ThreadingHTTPServer(listen, Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
