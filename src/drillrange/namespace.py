"""A network of one's own: loopback and nothing else, with its own names.

Drills that shape, filter or tune a network do it there; the machine's own is never touched.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HOSTS = Path("/etc/hosts")
ENTERED = "DRILLRANGE_HOSTS"  # in the environment of who is on such a network: its names
# include/uapi/linux/sched.h, mount.h, sockios.h, if.h
_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_IFF_UP = 1
_libc = ctypes.CDLL(None, use_errno=True)


class NotPermitted(Exception):
    """This machine does not let us have a network of our own; the message says what it refused."""


def enter(hosts: Path) -> None:
    """Put this process, and all it starts from now on, on a network of its own.

    `hosts` is what `/etc/hosts` is from now on, and may be written later. To be called before any
    thread is started; there is no way back. Raises NotPermitted.
    """
    user, group = os.geteuid(), os.getegid()
    _ask("a network namespace", _libc.unshare(_NEWNET | _NEWNS | (0 if user == 0 else _NEWUSER)))
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", "ascii")
    _ask("mounts of its own", _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
    hosts.write_text("127.0.0.1 localhost\n", "ascii")
    bound = _libc.mount(str(hosts).encode(), str(HOSTS).encode(), None, _MS_BIND, None)
    _ask("names of its own", bound)
    _bring_up_loopback()
    os.environ[ENTERED] = str(hosts.resolve())


def names() -> Path | None:
    """Where the names of this network are to be written; None on the machine's own network."""
    found = os.environ.get(ENTERED)
    return Path(found) if found else None


def refusal() -> str | None:
    """Why `enter` would not work here; None when it would. Tries it in a process of its own."""
    found = subprocess.run(
        [sys.executable, "-m", "drillrange.namespace"], capture_output=True, text=True, check=False
    )
    return None if found.returncode == 0 else found.stderr.strip() or "it ended without a word"


def _bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, asked))
        wanted = struct.pack("16sH14x", b"lo", flags | _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, wanted)


def _ask(what: str, answer: int) -> None:
    if answer != 0:
        raise NotPermitted(f"the kernel refused {what}: {os.strerror(ctypes.get_errno())}")


def _try() -> int:
    with tempfile.TemporaryDirectory() as directory:
        try:
            enter(Path(directory) / "hosts")
        except (NotPermitted, OSError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(_try())
