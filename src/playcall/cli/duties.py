"""`playcall duties N`: what is owed after an incident; done, waived, and action items."""

import argparse
import json
import sys
from typing import Any
from urllib.parse import quote

from playcall.cli import remote
from playcall.cli.console import harmless, paint

_COLOURS = {"overdue": "red", "done": "green", "open": "yellow", "waived": "dim"}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "duties",
        help="what is owed after an incident: show it, do it, waive it",
        description="Without a number: incidents with an overdue duty; then exit code 1 when there "
        "is one.",
    )
    parser.add_argument("incident", type=int, nargs="?", help="its number")
    parser.add_argument("what", nargs="?", choices=("done", "waive", "action", "action-done"))
    parser.add_argument("key", nargs="?", help='"1", "1.2", the action item or its number')
    parser.add_argument("--note", default="", help="with done")
    parser.add_argument("--reason", default="", help="with waive: why it need not be done")
    parser.add_argument("--owner", default="", help="with action")
    parser.add_argument("--priority", default="", help="with action")
    parser.add_argument("--due", metavar="DAY", help="with action: 2026-03-31")
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.what and not args.key:
        print(f"Say which: playcall duties {args.incident} {args.what} 1.2", file=sys.stderr)
        return 2
    if args.what:
        return _act(args)
    try:
        path = f"/incidents/{args.incident}/duties" if args.incident is not None else "/duties"
        found = remote.ask(args, path).json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
    elif args.incident is None:
        for one in found:
            print(f"{one['incident']}  {one['overdue']} overdue  {harmless(one['title'])}")
    else:
        _show(found)
    return 1 if args.incident is None and found else 0


def _act(args: argparse.Namespace) -> int:
    base, key = f"/incidents/{args.incident}", quote(args.key, safe="")
    match args.what:
        case "done":
            return remote.act(args, f"{base}/duties/{key}/done", {"note": args.note})
        case "waive":
            return remote.act(args, f"{base}/duties/{key}/waive", {"reason": args.reason})
        case "action-done":
            return remote.act(args, f"{base}/actions/{key}/done", {"note": args.note})
        case _:
            about = {"owner": args.owner, "priority": args.priority, "due": args.due}
            return remote.act(args, f"{base}/actions", {"text": args.key, **about})


def _show(found: dict[str, Any]) -> None:
    if not found["duties"]:
        print("Nothing is owed: the incident is not over, or the document asks for nothing.")
    for duty in found["duties"]:
        state = paint(duty["state"], _COLOURS[duty["state"]])
        due = duty["due_at"][:16].replace("T", " ")
        said = f"{duty['key']}. {harmless(duty['title'])}"
        print(f"{said}  {state}  {harmless(duty['owner'])}, by {due} UTC")
        for item in duty["items"]:
            how = "proven" if item["proven"] else harmless(item["by"] or "")
            line = f"   {item['key']} {harmless(item['text'])}: {item['state']} {how}"
            print(line.rstrip())
    for action in found["actions"]:
        box = "x" if action["done_by"] else " "
        about = (action["owner"], action["priority"], action["due"] or "")
        said = ", ".join(harmless(part) for part in about if part)
        print(f"[{box}] {action['number']}. {harmless(action['text'])} {said}".rstrip())
