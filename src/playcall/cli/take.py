"""`playcall take N [PART]`: take a part in an incident, or give it to somebody."""

import argparse

from playcall.cli import remote

PARTS = ("commander", "communications", "responder")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("take", help="take command of an incident, or another part")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("part", nargs="?", choices=PARTS, default="commander")
    parser.add_argument(
        "--for", dest="person", metavar="PERSON", default="", help="give it to them"
    )
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body = {"part": args.part, "person": args.person}
    return remote.act(args, f"/incidents/{args.incident}/parts/take", body)
