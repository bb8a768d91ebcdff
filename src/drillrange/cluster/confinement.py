"""What a process of a pod may do to this machine: no more than in an ordinary container.

The range may run as root. A drilled `iptables` or `sysctl` must then be refused, as in a pod, and
not change the machine the drill runs on.
"""

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass

from drillrange.processes import die_with

# include/uapi/linux/capability.h: what container runtimes leave to a process by default
_DEFAULT = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
_NAMED = {"NET_ADMIN": 12, "SYS_ADMIN": 21, "SYS_PTRACE": 19, "SYS_NICE": 23, "SYS_TIME": 25}
_LAST = 63
_PR_CAPBSET_DROP = 24
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


def known_capabilities() -> frozenset[str]:
    """Those that a manifest may add."""
    return frozenset(_NAMED)


@dataclass(frozen=True, slots=True)
class Confinement:
    """`private_network`: what NET_ADMIN may change is the range's own, not this machine's."""

    private_network: bool

    def of_command(self, added: frozenset[str]) -> Callable[[], None]:
        """For what somebody asks a pod to run: on this machine's own network it changes nothing."""
        return self.of(added if self.private_network else added - {"NET_ADMIN"})

    def of(self, added: frozenset[str]) -> Callable[[], None]:
        """To be called in a child before its program runs. Without root it gives up nothing."""
        parent = os.getpid()
        kept = _DEFAULT | {_NAMED[name] for name in added}
        dropped = [number for number in range(_LAST + 1) if number not in kept]
        root = os.geteuid() == 0
        tuning = self.private_network and "NET_ADMIN" in added

        def give_up() -> None:
            die_with(parent)
            if root:
                if "SYS_ADMIN" not in added and not tuning:
                    _protect_kernel_settings()
                for number in dropped:
                    _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)

        return give_up


def _protect_kernel_settings() -> None:
    """/proc/sys is read-only, in a mount namespace of its own; where that is refused, it is not."""
    if _libc.unshare(_CLONE_NEWNS) == 0:
        path = b"/proc/sys"
        _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None)
        if _libc.mount(path, path, None, _MS_BIND, None) == 0:
            _libc.mount(None, path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY, None)
