"""What a process of a pod may do to this machine, and what it sees of it: no more than in an
ordinary container.

The range may run as root. A drilled `iptables` or `sysctl` must then be refused, as in a pod, and
not change the machine the drill runs on.
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drillrange.processes import die_with

# include/uapi/linux/capability.h: what container runtimes leave to a process by default
_DEFAULT = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
_NAMED = {"NET_ADMIN": 12, "SYS_ADMIN": 21, "SYS_PTRACE": 19, "SYS_NICE": 23, "SYS_TIME": 25}
_LAST = 63
_PR_CAPBSET_DROP = 24
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_KERNEL, _NETWORK = b"/proc/sys", b"/proc/sys/net"
_CANNOT_START = 126  # as a shell tells it
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """The directory `source` is to be seen at `path`."""

    source: Path
    path: Path
    read_only: bool


def known_capabilities() -> frozenset[str]:
    """Those that a manifest may add."""
    return frozenset(_NAMED)


def may_mount() -> bool:
    """Whether this process has CAP_SYS_ADMIN."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) & 1 << _NAMED["SYS_ADMIN"])
    return False


@dataclass(frozen=True, slots=True)
class Confinement:
    """`private_network`: what NET_ADMIN may change is the range's own, not this machine's."""

    private_network: bool

    def of_command(self, added: frozenset[str], mounts: Sequence[Mount]) -> Callable[[], None]:
        """For what somebody asks a pod to run: on this machine's own network it changes nothing."""
        return self.of(added if self.private_network else added - {"NET_ADMIN"}, mounts)

    def of(self, added: frozenset[str], mounts: Sequence[Mount]) -> Callable[[], None]:
        """To be called in a child before its program runs. Without root it gives up nothing."""
        parent = os.getpid()
        kept = _DEFAULT | {_NAMED[name] for name in added}
        dropped = [number for number in range(_LAST + 1) if number not in kept]
        root = os.geteuid() == 0
        tuning = self.private_network and "NET_ADMIN" in added

        def give_up() -> None:
            die_with(parent)
            own = (root or bool(mounts)) and _own_mounts()
            for mount in mounts:
                _show(mount, own)
            if root:
                if own and "SYS_ADMIN" not in added:
                    _protect_kernel_settings(except_network=tuning)
                for number in dropped:
                    _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)

        return give_up


def _own_mounts() -> bool:
    """From here on, mounts of this process are its own. False where that is refused."""
    if _libc.unshare(_CLONE_NEWNS) != 0:
        return False
    return bool(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None) == 0)


def _show(mount: Mount, possible: bool) -> None:
    """The container does not start when a volume cannot be mounted; its log says why."""
    source, path = bytes(mount.source), bytes(mount.path)
    read_only = _MS_REMOUNT | _MS_BIND | _MS_RDONLY
    if not possible or _libc.mount(source, path, None, _MS_BIND, None) != 0:
        os.write(2, b"the volume cannot be mounted at " + path + b"\n")
        os._exit(_CANNOT_START)
    if mount.read_only:
        _libc.mount(None, path, None, read_only, None)


def _protect_kernel_settings(*, except_network: bool) -> None:
    """/proc/sys is read-only, but for /proc/sys/net where that is asked for."""
    if except_network:
        _libc.mount(_NETWORK, _NETWORK, None, _MS_BIND, None)
    if _libc.mount(_KERNEL, _KERNEL, None, _MS_BIND | _MS_REC, None) == 0:
        _libc.mount(None, _KERNEL, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY, None)
