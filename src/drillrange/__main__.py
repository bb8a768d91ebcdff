"""`python -m drillrange up | inject | heal`: a range as a process, until it is told to stop."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from drillrange.faults import FAULTS
from drillrange.processes import NotReady
from drillrange.range import Range, Webhook, bring_up


def main() -> int:
    args = _parse()
    directory = Path(args.directory).resolve()
    if args.command == "inject":
        FAULTS[args.fault].inject(directory)
        return 0
    if args.command == "heal":
        FAULTS[args.fault].heal(directory)
        return 0
    try:
        asyncio.run(_up(args, directory))
    except NotReady as error:
        print(f"The range did not come up: {error}", file=sys.stderr)
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m drillrange", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring a range up and print its addresses as JSON")
    up.add_argument("--factor", type=float, default=20.0, help="divides every window")
    up.add_argument("--webhook-url", required=True)
    up.add_argument("--webhook-token-file", required=True)
    for name in ("inject", "heal"):
        commands.add_parser(name).add_argument("fault", choices=sorted(FAULTS))
    for command in commands.choices.values():
        command.add_argument("--directory", required=True)
    return parser.parse_args()


async def _up(args: argparse.Namespace, directory: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    webhook = Webhook(url=args.webhook_url, token_file=Path(args.webhook_token_file))
    async with bring_up(directory, args.factor, webhook, _say) as found:
        print(_as_json(found), flush=True)
        await stop.wait()
        _say("going down")


def _as_json(found: Range) -> str:
    return json.dumps(
        {
            "directory": str(found.directory),
            "factor": found.factor,
            "prometheus": found.prometheus_url,
            "alertmanager": found.alertmanager_url,
            "service": found.service_url,
            "env": dict(found.env),
        }
    )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
