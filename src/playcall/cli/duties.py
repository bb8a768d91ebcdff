"""`playcall duties N`: what is owed after an incident; done, waived, and action items."""

import argparse
import json
import sys
from typing import Any
from urllib.parse import quote

from playcall.cli import remote
from playcall.cli.console import harmless, paint

_ACTS = (
    *("done", "waive", "give", "action", "action-done", "action-change", "action-drop"),
    "action-ticket",
)
_COLOURS = {"overdue": "red", "done": "green", "open": "yellow", "waived": "dim"}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "duties",
        help="what is owed after an incident: show it, do it, waive it",
        description="Without a number: incidents with an overdue duty; then exit code 1 when there "
        "is one.",
    )
    parser.add_argument("incident", type=int, nargs="?", help="its number")
    parser.add_argument("what", nargs="?", choices=_ACTS)
    parser.add_argument("key", nargs="?", help='"1", "1.2", the action item or its number')
    parser.add_argument("--note", default="", help="with done")
    parser.add_argument("--reason", default="", help="with waive and action-drop: why not")
    parser.add_argument("--owner", help="with give, action and action-change")
    parser.add_argument("--priority", help="with action and action-change")
    parser.add_argument("--due", metavar="DAY", help="with these: 2026-03-31; none: no day")
    parser.add_argument("--text", help="with action-change: what is to be done")
    parser.add_argument("--ticket", action="store_true", help="with action: in the issue tracker")
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
        case "give":
            return remote.act(args, f"{base}/duties/{key}/owner", {"owner": args.owner or ""})
        case "action-drop":
            return remote.act(args, f"{base}/actions/{key}/drop", {"reason": args.reason})
        case "action-ticket":
            return remote.act(args, f"{base}/actions/{key}/ticket", {})
        case "action-change":
            said = {**_about(args), **({"text": args.text} if args.text else {})}
            return remote.act(args, f"{base}/actions/{key}", said)
        case _:
            said = {"text": args.key, "ticket": args.ticket, **_about(args)}
            return remote.act(args, f"{base}/actions", said)


def _about(args: argparse.Namespace) -> dict[str, Any]:
    """What was said of it."""
    known = {"owner": args.owner, "priority": args.priority, "due": args.due}
    said = {name: value for name, value in known.items() if value is not None}
    return {**said, "due": None} if args.due == "none" else said


def _show(found: dict[str, Any]) -> None:
    if not found["duties"]:
        print("Nothing is owed: the incident is not over, or the document asks for nothing.")
    for duty in found["duties"]:
        state = paint(duty["state"], _COLOURS[duty["state"]])
        due = duty["due_at"][:16].replace("T", " ")
        said = f"{duty['key']}. {harmless(duty['title'])}"
        gone = " (no longer in the settings)" if duty["gone"] else ""
        print(f"{said}  {state}  {harmless(duty['owner'])}{gone}, by {due} UTC")
        for item in duty["items"]:
            how = "proven" if item["proven"] else harmless(item["by"] or "")
            line = f"   {item['key']} {harmless(item['text'])}: {item['state']} {how}"
            print(line.rstrip())
    for action in found["actions"]:
        _show_action(action)


def _show_action(action: dict[str, Any]) -> None:
    box = {"done": "x", "dropped": "-"}.get(action["state"], " ")
    owner = action["owner"] + (" (no longer in the settings)" if action["gone"] else "")
    due = action["due"] or (action["due_at"] or "")[:10]
    ticket = action["ticket"] or {}
    shown = (ticket.get("key"), ticket.get("url"), ticket.get("note"))
    late = "overdue" if action["overdue"] else ""
    about = (owner, action["priority"], due, late, action["dropped"], *shown)
    said = ", ".join(harmless(part) for part in about if part)
    print(f"[{box}] {action['number']}. {harmless(action['text'])} {said}".rstrip())
