"""`playcall leave N PART`: lay a part in an incident down."""

import argparse

from playcall.cli import remote
from playcall.cli.take import PARTS


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("leave", help="lay a part in an incident down")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--for", dest="person", metavar="PERSON", default="", help="they leave it")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body = {"part": args.part, "person": args.person}
    return remote.act(args, f"/incidents/{args.incident}/parts/leave", body)
