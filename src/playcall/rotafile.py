"""The tables of the settings file that say who is on call and how people are reached: what may
stand in them, what is wrong in them, and the values that they become."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from playcall.core.hours import WEEKDAYS, Window, read_time, read_weekday, read_window
from playcall.core.rota import Imported, Layer, Rotation, Schedule

LONGEST_TURN = timedelta(days=366)
_YEARS = range(1970, 2200)
_LENGTH = re.compile(r"(?P<count>[1-9]\d{0,3})\s*(?P<unit>hour|day|week)s?")
_DELAY = re.compile(r"(?P<count>\d{1,5})\s*(?P<unit>[smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_LOCAL = ("127.0.0.1", "localhost", "::1")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is a mistake, not a wish."""


class RuleTable(_Table, frozen=True):
    methods: tuple[str, ...]  # all at once
    after: str = "0m"  # the page; later ones only while nobody has acknowledged it
    hours: str = ""  # "mon-fri 09:00-17:00" in the person's zone; default always


class LayerTable(_Table, frozen=True):
    people: tuple[str, ...] = ()  # in the order of their turns
    rotation: str = ""  # daily, weekly, "3 days", "12 hours"
    hand_off: str = "09:00"
    weekday: str = ""  # of the hand-off, when turns are weeks; default that of starts_on
    starts_on: date | None = None
    only: tuple[str, ...] = ()  # hours of the week in which the layer counts
    ical: str = ""  # a file or an address with a calendar, instead of all of the above


class ScheduleTable(_Table, frozen=True):
    zone: str
    layers: tuple[LayerTable, ...] = ()  # a later one wins over an earlier one
    fallback: tuple[str, ...] = ()  # who stands in when nobody is on call
    part_time: bool = False  # gaps are meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A layer of a schedule that is read from a calendar."""

    schedule: str
    layer: int  # its place among the layers
    source: str  # an absolute path or an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A person's own rule, read."""

    after: timedelta
    methods: tuple[str, ...]
    hours: Window | None


# --- What is wrong -------------------------------------------------------------------------------


def schedule_mistakes(
    schedules: Mapping[str, ScheduleTable], people: Iterable[str]
) -> Iterator[str]:
    known = frozenset(people)
    for name, table in schedules.items():
        key = f"schedules.{name}"
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
            yield f"{key}: use lower-case letters, digits, dots and dashes."
        if name in known:
            yield f"{key}: a person has this name too. Give one of them another."
        if read_zone(table.zone) is None:
            yield f'{key}.zone: "{table.zone}" is not a time zone. Write one as "Europe/Berlin".'
        if not table.layers:
            yield f"{key}: has no layers. Add [[{key}.layers]]."
        for who in table.fallback:
            if who not in known:
                yield f'{key}.fallback: nobody is called "{who}". Add [people.{who}].'
        for number, layer in enumerate(table.layers, 1):
            for mistake in _layer_mistakes(layer, known):
                yield f"{key}.layers, number {number}: {mistake}"


def _layer_mistakes(layer: LayerTable, people: frozenset[str]) -> Iterator[str]:
    if layer.ical:
        if layer != LayerTable(ical=layer.ical):
            yield "ical stands alone: the calendar says who is on call when. Remove the rest."
        if not _may_be_fetched(layer.ical):
            yield f'ical: "{layer.ical}" is no address with https:// and no file. Name one.'
        return
    if not layer.people:
        yield "has no people. List at least one, or name a calendar as ical."
    for who in layer.people:
        if who not in people:
            yield f'nobody is called "{who}". Add [people.{who}].'
    turn = read_length(layer.rotation)
    if turn is None:
        yield (
            f'rotation: "{layer.rotation}" is not a length. '
            'Write daily, weekly, "3 days" or "12 hours".'
        )
    if read_time(layer.hand_off) is None:
        yield f'hand_off: "{layer.hand_off}" is not a time of day. Write it as "09:00".'
    if layer.starts_on is None:
        yield "starts_on: say on which day the first turn begins: 2026-01-05."
    elif layer.starts_on.year not in _YEARS:
        yield f"starts_on: {layer.starts_on} is not a day of these times."
    if layer.weekday and read_weekday(layer.weekday) is None:
        yield f'weekday: "{layer.weekday}" is not one of {", ".join(WEEKDAYS)}.'
    elif layer.weekday and turn and turn % timedelta(days=7):
        yield "weekday: only turns of whole weeks begin on one. Remove it, or write weekly."
    for text in layer.only:
        if read_window(text) is None:
            yield f'only: "{text}" are not hours. Write them as "mon-fri 09:00-17:00".'


