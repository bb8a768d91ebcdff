"""`playcall assign N PERSON`: somebody is paged to take an incident over."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("assign", help="hand an incident to somebody, who is paged")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("person", help="as the settings call them")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return remote.act(args, f"/incidents/{args.incident}/assign", {"to": args.person})
