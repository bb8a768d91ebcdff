"""`playcall status N`: who was told what, and the next status update."""

import argparse
import json
import sys
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless

STATES = ("investigating", "identified", "monitoring", "resolved")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "status", help="show or publish the next status update of an incident"
    )
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument(
        "--publish", action="store_true", help="publish it; without, show the draft"
    )
    parser.add_argument("--state", choices=STATES, help="default: as the facts have it")
    parser.add_argument("--text", help="instead of the draft's")
    parser.add_argument("--title", help="what the public calls it; of the first update only")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}/updates"
    if args.publish:
        wish = {"state": args.state, "text": args.text, "title": args.title}
        return remote.act(args, path, {key: value for key, value in wish.items() if value})
    try:
        found = remote.ask(args, f"{path}?state={args.state}" if args.state else path).json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        print(*(harmless(line) for line in _lines(found, args.text)), sep="\n")
    return 0


def _lines(found: dict[str, Any], text: str | None) -> list[str]:
    draft = found["draft"]
    due = f"due at {found['due_at'][11:16]} UTC" if found["due_at"] else "not due"
    lines = [f"Update {draft['number']}, {draft['state'].upper()}, {due}: {draft['title']}"]
    lines += [f"  {line}" for line in (text or draft["body"]).splitlines()]
    lines += [f"  Fill in {one} before you publish it." for one in found["open"] if not text]
    for one in found["published"]:
        update = one["update"]
        lines.append(
            f"{update['at'][11:16]} {update['state'].upper()} ({one['by']}): {update['body']}"
        )
    lines += [f"{at[11:16]} MISSED" for at in found["missed"]]
    for audience in found["audiences"]:
        following = f", next at {audience['next_at'][11:16]} UTC" if audience["next_at"] else ""
        lines.append(f"{audience['name']}: {audience['number']} sent{following}")
        lines += [f"  MISSED: {late}" for late in audience["missed"]]
    return lines
