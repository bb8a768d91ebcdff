"""`playcall summary N`: the initial summary, as it was prepared; sent to whom the document says."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless, harmless_lines


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "summary", help="show or send the initial summary of an incident that is over"
    )
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument("--send", action="store_true", help="send it; without, show it")
    parser.add_argument("--again", action="store_true", help="with --send: it was sent before")
    parser.add_argument("--text", metavar="FILE", help='instead of the prepared one; "-": stdin')
    parser.add_argument("--subject", help="instead of the prepared one")
    parser.add_argument("--markdown", action="store_true", help="with links to its events")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}/summary"
    try:
        if args.send:
            text = _read(args.text) if args.text else None
            wish = {"text": text, "subject": args.subject, "again": args.again}
            return remote.act(args, path, wish, "" if args.again else "--again sends it again.")
        found = remote.ask(args, path).json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{args.text}: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError:
        print(f"{args.text} is no text in UTF-8", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(found, indent=2))
    elif args.markdown:
        sys.stdout.write(found["markdown"])
    else:
        said = [harmless(found["subject"]), "", *harmless_lines(found["text"])]
        print(*said, "", *whom(found["to"]), sep="\n")
    return 0


def whom(to: dict[str, Any]) -> list[str]:
    """Who gets it, one a line."""
    lines = []
    for one in to["roles"]:
        people = ", ".join(harmless(name) for name in one["people"]) or "nobody"
        instead = "nobody is behind it, so " if one["instead_of"] else ""
        lines.append(f"to {harmless(one['role'])}: {instead}{people}")
    return [*lines, *([f"to {harmless(to['channel'])}"] if to["channel"] else [])]


def _read(name: str) -> str:
    return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
