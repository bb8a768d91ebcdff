"""Instants by the clock of whoever reads, with UTC beside."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from playcall.core.hours import instant, wall_clock
from playcall.core.roster import local_day


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadersClock:
    zone: ZoneInfo
    own: bool  # the person's; else the schedule's, or UTC

    @property
    def name(self) -> str:
        return self.zone.key

    def day(self, at: datetime) -> date:
        return local_day(at, self.zone)

    def when(self, at: datetime) -> str:
        """'Sat 28 Nov 09:00'."""
        local = at.astimezone(self.zone)
        return f"{local:%a} {local.day} {local:%b %H:%M}"

    def span(self, starts_at: datetime, ends_at: datetime) -> str:
        """'Sat 28 Nov 09:00–17:00', 'Sat 28 Nov 22:00–Sun 29 Nov 06:00'."""
        same = self.day(starts_at) == self.day(ends_at)
        ends = f"{ends_at.astimezone(self.zone):%H:%M}" if same else self.when(ends_at)
        return f"{self.when(starts_at)}–{ends}"

    def part(self, starts_at: datetime, ends_at: datetime) -> str:
        """Of one day: 'until 09:00', 'from 22:00', 'all day'."""
        begins, ends = starts_at.astimezone(self.zone), ends_at.astimezone(self.zone)
        cut = f"{ends:%H:%M}" == "00:00"
        if f"{begins:%H:%M}" == "00:00":
            return "all day" if cut else f"until {ends:%H:%M}"
        return f"from {begins:%H:%M}" if cut else f"{begins:%H:%M}–{ends:%H:%M}"

    def utc(self, at: datetime) -> str:
        """'08:00 UTC', with the day where it is another; empty where the clock shows UTC."""
        return f"{self._utc(at)} UTC" if self.zone.key != "UTC" else ""

    def utc_span(self, starts_at: datetime, ends_at: datetime) -> str:
        if self.zone.key == "UTC":
            return ""
        return f"{self._utc(starts_at)}–{self._utc(ends_at)} UTC"

    def utc_part(self, starts_at: datetime, ends_at: datetime) -> str:
        """Beside `part`: of the ends that it says."""
        said = self.part(starts_at, ends_at)
        if said == "all day":
            return ""
        if said.startswith("until"):
            return self.utc(ends_at)
        return self.utc(starts_at) if said.startswith("from") else self.utc_span(starts_at, ends_at)

    def field(self, at: datetime) -> str:
        """For a form: '2026-11-28T09:00'."""
        return f"{wall_clock(at, self.zone):%Y-%m-%dT%H:%M}"

    def as_field(self, text: str) -> str:
        """What came with an offset, from somebody with another clock, by this one."""
        at = self.read(text)
        aware = at is not None and datetime.fromisoformat(text.strip()).tzinfo is not None
        return self.field(at) if at and aware else text

    def read(self, text: str) -> datetime | None:
        """What a form says; None for what is no time. A time with an offset is as it says."""
        try:
            at = datetime.fromisoformat(text.strip())
        except ValueError:
            return None
        if not 1971 <= at.year < 2200:
            return None
        return instant(at, self.zone) if at.tzinfo is None else at.astimezone(UTC)

    def _utc(self, at: datetime) -> str:
        there = at.astimezone(UTC)
        return f"{there:%H:%M}" if there.date() == self.day(at) else f"{there:%a %H:%M}"
