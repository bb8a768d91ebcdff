"""Runs a command on this machine, as `bash -c` would, and ends it for certain.

Nothing of Playcall reaches the command: no environment, no descriptors, no terminal, no directory.
Linux only (pidfd). Never decides what may run.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from playcall.core.incident import RunStatus
from playcall.core.placement import only_looks
from playcall.core.plan import EffectClass
from playcall.engine.ports import Exit, Output, Unavailable
from playcall.runner.bounds import Bounds, holds_more, read_only
from playcall.runner.guard import Guard
from playcall.runner.printed import PIECE, Kept, pieces, tell_code, tell_stopped
from playcall.runner.redaction import Redactor
from playcall.runner.strays import VARIABLE, Marks, end_strays

MINIMAL = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
GRACE = 2.0  # seconds from SIGTERM to SIGKILL
LOOK = 1.0  # seconds between looks at how much a command has written
LINGER = 1.0  # seconds that an ended command's descendants may keep its output open
LEFTOVER = 1_048_576  # bytes: the largest pipe the kernel gives; more is not what was left in it


class Local:
    """`ports.Runner`. The pipeline of the document runs as written: with bash's defaults, so
    without `pipefail`. When Exit is yielded, nothing that the command began runs any more, and its
    directory is gone.

    `output_limit`: bytes yielded of one command, the first half and the last half of what it
    printed; a line in between tells how much was left out. `directory`: where scratch directories
    are made, each for one run. `files`: a directory whose entries are linked into each of them, for
    commands that name files beside the document. `change_env`: instead of `env`, for what may
    change something. `read_only`: what only looks can write nothing that matters; see `bounds`.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        output_limit: int = 1_000_000,
        redactor: Redactor | None = None,
        directory: Path | None = None,
        files: Path | None = None,
        *,
        change_env: Mapping[str, str] | None = None,
        bounds: Bounds | None = None,
        read_only: bool = False,
    ) -> None:
        self._env = dict(env)
        self._output_limit = output_limit
        self._redactor = redactor or Redactor(())
        self._directory = directory
        self._files = files
        self._change_env = self._env if change_env is None else dict(change_env)
        self._bounds = bounds or Bounds()
        self.read_only = read_only
        self._marks = Marks()
        self._guard = Guard(f"{VARIABLE}={self._marks.prefix}")

    async def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        with _blaming("a scratch directory"):
            scratch = tempfile.mkdtemp(prefix="playcall-", dir=self._directory)
        try:
            with _blaming("the files of runner.files"):
                _link(self._files, scratch)
            child = self._spawn(command, scratch, effect)
            watching = asyncio.create_task(self._watch_disk(child, scratch))
            try:
                child.end_after(time_limit)
                kept = Kept(self._output_limit)
                redacted = self._redactor.begin(command)
                while data := await child.read():
                    for piece in pieces(kept.take(redacted.feed(data))):
                        yield piece
                for piece in pieces(kept.take(redacted.end()) + kept.rest()):
                    yield piece
                await child.ended.wait()
                await child.end()
                end = child.exit(kept.last_line())
            finally:
                watching.cancel()
                await child.end()
        finally:
            await _remove(scratch)
        yield end

    async def _watch_disk(self, child: "_Child", scratch: str) -> None:
        limit = self._bounds.disk
        while limit:
            await asyncio.sleep(LOOK)
            if await asyncio.to_thread(holds_more, scratch, limit):
                child.stop(RunStatus.FAILED, f"stopped: its files took more than {limit} bytes")
                return

    def _environment(self, scratch: str, effect: EffectClass, mark: str) -> dict[str, str]:
        given = self._env if only_looks(effect) else self._change_env
        own = {"HOME": scratch, "TMPDIR": scratch}
        return MINIMAL | own | given | {VARIABLE: mark, **self._bounds.env(effect)}

    def _spawn(self, command: str, scratch: str, effect: EffectClass) -> "_Child":
        confined = self.read_only and effect is EffectClass.OBSERVE
        mark = self._marks.next()
        ours, theirs = os.pipe()
        try:
            with _blaming("bash"):
                process = subprocess.Popen(
                    [
                        *(read_only(scratch) if confined else ()),
                        *("bash", "--noprofile", "--norc", "-c", "--", command),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=theirs,
                    stderr=theirs,
                    env=self._environment(scratch, effect, mark),
                    cwd=scratch,
                    start_new_session=True,
                )
                try:
                    return _Child(process, ours, self._guard, mark)
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

    def __init__(
        self, process: subprocess.Popen[bytes], output: int, guard: Guard, mark: str
    ) -> None:
        guard.add(process.pid)
        self._mark = mark
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
        self._stopped: tuple[RunStatus, str] | None = None
        self._closed = False
        os.set_blocking(output, False)
        self._loop.add_reader(self._pidfd, self._on_end)

    def end_after(self, time_limit: timedelta) -> None:
        seconds = time_limit.total_seconds()
        self._later(seconds, lambda: self.stop(RunStatus.TIMED_OUT, f"stopped after {seconds:g} s"))

    def stop(self, status: RunStatus, why: str) -> None:
        if not self.ended.is_set() and self._stopped is None:
            self._stopped = (status, why)
            self._terminate()

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

    def exit(self, last_line: str) -> Exit:
        if self._stopped:
            return tell_stopped(*self._stopped, last_line)
        code = self._process.returncode
        if code is None:
            text = "could not be killed; look for it on the machine that runs Playcall"
            return Exit(status=RunStatus.UNKNOWN, exit_code=None, summary=text)
        return tell_code(code, last_line)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(seconds, call))

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
        end_strays(self._mark, self._process.pid)
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
