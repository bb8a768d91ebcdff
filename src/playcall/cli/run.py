"""`playcall run`: one play from a terminal, without a server; or, before that, what it would do."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playcall.cli.console import Unreadable, read_bytes

if TYPE_CHECKING:
    from playcall.cli import Subparsers
    from playcall.cli.terminal.session import Setting
    from playcall.core.compiler import Compiled
    from playcall.settings import Settings

FAILED, WRONG, INTERRUPTED = 1, 2, 130
_ABOUT = """\
Runs what only looks at once; asks before everything else. Nobody is paged, and nothing is silenced.
Exit code 0: walked to its end, and whatever ran succeeded; 1: no such play, or a command failed;
2: asked wrongly; 3: something waits for a person, such as every change where nobody is at the
terminal; 130: ended by Ctrl-C.
"""


class Wrong(Exception):
    """It was asked wrongly, or a file cannot be read. The message is for a person."""


def add(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "run", help="run a play from this terminal, or tell what it would do", description=_ABOUT
    )
    parser.add_argument("document", metavar="DOC", type=Path)
    parser.add_argument("alert", metavar="ALERT", help="whose play")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would happen")
    parser.add_argument("--json", action="store_true", help="the dry run for programs")
    parser.add_argument(
        "--label", action="append", default=[], metavar="K=V", help="of the alert; repeatable"
    )
    parser.add_argument("--settings", type=Path, help="runner, policy, Prometheus, placeholders")
    parser.add_argument("--prometheus", metavar="URL", help="measures, and is asked queries")
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME",
        help="give commands this variable of yours, where there are no settings; repeatable",
    )
    parser.add_argument("--files", type=Path, help="what commands find in their directory")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the record there")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a report in Markdown")


def run(args: argparse.Namespace) -> int:
    from playcall.cli.terminal.session import Setting

    try:
        settings = _settings(args)
        compiled = _compile(args, settings)
        labels = dict(_pair(text) for text in args.label)
    except (Wrong, Unreadable) as error:
        print(error, file=sys.stderr)
        return WRONG
    plan = compiled.plan
    assert plan is not None
    play = plan.play(args.alert)
    if play is None:
        names = ", ".join(one.alert for one in plan.plays) or "none"
        told = f"{args.document}: no play is called {args.alert!r}. It has: {names}."
        print(told, file=sys.stderr)
        return FAILED
    setting = Setting(
        plan=plan,
        play=play,
        settings=settings,
        labels=labels,
        prometheus=args.prometheus or "",
        env={name: os.environ[name] for name in args.env if name in os.environ},
        files=args.files.resolve() if args.files else None,
        keep=args.keep,
    )
    if args.dry_run:
        return _tell(setting, as_json=args.json)
    return _respond(setting, args.report)


def _tell(setting: "Setting", *, as_json: bool) -> int:
    from playcall.cli.rehearsed import rows
    from playcall.cli.terminal.session import opened_by_hand
    from playcall.core.rehearsal import Known, rehearse

    opened = opened_by_hand(setting, datetime.now(UTC), 0)
    known = Known(values=opened.values, whence=opened.whence)
    found = rehearse(setting.plan, setting.play, known)
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return 0
    for row in rows(found):
        print(row)
    return 0


def _respond(setting: "Setting", report: Path | None) -> int:
    import asyncio

    from playcall.cli.terminal.response import respond
    from playcall.engine.ports import Unavailable
    from playcall.storage.database import AlreadyInUse

    try:
        return asyncio.run(respond(setting, report))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (AlreadyInUse, Unavailable, OSError) as error:
        print(error, file=sys.stderr)
        return WRONG


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Wrong(f'--label "{text}": write NAME=VALUE.')
    return name, value


def _settings(args: argparse.Namespace) -> "Settings | None":
    if args.json and not args.dry_run:
        raise Wrong("--json is for --dry-run: add it.")
    if args.settings is None:
        return None
    if args.env or args.files:
        raise Wrong("--settings says what commands get, in [runner]: leave --env and --files out.")
    from playcall.settings import BadSettings, read_settings

    try:
        return read_settings(args.settings)
    except BadSettings as error:
        raise Wrong(str(error)) from None


def _compile(args: argparse.Namespace, settings: "Settings | None") -> "Compiled":
    """The document, with the policy and the rules of the settings, if any. Raises Unreadable."""
    from dataclasses import replace

    from playcall.core.compiler import compile_document
    from playcall.core.policy import apply_policy
    from playcall.policyfile import BadPolicy, read_policy
    from playcall.rulefile import BadRuleFile, read_rules

    data = read_bytes(args.document)
    try:
        rules = read_rules(settings.rules) if settings and settings.rules else ()
        rulings = read_policy(settings.policy) if settings and settings.policy else ()
    except (BadRuleFile, BadPolicy) as error:
        raise Wrong(str(error)) from None
    compiled = compile_document(data, str(args.document), rules)
    if compiled.plan is None:
        raise Wrong("\n".join(str(problem) for problem in compiled.problems))
    plan, _ = apply_policy(compiled.plan, rulings, "")
    if settings:
        plan = replace(plan, response=settings.response)
    return replace(compiled, plan=plan)
