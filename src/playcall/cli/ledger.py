"""`playcall ledger [N]`: every command that was run, as it comes; of one incident, or of all that
are open."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless, harmless_lines, paint
from playcall.core.wording import say_duration

PAUSE = 0.5  # seconds between looks
_ACTIVE = ("pending", "running")
_COLOURS = {"succeeded": "green", "failed": "red", "unknown": "red", "timed out": "red"}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "ledger", help="list every command that was run, with what it was, why, and how it ended"
    )
    parser.add_argument("incident", nargs="?", type=int, help="its number; default: all open ones")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--follow", action="store_true", help="until nothing runs any more")
    parser.add_argument("--long", action="store_true", help="the commands, and why their class")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        if args.follow:
            _follow(args)
        elif args.json:
            print(json.dumps(_rows(args), indent=2))
        else:
            for row in _rows(args):
                _print(row, args.long)
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _rows(args: argparse.Namespace) -> list[dict[str, Any]]:
    if args.incident:
        numbers = [args.incident]
    else:
        open_ones = remote.ask(args, "/incidents?live=true").json()
        numbers = [incident["id"] for incident in open_ones]
    return [row for n in numbers for row in remote.ask(args, f"/incidents/{n}/runs").json()]


def _follow(args: argparse.Namespace) -> None:
    """A line whenever something begins or ends; on a terminal, how far the others are."""
    told: dict[str, str] = {}
    while True:
        found = _rows(args)
        for row in found:
            news = row["outcome"] != "pending" and told.get(row["run"]) != row["outcome"]
            if news:
                _clear()
                print(json.dumps(row)) if args.json else _print(row, args.long)
            told[row["run"]] = row["outcome"]
        active = [row for row in found if row["outcome"] in _ACTIVE]
        if not active:
            _clear()
            return
        _progress(active)
        time.sleep(PAUSE)


def _progress(active: list[dict[str, Any]]) -> None:
    if not sys.stderr.isatty():
        return
    running = [f"{row['command']} {_took(row)}" for row in active if row["begun_at"]]
    waiting = len(active) - len(running)
    text = f"running: {', '.join(running) or 'nothing'}; {waiting} waiting"
    print(f"\r\033[K{text[:110]}", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _print(row: dict[str, Any], long: bool) -> None:
    outcome = paint(f"{row['outcome']:<10}", _COLOURS.get(row["outcome"], "dim"))
    who = f"approved by {row['approved_by']}" if row["approved_by"] else "by itself"
    ended = f", exit code {row['exit_code']}" if row["exit_code"] else ""
    print(
        f"{row['run']:<12} {row['effect']:<8} {outcome} {_took(row):>18}  "
        f"{harmless(row['title'])}  ({who}, line {row['line']}{ended})",
        flush=True,
    )
    if row["summary"]:
        print(f"{'':13}{harmless(row['summary'])}")
    if row["decided"]:
        said = row["decided"]
        because = f": {harmless(said['note'])}" if said["note"] else ""
        print(f"{'':13}{said['by']} says: {said['fate']}{because}")
    if long:
        _print_command(row)


def _print_command(row: dict[str, Any]) -> None:
    for line in harmless_lines(row["as_written"]):
        print(f"{'':13}{paint(line, 'dim')}")
    if row["as_run"] != row["as_written"]:
        for line in harmless_lines(row["as_run"]):
            print(f"{'':10}-> {line}")
    print(f"{'':13}{row['effect']}: {harmless('; '.join(row['reasons']))}")


def _took(row: dict[str, Any]) -> str:
    """How long it ran; of one that runs, also how long it may."""
    if row["begun_at"] is None:
        return "not begun"
    began = datetime.fromisoformat(row["begun_at"])
    if row["outcome"] == "unknown":
        return f"began {began:%H:%M:%S}"
    if row["ended_at"]:
        return say_duration(datetime.fromisoformat(row["ended_at"]) - began)
    so_far = max(datetime.now(UTC) - began, timedelta())
    return f"{say_duration(so_far)} of {say_duration(timedelta(seconds=row['time_limit_seconds']))}"
