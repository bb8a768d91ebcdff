"""`playcall refuse N COMMAND`: say that a command must not run."""

import argparse
import sys

from playcall.cli import remote
from playcall.cli.approve import give_link


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("refuse", help="decline a command of an incident")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("command_id", metavar="COMMAND", help='as the incident shows it: "3.1"')
    parser.add_argument("--reason", default="", help="for the record")
    parser.add_argument("--link", metavar="PERSON", help="make a link by which PERSON can, once")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.link:
        try:
            return give_link(args, "decline")
        except remote.Declined as error:
            print(error, file=sys.stderr)
            return 1
    body = {"command": args.command_id, "reason": args.reason}
    return remote.act(args, f"/incidents/{args.incident}/decline", body)
