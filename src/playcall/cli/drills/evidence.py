"""Fetches what a drill left behind: from Playcall its incident, from Prometheus every criterion of
the document and every alert, from the fault on. Judges nothing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from playcall.core import drill, judge
from playcall.core.drill import Change, Evidence, Fired, Look, Sample, Watched
from playcall.core.judge import reduce_series
from playcall.core.pace import quicken
from playcall.core.plan import Criterion, Plan, Purpose
from playcall.prometheus import Prometheus

STEP = timedelta(seconds=1)
EARLIER = timedelta(seconds=15)  # before the fault


async def recorded(
    plan: Plan, prometheus_url: str, factor: float, broken_at: datetime, ended_at: datetime
) -> tuple[tuple[Watched, ...], tuple[Fired, ...]]:
    """Every criterion that can be measured, and every alert of the document's plays."""
    start = broken_at - EARLIER
    quick = quicken(plan, factor)
    async with httpx.AsyncClient(trust_env=False) as client:
        prometheus = Prometheus(prometheus_url, client)

        async def watch(play: str, criterion: Criterion) -> Watched:
            series = await prometheus.query_range(criterion.query or "", start, ended_at, STEP)
            samples = _every_step(criterion, series, start, ended_at)
            return Watched(play=play, criterion=criterion, samples=samples)

        async def fired(alert: str) -> list[Fired]:
            query = f'ALERTS{{alertstate="firing",alertname="{alert}"}}'
            series = await prometheus.query_range(query, start, ended_at, STEP)
            instants = [sample.at for one in series for sample in one]
            return drill.spans(alert, instants, STEP, ended_at)

        watched = await asyncio.gather(
            *(
                watch(play.alert, criterion)
                for play in quick.plays
                for criterion in play.criteria
                if criterion.query and criterion.purpose is not Purpose.QUESTION
            )
        )
        spans = await asyncio.gather(*(fired(play.alert) for play in plan.plays))
    found = sorted((span for each in spans for span in each), key=lambda span: span.began_at)
    return tuple(watched), tuple(found)


def _every_step(
    criterion: Criterion,
    series: Sequence[Sequence[judge.Sample]],
    start: datetime,
    end: datetime,
) -> tuple[Sample, ...]:
    """A sample for each step, with none where there was no data."""
    found = {round(s.at.timestamp()): s.value for s in reduce_series(criterion, series)}
    steps = int((end - start) / STEP)
    instants = (start + STEP * n for n in range(steps + 1))
    return tuple(Sample(at=at, value=found.get(round(at.timestamp()))) for at in instants)


def commands(detail: dict[str, Any]) -> tuple[tuple[Change, ...], tuple[Look, ...]]:
    """Of an incident, those that ran."""
    ran = [c for c in detail["commands"] if c["run"] and c["run"]["ended_at"]]
    changed = [_change(c) for c in ran if c["run"]["approved_by"]]
    return tuple(sorted(changed, key=lambda c: c.began_at)), tuple(
        _look(c) for c in ran if not c["run"]["approved_by"]
    )


def milestones(detail: dict[str, Any]) -> tuple[tuple[str, datetime], ...]:
    """From the incident's own record, each at its true time."""
    first: dict[str, datetime] = {}
    for entry in detail["timeline"]:
        first.setdefault(entry["kind"], instant(entry["at"]))
    changed, _ = commands(detail)
    recovery = [c["since"] for c in detail["criteria"] if c["purpose"] == "recovery" and c["since"]]
    found: list[tuple[str, datetime | None]] = [
        ("alert fired", instant(detail["fired_at"])),
        ("page handed over", first.get("PageDelivered")),
        ("first diagnostic finished", _first_look(detail)),
        ("acknowledged", first.get("Acknowledged")),
        ("first remedy done", min((c.ended_at for c in changed), default=None)),
        ("last remedy done", max((c.ended_at for c in changed), default=None)),
        ("recovery criterion good again, since", instant(recovery[0]) if recovery else None),
        ("alert cleared", first.get("AlertsCleared")),
        ("resolved", first.get("Resolved")),
        ("post-mortem written", first.get("ReportWritten")),
    ]
    return tuple((words, at) for words, at in found if at)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def evidence(
    detail: dict[str, Any],
    watched: tuple[Watched, ...],
    fired: tuple[Fired, ...],
    **known: Any,
) -> Evidence:
    changed, looks = commands(detail)
    return Evidence(
        milestones=milestones(detail),
        changes=changed,
        looks=looks,
        watched=watched,
        fired=fired,
        **known,
    )


def _first_look(detail: dict[str, Any]) -> datetime | None:
    ran: Iterable[dict[str, Any]] = (c["run"] for c in detail["commands"] if c["run"])
    ended = [instant(r["ended_at"]) for r in ran if r["ended_at"] and not r["approved_by"]]
    return min(ended, default=None)


def _change(command: dict[str, Any]) -> Change:
    run = command["run"]
    return Change(
        id=command["id"],
        title=command["title"],
        text=command["as_written"],
        line=command["line"],
        began_at=instant(run["begun_at"]),
        ended_at=instant(run["ended_at"]),
        status=run["status"],
        summary=run["summary"],
    )


def _look(command: dict[str, Any]) -> Look:
    run = command["run"]
    began = run["begun_at"] or run["ended_at"]
    return Look(
        id=command["id"],
        title=command["title"],
        text=command["as_written"],
        line=command["line"],
        status=run["status"],
        seconds=(instant(run["ended_at"]) - instant(began)).total_seconds(),
        summary=run["summary"],
    )
