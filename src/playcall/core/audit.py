"""The chain of the audit log: every entry has a digest of itself and of the one before, so that a
changed, removed or inserted entry shows. Pure: whoever keeps the entries reads and writes them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

GENESIS = "0" * 64  # the digest before the first entry
TOLD = 100  # faults that are told one by one
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that happened and is on the record."""

    at: datetime
    kind: str
    actor: str = ""  # who did it; empty: Playcall itself
    source: str = ""  # the face and the address it came from; empty: not known
    incident: int | None = None
    event: int | None = None  # its number in the incident; None: it is no event of one
    body: str  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An act at its place in the log."""

    n: int  # from 1, without a gap
    act: Act
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the log."""

    n: int
    digest: str

    def __str__(self) -> str:
        return f"{self.n}:{self.digest}"


def read_head(text: str) -> Head:
    """As a verification says it. Raises ValueError, whose text is for a person."""
    match = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
    if match is None:
        raise ValueError("head: not NUMBER:DIGEST, as an earlier verification said it")
    return Head(n=int(match[1]), digest=match[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry as it is stored now, beside the event that it is about, as that is stored now."""

    entry: Entry  # with the body of today's event
    event_at: datetime | None = None
    event_kind: str | None = None  # None: there is no such event any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Everything that is stored of the log, read at one moment."""

    head: Head
    last: int  # number of the last entry that is there
    found: Iterable[Found]  # in order
    unlisted: Iterable[tuple[int, int]]  # events of incidents that no entry is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    n: int  # of the entry, or of the first one; 0: there is none
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of looking at the whole chain."""

    head: Head
    faults: tuple[Fault, ...]
    more: int = 0  # faults that are not told

    @property
    def whole(self) -> bool:
        return not self.faults


def digest_of(previous: str, n: int, act: Act) -> str:
    """Each part stands behind its length, so that no two entries read the same."""
    micros = (act.at - _EPOCH) // timedelta(microseconds=1)
    place = (n, micros, "" if act.incident is None else act.incident)
    event = "" if act.event is None else act.event
    parts = (previous, *place, event, act.kind, act.actor, act.source, act.body)
    encoded = [str(part).encode("utf-8", "surrogatepass") for part in parts]
    return hashlib.sha256(b"".join(b"%d:%b," % (len(p), p) for p in encoded)).hexdigest()


def chained(head: Head, acts: Iterable[Act]) -> Iterator[Entry]:
    """The acts as the entries that follow."""
    for act in acts:
        head = Head(n=head.n + 1, digest=digest_of(head.digest, head.n + 1, act))
        yield Entry(n=head.n, act=act, digest=head.digest)


def verify(log: Log, noted: Head | None = None) -> Verdict:
    """Everything that is wrong with the log. `noted`: an end of it that was written down elsewhere;
    only that shows a log that was made anew from some entry on."""
    told: list[Fault] = []
    more = 0
    for fault in _faults(log, noted):
        if len(told) < TOLD:
            told.append(fault)
        else:
            more += 1
    return Verdict(head=log.head, faults=tuple(told), more=more)


def _faults(log: Log, noted: Head | None) -> Iterator[Fault]:
    before = Head(n=0, digest=GENESIS)
    met = noted is None or noted.n == 0
    for found in log.found:
        entry = found.entry
        if entry.n > before.n + 1:
            yield _missing(before.n + 1, entry.n - 1)
        else:
            yield from _wrong(found, before.digest)
        if noted and entry.n == noted.n:
            met = True
            if entry.digest != noted.digest:
                yield Fault(n=entry.n, said=f"entry {entry.n} is not the one that was noted")
        before = Head(n=entry.n, digest=entry.digest)
    yield from _end(log, before)
    if noted and not met:
        yield Fault(n=noted.n, said=f"entry {noted.n}, which was noted, is not there")
    for incident, event in log.unlisted:
        said = f"event {event} of incident {incident} was inserted: no entry is about it"
        yield Fault(n=0, said=said)


def _wrong(found: Found, previous: str) -> Iterator[Fault]:
    entry, act = found.entry, found.entry.act
    name = f"entry {entry.n} ({_what(act)})"
    if act.event is not None and found.event_kind is None:
        yield Fault(n=entry.n, said=f"{name}: its event was removed")
    elif digest_of(previous, entry.n, act) != entry.digest:
        yield Fault(n=entry.n, said=f"{name} was changed, or the digest before it")
    elif act.event is not None and (found.event_at, found.event_kind) != (act.at, act.kind):
        yield Fault(n=entry.n, said=f"{name}: the time or the kind of its event was changed")


def _end(log: Log, before: Head) -> Iterator[Fault]:
    if before.n < log.head.n:
        yield _missing(before.n + 1, log.head.n)
    elif before.digest != log.head.digest:
        yield Fault(n=before.n, said=f"the log ends at {before.n} with another digest than noted")
    if log.last > log.head.n:
        said = f"entries {log.head.n + 1} to {log.last} were inserted behind the end"
        yield Fault(n=log.head.n + 1, said=said)


def _missing(first: int, last: int) -> Fault:
    if first == last:
        return Fault(n=first, said=f"entry {first} was removed")
    return Fault(n=first, said=f"entries {first} to {last} were removed")


def _what(act: Act) -> str:
    if act.incident is None:
        return act.kind
    return f"{act.kind}, incident {act.incident}, event {act.event}"
