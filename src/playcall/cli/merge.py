"""`playcall merge N --into M`: an incident is a part of another one, which goes on."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("merge", help="make an incident a part of another one")
    parser.add_argument("incident", type=int, help="the one that ends by it")
    parser.add_argument("--into", type=int, required=True, help="the one that goes on")
    parser.add_argument("--reason", default="", help="for the record")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body = {"into": args.into, "reason": args.reason}
    return remote.act(args, f"/incidents/{args.incident}/merge", body)
