"""`playcall notify-emergency MESSAGE`: one message to everybody who plans around the service."""

import argparse
import sys
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless, paint

NOT_ALL, NOBODY = 1, 3  # exit codes


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "notify-emergency",
        help="one message to the document's stakeholders, at once",
        description="Needs no incident; open ones get it as a note. Exit code 0: everybody was "
        "told; 1: somebody was not; 2: asked wrongly; 3: nobody was told.",
    )
    parser.add_argument("message")
    parser.add_argument(
        "--to", action="append", default=[], metavar="ROLE", help="instead; a person, too; again"
    )
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if not args.message.strip():
        print("An emergency message needs words.", file=sys.stderr)
        return 2
    try:
        body = {"message": args.message, "roles": args.to}
        found = remote.tell(args, "/emergencies", body).json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return NOBODY
    return _say(found)


def _say(found: dict[str, Any]) -> int:
    for one in found["told"]:
        name = harmless(one["name"])
        if one["channel"]:
            print(f"told {name} by {one['channel']}")
        else:
            print(paint(f"NOT told {name}: {harmless('; '.join(one['failures']))}", "red"))
    for role in found["unbound"]:
        print(paint(f"NOT told {harmless(role)}: nobody is behind this role", "red"))
    if found["incidents"]:
        print(f"On record in incident {', '.join(map(str, found['incidents']))}.")
    told = [one for one in found["told"] if one["channel"]]
    if not told:
        print("Nobody was told.", file=sys.stderr)
        return NOBODY
    return NOT_ALL if len(told) < len(found["told"]) or found["unbound"] else 0
