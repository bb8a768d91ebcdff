"""`playcall outcome N COMMAND ran|not-run`: say what became of a command that nobody saw end."""

import argparse

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "outcome", help="say whether a command of unknown outcome ran; approve --again runs it anew"
    )
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("command_id", metavar="COMMAND", help='as the incident shows it: "3.1"')
    parser.add_argument("fate", choices=("ran", "not-run"))
    parser.add_argument("--note", default="", help="how you know")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body = {"command": args.command_id, "fate": args.fate, "note": args.note}
    return remote.act(args, f"/incidents/{args.incident}/outcome", body)
