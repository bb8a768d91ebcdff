"""`playcall silence N 1h`: silence an incident's alerts in Alertmanager."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("silence", help="silence an incident's alerts in Alertmanager")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("lasting", type=remote.minutes, help='for how long: "1h", "2d"')
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return remote.act(args, f"/incidents/{args.incident}/silence", {"minutes": args.lasting})
