"""Measures an incident that is over: every query of its review, asked of Prometheus and kept.

It is measured at once, and again when there is some time behind the resolution. Where Prometheus
does not answer, the chart says so, and it is asked again for a while.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from playcall.core.chart import Chart, Mark, Series, is_upward
from playcall.core.events import MetricsReviewed
from playcall.core.plan import Plan
from playcall.core.review import Figure, Review, joined, numbered, worth_keeping
from playcall.core.review_asks import MOST_CHARTS, Ask, Window, asks, window
from playcall.core.review_figures import Question, answer, from_charts, questions
from playcall.core.review_marks import marks
from playcall.engine.commit import Committer
from playcall.engine.monitoring import Metrics, RangeVector
from playcall.engine.ports import Clock, Dossier, Job, Reviewing, Store, Transaction, Unavailable
from playcall.engine.retrying import retry_after

AT_ONCE = 4  # queries of one review
ONE_TAKES, ALL_TAKE = 15, 120  # seconds at most
T = TypeVar("T")
MOST_SERIES = 12  # of a chart
ATTEMPTS = 40  # with a minute between the later ones


@dataclass(slots=True)
class Asking:
    """How one review is asked for: so many queries at once, for so long."""

    metrics: Metrics
    window: Window
    hide: Callable[[str], str]
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    again: bool = False  # whether something may go better another time

    async def chart(self, ask: Ask, found: Sequence[Mark]) -> Chart:
        window = self.window
        empty = Chart(
            name=ask.name,
            title=ask.title,
            query=ask.query,
            unit=ask.unit,
            start=window.start,
            end=window.end,
            step=window.step,
            limit=ask.limit,
            well=ask.well,
            marks=found,
        )
        query = partial(self.metrics.query_series, ask.query, window.start, window.end, window.step)
        vectors, why = await self._ask(query)
        if vectors is None:
            return replace(empty, trouble=why)
        series = [self._series(vector) for vector in vectors]
        series = _worst_first([one for one in series if one.points], ask)
        shown = sorted(series[:MOST_SERIES], key=lambda one: one.name)
        return replace(empty, series=tuple(shown), left_out=len(series) - len(shown))

    async def figure(self, question: Question) -> Figure:
        query = partial(self.metrics.query, question.query, self.window.over_at)
        vectors, why = await self._ask(query)
        if vectors is None:
            return answer(question, None, why)
        if len(vectors) > 1:
            return answer(question, None, f"{len(vectors)} series, where one is wanted")
        return answer(question, vectors[0].sample.value if vectors else None)

    async def _ask(self, query: Callable[[], Awaitable[T]]) -> tuple[T | None, str]:
        """What it gave, or why it gave nothing."""
        try:
            async with asyncio.timeout(ALL_TAKE), self.room, asyncio.timeout(ONE_TAKES):
                return await query(), ""
        except TimeoutError:
            self.again = True
            return None, "Prometheus did not answer in time"
        except Unavailable as error:
            self.again = self.again or not error.permanent
            return None, self.hide(str(error))

    def _series(self, vector: RangeVector) -> Series:
        """What is no number is not there."""
        points = tuple((s.at, s.value) for s in vector.samples if math.isfinite(s.value))
        return Series(name=self.hide(_say_labels(vector.labels)), points=points)


def _say_labels(labels: Mapping[str, str]) -> str:
    """As PromQL writes them."""
    name = labels.get("__name__", "")
    said = ", ".join(
        f'{key}="{_escaped(value)}"' for key, value in sorted(labels.items()) if key != "__name__"
    )
    return f"{name}{{{said}}}" if said else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _worst_first(series: list[Series], ask: Ask) -> list[Series]:
    sign = -1 if is_upward(ask.well) else 1
    return sorted(series, key=lambda one: (min(sign * v for _, v in one.points), one.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    store: Store
    committer: Committer
    clock: Clock
    metrics: Metrics

    async def review(self, job: Job, task: Reviewing) -> None:
        found = await self.store.read(lambda views: views.dossier(job.incident))
        if found is None or not (found.incident.status.over or task.by_hand):
            await self.store.write(lambda tx: tx.finish(job.key))
            return
        over_at = found.incident.resolved_at or self.clock.now()
        again_at = over_at + found.plan.response.review.after
        review, again = await self._measure(found, over_at)
        now = self.clock.now()
        if again and job.attempts < ATTEMPTS:
            later = now + retry_after(job.attempts, job.key)
        else:
            later = again_at if found.incident.status.over else now

        def work(tx: Transaction) -> None:
            if later > now:
                tx.postpone(job.key, later, "Prometheus is asked again")
            else:
                tx.finish(job.key)
            self._keep(tx, job.incident, review, anyway=task.by_hand and job.attempts == 1)

        await self.store.write(work)

    async def _measure(self, found: Dossier, over_at: datetime) -> tuple[Review, bool]:
        """What was measured, and whether it may go better later."""
        incident, plan = found.incident, found.plan
        now = self.clock.now()
        seen = window(incident.fired_at, over_at, now, plan.response.review)
        asking = Asking(self.metrics, seen, self.committer.hide)
        play = plan.play(incident.play) if incident.play else None
        events = [stored.event for stored in found.events]
        happened = await asyncio.to_thread(marks, events, plan, play)
        wanted = asks(plan, play)
        charts = [asking.chart(ask, happened) for ask in wanted[:MOST_CHARTS]]
        figures = [asking.figure(question) for question in questions(plan, seen)]
        answers = await asyncio.gather(asyncio.gather(*charts), asyncio.gather(*figures))
        review = Review(
            charts=tuple(answers[0]),
            figures=tuple(answers[1]),
            measured_at=now,
            start=seen.start,
            end=seen.end,
            fired_at=seen.fired_at,
            over_at=seen.over_at,
            left_out=max(0, len(wanted) - MOST_CHARTS),
        )
        return review, asking.again

    def _keep(self, tx: Transaction, incident: int, review: Review, *, anyway: bool) -> None:
        """Beside the earlier ones, when it says more than they do, or somebody asked for it."""
        state, earlier = tx.incident(incident), tx.review(incident)
        if state is None:
            return
        both = joined(earlier, review) if earlier else review
        if earlier and not anyway and not worth_keeping(earlier, both):
            return
        both = _with_limits(both, tx.plan(state.plan), state.play)
        event = MetricsReviewed(
            at=self.clock.now(),
            charts=len(both.charts),
            troubled=both.troubled,
            points=both.points,
        )
        tx.keep_review(incident, numbered(earlier, both, state.version + 1))
        self.committer.apply(tx, event, incident)


def _with_limits(review: Review, plan: Plan, alert: str | None) -> Review:
    """With the numbers that come from its charts before those that were asked for."""
    play = plan.play(alert) if alert else None
    computed = from_charts(review.charts, play, (review.fired_at, review.over_at))
    return replace(review, figures=(*computed, *review.figures))
