"""`playcall test-page`: proves the whole way of a page to a person."""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless, paint

PATIENCE = 60  # seconds
PAUSE = 0.3


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("test-page", help="prove that a person is reached")
    parser.add_argument("person", help="their id in the settings")
    parser.add_argument("--channel", default="", help="one of their methods; default all")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        asked = {"person": args.person, "channel": args.channel}
        proofs = remote.tell(args, "/test-pages", asked).json()
        until = time.monotonic() + PATIENCE
        while any(one["took"] is None for one in proofs) and time.monotonic() < until:
            time.sleep(PAUSE)
            proofs = remote.ask(args, f"/test-pages/{proofs[0]['test']}").json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    return _tell(proofs)


def _tell(proofs: Sequence[dict[str, Any]]) -> int:
    """0 when every method took it."""
    for one in proofs:
        if one["took"] is None:
            said = paint(f"not sent within {PATIENCE} s", "red")
        elif one["failure"]:
            said = paint(harmless(one["failure"]), "red")
        else:
            said = f"{paint('taken', 'green')} in {one['took']:.2f} s"
        print(f"{harmless(one['channel'])}: {said}")
    return 0 if all(one["took"] is not None and not one["failure"] for one in proofs) else 1
