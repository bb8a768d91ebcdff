"""`playcall output N COMMAND`: what a command of an incident printed."""

import argparse
import sys

from playcall.cli import remote
from playcall.cli.console import harmless_lines


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("output", help="what a command of an incident printed")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("command_id", metavar="COMMAND", help='as the incident shows it: "1.1"')
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        found = remote.ask(args, f"/incidents/{args.incident}").json()["commands"]
        ran = next((c["run"] for c in found if c["id"] == args.command_id), None)
        if ran is None:
            print(f"Command {args.command_id} has not run.", file=sys.stderr)
            return 1
        text = remote.ask(args, f"/runs/{ran['id']}/output").text
        print(*harmless_lines(text), sep="\n")
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    return 0
