"""A person at a real pseudo-terminal, who answers questions as they come."""

import os
import pty
import select
import signal
import time
from collections.abc import Mapping, Sequence

DEADLINE = 30  # seconds


class Typist:
    """Runs a program on a terminal of its own; everything it shows is in `shown`."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.shown = ""
        self._read = 0
        self._child, self._terminal = pty.fork()
        if self._child == 0:
            signal.signal(
                signal.SIGINT, signal.SIG_DFL
            )  # ignored where tests run in the background
            os.execvpe(argv[0], list(argv), dict(env))

    def answer(self, question: str, line: str) -> None:
        """Wait until it is asked, and type the line."""
        self.see(question)
        os.write(self._terminal, line.encode() + b"\n")

    def see(self, text: str) -> None:
        """Wait until it is shown, after what was waited for before."""
        end = time.monotonic() + DEADLINE
        while (found := self.shown.find(text, self._read)) < 0:
            if not self._take(end):
                raise AssertionError(f"never shown: {text!r}\n{self.shown}")
        self._read = found + len(text)

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._terminal, b"\x03")

    def end(self) -> int:
        """Its exit code, once it has ended by itself."""
        end = time.monotonic() + DEADLINE
        while self._take(end):
            pass
        if time.monotonic() > end:
            os.kill(self._child, signal.SIGKILL)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])

    def _take(self, end: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(0, end - time.monotonic()))
        try:
            data = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # Linux says so when the other side is closed
            data = b""
        self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)
