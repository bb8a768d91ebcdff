"""`playcall report N`: the post-mortem as Markdown; edited in your editor, brought up to date."""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless_lines


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("report", help="print, edit or renew an incident's post-mortem")
    parser.add_argument("incident", type=int, help="its number")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--edit", action="store_true", help="in $VISUAL or $EDITOR, then save it")
    what.add_argument(
        "--regenerate",
        action="store_true",
        help="bring it up to date with the record; no word that was written is lost",
    )
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = f"/incidents/{args.incident}/post-mortem"
    try:
        found = remote.ask(args, path).json()
        if args.edit:
            return _edit(args, path, found)
        if args.regenerate:
            seen = {"version": found["version"]}
            return _say(args, remote.tell(args, f"{path}/regenerate", seen).json())
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
    elif sys.stdout.isatty():
        print(*harmless_lines(found["text"]), sep="\n")
    else:
        sys.stdout.write(found["text"])
    return 0


def _edit(args: argparse.Namespace, path: str, found: dict[str, Any]) -> int:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    descriptor, name = tempfile.mkstemp(prefix=f"post-mortem-{args.incident}-", suffix=".md")
    draft = Path(name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(found["text"])
    try:
        ended = subprocess.run([*shlex.split(editor), name], check=False).returncode
    except OSError as error:
        draft.unlink()
        print(f"{editor} does not start: {error.strerror}. Set EDITOR.", file=sys.stderr)
        return 2
    text = draft.read_text("utf-8")
    if ended or text == found["text"]:
        draft.unlink()
        print("Nothing was changed.", file=sys.stderr)
        return 1
    try:
        body = {"text": text, "version": found["version"], "of": found["of"]}
        saved = remote.put(args, path, body).json()
    except remote.Declined as error:
        print(f"{error}\nYour text is in {name}", file=sys.stderr)
        return 1
    draft.unlink()
    return _say(args, saved)


def _say(args: argparse.Namespace, saved: dict[str, Any]) -> int:
    if args.json:
        print(json.dumps(saved, indent=2))
        return 0
    left = f", {saved['asks']} answers are missing" if saved["asks"] else ""
    clash = f", {saved['conflicts']} conflicts are left" if saved["conflicts"] else ""
    print(f"Incident {args.incident}: version {saved['version']} is saved{left}{clash}")
    return 0
