"""`playcall ack N`."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("ack", help="say that you have an incident")
    parser.add_argument("incident", type=int, help="its number")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return remote.act(args, f"/incidents/{args.incident}/acknowledge", {})
