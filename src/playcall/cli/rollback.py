"""`playcall rollback N`: the document's rollback in an incident; shown, asked for, let run."""

import argparse
import json
import sys
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless, harmless_lines, paint


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "rollback",
        help="show the document's rollback, ask for it, let it run, check its list off",
        description="Without an option: what would run, and how far it is; that touches nothing. "
        "Exit code 1: refused.",
    )
    parser.add_argument("incident", type=int, help="its number")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--ask", metavar="REASON", help="ask for it; a second person lets it run")
    what.add_argument("--approve", action="store_true", help="let it run, as the second person")
    what.add_argument("--stop", metavar="REASON", help="begin no further step, or take it back")
    what.add_argument("--tick", type=int, metavar="ITEM", help="check an item of its list off")
    parser.add_argument("--from", dest="begin", default="", metavar="STEP", help="with --ask")
    parser.add_argument("--note", default="", help="with --tick")
    parser.add_argument(
        "--emergency",
        action="store_true",
        help="with --ask: nobody else is there, the incident commander alone lets it run",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}/rollback"
    if args.ask is not None:
        body = {"reason": args.ask, "begin": args.begin, "emergency": args.emergency}
        return remote.act(args, f"{path}/ask", body)
    if args.approve:
        return remote.act(args, f"{path}/approve", {})
    if args.stop is not None:
        return remote.act(args, f"{path}/stop", {"reason": args.stop})
    if args.tick is not None:
        return remote.act(args, f"{path}/tick", {"item": args.tick, "note": args.note})
    try:
        found = remote.ask(args, path).json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
    elif found is None:
        print("The document has no rollback.")
    else:
        _show(found)
    return 0


def _show(found: dict[str, Any]) -> None:
    stage = found["stage"] or "nobody has asked for it"
    print(paint(f"Rollback: {stage}", "bold"))
    if found["asked_by"]:
        alone = "EMERGENCY, alone: " if found["emergency"] else ""
        people = " and ".join(found["approved_by"]) or f"asked by {found['asked_by']}"
        print(f"  {alone}{harmless(people)}: {harmless(found['reason'])}")
    if found["trouble"]:
        print(paint(f"  {harmless(found['trouble'])}", "red"))
    for step in found["steps"]:
        print(f"  {step['id']}  {harmless(step['title'])}  [{step['effect']}] {step['state']}")
        for line in harmless_lines(step["as_written"]):
            print(f"      {line}")
        if step["proof"]:
            print(f"      took hold? {harmless(step['proof'])}")
        if step["summary"]:
            print(f"      {harmless(step['summary'])}")
    _show_list(found)
    for line in (*found["left"], *found["ways_out"]):
        print(f"  {harmless(line)}")
    if not found["stage"]:
        print(
            "Two people let it run, one of them the incident commander: "
            "--ask REASON by one, --approve by the other."
        )


def _show_list(found: dict[str, Any]) -> None:
    for item in found["checklist"]:
        by = ""
        if item["ticked_by"]:
            who = "measured" if item["measured"] else item["ticked_by"]
            by = f"  ({harmless(who)}, {item['ticked_at'][11:19]} UTC)"
        print(f"  [{'x' if by else ' '}] {item['number']}. {harmless(item['text'])}{by}")
