"""`playcall pin N ENTRY --as cause`: what an entry of the timeline is for the post-mortem."""

import argparse
import sys

from playcall.cli import remote

PINS = ("cause", "mitigation", "investigation", "question", "important")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "pin", help="pin an entry of the timeline for the post-mortem, or take the pin off"
    )
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("entry", type=int, help="its number, as `playcall incidents N` has it")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--as", dest="pin", choices=PINS, help="what it is")
    what.add_argument("--off", action="store_true", help="take the pin off")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}/events/{args.entry}/pin"
    if not args.off:
        return remote.act(args, path, {"pin": args.pin})
    try:
        answer = remote.remove(args, path).json()
        remote.say_done(args, answer)
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    return 0
