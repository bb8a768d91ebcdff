"""`playcall escalate N`: call the next rung, or somebody by name."""

import argparse
import sys
from typing import Any

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "escalate", help="call somebody to an incident: the next rung, or whom you name"
    )
    parser.add_argument("incident", type=int, help="its number")
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--to", metavar="PERSON", help="a person, as the settings call them")
    whom.add_argument("--team", help="a team of the document")
    whom.add_argument("--role", help="a role of the document")
    whom.add_argument("--expert", action="store_true", help="the subject-matter expert")
    whom.add_argument("--next", metavar="ROLE", help="the next rung, if it is this role's still")
    parser.add_argument("--reason", default="", help="what they read first")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    body: dict[str, Any] = {**_called(args), "reason": args.reason}
    if body["whom"] == "next":
        try:
            body["rung"] = _next_rung(args)
        except remote.Declined as error:
            print(error, file=sys.stderr)
            return 1
    return remote.act(args, f"/incidents/{args.incident}/escalate", body)


def _next_rung(args: argparse.Namespace) -> int:
    """The rung of `--next`, or the next one as it is now: the server refuses it when somebody was
    faster. Raises Declined."""
    rungs = remote.ask(args, f"/incidents/{args.incident}").json()["rungs"]
    if args.next is None:
        return max((n for n, rung in enumerate(rungs) if rung["climbed"]), default=-1) + 1
    for number, rung in enumerate(rungs):
        if args.next.lower() in (role.lower() for role in rung["roles"]):
            return number
    known = ", ".join(" and ".join(rung["roles"]) for rung in rungs)
    raise remote.Declined(f'Not done: no rung is for "{args.next}"; there are {known}')


def _called(args: argparse.Namespace) -> dict[str, str]:
    named = {"person": args.to, "team": args.team, "role": args.role}
    for whom, to in named.items():
        if to is not None:
            return {"whom": whom, "to": to}
    return {"whom": "expert" if args.expert else "next"}
