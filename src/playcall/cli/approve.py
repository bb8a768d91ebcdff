"""`playcall approve N COMMAND`: let one command run once."""

import argparse
import sys
from typing import Any

from playcall.cli import remote, set_values
from playcall.cli.console import harmless_lines


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("approve", help="let a command of an incident run once")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("command_id", metavar="COMMAND", help='as the incident shows it: "3.1"')
    parser.add_argument("--again", action="store_true", help="although it ran before")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="values",
        metavar="NAME=VALUE",
        type=set_values.assignment,
        help="give a placeholder its value first",
    )
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}"
    if code := set_values.give(args, args.values, args.command_id):
        return code
    try:
        found = remote.ask(args, path).json()["commands"]
        command = next((one for one in found if one["id"] == args.command_id), None)
        if command and command["missing"]:
            return _tell_missing(args, command)
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if command:
        print(*harmless_lines(command["would_run"] or command["as_written"]), sep="\n")
    body = {"command": args.command_id, "again": args.again}
    hint = "" if args.again else "--again runs a command once more that ran before."
    return remote.act(args, f"{path}/approve", body, hint)


def _tell_missing(args: argparse.Namespace, command: dict[str, Any]) -> int:
    """What is wanted, what is offered, and how to give it. Raises Declined."""
    wanted = remote.ask(args, f"/incidents/{args.incident}/values").json()
    print(*harmless_lines(command["as_written"]), sep="\n")
    for one in wanted:
        if one["missing"] and command["id"] in one["commands"]:
            set_values.tell(one)
    names = " ".join(f"--set '{name}=VALUE'" for name in command["missing"])
    print(
        f"Not approved: values are missing. Give them with it: "
        f"playcall approve {args.incident} {command['id']} {names}",
        file=sys.stderr,
    )
    return 1
