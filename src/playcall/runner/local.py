"""Runs a command on this machine, as `bash -c` would, and ends it for certain.

Nothing of Playcall reaches the command: no environment, no descriptors, no terminal, no directory.
Linux only (pidfd). Never decides what may run.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from playcall.core.incident import RunStatus
from playcall.engine.ports import Exit, Output, Unavailable
from playcall.runner.guard import Guard
from playcall.runner.redaction import Redactor

MINIMAL = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
GRACE = 2.0  # seconds from SIGTERM to SIGKILL
LINGER = 1.0  # seconds that an ended command's descendants may keep its output open
PIECE = 65_536  # bytes of output taken or given at once
LEFTOVER = 1_048_576  # bytes: the largest pipe the kernel gives; more is not what was left in it
LONGEST_SUMMARY = 200  # characters
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x1f\x7f]")


class Local:
    """`ports.Runner`. The pipeline of the document runs as written: with bash's defaults, so
    without `pipefail`. When Exit is yielded, nothing of the command's group runs any more, and its
    directory is gone.

    `output_limit`: bytes yielded of one command, the first half and the last half of what it
    printed; a line in between tells how much was left out. `directory`: where scratch directories
    are made, each for one run. `files`: a directory whose entries are linked into each of them, for
    commands that name files beside the document.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        output_limit: int = 1_000_000,
        redactor: Redactor | None = None,
        directory: Path | None = None,
        files: Path | None = None,
    ) -> None:
        self._env = dict(env)
        self._output_limit = output_limit
        self._redactor = redactor or Redactor(())
        self._directory = directory
        self._files = files
        self._guard = Guard()

    async def run(
        self, command: str, *, time_limit: timedelta
    ) -> AsyncGenerator[Output | Exit, None]:
        with _blaming("a scratch directory"):
            scratch = tempfile.mkdtemp(prefix="playcall-", dir=self._directory)
        try:
            with _blaming("the files of runner.files"):
                _link(self._files, scratch)
            child = self._spawn(command, scratch)
            try:
                child.end_after(time_limit)
                kept = _Kept(self._output_limit)
                redacted = self._redactor.begin(command)
                while data := await child.read():
                    for piece in _pieces(kept.take(redacted.feed(data))):
                        yield piece
                for piece in _pieces(kept.take(redacted.end()) + kept.rest()):
                    yield piece
                await child.ended.wait()
                await child.end()
                end = child.exit(kept.last_line(), time_limit)
            finally:
                await child.end()
        finally:
            await _remove(scratch)
        yield end

    def _spawn(self, command: str, scratch: str) -> "_Child":
        ours, theirs = os.pipe()
        try:
            with _blaming("bash"):
                process = subprocess.Popen(
                    ["bash", "--noprofile", "--norc", "-c", "--", command],
                    stdin=subprocess.DEVNULL,
                    stdout=theirs,
                    stderr=theirs,
                    env=MINIMAL | {"HOME": scratch} | self._env,
                    cwd=scratch,
                    start_new_session=True,
                )
                try:
                    return _Child(process, ours, self._guard)
                except OSError:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    raise
        except Unavailable:
            os.close(ours)
            raise
        finally:
            os.close(theirs)


