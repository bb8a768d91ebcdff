"""Where guest memory lies: private to this process, or in a file that others on this host can map.

A file lives as long as its maker, which holds a lock on it; what a dead maker left is swept away by
the next one. It never says what the memory holds.
"""

import contextlib
import fcntl
import mmap
import os
import re
import secrets
import stat
import weakref
from pathlib import Path

import numpy as np

from dwcp.wire import PAGE, Bits

NAME = re.compile(r"dwcp-[0-9a-f]{16}\.memory")


class BadMemory(ValueError):
    """A path that names no memory that may be mapped, and why."""


class Mapping:
    """Some memory; with `file`, which is open as long as the map is, others can map it too."""

    def __init__(
        self, mapped: mmap.mmap, file: int | None = None, path: Path | None = None
    ) -> None:
        self.map = mapped
        self.file = file
        self.path = path
        self._known: Bits = np.zeros(len(mapped) // PAGE, np.bool_)  # to have been written

    def look(self, first: int, end: int) -> None:
        """Learn which of these pages were written by now. Costs no memory, which reading them
        would."""
        if self.file is None or self._known[first:end].all():
            return
        at, last = first * PAGE, end * PAGE
        while at < last:
            try:
                at = os.lseek(self.file, at, os.SEEK_DATA)
            except OSError:  # nothing but holes up to the end
                break
            if at >= last:
                break
            hole = os.lseek(self.file, at, os.SEEK_HOLE)
            self._known[at // PAGE : -(-hole // PAGE)] = True
            at = hole

    def give_back(self, first: int, end: int) -> None:
        """Make these pages zero, and as if they had never been written."""
        if self.file is None:
            self.map[first * PAGE : end * PAGE] = bytes((end - first) * PAGE)
        else:
            self.map.madvise(mmap.MADV_REMOVE, first * PAGE, (end - first) * PAGE)
            self._known[first:end] = False

    def forget(self) -> None:
        """What was written is to be asked again: its maker may have given pages back."""
        self._known[:] = False

    def present(self, first: int, end: int) -> Bits | None:
        """Which of these pages had been written at the last look; None: maybe all."""
        return None if self.file is None else self._known[first:end]


def private(size: int) -> Mapping:
    return Mapping(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def shared(size: int, directory: Path) -> Mapping:
    """In a new file of that directory, all holes. It goes when the mapping does. Raises OSError."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        file = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # before it has a name: it is never seen unlocked
            os.ftruncate(file, size)
            mapped = mmap.mmap(file, size)
            name = f"dwcp-{secrets.token_hex(8)}.memory"
            os.link(f"/proc/self/fd/{file}", name, dst_dir_fd=folder, follow_symlinks=True)
        except OSError:
            os.close(file)
            raise
    finally:
        os.close(folder)
    path = directory / name
    weakref.finalize(mapped, _remove, file, path)
    return Mapping(mapped, file, path)


def attached(path: Path, size: int, directory: Path, writable: bool = False) -> Mapping:
    """The first `size` bytes of another process's file. Raises BadMemory for one that is not
    memory in this very directory, and for one that is smaller."""
    file = opened(path, size, directory, writable)
    try:
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        mapped = mmap.mmap(file, size, access=access)
    except (OSError, ValueError) as error:
        os.close(file)
        raise BadMemory(f"{path} cannot be mapped: {error}") from error
    weakref.finalize(mapped, os.close, file)
    return Mapping(mapped, file, path)


def opened(path: Path, size: int, directory: Path, writable: bool) -> int:
    """A descriptor of it, under the same rules as `attached`."""
    if path.parent != directory or not NAME.fullmatch(path.name):
        raise BadMemory(f"{path} is not a machine's memory in {directory}")
    access = os.O_RDWR if writable else os.O_RDONLY
    try:
        file = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadMemory(f"{path} cannot be opened: {error.strerror}") from error
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_size < size:
        os.close(file)
        raise BadMemory(f"{path} does not hold {size} bytes of memory")
    return file


def sweep(directory: Path) -> int:
    """Remove what dead processes left there; says how many. Raises OSError."""
    swept = 0
    for entry in directory.iterdir():
        if NAME.fullmatch(entry.name) and _left_behind(entry):
            with contextlib.suppress(FileNotFoundError):
                entry.unlink()
                swept += 1
    return swept


def abandoned(file: int) -> bool:
    """Whether the process that made this memory is dead."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def free(directory: Path) -> int:
    """Bytes that files there may still take: beyond that a write would end the process."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _left_behind(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return abandoned(file)
    finally:
        os.close(file)


def _remove(file: int, path: Path) -> None:
    path.unlink(missing_ok=True)
    os.close(file)
