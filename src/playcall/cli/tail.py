"""`playcall tail [N]`: the timeline as it grows, of one incident or of all that are open. A server
that goes away is waited for; no line is told twice, and none is left out."""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from playcall.cli import remote
from playcall.cli.console import paint
from playcall.cli.entries import say_entry
from playcall.cli.instants import clock

LATEST = 10  # lines of the past that are told without --since
WAIT = 20.0  # seconds that the server holds a question
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0  # seconds before it is asked again


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "tail",
        help="follow the timeline of an incident, or of all open ones",
        description="Until Ctrl-C. Exit code 1: refused, or the server was never there.",
    )
    parser.add_argument("incident", nargs="?", type=int, help="its number; default: all open ones")
    parser.add_argument(
        "--since",
        type=remote.minutes,
        metavar="10m",
        help=f"begin with what is younger; default: the latest {LATEST} lines",
    )
    parser.add_argument(
        "--until-over", action="store_true", help="end when the incident is resolved or closed"
    )
    parser.add_argument("--json", action="store_true", help="an object in each line")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.until_over and args.incident is None:
        print("--until-over: of which incident? playcall tail 3 --until-over", file=sys.stderr)
        return 2
    try:
        _follow(args)
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _follow(args: argparse.Namespace) -> None:
    """Raises Declined."""
    had: dict[int, int] = {}  # the last event that was told, by incident
    live: set[int] = set()
    first = True
    for news in _answers(args, had, live):
        lines = sorted(_new_lines(news, had), key=lambda line: (line["at"], line["n"]))
        for line in _lately(args, lines) if first else lines:
            print(json.dumps(line) if args.json else _said(line, args.incident is None), flush=True)
        first = False
        for one in news:
            had[one["incident"]] = max(one["last"], had.get(one["incident"], 0))
            (live.discard if one["over"] else live.add)(one["incident"])
            if args.until_over and one["over"]:
                return


def _answers(
    args: argparse.Namespace, had: dict[int, int], live: set[int]
) -> Iterator[list[dict[str, Any]]]:
    """One after the other, for ever. Raises Declined when asking again would not help."""
    pause = 0.0  # before the next try; 0: all is well
    answered = False
    while True:
        wait = WAIT if answered and not pause else 0
        query = [("after", f"{one}:{had[one]}") for one in had if one in (*live, args.incident)]
        query += [("incident", args.incident)] if args.incident is not None else []
        try:
            path = f"/timeline?{urlencode([*query, ('wait', wait)])}"
            news = remote.ask(args, path, timeout=wait + 10).json()
        except (remote.Unreachable, ValueError) as error:  # also what is no JSON, of a proxy
            if not answered:
                raise
            if not pause:
                print(f"{error}\nIt is asked again until it answers.", file=sys.stderr, flush=True)
            pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)
            time.sleep(pause * random.uniform(0.5, 1))  # not all readers at once
            continue
        if pause:
            print("It answers again.", file=sys.stderr, flush=True)
        answered, pause = True, 0.0
        yield news


def _new_lines(news: list[dict[str, Any]], had: dict[int, int]) -> Iterator[dict[str, Any]]:
    """An object for each, in a shape that stays."""
    for one in news:
        about = {name: one[name] for name in ("incident", "title", "severity", "status")}
        for entry in one["entries"]:
            if entry["n"] > had.get(one["incident"], 0):
                yield {**about, **entry}


def _lately(args: argparse.Namespace, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where to begin."""
    if args.since is None:
        return lines[-LATEST:]
    start = datetime.now(UTC) - timedelta(minutes=args.since)
    return [line for line in lines if datetime.fromisoformat(line["at"]) >= start]


def _said(line: dict[str, Any], several: bool) -> str:
    which = paint(f"{line['incident']:>4}  ", "bold") if several else ""
    return f"{paint(clock(line['at']), 'dim')}  {which}{say_entry(line)}"
