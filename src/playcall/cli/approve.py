"""`playcall approve N COMMAND`: let one command run once; or ask for that, or for another text."""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from playcall.cli import remote, set_values
from playcall.cli.console import harmless, harmless_lines


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("approve", help="let a command of an incident run once")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("command_id", metavar="COMMAND", help='as the incident shows it: "3.1"')
    parser.add_argument("--again", action="store_true", help="although it ran before")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="values",
        metavar="NAME=VALUE",
        type=set_values.assignment,
        help="give a placeholder its value first",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask whether to, at a terminal")
    parser.add_argument("--digest", help="only if this is still what would run")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--ask", action="store_true", help="ask others to approve it")
    how.add_argument("--edit", metavar="FILE", help="ask for one run with the text of a file")
    how.add_argument("--link", metavar="PERSON", help="make a link by which PERSON can, once")
    how.add_argument(
        "--emergency", metavar="WHY", help="alone, although it needs two people; goes on record"
    )
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}"
    if code := set_values.give(args, args.values, args.command_id):
        return code
    try:
        if args.edit:
            return _edit(args, f"{path}/edit")
        found = remote.ask(args, path).json()["commands"]
        command = next((one for one in found if one["id"] == args.command_id), None)
        if command and command["missing"]:
            return _tell_missing(args, command)
        if args.link:
            return give_link(args, "approve")
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    asked = command["ask"] if command else None
    if asked:
        with contextlib.redirect_stdout(sys.stderr if args.json else sys.stdout):
            show(asked)
    if asked and asked["edited_by"] and not args.digest and not args.ask:
        told = f"It was edited. Read it, then approve it with --digest {asked['digest']}"
        print(told, file=sys.stderr)
        return 1
    if asked and not args.ask and not _agrees(args, asked):
        print("Not approved.", file=sys.stderr)
        return 1
    return _press(args, path, args.digest or (asked["digest"] if asked else ""))


def _agrees(args: argparse.Namespace, asked: dict[str, Any]) -> bool:
    """At a terminal, after it was shown; only a clear yes is one."""
    if args.yes or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    what = "Approve" if asked["effect"] == "change" else "Run"
    try:
        answer = input(f"{what} {args.command_id} of incident {args.incident}? [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _press(args: argparse.Namespace, path: str, digest: str) -> int:
    body: dict[str, Any] = {"command": args.command_id, "again": args.again, "digest": digest}
    if args.ask:
        return remote.act(args, f"{path}/ask", body)
    if args.emergency is not None:
        body |= {"emergency": True, "reason": args.emergency}
    hint = "" if args.again else "--again runs a command once more that ran before."
    return remote.act(args, f"{path}/approve", body, hint)


def show(asked: dict[str, Any]) -> None:
    """What a person decides on."""
    print(*harmless_lines(asked["text"]), sep="\n")
    print(f"  where        {harmless(asked['where'])}")
    print(f"  {asked['effect']:<12} {harmless('; '.join(asked['reasons']))}")
    if asked["names"]:
        print(f"  names        {harmless(', '.join(asked['names']))}")
    print(f"  proven by    {harmless('; '.join(asked['verified_by']))}")
    if asked["edited_by"]:
        print(f"  edited by    {harmless(asked['edited_by'])}")
        print(*harmless_lines(asked["diff"]), sep="\n")
    if asked["approved_by"]:
        print(f"  approved by  {harmless(', '.join(asked['approved_by']))}")
    print(f"  digest       {asked['digest']}")


def give_link(args: argparse.Namespace, action: str) -> int:
    """Prints the address of a single-use link. Raises Declined."""
    body = {"command": args.command_id, "person": args.link, "action": action}
    made = remote.tell(args, f"/incidents/{args.incident}/links", body).json()
    if args.json:
        print(json.dumps({"incident": args.incident, **made}, indent=2))
        return 0
    print(made["link"])
    print(
        f"For {args.link} alone, once, until {made['expires_at'][11:19]} UTC. "
        "Who has made it cannot be the other one of two.",
        file=sys.stderr,
    )
    return 0


def _edit(args: argparse.Namespace, path: str) -> int:
    try:
        text = Path(args.edit).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{args.edit}: {error}", file=sys.stderr)
        return 2
    body = {"command": args.command_id, "text": text, "again": args.again}
    made = remote.tell(args, path, body).json()
    if args.json:
        print(json.dumps({"incident": args.incident, **made}, indent=2))
        return 0
    print(*harmless_lines(made["diff"]), sep="\n")
    print(f"It is {made['effect']}: {harmless('; '.join(made['reasons']))}")
    print("It waits for an approval:")
    print(f"playcall approve {args.incident} {args.command_id} --digest {made['digest']}")
    return 0


def _tell_missing(args: argparse.Namespace, command: dict[str, Any]) -> int:
    """What is wanted, what is offered, and how to give it. Raises Declined."""
    wanted = remote.ask(args, f"/incidents/{args.incident}/values").json()
    with contextlib.redirect_stdout(sys.stderr if args.json else sys.stdout):
        print(*harmless_lines(command["as_written"]), sep="\n")
        for one in wanted:
            if one["missing"] and command["id"] in one["commands"]:
                set_values.tell(one)
    names = " ".join(f"--set '{name}=VALUE'" for name in command["missing"])
    print(
        f"Not approved: values are missing. Give them with it: "
        f"playcall approve {args.incident} {command['id']} {names}",
        file=sys.stderr,
    )
    return 1
