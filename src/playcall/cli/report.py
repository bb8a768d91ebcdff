"""`playcall report N`: the post-mortem as Markdown, HTML or PDF; edited in your editor, brought up
to date, shared. And what was measured for it: the numbers, a dashboard."""

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
from playcall.cli.console import harmless, harmless_lines
from playcall.cli.summary import whom


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "report", help="print, edit, renew or share an incident's post-mortem"
    )
    parser.add_argument("incident", type=int, help="its number")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--edit", action="store_true", help="in $VISUAL or $EDITOR, then save it")
    what.add_argument(
        "--regenerate",
        action="store_true",
        help="bring it up to date with the record; no word that was written is lost",
    )
    what.add_argument(
        "--format",
        choices=("md", "html", "pdf"),
        default="md",
        help="html and pdf have its charts in them",
    )
    what.add_argument(
        "--numbers", choices=("csv", "json"), help="what was measured, point by point"
    )
    what.add_argument("--dashboard", action="store_true", help="for Grafana to import, as JSON")
    what.add_argument(
        "--measure", action="store_true", help="have its metrics measured again in Prometheus"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="default: standard output")
    what.add_argument("--share", action="store_true", help="send it to the stakeholders")
    what.add_argument(
        "--to-share", action="store_true", help="show what --share would send, and to whom"
    )
    parser.add_argument(
        "--unfinished", action="store_true", help="with --share: although something is left in it"
    )
    parser.add_argument(
        "--again", action="store_true", help="with --share: this version was shared before"
    )
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    path = _path(args)
    if args.share or args.to_share:
        return _share(args, f"{path}/share")
    changes = args.edit or args.regenerate or args.measure
    if args.output and changes:
        print("--output takes what is there: give it without what changes that", file=sys.stderr)
        return 2
    try:
        if not changes:
            return _take(args)
        if args.measure:
            remote.tell(args, f"/incidents/{args.incident}/review", {})
            remote.say_done(args, {"status": "its metrics are measured again"})
            return 0
        found = remote.ask(args, path).json()
        if args.edit:
            return _edit(args, path, found)
        seen = {"version": found["version"]}
        return _say(args, remote.tell(args, f"{path}/regenerate", seen).json())
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1


def _path(args: argparse.Namespace) -> str:
    return f"/incidents/{args.incident}/post-mortem"


def _take(args: argparse.Namespace) -> int:
    """As the server makes it. Raises Declined."""
    if args.json:
        print(json.dumps(remote.ask(args, _path(args)).json(), indent=2))
        return 0
    if args.format == "pdf" and not args.output and sys.stdout.isatty():
        print("A PDF is not for a terminal: give --output FILE.", file=sys.stderr)
        return 2
    made = remote.ask(args, f"/incidents/{args.incident}/{_file(args)}").content
    if not args.output and sys.stdout.isatty():
        print(*harmless_lines(made.decode("utf-8", "replace")), sep="\n")
        return 0
    if not args.output:
        sys.stdout.buffer.write(made)
        return 0
    try:
        args.output.write_bytes(made)
    except OSError as error:
        print(f"{args.output}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"Incident {args.incident}: {args.output} has {len(made):,} bytes")
    return 0


def _file(args: argparse.Namespace) -> str:
    if args.dashboard:
        return "dashboard.json"
    if args.numbers:
        return "review.csv" if args.numbers == "csv" else "review"
    return f"post-mortem.{args.format}"


def _share(args: argparse.Namespace, path: str) -> int:
    try:
        found = remote.ask(args, path).json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.to_share and args.json:
        print(json.dumps(found, indent=2))
        return 0
    if args.to_share:
        said = [harmless(found["subject"]), "", *harmless_lines(found["text"])]
        print(*said, "", *whom(found["to"]), sep="\n")
        return 0
    wish = {"version": found["version"], "unfinished": args.unfinished, "again": args.again}
    options = [
        "" if args.unfinished else "--unfinished shares it although something is left.",
        "" if args.again else "--again shares the same version again.",
    ]
    return remote.act(args, path, wish, "\n".join(one for one in options if one))


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
