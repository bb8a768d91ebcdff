"""`playcall set N NAME=VALUE ...`: give placeholders values; without any, say what is wanted."""

import argparse
import json
import sys
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("set", help="give a command's placeholders their values")
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument(
        "values", nargs="*", metavar="NAME=VALUE", type=assignment, help="none: list what is wanted"
    )
    remote.add_act_arguments(parser)


def assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f'"{text}" gives no value; write NAME=VALUE')
    return name, value


def run(args: argparse.Namespace) -> int:
    if code := give(args, args.values):
        return code
    return 0 if args.values and not args.json else _list(args)


def give(args: argparse.Namespace, values: list[tuple[str, str]], command: str = "") -> int:
    """One after the other, until one is refused."""
    for name, value in values:
        body = {"name": name, "value": value, "command": command}
        try:
            answer = remote.tell(args, f"/incidents/{args.incident}/values", body).json()
        except remote.Declined as error:
            hint = f"playcall set {args.incident} says what is wanted, and what is offered."
            print(error, hint, sep="\n", file=sys.stderr)
            return 1
        if not args.json:
            print(f"Incident {args.incident}: {answer['status']}")
    return 0


def _list(args: argparse.Namespace) -> int:
    try:
        found = remote.ask(args, f"/incidents/{args.incident}/values").json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    if not found:
        print(f"No command of incident {args.incident} has a placeholder.")
    for one in found:
        tell(one)
    return 0


def tell(one: dict[str, Any]) -> None:
    """One placeholder: what it is, what it has, what is offered."""
    state = "no value yet" if one["value"] is None else f"{one['value']}, {one['origin']}"
    if one["value"] is not None and one["missing"]:
        state += ", does not fit"
    commands = ", ".join(one["commands"])
    print(harmless(f"{one['name']} ({one['kind']}, for {commands}): {state}"))
    if one["missing"]:
        print(f"    write {one['write']}")
    for offer in one["offers"]:
        print(harmless(f"    {offer['value']}  {offer['found']}"))
