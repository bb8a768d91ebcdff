"""`playcall resolve N`: call an incident over."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("resolve", help="call an incident over")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("--cause", default="", help="the root cause, in your words")
    parser.add_argument("--unverified", action="store_true", help="although it is not proven")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body = {"cause": args.cause, "unverified": args.unverified}
    hint = "" if args.unverified else "--unverified ends it all the same, and says so on record."
    return remote.act(args, f"/incidents/{args.incident}/resolve", body, hint)
