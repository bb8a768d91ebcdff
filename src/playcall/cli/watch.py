"""`playcall watch`: a full-screen view of what is open. `playcall watch URL`: a second process that
pages somebody, by its own channels, when a Playcall no longer works."""

import argparse
import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playcall.cli import remote
from playcall.cli.console import harmless

if TYPE_CHECKING:
    from playcall.engine.ports import Person
    from playcall.settings import Settings
    from playcall.watcher import Watcher

log = logging.getLogger(__name__)


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "watch",
        help="see and lead incidents full-screen; with a URL: page somebody when that one stops",
    )
    parser.add_argument("watched", nargs="?", metavar="URL", help="of a Playcall to watch over")
    remote.add_server_arguments(parser)
    parser.add_argument("--page", metavar="PERSON", help="with URL: by their methods in order")
    parser.add_argument(
        "--after", type=remote.minutes, default=1.0, metavar="1m", help="of silence"
    )
    parser.add_argument(
        "--repeat", type=remote.minutes, default=15.0, metavar="15m", help="while it lasts"
    )
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="of a look")


def run(args: argparse.Namespace) -> int:
    if args.watched is None:
        return _show(args)
    if not (args.page and args.token_file):
        print("playcall watch URL needs --page PERSON and --token-file FILE", file=sys.stderr)
        return 2
    return _guard(args)


def _show(args: argparse.Namespace) -> int:
    """The screen; what would keep it empty is said before it opens."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("playcall watch needs a terminal; playcall tail does without.", file=sys.stderr)
        return 2
    try:
        url, headers = remote.reach(args)
        remote.ask(args, "/incidents?live=true")
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    from playcall.cli.screen.app import Watch  # here, so that other commands start quickly
    from playcall.cli.screen.picture import Server

    Watch(Server(url, headers)).run()
    return 0


def _guard(args: argparse.Namespace) -> int:
    from playcall.settings import BadSettings, read_settings

    try:
        args.settings = args.settings or "playcall.toml"
        settings = read_settings(Path(args.settings))
        token = Path(args.token_file).read_text("utf-8").strip()
        asyncio.run(_watch(args, settings, _person(args, settings), token))
    except (BadSettings, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _person(args: argparse.Namespace, settings: "Settings") -> "Person":
    from playcall.app import directory
    from playcall.settings import BadSettings

    person = directory(settings).people.get(args.page)
    if person is None or not person.methods:
        raise BadSettings(
            f"{args.settings}: {args.page} is nobody who can be reached. See [people]."
        )
    return person


async def _watch(
    args: argparse.Namespace, settings: "Settings", person: "Person", token: str
) -> None:
    import httpx

    from playcall.hands import build_channels
    from playcall.watcher import Watcher

    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        watcher = Watcher(
            url=args.watched,
            token=token,
            person=person,
            channels=build_channels(settings, client),
            client=client,
            after=args.after * 60,
            repeat=args.repeat * 60,
        )
        print(f"Watching {args.watched}; {person.name} is paged when it stops.", flush=True)
        await _look_for_ever(watcher, args.every)


async def _look_for_ever(watcher: "Watcher", every: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            said = await watcher.look(loop.time())
        except Exception:  # a bug: nobody watches the watcher, so it goes on
            log.exception("a look failed; trying again")
            said = []
        for line in said:
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {harmless(line)}", flush=True)
        await asyncio.sleep(every)
