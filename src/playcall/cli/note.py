"""`playcall note N TEXT`."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("note", help="put a note on an incident's timeline")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("text", nargs="+", help="what you see")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return remote.act(args, f"/incidents/{args.incident}/notes", {"text": " ".join(args.text)})
