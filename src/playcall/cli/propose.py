"""`playcall propose [N]`: edits of the playbook that the record proves, and the patch."""

import argparse
import base64
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playcall.cli import remote
from playcall.cli.console import harmless, paint


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "propose",
        help="edits of the playbook that incidents prove, as a patch",
        description="Exit code 1 when something is proposed. Apply what --patch prints where the "
        "document lies: git apply, or patch -p0.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("incident", type=int, nargs="?", help="its number")
    which.add_argument("--all", action="store_true", help="by every incident (so without a number)")
    parser.add_argument("--playbook", metavar="FILE", help="this document, not the server's")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--patch", action="store_true", help="only the patch, for git apply")
    how.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        found = _ask(args)
    except OSError as error:
        print(f"{args.playbook}: {error.strerror}. Name a playbook.", file=sys.stderr)
        return 2
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(found, indent=2))
    elif args.patch:
        if found["unpatched"]:
            print(harmless(found["unpatched"]), file=sys.stderr)
            return 2
        sys.stdout.flush()
        sys.stdout.buffer.write(base64.b64decode(found["patch"]))
    else:
        _show(found)
    return 1 if found["proposals"] else 0


def _ask(args: argparse.Namespace) -> dict[str, Any]:
    """Raises Declined, and OSError where the document cannot be read."""
    if args.playbook:
        file = Path(args.playbook)
        asked = urlencode({"name": file.name, "incident": args.incident or 0})
        answer = remote.send(args, f"/proposals?{asked}", file.read_bytes())
    else:
        whose = f"/incidents/{args.incident}" if args.incident is not None else ""
        answer = remote.ask(args, f"{whose}/proposals")
    found: dict[str, Any] = answer.json()
    return found


def _show(found: dict[str, Any]) -> None:
    name = harmless(found["document"])
    if not found["proposals"]:
        print(f"{name}: nothing is proposed, by {found['incidents']} incidents.")
    if found["changed"]:
        print(f"{name} is another one than some incidents had; this is for it as it is now.\n")
    for one in found["proposals"]:
        print(f"{name}:{one['line']}: {paint(one['kind'], 'yellow')} ({harmless(one['play'])})")
        print(f"  {harmless(one['reason'])}")
        print(f"  {harmless(one['advice'])}")
        for sign, colour, key in (("-", "red", "old"), ("+", "green", "new")):
            for line in one["edit"][key] if one["edit"] else ():
                print("  " + paint(f"{sign} {harmless(line)}", colour))
        for e in one["evidence"]:
            where = f"incident {e['incident']}" + (f" event {e['event']}" if e["event"] else "")
            print(paint(f"  {where}: {harmless(e['what'])}", "dim"))
        print()
    if found["unpatched"]:
        print(harmless(found["unpatched"]))
    elif found["patch"]:
        print("The edits as a patch: playcall propose --patch, with the same arguments.")
