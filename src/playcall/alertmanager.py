"""Alertmanager (API version 2): silences are made, prolonged and ended, and what it holds is read.
Nothing is decided here."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import msgspec

from playcall.bounded import Answer, NoAnswer, fetch
from playcall.core.alert import Alert
from playcall.core.reconciliation import FoundSilence, WatchedAlert
from playcall.engine.ports import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

SHOWN = 300  # characters of Alertmanager's complaint that a message quotes
LARGEST = 64_000_000  # bytes of one answer: well over 10,000 alerts
CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
WORTH_REPEATING = frozenset({408, 425, 429})
_ODD = (1, 9999)  # years
_ENDS_OF_TIME = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
GARBAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Matcher(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class _Status(msgspec.Struct):
    state: str  # active, pending or expired


class _Silence(msgspec.Struct, rename="camel"):
    id: str
    status: _Status
    matchers: list[_Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


class _AlertStatus(msgspec.Struct, rename="camel"):
    state: str  # unprocessed, active or suppressed
    silenced_by: list[str]
    inhibited_by: list[str]
    muted_by: list[str] = []  # by a time interval; older ones do not say


class _Alert(msgspec.Struct, rename="camel"):
    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    status: _AlertStatus
    generator_url: str = msgspec.field(default="", name="generatorURL")


class _Server(msgspec.Struct):
    uptime: datetime  # since when it has been up


class _Made(msgspec.Struct):
    silence_id: str = msgspec.field(name="silenceID")


class Alertmanager:
    """`monitoring.Silencer` and `Watcher`. A silence is known again by its matchers, its author
    and its comment."""

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        created_by: str,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v2"
        self._name = str(httpx.URL(url).copy_with(userinfo=b""))  # shown: no password in it
        self._client = client
        self._created_by = created_by
        self._timeout = timeout

    async def silence(
        self, labels: Mapping[str, str], starts_at: datetime, ends_at: datetime, comment: str
    ) -> str:
        matchers = _matchers(labels)
        if not matchers:
            raise Unavailable("A silence without labels would silence everything.", permanent=True)
        found = await self._find(matchers, starts_at, comment)
        if found is not None:
            return found
        silence = {
            "matchers": [msgspec.to_builtins(matcher) for matcher in matchers],
            "startsAt": _instant(starts_at),
            "endsAt": _instant(ends_at),
            "createdBy": self._created_by,
            "comment": comment,
        }
        made = await self._call("POST", "/silences", _Made, json=silence)
        return made.silence_id

    async def prolong(self, silence: str, ends_at: datetime) -> str:
        """One that has ended is not made anew: whoever ended it wants to hear."""
        found = await self._call("GET", f"/silence/{silence}", _Silence)
        if found.status.state == "expired":
            raise Unavailable(f"silence {silence} has ended in Alertmanager", permanent=True)
        longer = {
            "id": found.id,
            "matchers": [msgspec.to_builtins(matcher) for matcher in found.matchers],
            "startsAt": _instant(found.starts_at),
            "endsAt": _instant(ends_at),
            "createdBy": found.created_by,
            "comment": found.comment,
        }
        made = await self._call("POST", "/silences", _Made, json=longer)
        return made.silence_id

    async def end(self, silence: str) -> None:
        """Asked first: older ones answer 500 for a silence that has ended, or never was."""
        path = f"/silence/{silence}"
        answer = await self._send("GET", path, gone=(404,))
        if answer.status == 404 or self._read(answer, _Silence).status.state == "expired":
            return
        try:
            await self._send("DELETE", path, gone=(404,))
        except Unavailable:  # did it end in between?
            if (await self._call("GET", path, _Silence)).status.state != "expired":
                raise

    async def watched(self) -> Sequence[WatchedAlert]:
        """One whose start cannot be is said and counts as there, so that it is not taken for over;
        nothing is opened for it."""
        alerts = await self._call("GET", "/alerts", list[_Alert])
        found = [_watched(alert) for alert in alerts]
        odd = [one.alert for one in found if one.alert.starts_at.year in _ODD]
        if odd:
            log.warning(
                "Alertmanager at %s holds %d alerts whose start is out of range, %s first: "
                "nothing is opened for them",
                self._name,
                len(odd),
                odd[0].name or odd[0].fingerprint,
            )
        return [
            replace(one, suppressed=True, inhibited=True)
            if one.alert.starts_at.year in _ODD
            else one
            for one in found
        ]

    async def standing(self) -> Sequence[FoundSilence]:
        silences = await self._call("GET", "/silences", list[_Silence])
        return [
            FoundSilence(
                id=silence.id,
                until=_utc(silence.ends_at),
                by=silence.created_by,
                comment=silence.comment,
                active=silence.status.state == "active",
            )
            for silence in silences
            if silence.status.state != "expired"
        ]

    async def up_since(self) -> datetime:
        server = await self._call("GET", "/status", _Server)
        return _utc(server.uptime)

    async def _find(
        self, matchers: Sequence[_Matcher], starts_at: datetime, comment: str
    ) -> str | None:
        """The silence that stands already and covers `starts_at`."""
        silences = await self._call("GET", "/silences", list[_Silence], params=_filter(matchers))
        wanted = set(matchers)
        for silence in silences:
            if (
                silence.status.state != "expired"
                and silence.ends_at > starts_at
                and silence.created_by == self._created_by
                and silence.comment == comment
                and set(silence.matchers) == wanted
            ):
                return silence.id
        return None

    async def _call(self, method: str, path: str, answer: type[T], **request: Any) -> T:
        return self._read(await self._send(method, path, **request), answer)

    def _read(self, received: Answer, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(received.body, type=answer)
        except GARBAGE as error:
            raise Unavailable(
                f"{self._name} did not answer as Alertmanager does ({error}). "
                "Check alertmanager.url, and any proxy before it."
            ) from error

    async def _send(
        self, method: str, path: str, *, gone: tuple[int, ...] = (), **request: Any
    ) -> Answer:
        """Statuses in `gone` say that what was to be ended is not there any more."""
        try:
            answer = await fetch(
                self._client,
                method,
                f"{self._url}{path}",
                within=self._timeout,
                largest=LARGEST,
                **request,
            )
        except NoAnswer as error:
            raise Unavailable(
                f"Alertmanager at {self._name} did not answer ({error}). "
                "Is it running, and is alertmanager.url right?"
            ) from error
        status = answer.status
        if status != 200 and status not in gone:
            raise Unavailable(
                f"Alertmanager at {self._name} refused ({status}): {answer.text[:SHOWN].strip()}",
                permanent=400 <= status < 500 and status not in WORTH_REPEATING,
            )
        return answer


def _watched(alert: _Alert) -> WatchedAlert:
    status = alert.status
    return WatchedAlert(
        alert=Alert(
            fingerprint=alert.fingerprint,
            labels=alert.labels,
            annotations=alert.annotations,
            firing=True,
            starts_at=_utc(alert.starts_at),
            ends_at=None,
            generator_url=alert.generator_url,
        ),
        suppressed=status.state == "suppressed"
        or bool(status.silenced_by or status.inhibited_by or status.muted_by),
        silenced_by=tuple(status.silenced_by),
        inhibited=bool(status.inhibited_by or status.muted_by),
    )


def _matchers(labels: Mapping[str, str]) -> list[_Matcher]:
    """In a fixed order. An empty value matches whoever lacks the label, so it is left out."""
    return [_Matcher(name=name, value=value) for name, value in sorted(labels.items()) if value]


def _filter(matchers: Sequence[_Matcher]) -> Mapping[str, str]:
    """Alertmanager filters by one matcher, so that an answer stays small where thousands of
    silences stand. Older ones read only classic names here, and only these three escapes."""
    for matcher in matchers:
        if CLASSIC_NAME.fullmatch(matcher.name):
            value = matcher.value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
            return {"filter": f'{matcher.name}="{value}"'}
    return {}


def _utc(at: datetime) -> datetime:
    """What UTC has no date for becomes the nearest that it has."""
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        return _ENDS_OF_TIME[0 if at.year == 1 else 1]


def _instant(at: datetime) -> str:
    return _utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
