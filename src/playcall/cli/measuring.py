"""What `trend` and `baseline` share: which query, where Prometheus is, its answer as points."""

import argparse
import asyncio
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playcall.cli.remote import minutes

if TYPE_CHECKING:
    from playcall.core.plan import Plan
    from playcall.engine.ports import Unavailable
    from playcall.prometheus import Prometheus
    from playcall.statistics.trend import Point
    from playcall.statistics.usual_hours import Span

SETTINGS = "playcall.toml"
AT_ONCE = 10_000  # points of one question; Prometheus answers at most 11,000
LISTED = 5  # series that a refusal names
YES, BAD_USAGE, TOO_LITTLE = 1, 2, 3  # exit codes; 0: nothing to worry about


class BadQuestion(Exception):
    """It was asked wrongly; the message is for a person."""


class NothingKnown(Exception):
    """Prometheus does not answer, or not with one series; the message is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query, with what is known of it."""

    name: str
    promql: str
    prometheus: str
    zone: str = "UTC"
    unit: str = ""
    limit: float | None = None
    up: bool = True  # whether more is worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One span's points, oldest first. Infinite values are among them, NaN is not."""

    points: "Sequence[Point]"
    expected: int  # points, had every one been there

    @property
    def missing(self) -> int:
        return self.expected - len(self.points)

    @property
    def missing_share(self) -> float:
        return self.missing / self.expected if self.expected else 1.0


def add_question_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is asked")
    what.add_argument("--query", metavar="PROMQL", help="that gives one series")
    what.add_argument("--metric", metavar="NAME", help="a named query of the playbook: p95")
    what.add_argument("--playbook", metavar="FILE", help="default: the settings' own")
    what.add_argument("--name", help="what to call it; default: the query's name")
    what.add_argument("--unit", help="of its values: s, B/s, 1/s")
    what.add_argument("--limit", type=_number, help="default: of the playbook's criterion")
    what.add_argument("--worse", choices=("up", "down"), help="default: as the criterion has it")
    what.add_argument("--aggregate", choices=("avg", "sum", "min", "max"), help="several series")
    where = parser.add_argument_group("where")
    where.add_argument("--prometheus", metavar="URL", help="default $PROMETHEUS_URL, then settings")
    where.add_argument(
        "--settings", metavar="FILE", help=f"default ./{SETTINGS}, where there is one"
    )
    where.add_argument("--json", action="store_true", help="for programs")


def span(text: str) -> timedelta:
    """A duration with its unit: '90s', '30m', '7d', '2w'."""
    text = text.strip().lower()
    if text.endswith("w"):
        text = f"{text[:-1]}d"
        return 7 * span(text)
    if text.isdigit():
        raise argparse.ArgumentTypeError(f'"{text}" has no unit; write "{text}m" or "{text}s"')
    found = timedelta(minutes=minutes(text))
    if found < timedelta(seconds=1):
        raise argparse.ArgumentTypeError(f'"{text}" is too short')
    return found


def share(text: str) -> float:
    """'10' or '10%' as 0.1."""
    found = _number(text.strip().removesuffix("%"))
    if not 0 <= found <= 1000:
        raise argparse.ArgumentTypeError(f'"{text}" is no share; write "10%"')
    return found / 100


def read_question(args: argparse.Namespace) -> Question:
    """Raises BadQuestion."""
    if bool(args.query) == bool(args.metric):
        raise BadQuestion("Say what is asked: --query PROMQL, or --metric NAME of a playbook.")
    settings, zone, playbook = _settings(args)
    url = args.prometheus or os.environ.get("PROMETHEUS_URL") or settings
    if not url:
        raise BadQuestion("Say where Prometheus is: --prometheus URL, or set PROMETHEUS_URL.")
    if not _is_address(url):
        raise BadQuestion(f'"{url}" is no address of a Prometheus: http://HOST:9090.')
    found = Question(name=args.query or "", promql=args.query or "", prometheus=url, zone=zone)
    if args.metric:
        found = _named(found, _plan(args.playbook or playbook), args.metric)
    promql = f"{args.aggregate}({found.promql})" if args.aggregate else found.promql
    return Question(
        name=" ".join((args.name or found.name).split()),
        promql=promql,
        prometheus=url,
        zone=zone,
        unit=found.unit if args.unit is None else args.unit,
        limit=found.limit if args.limit is None else args.limit,
        up=found.up if args.worse is None else args.worse == "up",
    )


def ask(question: Question, spans: "Sequence[Span]", step: timedelta) -> list[Read]:
    """Each span's points. Raises NothingKnown."""
    return asyncio.run(_ask(question, spans, step))


def now() -> datetime:
    """In whole seconds, so that points of two spans lie on round times."""
    return datetime.now(UTC).replace(microsecond=0)


