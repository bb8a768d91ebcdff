"""`playcall plan`: who would be paged when, for each alert, now and after a change."""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playcall.cli import foresight, overridden, remote
from playcall.cli.console import harmless, paint

if TYPE_CHECKING:
    from playcall.core.rota import Override
    from playcall.core.simulation import Call

LASTING = timedelta(hours=1)


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("plan", help="who would be paged when, now and after a change")
    parser.add_argument("settings", type=Path, help="a settings file, as it is or will be")
    parser.add_argument("--now", type=Path, metavar="SETTINGS", help="the present one, to compare")
    parser.add_argument("--at", type=foresight.moment, help="when the alert fires; default: now")
    parser.add_argument("--alert", action="append", help="only these; also alerts without a play")
    parser.add_argument(
        "--acknowledged-after",
        type=remote.minutes,
        metavar="5m",
        help="when the first who is paged acknowledges; default: never",
    )
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    overridden.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from playcall.settings import BadSettings

    at = args.at or datetime.now(UTC).replace(microsecond=0)
    given = args.acknowledged_after
    after = timedelta(minutes=given) if given is not None else None
    try:
        kept = overridden.kept(args)
        later = foresight.read(args.settings, after, kept or ())
        present = foresight.read(args.now, after, kept or ()) if args.now else None
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 2
    names = args.alert or [play.alert for play in later.plan.plays]
    if present and not args.alert:
        names += [p.alert for p in present.plan.plays if p.alert not in names]
    rows = {name: _calls(later, name, at) for name in names}
    before = {name: _calls(present, name, at) for name in names} if present else None
    standing = None if kept is None else overridden.within(kept, at, LASTING)
    if args.format == "json":
        print(json.dumps(_document(at, rows, before, standing), indent=2, default=str))
    elif args.format == "markdown":
        print(_markdown(at, rows, before, standing))
    else:
        _print(at, rows, before, standing)
    return 0


def _calls(foreseen: foresight.Foreseen, name: str, at: datetime) -> "tuple[Call, ...]":
    return foresight.play_one(foreseen, name, at, foreseen.lasting(LASTING)).calls


def _lines(calls: "tuple[Call, ...]", at: datetime) -> list[str]:
    return [harmless(foresight.line(call, at)) for call in calls]


def _standing(standing: "list[Override] | None") -> list[str]:
    if standing is None:
        return ["(by the file alone: --overrides asks a server for those that it keeps)"]
    if not standing:
        return ["(the server keeps no override for this time)"]
    lines = [f"- {harmless(overridden.line(override))}" for override in standing]
    return ["With the overrides of the server, the last one first:", *reversed(lines)]


def _print(
    at: datetime,
    rows: "dict[str, tuple[Call, ...]]",
    before: "dict[str, tuple[Call, ...]] | None",
    standing: "list[Override] | None",
) -> None:
    print(f"If it fires at {at:%Y-%m-%d %H:%M} UTC, in the hour after that:")
    for text in _standing(standing):
        print(text)
    for name, calls in rows.items():
        after = _lines(calls, at)
        now = _lines(before[name], at) if before else after
        same = " (as now)" if before and now == after else ""
        print(f"\n{paint(harmless(name), 'bold')}{same}")
        for text in now if same or not before else []:
            print(f"    {text}")
        if not same and before:
            for text in [one for one in now if one not in after]:
                print(paint(f"  - {text}", "red"))
            for text in after:
                print(f"  {' ' if text in now else '+'} {text}")
        if not calls:
            print("    nobody is paged or told")


def _markdown(
    at: datetime,
    rows: "dict[str, tuple[Call, ...]]",
    before: "dict[str, tuple[Call, ...]] | None",
    standing: "list[Override] | None",
) -> str:
    parts = [f"### Who would be paged, if it fires at {at:%Y-%m-%d %H:%M} UTC"]
    parts.append("\n".join(_standing(standing)))
    for name, calls in rows.items():
        after = _lines(calls, at)
        now = _lines(before[name], at) if before else after
        if now == after:
            body = [f"  {text}" for text in after] or ["  nobody"]
        else:
            body = [f"- {text}" for text in now if text not in after]
            body += [f"{' ' if text in now else '+'} {text}" for text in after]
        state = "unchanged" if before and now == after else ("changed" if before else "")
        title = f"**{name}**" + (f": {state}" if state else "")
        parts.append("\n".join([title, "", "```diff", *body, "```"]))
    return "\n\n".join(parts)


def _document(
    at: datetime,
    rows: "dict[str, tuple[Call, ...]]",
    before: "dict[str, tuple[Call, ...]] | None",
    standing: "list[Override] | None",
) -> dict[str, Any]:
    return {
        "at": at,
        "overrides": None if standing is None else [asdict(override) for override in standing],
        "alerts": [
            {
                "alert": name,
                "after": [asdict(call) for call in calls],
                "now": [asdict(call) for call in before[name]] if before else None,
            }
            for name, calls in rows.items()
        ],
    }