class _Child:
    """A process group whose leader is ours, and the reading end of its output."""

    def __init__(self, process: subprocess.Popen[bytes], output: int, guard: Guard) -> None:
        guard.add(process.pid)
        self._guard = guard
        self._process = process
        self._output = output
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []
        self._pidfd = os.pidfd_open(process.pid)
        self.ended = asyncio.Event()  # the leader is dead, or cannot be killed
        self._news = asyncio.Event()  # there is something to read, or no reason to wait for it
        self._over = False  # whoever still holds the pipe is not waited for
        self._left_over = LEFTOVER
        self._timed_out = False
        self._closed = False
        os.set_blocking(output, False)
        self._loop.add_reader(self._pidfd, self._on_end)

    def end_after(self, time_limit: timedelta) -> None:
        self._later(time_limit.total_seconds(), self._on_time_out)

    async def read(self) -> bytes:
        """The next bytes; empty at the end of the output, or when it is no longer waited for."""
        await asyncio.sleep(0)  # a command that prints without a pause must not stop everybody else
        while True:
            with contextlib.suppress(BlockingIOError):
                data = os.read(self._output, PIECE)
                if self._over:
                    self._left_over -= len(data)
                    return data if self._left_over > 0 else b""
                return data
            if self._over:
                return b""
            self._news.clear()
            self._loop.add_reader(self._output, self._news.set)
            try:
                await self._news.wait()
            finally:
                self._loop.remove_reader(self._output)

    async def end(self) -> None:
        """See to it that nothing of the group runs. May be called again."""
        if self._closed:
            return
        try:
            if not self.ended.is_set():
                self._terminate()
                await self.ended.wait()
        finally:
            self._close()

    def exit(self, last_line: str, time_limit: timedelta) -> Exit:
        if self._timed_out:
            summary = f"stopped after {time_limit.total_seconds():g} s: {last_line}".rstrip(": ")
            return Exit(status=RunStatus.TIMED_OUT, exit_code=None, summary=_cut(summary))
        code = self._process.returncode
        if code is None:
            text = "could not be killed; look for it on the machine that runs Playcall"
            return Exit(status=RunStatus.UNKNOWN, exit_code=None, summary=text)
        if code == 0:
            summary = _cut(last_line) or "exit code 0"
            return Exit(status=RunStatus.SUCCEEDED, exit_code=0, summary=summary)
        said = f"exit code {code}"
        if code < 0:
            said = f"exit code {128 - code} ({_signal_name(-code)})"
            code = 128 - code  # as a shell counts a death by signal
        summary = _cut(f"{said}: {last_line}" if last_line else said)
        return Exit(status=RunStatus.FAILED, exit_code=code, summary=summary)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(seconds, call))

    def _on_time_out(self) -> None:
        if not self.ended.is_set():
            self._timed_out = True
            self._terminate()

    def _terminate(self) -> None:
        self._signal(signal.SIGTERM)
        self._later(GRACE, self._kill)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._later(GRACE, self._give_up)

    def _give_up(self) -> None:
        """A process in the kernel's hands (a dead file server) does not die even of SIGKILL."""
        self.ended.set()
        self._stop_waiting()

    def _on_end(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self.ended.set()
        self._later(LINGER, self._stop_waiting)

    def _stop_waiting(self) -> None:
        self._over = True
        self._news.set()

    def _signal(self, number: signal.Signals) -> None:
        """The leader is not reaped yet, so that its number still means this group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _close(self) -> None:
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        self._signal(signal.SIGKILL)
        os.close(self._output)
        self._loop.remove_reader(self._pidfd)
        self._reap()

    def _reap(self) -> None:
        """At once if the leader is dead, else as soon as it is."""
        if self._process.poll() is None:
            self._loop.add_reader(self._pidfd, self._reap)
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._guard.remove(self._process.pid)


class _Kept:
    """The first and the last bytes of an output, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self._first = limit - limit // 2  # bytes still to be given out at once
        self._room = limit // 2
        self._last = bytearray()
        self._left_out = 0
        self._window = b""  # the very end, to find the last line in

    def take(self, data: bytes) -> bytes:
        """What of it is to be given out now."""
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
        """The last line with something in it, without colours and other control sequences."""
        for line in reversed(self._window.decode("utf-8", "replace").splitlines()):
            if plain := " ".join(_ESCAPES.sub(" ", line).split()):
                return plain
        return ""

    def _trim(self) -> None:
        excess = len(self._last) - self._room
        if excess > 0:
            del self._last[:excess]
            self._left_out += excess


def _pieces(data: bytes) -> Iterator[Output]:
    """Redaction holds an unfinished line back, and so may hand out more than was read."""
    for start in range(0, len(data), PIECE):
        yield Output(data=data[start : start + PIECE])


@contextlib.contextmanager
def _blaming(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Unavailable(
            f"The command cannot be run: {what}: {error.strerror} ({error.filename}). "
            "Install bash, and check PATH in [runner.env].",
            permanent=True,
        ) from error
    except (OSError, ValueError) as error:
        raise Unavailable(f"The command cannot be run: {what}: {error}.") from error


def _link(files: Path | None, scratch: str) -> None:
    """Raises OSError."""
    if files is not None:
        for entry in os.scandir(files):
            os.symlink(entry.path, os.path.join(scratch, entry.name))


async def _remove(directory: str) -> None:
    try:
        os.rmdir(directory)  # most commands leave nothing behind
    except OSError:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


def _signal_name(number: int) -> str:
    """Most of the real-time signals have none."""
    names = {int(known): known.name for known in signal.Signals}
    return names.get(number, f"signal {number}")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1] + "…"
