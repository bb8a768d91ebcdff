"""`playcall severity N LEVEL --reason WHY`: an incident is worse, or less bad, than it looked."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("severity", help="change an incident's severity")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("level", help="a level of the document")
    parser.add_argument("--reason", required=True, help="for the record")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body = {"severity": args.level, "reason": args.reason}
    return remote.act(args, f"/incidents/{args.incident}/severity", body)
