"""Versioned records of machines and how two copies of them become one: the last writer wins. No
network here, and no decision who owns a machine.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

KEEP = timedelta(hours=1)  # of the records of ended machines; longer than any outage
AHEAD = timedelta(minutes=10)  # that another node's clock may be ahead
LONGEST_NAME = 256
FIELDS = {"vm", "version", "node", "state", "holder", "source"}


class State(StrEnum):
    OWNED = "owned"
    PENDING = "pending"  # meant, and not decided yet
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    vm: str
    version: int  # milliseconds since 1970, or more: later writes have higher ones
    node: str  # that wrote it
    state: State
    holder: str = ""  # node that has the machine; PENDING: that is to have it, empty: none
    source: str = ""  # PENDING: node that had it, empty: none


class BadRecords(ValueError):
    """What was sent is no list of records."""


def newer(one: Record, other: Record) -> Record:
    """Higher version, then higher node; the rest only so that every node picks the same."""
    return max(one, other, key=_order)


def _order(record: Record) -> tuple[int, str, str, str, str]:
    return record.version, record.node, record.state, record.holder, record.source


def next_version(latest: int, now: datetime) -> int:
    """Above `latest`, and above what this node wrote before it was restarted."""
    return max(latest + 1, _milliseconds(now))


def digest(records: Iterable[Record]) -> str:
    """Equal if and only if the records are."""
    lines = sorted(json.dumps([r.vm, *_order(r)]) for r in records)
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def merge(ours: Mapping[str, Record], theirs: Iterable[Record]) -> dict[str, Record]:
    merged = dict(ours)
    for record in theirs:
        held = merged.get(record.vm)
        merged[record.vm] = newer(held, record) if held else record
    return merged


def lacking(ours: Mapping[str, Record], theirs: Mapping[str, Record]) -> tuple[Record, ...]:
    """Ours that they lack or hold in an older version, oldest first."""
    missing = (r for r in ours.values() if r.vm not in theirs or _order(r) > _order(theirs[r.vm]))
    return tuple(sorted(missing, key=_order))


def _utc() -> datetime:
    return datetime.now(UTC)


class Records:
    """One node's copy. What it hands out does not change afterwards."""

    def __init__(
        self, node: str, *, now: Callable[[], datetime] = _utc, keep: timedelta = KEEP
    ) -> None:
        self.node = node
        self._now = now
        self._keep = keep
        self._lock = threading.Lock()
        self._latest = 0
        self._records: dict[str, Record] = {}
        self._digest: str | None = None

    def write(self, vm: str, state: State, *, holder: str = "", source: str = "") -> Record:
        with self._lock:
            version = next_version(self._latest, self._now())
            record = Record(
                vm=vm, version=version, node=self.node, state=state, holder=holder, source=source
            )
            self._take({**self._records, vm: record}, version)
            return record

    def merge(self, theirs: Iterable[Record]) -> int:
        """How many of them were news. Ended ones that are past keeping are left out."""
        oldest = _milliseconds(self._now() - self._keep)
        theirs = [r for r in theirs if not _past(r, oldest)]
        with self._lock:
            merged = merge(self._records, theirs)
            news = sum(self._records.get(record.vm) != record for record in merged.values())
            if news:
                self._take(merged, max(record.version for record in theirs))
            return news

    def forget(self) -> int:
        """Drop the records of machines that ended long ago; how many."""
        oldest = _milliseconds(self._now() - self._keep)
        with self._lock:
            kept = {vm: r for vm, r in self._records.items() if not _past(r, oldest)}
            dropped = len(self._records) - len(kept)
            if dropped:
                self._take(kept, 0)
            return dropped

    def get(self, vm: str) -> Record | None:
        return self._records.get(vm)

    def all(self) -> Mapping[str, Record]:
        return self._records

    def pending(self) -> tuple[Record, ...]:
        """In the order they were written."""
        found = (r for r in self._records.values() if r.state is State.PENDING)
        return tuple(sorted(found, key=_order))

    def digest(self) -> str:
        return self.snapshot()[1]

    def snapshot(self) -> tuple[Mapping[str, Record], str]:
        """All records and their digest, of the same moment."""
        with self._lock:
            if self._digest is None:
                self._digest = digest(self._records.values())
            return self._records, self._digest

    def read(self, body: object) -> list[Record]:
        """Records from what another node sent. Raises BadRecords, and then nothing is usable."""
        if not isinstance(body, dict) or not isinstance(body.get("records"), list):
            raise BadRecords('a body takes {"records": [...]}')
        latest = _milliseconds(self._now() + AHEAD)
        return [_record(each, at, latest) for at, each in enumerate(body["records"])]

    def _take(self, records: dict[str, Record], latest: int) -> None:
        """Replaced, not changed: readers hold the old one."""
        self._records = records
        self._digest = None
        self._latest = max(self._latest, latest)


def _past(record: Record, oldest: int) -> bool:
    return record.state is State.ENDED and record.version < oldest


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _record(value: object, at: int, latest: int) -> Record:
    where = f"records[{at}]"
    if not isinstance(value, dict) or set(value) != FIELDS:
        raise BadRecords(f"{where} takes {', '.join(sorted(FIELDS))} and nothing else")
    version = value["version"]
    if type(version) is not int or not 0 < version <= latest:
        raise BadRecords(f"{where}.version takes milliseconds since 1970, not of the future")
    for name in FIELDS - {"version"}:
        text = value[name]
        if not isinstance(text, str) or len(text) > LONGEST_NAME or not text.isprintable():
            raise BadRecords(f"{where}.{name} takes at most {LONGEST_NAME} printable characters")
    if not value["vm"] or not value["node"] or value["state"] not in set(State):
        raise BadRecords(f"{where} needs vm, node and a state of {', '.join(State)}")
    return Record(**{**value, "state": State(value["state"])})


def bodies(records: Iterable[Record]) -> list[dict[str, Any]]:
    return [asdict(record) for record in records]
