"""`playcall trend`: whether a metric is on its way to its limit, and when it gets there."""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from playcall.cli import measuring
from playcall.cli.console import harmless, paint
from playcall.cli.measuring import TOO_LITTLE, YES, BadQuestion, NothingKnown, Question, Read

if TYPE_CHECKING:
    from playcall.statistics.trend import Trend

POINTS = 120  # that are asked for
FEWEST = 10
MOST_MISSING = 0.5
STALE = 0.1  # of the duration: how old the latest value may be


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "trend",
        help="whether a metric is on its way to its limit, and when it gets there",
        description="A robust line through the last values. Exit code 0: it does not get worse; "
        "1: it does, by more than chance and enough to matter; 2: asked wrongly; 3: too little is "
        "known to say.",
    )
    parser.add_argument("--duration", type=measuring.span, default=timedelta(minutes=30))
    parser.add_argument(
        "--at-least",
        type=measuring.share,
        default=0.1,
        metavar="10%",
        help="the change over the duration that matters, of its median",
    )
    measuring.add_question_arguments(parser)


def run(args: argparse.Namespace) -> int:
    step = timedelta(seconds=max(1, int(args.duration.total_seconds()) // POINTS))
    end = measuring.now()
    start = end - args.duration
    try:
        question = measuring.read_question(args)
        (read,) = measuring.ask(question, [(start, end)], step)
    except (BadQuestion, NothingKnown) as error:
        return measuring.refuse(error)
    finite = [point for point in read.points if math.isfinite(point[1])]
    why = _why_too_little(read, end.timestamp(), args.duration.total_seconds())
    bad = math.inf if question.up else -math.inf
    infinite = bool(read.points) and read.points[-1][1] == bad and "old" not in why
    if infinite:
        why = ""
    elif not why and len(finite) < FEWEST:
        why = f"only {len(finite)} finite values of {read.expected}"
    trend = None
    if len(finite) >= FEWEST and not why:
        trend = _fit(question, finite, step, args.at_least)
    worsens = infinite or (trend is not None and trend.worsens)
    code = TOO_LITTLE if why else YES if worsens else 0
    if args.json:
        print(json.dumps(_document(question, read, trend, why, code), indent=2))
        return code
    lines = _lines(question, read, trend, why, infinite, args.duration)
    measuring.show([*lines, *_chart(question, read, trend, start.timestamp(), end.timestamp())])
    return code


def _fit(
    question: Question, points: Sequence[tuple[float, float]], step: timedelta, at_least: float
) -> "Trend":
    from playcall.statistics.trend import fit

    seconds = step.total_seconds()
    return fit(points, seconds, limit=question.limit, up=question.up, at_least=at_least)


def _why_too_little(read: Read, end: float, duration: float) -> str:
    count = len(read.points)
    if count < FEWEST or read.missing_share > MOST_MISSING:
        return f"only {count} values of {read.expected}, {read.missing_share:.0%} are missing"
    late = end - read.points[-1][0]
    if late > max(STALE * duration, 60.0):
        return f"its latest value is {_say_seconds(late)} old"
    return ""


# --- For people -----------------------------------------------------------------------------------


def _lines(
    question: Question,
    read: Read,
    trend: "Trend | None",
    why: str,
    infinite: bool,
    duration: timedelta,
) -> list[str]:
    name = harmless(question.name)
    back = _say_seconds(duration.total_seconds())
    if why:
        return [f"{name} over {back}: {why}; too little to say."]
    lines = []
    if trend is not None:
        lines += _told(question, trend, name, back)
    if infinite:
        lines.append(
            paint(f"{name}: its latest value is infinite: beyond what it can measure.", "red")
        )
    if read.missing:
        lines.append(f"{read.missing} of {read.expected} values are missing.")
    return lines


def _told(question: Question, trend: "Trend", name: str, back: str) -> list[str]:
    up = trend.slope > 0
    rate = f"{_say(question, abs(trend.slope) * 60)} a minute"
    sign = -60 if trend.slope < 0 else 60
    between = sorted((sign * trend.slope_low, sign * trend.slope_high))
    way = f"{'rising' if up else 'falling'} by {rate}" if trend.slope else "level"
    first = (
        f"{name} over {back}: now {_say(question, trend.now)}, {way} "
        f"(95 %: {_say(question, between[0])} to {_say(question, between[1])})"
    )
    if trend.worsens:
        said = "That is a trend for the worse"
    elif trend.significant and trend.large:
        said = "It gets better"
    elif trend.significant:
        said = f"That is a trend, and too small to matter: {_say(question, trend.change)} in all"
    else:
        said = "That is no trend: as much comes by chance"
    lines = [first, paint(f"{said} ({_grounds(trend)}).", "red" if trend.worsens else "green")]
    return [*lines, *_limit(question, trend)]


def _grounds(trend: "Trend") -> str:
    return (
        f"tau {trend.tau:.2f}, p {_say_p(trend.p)}, {trend.count} values that count as "
        f"{trend.independent:.0f}"
    )


def _limit(question: Question, trend: "Trend") -> list[str]:
    if question.limit is None:
        return []
    limit = f"its limit of {_say(question, question.limit)}"
    if trend.beyond:
        side = "over" if question.up else "under"
        return [paint(f"It is {side} {limit} already.", "red")]
    crossing = trend.crossing
    if crossing is None or not trend.significant:
        return [f"It is not on its way to {limit}."]
    latest = f"by {_say_seconds(crossing.latest)}" if crossing.latest else "perhaps never"
    return [
        f"At this rate it reaches {limit} in {_say_seconds(crossing.expected)} "
        f"(not before {_say_seconds(crossing.soonest)}, {latest})."
    ]


def _chart(
    question: Question, read: Read, trend: "Trend | None", start: float, end: float
) -> list[str]:
    from playcall.cli.plot import Plot, draw

    fit = None
    if trend is not None:
        fit = (trend.now - trend.change, trend.now)
    plot = Plot(points=read.points, start=start, end=end, limit=question.limit, fit=fit)
    return draw(plot, lambda value: _say(question, value))


def _say(question: Question, value: float) -> str:
    from playcall.core.wording import say_value

    return say_value(value, question.unit)


def _say_seconds(seconds: float) -> str:
    from playcall.core.wording import say_duration

    if seconds > 366 * 86400:
        return "more than a year"
    return say_duration(timedelta(seconds=seconds))


def _say_p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.2g}"


# --- For programs ---------------------------------------------------------------------------------


def _document(
    question: Question, read: Read, trend: "Trend | None", why: str, code: int
) -> dict[str, Any]:
    return {
        "name": question.name,
        "query": question.promql,
        "unit": question.unit,
        "limit": question.limit,
        "worse": "up" if question.up else "down",
        "exit_code": code,
        "too_little": why or None,
        "values": len(read.points),
        "missing": read.missing,
        "trend": asdict(trend) if trend is not None else None,
    }
