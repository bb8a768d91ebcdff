"""`playcall audit`: who did what; `playcall audit verify`: whether anybody altered the record,
asked of a server, or of a database directly."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playcall.cli import remote
from playcall.cli.console import harmless, paint

FILTERS = ("who", "incident", "kind", "since", "until")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "audit", help="who did what, and whether anybody altered the record of it"
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "export", "verify"),
        default="list",
        help="default: list",
    )
    parser.add_argument("--who", help='a person\'s id; "-" is Playcall itself')
    parser.add_argument("--incident", type=int, metavar="N")
    parser.add_argument("--kind", help="as in NoteAdded")
    parser.add_argument("--since", metavar="TIME", help="as in 2026-07-03T14:00, UTC")
    parser.add_argument("--until", metavar="TIME")
    parser.add_argument("--limit", type=int, default=50, help="entries to list; default 50")
    parser.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="of export")
    parser.add_argument(
        "--database", metavar="FILE|URL", help="verify this database; no server has to run"
    )
    parser.add_argument(
        "--head", default="", metavar="N:DIGEST", help="what an earlier verify said, kept elsewhere"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        if args.what == "verify":
            return _verify(args)
        if args.what == "export":
            _export(args)
        else:
            _list(args)
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _query(args: argparse.Namespace, **more: object) -> str:
    chosen = {name: getattr(args, name) for name in FILTERS if getattr(args, name) is not None}
    return urlencode({**chosen, **more})


def _list(args: argparse.Namespace) -> None:
    found = remote.ask(args, f"/audit?{_query(args, limit=args.limit)}").json()
    if args.json:
        print(json.dumps(found, indent=2))
        return
    for one in found["entries"]:
        where = f" incident {one['incident']}" if one["incident"] else ""
        source = f" ({one['source']})" if one["source"] else ""
        said = f": {one['said']}" if one["said"] else ""
        print(
            harmless(
                f"#{one['n']} {one['at'][:19]}{where} {one['actor'] or 'Playcall'}{source} "
                f"{one['kind']}{said}"
            )
        )


def _export(args: argparse.Namespace) -> None:
    answer = remote.ask(args, f"/audit.{args.format}?{_query(args)}", timeout=600)
    sys.stdout.write(answer.text)


def _verify(args: argparse.Namespace) -> int:
    """0: it is whole; 1: it was altered; 2: it cannot be read."""
    if args.database:
        try:
            found = _of_database(args.database, args.head)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
    else:
        path = f"/audit/verdict?{urlencode({'head': args.head})}"
        found = remote.ask(args, path, timeout=600).json()
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)
    return 0 if found["whole"] else 1


def _of_database(name: str, head: str) -> dict[str, Any]:
    """Raises ValueError, whose text is for a person."""
    from playcall.core.audit import Head, read_head
    from playcall.storage.offline import verify_offline

    noted: Head | None = read_head(head) if head else None
    url = name if "://" in name else f"sqlite:///{Path(name).absolute()}"
    if "://" not in name and not Path(name).is_file():
        raise ValueError(f"{name}: there is no such file.")
    found = verify_offline(url, noted)
    return {
        "whole": found.whole,
        "head": str(found.head),
        "faults": [{"n": fault.n, "said": fault.said} for fault in found.faults],
        "more": found.more,
    }


def _print(found: dict[str, Any]) -> None:
    n, _, _digest = found["head"].partition(":")
    if found["whole"]:
        print(f"{paint('Whole', 'green')}: {n} entries, nothing changed, removed or inserted.")
    else:
        print(f"{paint('Altered', 'red')}:")
        for fault in found["faults"]:
            print(f"  {harmless(fault['said'])}")
        if found["more"]:
            print(f"  and {found['more']} more")
    print(f"Its end, to be noted elsewhere: {found['head']}")
