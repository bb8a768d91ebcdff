"""The table of the settings file about the metrics review: how much is looked at around an
incident, and the numbers that its post-mortem tells beside the document's own."""

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from playcall.core.response import FigureQuery, ReviewPolicy
from playcall.core.review_figures import WINDOW
from playcall.responsefile import read_duration

MOST_BEFORE = timedelta(days=30)


class FigureTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A number of the post-mortem; `$window` in the query is how long the incident lasted."""

    name: str
    query: str  # PromQL, of one series
    unit: str = ""  # as it stands after the number: "%"


class ReviewTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The charts of an incident; durations such as "1h"."""

    before: str = "1h"  # the alert
    after: str = "5m"  # the resolution
    figures: tuple[FigureTable, ...] = ()


def review_mistakes(table: ReviewTable) -> Iterator[str]:
    for key in ("before", "after"):
        text = getattr(table, key)
        lasting = read_duration(text)
        if lasting is None or lasting > MOST_BEFORE:
            yield f'review.{key}: "{text}" is not a duration of up to 30 days. Write "1h" or "5m".'
    names = [figure.name.strip().casefold() for figure in table.figures]
    for number, figure in enumerate(table.figures, start=1):
        where = f"review.figures number {number}"
        if not re.search(r"\w", figure.name) or "\n" in figure.name or len(figure.name) > 100:
            yield f'{where}: name what is measured, such as "Migrations affected".'
        elif names.index(figure.name.strip().casefold()) != number - 1:
            yield f'{where}: there are two figures named "{figure.name}".'
        if "\n" in figure.unit or len(figure.unit) > 20:
            yield f'{where}: a unit is a word such as "%" or "migrations".'
        if wrong := _wrong(figure.query):
            yield f'{where}, "{figure.name}": its query is not PromQL: {wrong}.'


def _wrong(query: str) -> str:
    from playcall.core.compiler.promql import wrong_in  # with the compiler, on first use

    if not query.strip():
        return "it is empty"
    filled = query.replace(WINDOW, "5m")
    other = re.search(r"\$\{?\w+\}?", filled)
    if other:
        return f"{other[0]} means nothing here, only {WINDOW} is filled in"
    return wrong_in(filled)


def complete_review(table: ReviewTable) -> ReviewPolicy:
    usual = ReviewPolicy()
    return ReviewPolicy(
        before=read_duration(table.before) or usual.before,
        after=read_duration(table.after) or usual.after,
        figures=tuple(
            FigureQuery(name=one.name.strip(), promql=one.query, unit=one.unit.strip())
            for one in table.figures
        ),
    )