def show(lines: Sequence[str]) -> None:
    """Print, also where the terminal knows no more than ASCII."""
    text = "\n".join(lines)
    encoding = sys.stdout.encoding or "ascii"
    if "utf" not in encoding.lower():
        text = (
            text.replace("±", "+-").replace("µ", "u").encode(encoding, "replace").decode(encoding)
        )
    print(text)


def refuse(error: Exception) -> int:
    print(error, file=sys.stderr)
    return BAD_USAGE if isinstance(error, BadQuestion) else TOO_LITTLE


# --- The question ---------------------------------------------------------------------------------


def _settings(args: argparse.Namespace) -> tuple[str, str, Path | None]:
    """Prometheus' address, the team's zone and the playbook; the settings are looked into only as
    far as something is left to ask them."""
    path = Path(args.settings or SETTINGS)
    if not args.settings and not path.is_file():
        return "", "UTC", None
    from playcall.settings import BadSettings, read_settings

    try:
        found = read_settings(path)
    except BadSettings as error:
        if args.settings:
            raise BadQuestion(str(error)) from None
        return "", "UTC", None
    return found.prometheus.url, found.response.zone, found.playbook


def _is_address(url: str) -> bool:
    try:
        found = urlsplit(url)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and bool(found.hostname)


def _plan(playbook: Path | str | None) -> "Plan":
    from playcall.cli.console import Unreadable, read_bytes
    from playcall.core.compiler import compile_document

    if playbook is None:
        raise BadQuestion("--metric is a playbook's: give --playbook FILE or --settings FILE.")
    try:
        compiled = compile_document(read_bytes(Path(playbook)), str(playbook))
    except Unreadable as error:
        raise BadQuestion(str(error)) from None
    if compiled.plan is None:
        raise BadQuestion("\n".join(str(problem) for problem in compiled.problems))
    return compiled.plan


def _named(question: Question, plan: "Plan", name: str) -> Question:
    """By its whole name, else by a part of it that is in no other. Its limit is the
    gravest that a symptom of the document names."""
    wanted = " ".join(name.lower().split())
    names = {query.name.lower(): query for query in plan.queries}
    alike = [wanted] if wanted in names else [known for known in names if wanted in known]
    if len(alike) != 1:
        listed = ", ".join(query.name for query in plan.queries) or "none"
        which = "no query" if not alike else "several queries"
        raise BadQuestion(f'{plan.source} has {which} called "{name}". It has {listed}.')
    query = names[alike[0]]
    symptoms = [
        one
        for play in plan.plays
        for one in play.criteria
        if one.query == query.promql and one.purpose == "symptom"
    ]
    up = not symptoms or symptoms[0].comparison in (">", ">=")
    limits = [one.threshold for one in symptoms]
    return Question(
        name=query.name,
        promql=query.promql,
        prometheus=question.prometheus,
        unit=symptoms[0].unit if symptoms else "",
        limit=(max(limits) if up else min(limits)) if limits else None,
        up=up,
    )


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f'"{text}" is no number')
    return found


# --- The answer -----------------------------------------------------------------------------------


async def _ask(question: Question, spans: "Sequence[Span]", step: timedelta) -> list[Read]:
    import httpx

    from playcall.engine.ports import Unavailable
    from playcall.prometheus import Prometheus

    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            prometheus = Prometheus(question.prometheus, client)
            return [await _span(prometheus, question.promql, one, step) for one in spans]
    except Unavailable as error:
        raise _blamed(error) from None


async def _span(prometheus: "Prometheus", promql: str, whole: "Span", step: timedelta) -> Read:
    start, end = whole
    points: list[Point] = []
    at = start
    while at <= end:
        until = min(end, at + (AT_ONCE - 1) * step)
        series = await prometheus.query_range(promql, at, until, step)
        if len(series) > 1:
            raise await _several(prometheus, promql, until, len(series))
        samples = series[0] if series else ()
        points += [(s.at.timestamp(), s.value) for s in samples if not math.isnan(s.value)]
        at += AT_ONCE * step
    return Read(points=points, expected=(end - start) // step + 1)


async def _several(
    prometheus: "Prometheus", promql: str, at: datetime, count: int
) -> NothingKnown | BadQuestion:
    vectors = await prometheus.query(promql, at)
    names = [
        "{" + ", ".join(f'{k}="{v}"' for k, v in sorted(vector.labels.items())) + "}"
        for vector in vectors[:LISTED]
    ]
    more = f" and {count - len(names)} more" if names and count > len(names) else ""
    listed = f": {', '.join(names)}{more}" if names else ""
    return BadQuestion(
        f"The query gives {count} series{listed}. Ask for one of them, or give --aggregate "
        "avg, sum, min or max."
    )


def _blamed(error: "Unavailable") -> NothingKnown | BadQuestion:
    """A query that is wrong will not get better; everything else may."""
    if error.permanent and "(400)" in str(error):
        return BadQuestion(str(error))
    return NothingKnown(str(error))
