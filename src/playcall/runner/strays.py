"""Finds and ends what left a command's process group (a daemon): whatever a command begins inherits
a mark in its environment. Linux only. Touches nothing without the mark."""

import contextlib
import itertools
import os
import secrets
import signal

VARIABLE = "PLAYCALL_RUN"
_ROUNDS = 50  # a stray may begin another while it is looked for


class Marks:
    """Names for the runs of this process; `prefix` is in all of them."""

    def __init__(self) -> None:
        self.prefix = f"{secrets.token_hex(8)}."
        self._numbers = itertools.count(1)

    def next(self) -> str:
        return f"{self.prefix}{next(self._numbers)}"


def end_strays(mark: str, leader: int) -> None:
    """`leader`: the number of the process that the command began with."""
    needle = f"\0{VARIABLE}={mark}\0".encode()
    for _ in range(_ROUNDS):
        ended = [pid for pid in _younger(leader) if _end(pid, needle)]
        if not ended:
            return


def _younger(leader: int) -> list[int]:
    """Numbers are given in turn, and begin anew some day: then all are looked at."""
    with open("/proc/loadavg") as file:
        latest = int(file.read().split()[-1])
    if latest == leader:
        return []
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid > leader] if latest >= leader else pids


def _end(pid: int, needle: bytes) -> bool:
    """Through a descriptor: the number may be another's by now."""
    with contextlib.suppress(OSError):  # it is gone, or somebody else's
        process = os.pidfd_open(pid)
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                found = needle in b"\0" + file.read()
            if found:
                signal.pidfd_send_signal(process, signal.SIGKILL)
            return found
        finally:
            os.close(process)
    return False
