"""`playcall serve`: the server, until it is stopped."""

import argparse
import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playcall.library import Playbook
    from playcall.settings import Settings


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("serve", help="receive alerts and respond by the playbook")
    parser.add_argument("--settings", default="playcall.toml", help="the settings file")


def run(args: argparse.Namespace) -> int:
    # Here, so that other commands start without the server's libraries.
    from playcall.app import PortInUse, load_playbook, serve
    from playcall.engine.ports import Unavailable
    from playcall.settings import BadSettings, read_settings
    from playcall.storage import AlreadyInUse

    _log_plainly()
    try:
        settings = read_settings(Path(args.settings))
        playbook = load_playbook(settings)
        _announce(settings, playbook)
        asyncio.run(serve(settings, playbook))
    except (BadSettings, PortInUse, AlreadyInUse, Unavailable) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _announce(settings: "Settings", playbook: "Playbook") -> None:
    plan = playbook.plan
    errors = sum(problem.level == "error" for problem in playbook.problems)
    plays = f"{len(plan.plays)} play{'' if len(plan.plays) == 1 else 's'}"
    print(f"Playcall runs {settings.playbook.name}: {plays}.", flush=True)
    if errors:
        said = f"{errors} error{'' if errors == 1 else 's'}"
        print(f"It has {said}: run `playcall check {settings.playbook}`.", flush=True)
    for warning in playbook.warnings:
        print(warning, flush=True)
    if settings.pace != 1:
        print(f"COMPRESSED CLOCK: every duration is divided by {settings.pace:g}.", flush=True)
    print(f"Pages and API: {settings.url}", flush=True)


def _log_plainly() -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
