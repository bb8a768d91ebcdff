"""What a command may use: memory, files, processes; and where one that only looks may write: in its
own directory and in /tmp."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playcall.core.placement import only_looks
from playcall.core.plan import EffectClass

_SCRIPT = Path(__file__).with_name("limits.sh")
_ENTRY = 4096  # bytes that the least of files counts
_PROBE = 5.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """0 means no bound."""

    memory: int = 0  # bytes of data for each process
    disk: int = 0  # bytes in the scratch directory; without a change, also of any one file
    processes: int = 0  # of the user; the kernel does not hold root to it

    def letters(self, effect: EffectClass) -> str:
        """For ulimit. A change may write a large file, such as a backup."""
        file = self.disk if only_looks(effect) else 0
        wanted = {"d": self.memory // 1024, "f": file // 1024, "u": self.processes}
        return " ".join(["c=0", *(f"{letter}={n}" for letter, n in wanted.items() if n)])

    def env(self, effect: EffectClass) -> Mapping[str, str]:
        """Makes bash bind itself before the command begins."""
        return {"BASH_ENV": str(_SCRIPT), "PLAYCALL_LIMITS": self.letters(effect)}


def holds_more(directory: str, limit: int) -> bool:
    """Whether a directory takes more of the disk than that. Follows no link."""
    taken = 0
    waiting = [directory]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    taken += max(_ENTRY, status.st_blocks * 512)
                    if taken > limit:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue  # it is gone again
    return False


def read_only(scratch: str) -> list[str]:
    """The words before a command that only looks. It keeps its rights, its network and its view of
    other processes; /tmp stays writable, since notes there are no change."""
    words = ["bwrap", "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--bind", "/tmp", "/tmp"]
    rights = ["--cap-add", "ALL"] if os.geteuid() == 0 else []
    return [*words, "--bind", scratch, scratch, "--chdir", scratch, *rights, "--"]


def why_not_read_only(path: str) -> str:
    """What stands in the way of `read_only` here; empty: nothing."""
    if shutil.which("bwrap", path=path) is None:
        return "bubblewrap is not installed"
    try:
        tried = subprocess.run(
            [*read_only("/tmp"), "true"],
            env={"PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap: {error}"
    return tried.stderr.decode("utf-8", "replace").strip() if tried.returncode else ""
