"""Ends running commands when Playcall dies, SIGKILL included. Never touches any other process.

One small bash process reads from a pipe which process groups are alive. The kernel closes the pipe
with Playcall, however it died, and the guard kills what is left. The kernel's own way
(PR_SET_PDEATHSIG) reaches only the first process of a command: a pipeline would go on.
"""

import contextlib
import subprocess
import weakref

_SCRIPT = r"""
trap '' HUP INT TERM
declare -A alive
while read -r what group; do
  if [[ $what == + ]]; then alive[$group]=1; else unset "alive[$group]"; fi
done
for group in "${!alive[@]}"; do kill -KILL -- "-$group"; done
[[ $1 ]] || exit
for process in /proc/[0-9]*; do
  mapfile -d '' -t variables <"$process/environ" || continue
  [[ ${variables[*]} != *"$1"* ]] || kill -KILL "${process#/proc/}"
done
"""


class Guard:
    """Knows the process groups that must not outlive this process. `mark`: how a variable of what
    left them begins; see `strays`."""

    def __init__(self, mark: str = "") -> None:
        self._mark = mark
        self.process: subprocess.Popen[bytes] | None = None  # started when it is needed
        self._alive: set[int] = set()

    def add(self, group: int) -> None:
        """Raises OSError if no guard can be started."""
        self._alive.add(group)
        if not self._tell(f"+ {group}\n"):
            self._start()

    def remove(self, group: int) -> None:
        """To be called before the group's number can be given to another."""
        self._alive.discard(group)
        self._tell(f"- {group}\n")

    def _tell(self, line: str) -> bool:
        if self.process is None or self.process.stdin is None:
            return False
        try:
            self.process.stdin.write(line.encode())
        except BrokenPipeError:
            return False
        return True

    def _start(self) -> None:
        """The first one, or another if somebody killed it."""
        if self.process is not None:
            _dismiss(self.process)
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", _SCRIPT, "guard", self._mark],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            cwd="/",
            start_new_session=True,
        )
        self.process = process
        weakref.finalize(self, _dismiss, process)
        for group in self._alive:
            self._tell(f"+ {group}\n")


def _dismiss(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=2)
