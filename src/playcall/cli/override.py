"""`playcall override SCHEDULE PERSON`: somebody is on call for a while; `--swap`, `--remove`."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless
from playcall.cli.instants import moment


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("override", help="put somebody on call for a while")
    parser.add_argument("schedule", nargs="?", help="its name in [schedules]")
    parser.add_argument("person", nargs="?", help="who is to be on call")
    written = "as 2026-03-29T09:00, in the schedule's zone, or with an offset"
    parser.add_argument(
        "--from", dest="begins", metavar="TIME", help=f"when it begins, {written}; default now"
    )
    parser.add_argument("--until", dest="ends", metavar="TIME", help="when it ends")
    parser.add_argument(
        "--swap",
        nargs=2,
        metavar=("FROM", "UNTIL"),
        help="a time in which PERSON is on call, for whoever they stand in for",
    )
    parser.add_argument("--reason", default="", help="why; kept and shown with it")
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
        for line in _assumed(args, found):
            print(line)
    return 0


def _mistake(args: argparse.Namespace) -> str:
    """What is missing, or too much; empty when all is well."""
    asked = [args.schedule, args.person, args.ends]
    if args.remove is not None or args.list:
        both = args.remove is not None and args.list
        more = any((*asked, args.begins, args.swap, both))
        return "--remove and --list stand alone" if more else ""
    if not all(asked):
        return "give SCHEDULE PERSON [--from TIME] --until TIME, or --remove ID, or --list"
    return ""


def _assumed(args: argparse.Namespace, made: list[dict[str, Any]]) -> Iterator[str]:
    """What was not said, and how it was taken."""
    if args.list or args.remove is not None:
        return
    if not args.begins:
        yield "No --from was given: it begins now."
    times = [time for time in (args.begins, args.ends, *(args.swap or ())) if time]
    if made and any(_zoneless(time) for time in times):
        yield f"Times without an offset were taken in the schedule's zone, {made[0]['zone']}."


def _zoneless(time: str) -> bool:
    try:
        return datetime.fromisoformat(time).tzinfo is None
    except ValueError:  # in a notation that only the server reads
        return False


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
        "from": args.begins or datetime.now(UTC).isoformat(timespec="seconds"),
        "until": args.ends,
        "reason": args.reason,
    }
    if args.swap:
        body["in_return"] = {"from": args.swap[0], "until": args.swap[1]}
    made: list[dict[str, Any]] = remote.tell(args, "/overrides", body).json()
    return made


def _said(override: Mapping[str, Any]) -> str:
    ended = f", removed by {override['removed_by']}" if override["removed_by"] else ""
    why = f": {override['reason']}" if override["reason"] else ""
    return harmless(
        f"{override['id']:>5}  {override['schedule']}: {override['person']} "
        f"from {moment(override['starts_at'], override['zone'])} "
        f"until {moment(override['ends_at'], override['zone'])}, "
        f"by {override['made_by']}{why}{ended}"
    )
