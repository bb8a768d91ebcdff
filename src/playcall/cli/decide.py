"""`playcall decide N [ANSWER]`: the question that the playbook asks now, or the answer to it."""

import argparse
import json
import sys
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless, paint
from playcall.cli.instants import clock


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "decide",
        help="show the question that the playbook asks, or answer it",
        description="Without an answer: the way so far, and what is asked. Exit code 1: nothing "
        "is asked that this answers.",
    )
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("answer", nargs="?", help="one of the labels shown")
    parser.add_argument("--question", help="which question, to answer one anew; by its number")
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}"
    try:
        trees = remote.ask(args, path).json()["trees"]
        if args.answer is not None:
            question = args.question or _asked(trees)
            if question is None:
                raise remote.Declined("Nothing is asked now; --question NUMBER answers one anew.")
            remote.tell(args, f"{path}/answer", {"question": question, "answer": args.answer})
            trees = remote.ask(args, path).json()["trees"]
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(trees, indent=2))
    else:
        _show(trees)
    return 0


def _asked(trees: list[dict[str, Any]]) -> str | None:
    """The question that waits; one whose time has come goes before others."""
    waiting = [tree for tree in trees if tree["asked"]]
    waiting.sort(key=lambda tree: not tree["due"])
    return waiting[0]["asked"]["question"] if waiting else None


def _show(trees: list[dict[str, Any]]) -> None:
    if not trees:
        print("The play has no decision tree.")
    for tree in trees:
        print(paint(f"{tree['step']}. {harmless(tree['title'])}", "bold"))
        for one in tree["walked"]:
            by = "measured" if one["measured"] else f"{one['by']}, {clock(one['at'])}"
            number = f"{one['question']:>8}"
            print(f"{number}  {harmless(one['text'])} {harmless(one['answer'])} ({harmless(by)})")
        for one in tree["outcomes"]:
            waiting = f", to approve: {', '.join(one['commands'])}" if one["commands"] else ""
            print(f"{'':>8}  {paint('decided', 'green')}: {harmless(one['outcome'])}{waiting}")
        if tree["asked"]:
            asked = tree["asked"]
            labels = " / ".join(harmless(label) for label in asked["answers"])
            print(f"{asked['question']:>8}  {paint(harmless(asked['text']), 'yellow')} {labels}")