def rule_mistakes(
    person: str,
    rules: Iterable[RuleTable],
    zone: str,
    reached: Iterable[str],
    channels: Iterable[str],
) -> Iterator[str]:
    """`reached`: the methods that the person has an address for; `channels`: all there are."""
    key, addresses = f"people.{person}", frozenset(reached)
    if zone and read_zone(zone) is None:
        yield f'{key}.zone: "{zone}" is not a time zone. Write one as "Europe/Berlin".'
    for number, rule in enumerate(rules, 1):
        if not rule.methods:
            yield f"{key}.rules, number {number}: has no methods. Name at least one."
        for method in rule.methods:
            if method not in channels:
                yield (
                    f'{key}.rules, number {number}: "{method}" is not one of {", ".join(channels)}.'
                )
            elif method not in addresses:
                yield f"{key}.rules, number {number}: {key}.{method} has no address."
        if read_delay(rule.after) is None:
            yield (
                f'{key}.rules, number {number}: after: "{rule.after}" is not a time. '
                'Write it as "2m".'
            )
        if rule.hours and read_window(rule.hours) is None:
            yield (
                f'{key}.rules, number {number}: hours: "{rule.hours}" are not hours. '
                'Write them as "mon-fri 09:00-17:00".'
            )
        if rule.hours and not zone:
            yield f'{key}.rules, number {number}: hours need {key}.zone, as "Europe/Berlin".'


# --- What it becomes -----------------------------------------------------------------------------


def build_schedule(name: str, table: ScheduleTable) -> Schedule:
    """Of a table without mistakes; layers of calendars are empty until they are read."""
    return Schedule(
        name=name,
        zone=ZoneInfo(table.zone),
        layers=tuple(_layer(layer) for layer in table.layers),
        part_time=table.part_time,
    )


def _layer(table: LayerTable) -> Layer:
    if table.ical:
        return Imported(shifts=())
    turn, hand_off = read_length(table.rotation), read_time(table.hand_off)
    if turn is None or hand_off is None or table.starts_on is None:
        raise ValueError(f"a layer with mistakes: {table}")
    return Rotation(
        people=table.people,
        turn=turn,
        hand_off=hand_off,
        starts_on=table.starts_on,
        weekday=read_weekday(table.weekday) if table.weekday else None,
        windows=tuple(window for text in table.only if (window := read_window(text))),
    )


def feeds(schedules: Mapping[str, ScheduleTable], beside: Path) -> tuple[Feed, ...]:
    """The layers that are calendars; paths are relative to the settings file."""
    return tuple(
        Feed(
            schedule=name,
            layer=number,
            source=layer.ical if "://" in layer.ical else str((beside / layer.ical).resolve()),
        )
        for name, table in schedules.items()
        for number, layer in enumerate(table.layers)
        if layer.ical
    )


def build_steps(rules: Iterable[RuleTable]) -> tuple[Step, ...]:
    """Of rules without mistakes, soonest first."""
    steps = [
        Step(
            after=read_delay(rule.after) or timedelta(),
            methods=tuple(dict.fromkeys(rule.methods)),
            hours=read_window(rule.hours) if rule.hours else None,
        )
        for rule in rules
    ]
    return tuple(sorted(steps, key=lambda step: step.after))


def read_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (OSError, ValueError, KeyError):  # what is not found is a KeyError
        return None


def read_length(text: str) -> timedelta | None:
    """'daily', 'weekly', '3 days', '12 hours'; None for what is none, or is over a year."""
    words = {"daily": "1 day", "weekly": "1 week"}
    found = _LENGTH.fullmatch(words.get(text.strip().lower(), text.strip().lower()))
    if found is None:
        return None
    length = int(found["count"]) * timedelta(**{f"{found['unit']}s": 1})
    return length if length <= LONGEST_TURN else None


def read_delay(text: str) -> timedelta | None:
    """'90s', '2m', '1h'; None for what is none."""
    found = _DELAY.fullmatch(text.strip())
    return timedelta(seconds=int(found["count"]) * _SECONDS[found["unit"]]) if found else None


def _may_be_fetched(source: str) -> bool:
    """A path, or an address over TLS, or one on this machine."""
    if "://" not in source:
        return True
    try:
        parts = urlsplit(source)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    )
