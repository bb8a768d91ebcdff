"""`playcall approve N COMMAND`: let one command run once."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("approve", help="let a command of an incident run once")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("command_id", metavar="COMMAND", help='as the incident shows it: "3.1"')
    parser.add_argument("--again", action="store_true", help="although it ran before")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body = {"command": args.command_id, "again": args.again}
    return remote.act(args, f"/incidents/{args.incident}/approve", body)
