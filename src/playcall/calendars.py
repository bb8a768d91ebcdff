"""iCalendar (RFC 5545), both ways: shifts as a calendar, and other people's calendars as shifts.

A calendar that cannot be read keeps its last good copy, and what is wrong is told.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import icalendar
import recurring_ical_events  # type: ignore[import-untyped]

from playcall.bounded import NoAnswer, fetch
from playcall.core.hours import instant
from playcall.core.review_meeting import Meeting
from playcall.core.rota import Shift
from playcall.engine.directory import Directory
from playcall.engine.ports import Clock, Person, Unavailable
from playcall.rotafile import Feed

log = logging.getLogger(__name__)

LARGEST = 5_000_000  # bytes of one calendar
PATIENCE = timedelta(seconds=30)
BACK, AHEAD = timedelta(days=35), timedelta(days=200)
TOO_OFTEN = re.compile(rb"FREQ=(SECONDLY|MINUTELY)", re.IGNORECASE)
OLDEST = 1970  # year in which an entry may begin: older ones repeat too often until now
MOST = 20_000  # shifts of one calendar


class BadCalendar(ValueError):
    """A text that is no calendar, or none that can be used; the message says why."""


# --- Out -----------------------------------------------------------------------------------------


def write_calendar(title: str, entries: Iterable[tuple[str, Shift]], at: datetime) -> bytes:
    """A calendar of shifts, each with its summary."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Playcall//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", icalendar.vText(title))
    calendar.add("refresh-interval", timedelta(minutes=15), parameters={"value": "DURATION"})
    for summary, shift in entries:
        event = icalendar.Event()
        event.add("uid", _uid(summary, shift))
        event.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", shift.starts_at.astimezone(UTC))
        event.add("dtend", shift.ends_at.astimezone(UTC))
        event.add("summary", summary)
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def write_invitation(
    meeting: Meeting,
    people: Mapping[str, Person],
    *,
    uid: str,
    link: str,
    where: str,
    at: datetime,
) -> bytes:
    """An invitation to everybody whose mail address is known; with none of the owner's, an entry
    that invites nobody. The same `uid` moves the meeting, instead of making another."""
    owner = _address(people.get(meeting.owner))
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Playcall//meeting//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST" if owner else "PUBLISH")
    event = icalendar.Event()
    event.add("uid", uid)
    event.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("summary", meeting.title)
    agenda = "\n".join(f"- {line}" for line in meeting.agenda)
    event.add("description", f"{agenda}\n\nPost-mortem: {link}")
    event.add("url", link)
    if where:
        event.add("location", where)
    if owner:
        event.add("organizer", owner)
        for person in meeting.people:
            if address := _address(people.get(person)):
                event.add("attendee", address, encode=False)
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _address(person: Person | None) -> icalendar.vCalAddress | None:
    methods = person.methods if person else ()
    found = next((one.address for one in methods if one.channel == "mail"), None)
    if person is None or found is None:
        return None
    address = icalendar.vCalAddress(f"mailto:{found}")
    address.params["CN"] = icalendar.vText(person.name)
    return address


def _uid(summary: str, shift: Shift) -> str:
    named = "\n".join((summary, *shift.people, shift.starts_at.astimezone(UTC).isoformat()))
    return f"{hashlib.sha256(named.encode()).hexdigest()[:32]}@playcall"


# --- In ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A calendar's shifts, and the entries that name nobody who is known."""

    shifts: tuple[Shift, ...]
    strangers: tuple[str, ...] = ()


def read_calendar(
    data: bytes, zone: ZoneInfo, people: Mapping[str, str], start: datetime, end: datetime
) -> Reading:
    """The entries between two instants. `people`: ids by every word that names one, in lower case.
    Whole days, and times without a zone, are those of `zone`. Raises BadCalendar."""
    if TOO_OFTEN.search(data):
        raise BadCalendar("it has entries that repeat every minute or second")
    try:
        calendar = icalendar.Calendar.from_ical(data)
        if any(entry.start.year < OLDEST for entry in calendar.events):
            raise BadCalendar(f"it has entries that begin before {OLDEST}")
        entries = recurring_ical_events.of(calendar).between(start, end)
        spans = [(_names(entry), _span(entry, zone)) for entry in entries[:MOST]]
    except BadCalendar:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise BadCalendar(f"it is no calendar: {' '.join(str(error).split())[:200]}") from error
    shifts, strangers = [], []
    for names, (starts_at, ends_at) in spans:
        known = tuple(dict.fromkeys(people[name] for name in names if name in people))
        if known and starts_at < ends_at:
            shifts.append(Shift(people=known, starts_at=starts_at, ends_at=ends_at))
        elif not known:
            strangers.append(names[0] if names else "an entry without a name")
    return Reading(shifts=tuple(shifts), strangers=tuple(dict.fromkeys(strangers)))


