"""`playcall range`: a service that really runs and a cluster to act on it, to be broken and mended
by hand. Ranges run in the background under names, as many side by side as fit.
"""

import argparse
import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
UP_SECONDS = 180.0
DOWN_SECONDS = 30.0
NOWHERE = "http://127.0.0.1:9/"  # the discard port: alerts go to nobody unless told otherwise


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "range", help="a real service to break and to mend, on this machine"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    up = verbs.add_parser("up", help="bring a range up, in the background")
    up.add_argument("--factor", type=float, default=20.0, help="compresses the clock")
    up.add_argument("--webhook", default=NOWHERE, help="where Alertmanager delivers")
    up.add_argument("--token-file", type=Path, help="bearer token for the webhook")
    up.add_argument("--private-network", action="store_true", help="tc, sysctl, iptables work")
    verbs.add_parser("down", help="end it; no process stays")
    verbs.add_parser("status", help="the ranges, their parts and the faults that are in")
    verbs.add_parser("env", help='for a shell: eval "$(playcall range env)"')
    fault = verbs.add_parser("fault", help="break something; without a name: what there is")
    fault.add_argument("fault", nargs="?")
    heal = verbs.add_parser("heal", help="take a fault away, or all of them")
    heal.add_argument("fault", nargs="?")
    run = verbs.add_parser("run", help="run a command as if on the range")
    for verb in verbs.choices.values():
        verb.add_argument("--name", default="default", help="of the range")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")


def run(args: argparse.Namespace) -> int:
    if not NAME.fullmatch(args.name):
        return _refuse(f"--name {args.name!r}: use small letters, digits and -")
    place = Place(home() / args.name)
    try:
        return VERBS[args.verb](place, args)
    except NotUp as error:
        return _refuse(str(error), 1)


def home() -> Path:
    """Where ranges are kept: the XDG base directory for state."""
    state = os.environ.get("XDG_STATE_HOME")
    base = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "playcall" / "ranges"


class NotUp(Exception):
    """There is no such range; the message says how to have one."""


class Place:
    """One range by its directory. What is there may be of a range that died."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = directory.name

    @property
    def log(self) -> Path:
        return self.directory / "range.log"

    def found(self) -> dict[str, Any] | None:
        """What a range that runs says of itself."""
        try:
            told = json.loads((self.directory / "range.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return dict(told) if self._runs(int(told["pid"])) else None

    def up(self) -> dict[str, Any]:
        """Raises NotUp."""
        found = self.found()
        if found is None:
            raise NotUp(f"no range {self.name!r} is up. Bring one up: playcall range up")
        return found

    def drillrange(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "drillrange", verb, "--directory", str(self.directory)]
        return subprocess.run([*argv, *words], text=True, capture_output=True, check=False)

    def last_lines(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-8:])
        return ""

    def _runs(self, pid: int) -> bool:
        """Whether that process is still this range, and not another that has its number now."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(self.directory).encode() in words


def _up(place: Place, args: argparse.Namespace) -> int:
    if place.found():
        return _refuse(f"range {place.name!r} is up already. See: playcall range status", 1)
    shutil.rmtree(place.directory, ignore_errors=True)  # of one that died
    place.directory.mkdir(parents=True)
    token = args.token_file or place.directory / "token"
    if args.token_file is None:
        token.write_text(secrets.token_urlsafe(24), "utf-8")
    argv = [sys.executable, "-m", "drillrange", "up", "--directory", str(place.directory)]
    argv += ["--factor", f"{args.factor:g}", "--webhook-url", args.webhook]
    argv += ["--webhook-token-file", str(token)]
    argv += ["--private-network"] if args.private_network else []
    with place.log.open("w") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    return _wait_until_up(place, process)


