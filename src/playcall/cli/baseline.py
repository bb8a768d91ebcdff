"""`playcall baseline`: a metric's last minutes beside the same hours of the weeks before."""

import argparse
import json
import math
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from playcall.cli import measuring
from playcall.cli.console import harmless, paint
from playcall.cli.measuring import TOO_LITTLE, YES, BadQuestion, NothingKnown, Question, Read

if TYPE_CHECKING:
    from playcall.statistics.baseline import Comparison
    from playcall.statistics.trend import Point
    from playcall.statistics.usual_hours import Hours

RECENT_POINTS = 20  # that are asked for
FEWEST_NOW, FEWEST_BEFORE = 5, 20
MOST_MISSING = 0.5  # of the latest ones
LONGEST = timedelta(weeks=26)  # of a window: one question for each hour that is alike
MOST_BEFORE = 5_000  # values that are compared


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "baseline",
        help="a metric's last minutes beside what was usual at this hour",
        description="Compares with the same hours of the week in the window; of the day when it is "
        "shorter than a week; with all of it when it is shorter than a day. Exit code 0: as usual; "
        "1: it differs, by more than chance and enough to matter; 2: asked wrongly; 3: too little "
        "is known to say.",
    )
    parser.add_argument("--window", type=measuring.span, default=timedelta(days=7))
    parser.add_argument("--recent", type=measuring.span, default=timedelta(minutes=5))
    parser.add_argument("--zone", help="whose clock says which hours; default the settings', UTC")
    parser.add_argument(
        "--at-least",
        type=measuring.share,
        default=0.1,
        metavar="10%",
        help="the difference that matters, of the usual median",
    )
    measuring.add_question_arguments(parser)


def run(args: argparse.Namespace) -> int:
    end = measuring.now()
    try:
        question = measuring.read_question(args)
        hours = _hours(args, question, end)
        step = _step(args.recent, hours)
        spans = [*hours.spans, (end - args.recent + step, end)]
        *old, recent = measuring.ask(question, spans, step)
    except (BadQuestion, NothingKnown) as error:
        return measuring.refuse(error)
    before = [point for read in old for point in read.points]
    expected = sum(read.expected for read in old)
    why = _why_too_little(recent, len(before), expected, hours)
    found = None if why else _compare(recent.points, before, step, args.at_least)
    code = TOO_LITTLE if found is None else YES if found.differs else 0
    if args.json:
        told = _document(question, hours, found, why, code)
        counts = {"missing": recent.missing, "missing_before": expected - len(before)}
        print(json.dumps(_finite(told | counts), indent=2))
        return code
    if found is None:
        measuring.show([f"{harmless(question.name)}: {why}; too little to say."])
        return code
    lines = _lines(question, hours, found, args.window)
    if missing := expected - len(before):
        lines.append(f"{missing / expected:.0%} of the values of these hours are missing.")
    measuring.show([*lines, *_chart(question, recent, found, (end - args.recent, end))])
    return code


def _hours(args: argparse.Namespace, question: Question, end: datetime) -> "Hours":
    from playcall.statistics.usual_hours import usual_hours

    if args.window > LONGEST:
        raise BadQuestion("--window: more than 26 weeks are not compared.")
    if args.recent * 2 > args.window or args.recent > timedelta(hours=12):
        raise BadQuestion("--recent: at most half the window, and at most 12 hours.")
    try:
        zone = ZoneInfo(args.zone or question.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadQuestion(
            f'--zone: "{args.zone}" is no time zone. Write "Europe/Berlin".'
        ) from None
    return usual_hours(end, args.recent, args.window, zone)


def _step(recent: timedelta, hours: "Hours") -> timedelta:
    whole = sum((end - start for start, end in hours.spans), timedelta())
    seconds = max(recent / RECENT_POINTS, whole / MOST_BEFORE).total_seconds()
    longest = recent.total_seconds() / FEWEST_NOW  # else too few are left of the latest
    return timedelta(seconds=max(1, min(math.ceil(seconds), int(longest))))


def _compare(
    recent: "list[Point] | Any", before: "list[Point]", step: timedelta, at_least: float
) -> "Comparison":
    from playcall.statistics.baseline import compare

    return compare(recent, before, step.total_seconds(), at_least=at_least)


def _why_too_little(recent: Read, before: int, expected: int, hours: "Hours") -> str:
    if len(recent.points) < FEWEST_NOW or recent.missing_share > MOST_MISSING:
        return f"only {len(recent.points)} values of {recent.expected} now"
    if before < FEWEST_BEFORE:
        return f"only {before} values of {expected} before ({hours.words})"
    return ""


# --- For people -----------------------------------------------------------------------------------


def _lines(question: Question, hours: "Hours", found: "Comparison", window: timedelta) -> list[str]:
    from playcall.core.wording import say_duration

    usual = found.usual
    where = f"in {len(hours.spans)} of them" if len(hours.spans) > 1 else "once"
    which = hours.words if hours.words == "all of it" else f"{hours.words}, {where}"
    first = (
        f"{harmless(question.name)} now {_say(question, found.now)}, "
        f"usually {_say(question, usual.median)} ± {_say(question, usual.mad)} "
        f"(nine of ten: {_say(question, usual.low)} to {_say(question, usual.high)})"
    )
    shift = (
        f"shift {_say(question, found.shift)} "
        f"(95 %: {_say(question, found.shift_low)} to {_say(question, found.shift_high)})"
    )
    grounds = (
        f"{found.effect} effect, delta {found.delta:+.2f}; p {_say_p(found.p)}, "
        f"{found.count} values that count as {found.independent:.0f}"
    )
    said = _verdict(question, found)
    return [
        first,
        f"Compared with {which}, over {say_duration(window)}: {usual.count} values",
        paint(f"{said}: {shift}; {grounds}.", "red" if found.differs else "green"),
    ]


def _verdict(question: Question, found: "Comparison") -> str:
    if found.differs:
        side = "higher" if found.shift > 0 else "lower"
        if question.limit is None:
            return f"It is {side} than usual"
        worse = (found.shift > 0) == question.up
        return f"It is {side} than usual, which is {'worse' if worse else 'better'}"
    if found.significant:
        return "It is a little off, and too little to matter"
    return "It is as usual"


def _chart(
    question: Question, recent: Read, found: "Comparison", span: tuple[datetime, datetime]
) -> list[str]:
    from playcall.cli.plot import Plot, draw

    plot = Plot(
        points=recent.points,
        start=span[0].timestamp(),
        end=span[1].timestamp(),
        limit=question.limit,
        band=(found.usual.low, found.usual.high),
    )
    return draw(plot, lambda value: _say(question, value))


def _say(question: Question, value: float) -> str:
    from playcall.core.wording import say_value

    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    return say_value(value, question.unit)


def _say_p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.2g}"


# --- For programs ---------------------------------------------------------------------------------


def _document(
    question: Question, hours: "Hours", found: "Comparison | None", why: str, code: int
) -> dict[str, Any]:
    return {
        "name": question.name,
        "query": question.promql,
        "unit": question.unit,
        "limit": question.limit,
        "worse": "up" if question.up else "down",
        "exit_code": code,
        "too_little": why or None,
        "hours": hours.words,
        "spans": [[start.isoformat(), end.isoformat()] for start, end in hours.spans],
        "comparison": asdict(found) if found is not None else None,
    }


def _finite(value: Any) -> Any:
    """JSON has no infinity: null stands for it."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