def _names(entry: icalendar.Event) -> list[str]:
    """What may name somebody: the summary, and each attendee's address."""
    attendees = entry.get("attendee", [])
    listed = attendees if isinstance(attendees, list) else [attendees]
    addresses = [str(one).lower().removeprefix("mailto:").strip() for one in listed]
    summary = " ".join(str(entry.get("summary", "")).lower().split())
    return [name for name in (summary, *addresses) if name]


def _span(entry: icalendar.Event, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _instant(entry.start, zone), _instant(entry.end, zone)


def _instant(at: date, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        return instant(datetime.combine(at, time()), zone)
    return instant(at, zone) if at.tzinfo is None else at.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    """Keeps the layers that come from calendars as new as their sources are."""

    feeds: Sequence[Feed]
    people: Mapping[str, str]  # as for read_calendar
    directory: Directory
    client: httpx.AsyncClient
    copies: Path  # a directory for the last good copy of each
    clock: Clock

    async def recall(self) -> None:
        """The last good copies, so that a start waits for nobody else's server."""
        for feed in self.feeds:
            await self._fall_back(feed)

    async def refresh(self) -> None:
        for feed in self.feeds:
            try:
                data = await self._fetch(feed.source)
                await self._take(feed, data)
                await asyncio.to_thread(self._keep, feed, data)
            except (Unavailable, BadCalendar, OSError) as error:
                trouble = f"the calendar {_shown(feed.source)} was not read: {error}"
                log.warning("schedule %s: %s; the last good copy is used", feed.schedule, trouble)
                await self._fall_back(feed)
                self.directory.troubles[feed.schedule, feed.layer] = trouble

    async def _take(self, feed: Feed, data: bytes) -> None:
        now = self.clock.now()
        zone = self.directory.schedules[feed.schedule].zone
        reading = await asyncio.to_thread(
            read_calendar, data, zone, self.people, now - BACK, now + AHEAD
        )
        trouble = ""
        if reading.strangers:
            names = ", ".join(reading.strangers[:5])
            trouble = f"the calendar {_shown(feed.source)} names who is not among people: {names}"
            log.warning("schedule %s: %s", feed.schedule, trouble)
        self.directory.import_shifts(feed.schedule, feed.layer, reading.shifts, trouble)

    async def _fall_back(self, feed: Feed) -> None:
        try:
            data = await asyncio.to_thread(self._copy(feed).read_bytes)
            await self._take(feed, data)
        except FileNotFoundError:
            log.info("schedule %s: no copy of its calendar is kept yet", feed.schedule)
        except (OSError, BadCalendar) as error:
            log.warning("schedule %s: the copy of its calendar: %s", feed.schedule, error)

    async def _fetch(self, source: str) -> bytes:
        """Raises Unavailable, OSError."""
        if "://" not in source:
            return await asyncio.to_thread(Path(source).read_bytes)
        try:
            answer = await fetch(self.client, "GET", source, within=PATIENCE, largest=LARGEST)
        except NoAnswer as error:
            raise Unavailable(str(error)) from error
        if answer.status != 200:
            raise Unavailable(f"the server answered {answer.status}")
        return answer.body

    def _keep(self, feed: Feed, data: bytes) -> None:
        path = self._copy(feed)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".draft")
        draft.write_bytes(data)
        draft.replace(path)

    def _copy(self, feed: Feed) -> Path:
        """Named by the source: another source must not get the copy of this one."""
        return self.copies / f"{hashlib.sha256(feed.source.encode()).hexdigest()[:32]}.ics"


def names_of(directory: Directory) -> Mapping[str, str]:
    """Ids of people by their ids, names and mail addresses, in lower case."""
    names: dict[str, str] = {}
    for person in directory.people.values():
        names[person.name.lower()] = person.id
        for method in person.methods:
            if method.channel == "mail":
                names[method.address.lower()] = person.id
    return names | {name.lower(): name for name in directory.people}


def _shown(source: str) -> str:
    """Without what may be secret in an address."""
    return httpx.URL(source).host if "://" in source else source