def _wait_until_up(place: Place, process: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + UP_SECONDS
    told = 0
    try:
        while not (found := place.found()):
            lines = place.log.read_text("utf-8", "replace").splitlines()
            for line in lines[told:]:
                print(line, file=sys.stderr)
            told = len(lines)
            if process.poll() is not None:
                return _refuse("The range did not come up; what it said is above.", 1)
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.1)
    except (KeyboardInterrupt, TimeoutError) as error:
        process.terminate()
        process.wait(DOWN_SECONDS)
        if isinstance(error, TimeoutError):
            return _refuse(f"not up after {UP_SECONDS:g} s:\n{place.last_lines()}", 1)
        raise
    _describe(place, found)
    return 0


def _describe(place: Place, found: Mapping[str, Any]) -> None:
    network = "a network of its own" if found["private_network"] else "this machine's network"
    print(f"range {place.name}: up on {network}, clock {found['factor']:g} times as fast")
    for part in ("prometheus", "alertmanager", "service"):
        print(f"  {part:<13}{found[part]}")
    name = "" if place.name == "default" else f" --name {place.name}"
    if found["private_network"]:
        print(f"Commands: playcall range run{name} -- kubectl get pods")
    else:
        print(f'Commands: eval "$(playcall range env{name})", then for instance: kubectl get pods')


def _down(place: Place, args: argparse.Namespace) -> int:
    found = place.up()
    pid = int(found["pid"])
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while place.found() or Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # its processes die with it
            break
        time.sleep(0.05)
    shutil.rmtree(place.directory, ignore_errors=True)
    print(f"range {place.name}: down")
    return 0


def _status(place: Place, args: argparse.Namespace) -> int:
    places = [Place(path) for path in sorted(home().glob("*"))] if home().is_dir() else []
    if not places:
        print("No range is up.")
    for each in places:
        if found := each.found():
            _describe(each, found)
            said = each.drillrange("status")
            print(said.stdout or said.stderr, end="")
        else:
            print(f"range {each.name}: died. It said:\n{each.last_lines()}")
    return 0


def _env(place: Place, args: argparse.Namespace) -> int:
    found = place.up()
    if found["private_network"]:
        return _refuse(
            "this range has a network of its own, which a shell cannot join by variables. "
            "Use: playcall range run -- COMMAND",
            1,
        )
    for name, value in found["env"].items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _fault(place: Place, args: argparse.Namespace) -> int:
    from drillrange.faults import FAULTS

    if args.fault is None:
        for fault in FAULTS.values():
            needs = " (needs --private-network)" if fault.private else ""
            print(f"{fault.name}: {fault.about}{needs}")
            print(f"    raises {', '.join((fault.alert, *fault.neighbours))}")
        return 0
    return _act(place, "inject", args.fault)


def _heal(place: Place, args: argparse.Namespace) -> int:
    from drillrange.changes import Ground
    from drillrange.faults import FAULTS

    place.up()
    if args.fault is not None:
        return _act(place, "heal", args.fault)
    ground = Ground(place.directory)
    codes = [_act(place, "heal", name) for name, fault in FAULTS.items() if fault.is_in(ground)]
    if not codes:
        print("No fault is in.")
    return max(codes, default=0)


def _act(place: Place, verb: str, name: str) -> int:
    from drillrange.faults import FAULTS

    if name not in FAULTS:
        return _refuse(f"there is no fault {name!r}. See: playcall range fault")
    found = place.up()
    if FAULTS[name].private and not found["private_network"]:
        return _refuse(f"{name} changes the network: bring the range up with --private-network", 1)
    said = place.drillrange(verb, name)
    if said.returncode != 0:
        return _refuse(said.stderr.strip(), 1)
    words = FAULTS[name].about if verb == "inject" else "gone"
    print(f"{name}: {words}")
    return 0


def _run(place: Place, args: argparse.Namespace) -> int:
    place.up()
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    if not words:
        return _refuse("name a command: playcall range run -- kubectl get pods")
    argv = [sys.executable, "-m", "drillrange", "run", "--directory", str(place.directory), "--"]
    return subprocess.run([*argv, *words], check=False).returncode


VERBS = {
    "up": _up,
    "down": _down,
    "status": _status,
    "env": _env,
    "fault": _fault,
    "heal": _heal,
    "run": _run,
}


def _refuse(words: str, code: int = 2) -> int:
    print(words, file=sys.stderr)
    return code
