"""What is kept of a command's output, and the one line that tells how it ended. Runs nothing."""

import re
import signal
from collections.abc import Iterator

from playcall.core.incident import RunStatus
from playcall.core.meter import without_meter
from playcall.engine.ports import Exit, Output

PIECE = 65_536  # bytes of output taken or given at once
LONGEST_SUMMARY = 200  # characters
_MOST_UNREADABLE = 0.2  # of the characters; a text in an older encoding has fewer
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x1f\x7f]")
_CODE_TOLD = re.compile(r"command terminated with exit code \d+")


class Kept:
    """The first and the last bytes of an output, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self._first = limit - limit // 2  # bytes still to be given out at once
        self._room = limit // 2
        self._last = bytearray()
        self._left_out = 0
        self._size = 0
        self._window = b""  # the very end, to find the last line in

    def take(self, data: bytes) -> bytes:
        """What of it is to be given out now."""
        self._size += len(data)
        self._window = (self._window + data)[-4096:]
        shown, rest = data[: self._first], data[self._first :]
        self._first -= len(shown)
        self._last += rest
        if len(self._last) > 2 * self._room:
            self._trim()
        return shown

    def rest(self) -> bytes:
        self._trim()
        note = f"\n[{self._left_out} bytes left out here]\n" if self._left_out else ""
        return note.encode() + self._last

    def last_line(self) -> str:
        """The last line with something in it, without colours and other control sequences; what
        kubectl adds of the exit code only where there is no other."""
        text = self._window.decode("utf-8", "replace")
        if "\0" in text or text.count("\ufffd") > len(text) * _MOST_UNREADABLE:
            return f"binary, {self._size} bytes"
        text = without_meter(text)
        lines = [" ".join(_ESCAPES.sub(" ", line).split()) for line in text.splitlines()]
        said = [line for line in lines if line]
        if len(said) > 1 and _CODE_TOLD.fullmatch(said[-1]):
            said.pop()
        return said[-1] if said else ""

    def _trim(self) -> None:
        excess = len(self._last) - self._room
        if excess > 0:
            del self._last[:excess]
            self._left_out += excess


def pieces(data: bytes) -> Iterator[Output]:
    """Redaction holds an unfinished line back, and so may hand out more than was read."""
    for start in range(0, len(data), PIECE):
        yield Output(data=data[start : start + PIECE])


def tell_code(code: int, last_line: str) -> Exit:
    """How a command ended, by its exit code; below 0, by a signal."""
    if code == 0:
        return Exit(
            status=RunStatus.SUCCEEDED, exit_code=0, summary=cut(last_line) or "exit code 0"
        )
    said = f"exit code {code}"
    if code < 0:
        said = f"exit code {128 - code} ({_signal_name(-code)})"
        code = 128 - code  # as a shell counts a death by signal
    summary = cut(f"{said}: {last_line}" if last_line else said)
    return Exit(status=RunStatus.FAILED, exit_code=code, summary=summary)


def tell_stopped(status: RunStatus, why: str, last_line: str) -> Exit:
    return Exit(status=status, exit_code=None, summary=cut(f"{why}: {last_line}".rstrip(": ")))


def _signal_name(number: int) -> str:
    """Most of the real-time signals have none."""
    names = {int(known): known.name for known in signal.Signals}
    return names.get(number, f"signal {number}")


def cut(text: str) -> str:
    return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1] + "…"
