"""`playcall snooze N 30m`: hold an incident's pages for a while."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("snooze", help="hold an incident's pages for a while")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("lasting", type=remote.minutes, help='for how long: "30m", "2h"')
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return remote.act(args, f"/incidents/{args.incident}/snooze", {"minutes": args.lasting})
