"""`playcall override SCHEDULE PERSON`: somebody is on call for a while; `--swap`, `--remove`."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("override", help="put somebody on call for a while")
    parser.add_argument("schedule", nargs="?", help="its name in [schedules]")
    parser.add_argument("person", nargs="?", help="who is to be on call")
    moment = "as 2026-03-29T09:00, in the schedule's zone, or with an offset"
    parser.add_argument("--from", dest="begins", metavar="TIME", help=f"when it begins, {moment}")
    parser.add_argument("--until", dest="ends", metavar="TIME", help="when it ends")
    parser.add_argument(
        "--swap",
        nargs=2,
        metavar=("FROM", "UNTIL"),
        help="a time in which PERSON is on call, for whoever they stand in for",
    )
    parser.add_argument("--remove", type=int, metavar="ID", help="end one, from now on")
    parser.add_argument("--list", action="store_true", help="those to come")
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    mistake = _mistake(args)
    if mistake:
        print(f"playcall override: {mistake}", file=sys.stderr)
        return 2
    try:
        found = _ask(args)
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        for override in found:
            print(_said(override))
        if not found:
            print("No overrides.")
    return 0


def _mistake(args: argparse.Namespace) -> str:
    """What is missing, or too much; empty when all is well."""
    asked = [args.schedule, args.person, args.begins, args.ends]
    if args.remove is not None or args.list:
        both = args.remove is not None and args.list
        return "--remove and --list stand alone" if any(asked) or args.swap or both else ""
    if not all(asked):
        return "give SCHEDULE PERSON --from TIME --until TIME, or --remove ID, or --list"
    return ""


def _ask(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Raises Declined."""
    if args.list:
        listed: list[dict[str, Any]] = remote.ask(args, "/overrides").json()
        return listed
    if args.remove is not None:
        return [remote.remove(args, f"/overrides/{args.remove}").json()]
    body: dict[str, Any] = {
        "schedule": args.schedule,
        "person": args.person,
        "from": args.begins,
        "until": args.ends,
    }
    if args.swap:
        body["in_return"] = {"from": args.swap[0], "until": args.swap[1]}
    made: list[dict[str, Any]] = remote.tell(args, "/overrides", body).json()
    return made


def _said(override: Mapping[str, Any]) -> str:
    ended = f", removed by {override['removed_by']}" if override["removed_by"] else ""
    return harmless(
        f"{override['id']:>5}  {override['schedule']}: {override['person']} "
        f"from {override['starts_at']} until {override['ends_at']}, "
        f"by {override['made_by']}{ended}"
    )
