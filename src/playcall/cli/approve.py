"""`playcall approve N COMMAND`: let one command run once."""

import argparse
import sys

from playcall.cli import remote
from playcall.cli.console import harmless_lines


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("approve", help="let a command of an incident run once")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("command_id", metavar="COMMAND", help='as the incident shows it: "3.1"')
    parser.add_argument("--again", action="store_true", help="although it ran before")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}"
    body = {"command": args.command_id, "again": args.again}
    try:
        found = remote.ask(args, path).json()["commands"]
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    for command in found:
        if command["id"] == args.command_id:
            print(*harmless_lines(command["as_written"]), sep="\n")
    hint = "" if args.again else "--again runs a command once more that ran before."
    return remote.act(args, f"{path}/approve", body, hint)
