"""A TCP proxy that loses or damages what passes through it, as a bad network would."""

import contextlib
import socket
import threading
from collections.abc import Callable

from dwcp.environment import Address
from dwcp.wire import HEADER_SIZE, HELLO_SIZE, SESSION_SIZE, STREAM_HELLO

FIRST_PAYLOAD = HELLO_SIZE + SESSION_SIZE + HEADER_SIZE + 100


class Proxy:
    """`cut_after`: bytes of streams after which every connection is cut, once.
    `breaks`: how many streams are cut alone, within their first frame.
    `flips`: how many streams have a byte of their first frame's payload changed."""

    def __init__(self, target: str, cut_after: int = 0, breaks: int = 0, flips: int = 0) -> None:
        host, port = target.split(":")
        self._target: Address = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._left = cut_after
        self._breaks = breaks
        self._flips = flips
        self._second: Address = self._target
        self._words: dict[bytes, Callable[[], None]] = {}
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._cut()

    def when(self, words: bytes, act: Callable[[], None]) -> None:
        """Before the first control line with these words is passed on."""
        self._words[words] = act

    def redirect(self, target: str) -> None:
        """New connections go there."""
        host, port = target.split(":")
        self._target = self._second = (host, int(port))

    def cut_soon(self, after: int) -> None:
        """Once so many bytes more have passed in streams."""
        with self._lock:
            self._left = after

    def redirect_after_cut(self, target: str) -> None:
        host, port = target.split(":")
        self._second = (host, int(port))

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._second if self.cuts else self._target)
            except OSError:
                return
            with self._lock:
                self._sockets += [near, far]
            for pair in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, outward: bool) -> None:
        passed, stream = 0, False
        with contextlib.suppress(OSError):
            while data := bytearray(source.recv(1 << 16)):
                stream = stream or (outward and not passed and data.startswith(STREAM_HELLO))
                if outward and not stream:
                    self._watch(bytes(data))
                if stream:
                    self._damage(data, passed)
                    if self._is_time_to_cut(len(data)):
                        self._cut()
                        return
                    if self._is_to_break(passed + len(data)):
                        sink.sendall(data[: FIRST_PAYLOAD - passed])
                        break
                passed += len(data)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _watch(self, data: bytes) -> None:
        for words in [words for words in self._words if words in data]:
            if act := self._words.pop(words, None):
                act()

    def _damage(self, data: bytearray, passed: int) -> None:
        with self._lock:
            if self._flips and passed <= FIRST_PAYLOAD < passed + len(data):
                self._flips -= 1
                data[FIRST_PAYLOAD - passed] ^= 0xFF

    def _is_to_break(self, passed: int) -> bool:
        with self._lock:
            broken = self._breaks > 0 and passed > FIRST_PAYLOAD
            self._breaks -= broken
            return broken

    def _is_time_to_cut(self, size: int) -> bool:
        with self._lock:
            if self._left <= 0:
                return False
            self._left -= size
            return self._left <= 0

    def _cut(self) -> None:
        with self._lock:
            self.cuts += 1
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
