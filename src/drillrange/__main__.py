"""`python -m drillrange up|status|inject|heal|run`: a range as a process, until told to stop."""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from drillrange import namespace
from drillrange.changes import Broken, Ground
from drillrange.faults import FAULTS
from drillrange.processes import NotReady
from drillrange.range import Range, Webhook, bring_up

RANGE_FILE = "range.json"  # in the directory of a range that is up: its addresses and its process


def main() -> int:
    args = _parse()
    directory = Path(args.directory).resolve()
    try:
        if args.command == "up":
            return _up(args, directory)
        found = _read(directory)
        _join(found)
        if args.command == "run":
            os.execvpe(args.words[0], args.words, os.environ | found["env"])
        if args.command == "status":
            return _tell_status(directory)
        act = FAULTS[args.fault].inject if args.command == "inject" else FAULTS[args.fault].heal
        act(Ground(directory))
    except (Broken, NotReady, namespace.NotPermitted, OSError) as error:
        print(f"python -m drillrange {args.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m drillrange", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring a range up and print its addresses as JSON")
    up.add_argument("--factor", type=float, default=20.0, help="divides every window")
    up.add_argument("--webhook-url", required=True)
    up.add_argument("--webhook-token-file", required=True)
    up.add_argument(
        "--private-network", action="store_true", help="on a network that is the range's alone"
    )
    commands.add_parser("status", help="what of a range is up, and which faults are in")
    for name in ("inject", "heal"):
        commands.add_parser(name).add_argument("fault", choices=sorted(FAULTS))
    run = commands.add_parser("run", help="run a command as if on the range")
    for command in commands.choices.values():
        command.add_argument("--directory", required=True)
    run.add_argument("words", nargs="+", metavar="command")
    return parser.parse_args()


def _up(args: argparse.Namespace, directory: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    if args.private_network and namespace.names() is None:
        namespace.enter(directory / "hosts")
    webhook = Webhook(url=args.webhook_url, token_file=Path(args.webhook_token_file))
    asyncio.run(_serve(directory, args.factor, webhook))
    return 0


async def _serve(directory: Path, factor: float, webhook: Webhook) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    path = directory / RANGE_FILE
    async with bring_up(directory, factor, webhook, _say) as found:
        text = json.dumps(_described(found))
        path.write_text(text, "utf-8")
        print(text, flush=True)
        await stop.wait()
        _say("going down")
        path.unlink(missing_ok=True)


def _described(found: Range) -> dict[str, Any]:
    return {
        "directory": str(found.directory),
        "pid": os.getpid(),
        "factor": found.factor,
        "private_network": found.private,
        "prometheus": found.prometheus_url,
        "alertmanager": found.alertmanager_url,
        "service": found.service_url,
        "env": dict(found.env),
    }


def _tell_status(directory: Path) -> int:
    """As its cluster tells it."""
    ground = Ground(directory)
    for kind in ("deployments", "pods"):
        found = ground.kubectl("get", kind, "--no-headers")
        print("\n".join(f"  {line}" for line in found.splitlines()))
    for fault in FAULTS.values():
        if fault.is_in(ground):
            print(f"  FAULT {fault.name}: {fault.about}")
    return 0


def _read(directory: Path) -> dict[str, Any]:
    """Raises NotReady."""
    try:
        found = json.loads((directory / RANGE_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NotReady(f"no range is up in {directory}: {error}") from error
    return dict(found)


def _join(found: dict[str, Any]) -> None:
    """Be where the range is: this program again, on the range's own network."""
    if not found["private_network"] or namespace.names() is not None:
        return
    os.environ[namespace.ENTERED] = str(Path(found["directory"]) / "hosts")
    where = ["nsenter", "--target", str(found["pid"]), "--net", "--mount", "--wd=" + os.getcwd()]
    os.execvp("nsenter", [*where, "--", sys.executable, "-m", "drillrange", *sys.argv[1:]])


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
