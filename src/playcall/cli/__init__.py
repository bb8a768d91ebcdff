"""The command line: finds the command, imports only its module, and keeps the exit codes.

0: done; 1: the answer is no; 2: it was asked wrongly, or a file cannot be read.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

__all__ = ["COMMANDS", "command_parser", "main"]

# Each module has add(subparsers), which declares it, and run(args), which returns the exit code.
COMMANDS = {
    "check": "playcall.cli.check",
    "explain": "playcall.cli.explain",
    "rules": "playcall.cli.rules",
    "show": "playcall.cli.show",
    "serve": "playcall.cli.serve",
    "incidents": "playcall.cli.incidents",
    "ledger": "playcall.cli.ledger",
    "audit": "playcall.cli.audit",
    "outcome": "playcall.cli.outcome",
    "oncall": "playcall.cli.oncall",
    "override": "playcall.cli.override",
    "ack": "playcall.cli.ack",
    "unack": "playcall.cli.unack",
    "snooze": "playcall.cli.snooze",
    "assign": "playcall.cli.assign",
    "escalate": "playcall.cli.escalate",
    "take": "playcall.cli.take",
    "leave": "playcall.cli.leave",
    "severity": "playcall.cli.severity",
    "decide": "playcall.cli.decide",
    "silence": "playcall.cli.silence",
    "output": "playcall.cli.output",
    "set": "playcall.cli.set_values",
    "approve": "playcall.cli.approve",
    "refuse": "playcall.cli.refuse",
    "rollback": "playcall.cli.rollback",
    "merge": "playcall.cli.merge",
    "split": "playcall.cli.split",
    "note": "playcall.cli.note",
    "status": "playcall.cli.status",
    "notify-emergency": "playcall.cli.notify_emergency",
    "resolve": "playcall.cli.resolve",
    "report": "playcall.cli.report",
    "tail": "playcall.cli.tail",
    "duties": "playcall.cli.duties",
    "trend": "playcall.cli.trend",
    "baseline": "playcall.cli.baseline",
    "propose": "playcall.cli.propose",
    "summary": "playcall.cli.summary",
    "pin": "playcall.cli.pin",
    "plan": "playcall.cli.plan",
    "simulate": "playcall.cli.simulate",
    "run": "playcall.cli.run",
    "demo": "playcall.cli.demo",
    "drill": "playcall.cli.drill",
    "range": "playcall.cli.range",
    "test-page": "playcall.cli.test_page",
    "watch": "playcall.cli.watch",
    "bounce": "playcall.cli.bounce",
    "completion": "playcall.cli.completion",
    "token": "playcall.cli.token",
    "sign-in": "playcall.cli.sign_in",
}

Subparsers = argparse._SubParsersAction  # argparse gives this class no public name


class _Command(Protocol):
    def add(self, subparsers: "Subparsers[argparse.ArgumentParser]") -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    return code


def _run(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="playcall", description="Runs the alert playbook your team already wrote in Markdown."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", required=True
    )
    named = words[0] if words and words[0] in COMMANDS else None
    for name in COMMANDS if named is None else (named,):
        _load(name).add(subparsers)
    args = parser.parse_args(words)
    return _load(args.command).run(args)


def command_parser(name: str) -> argparse.ArgumentParser:
    """What one command declares."""
    subparsers = argparse.ArgumentParser(prog="playcall").add_subparsers()
    _load(name).add(subparsers)
    return subparsers.choices[name]


def _load(name: str) -> _Command:
    return cast(_Command, import_module(COMMANDS[name]))


class _Version(argparse.Action):
    """Asks for the version only when it is wanted: the lookup is slow."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        from importlib.metadata import version

        print(f"playcall {version('playcall')}")
        parser.exit()
