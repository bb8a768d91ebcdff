"""Asks Prometheus, and turns what it answers into samples. Never judges them, never retries."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Never

import httpx
import msgspec

from playcall.bounded import Answer, NoAnswer, fetch
from playcall.core.judge import Sample
from playcall.engine.monitoring import RangeVector, Vector
from playcall.engine.ports import Unavailable

NAN = float("nan")
SHOWN = 300  # characters of a query or of a complaint that a message quotes
LARGEST = 32_000_000  # bytes of one answer: a million samples
WORTH_REPEATING = frozenset({408, 422, 425, 429})  # 422: depends on the data of that instant

_Point = tuple[float, str]  # Unix seconds, and the value as Prometheus writes it: "1", "NaN"


class _Series(msgspec.Struct):
    metric: dict[str, str] = {}
    value: _Point | None = None  # None: a native histogram, which has no single value
    values: list[_Point] = []


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Answer(msgspec.Struct):
    status: str
    data: _Data | None = None
    error: str = ""


class _Malformed(ValueError):
    """The answer is JSON, but not what the API promises."""


GARBAGE = (ValueError, msgspec.DecodeError, RecursionError)


class Prometheus:
    """`monitoring.Metrics` over Prometheus' HTTP API (version 1)."""

    def __init__(
        self, url: str, client: httpx.AsyncClient, timeout: timedelta = timedelta(seconds=10)
    ) -> None:
        self._url = url.rstrip("/")
        self._name = str(httpx.URL(self._url).copy_with(userinfo=b""))  # shown: no password in it
        self._client = client
        self._timeout = timeout

    async def query(self, promql: str, at: datetime) -> Sequence[Vector]:
        form = {"query": promql, "time": _instant(at)}
        data = await self._ask("query", form)
        try:
            return _vectors(data)
        except GARBAGE as error:
            self._blame(promql, str(error), error)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Sequence[Sample]]:
        return tuple(one.samples for one in await self.query_series(promql, start, end, step))

    async def query_series(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[RangeVector]:
        form = {
            "query": promql,
            "start": _instant(start),
            "end": _instant(end),
            "step": f"{step.total_seconds():.3f}",
        }
        data = await self._ask("query_range", form)
        try:
            if data.result_type != "matrix":
                raise _Malformed(f'a range query was answered with "{data.result_type}"')
            series = msgspec.json.decode(data.result, type=list[_Series])
            return [
                RangeVector(labels=one.metric, samples=tuple(map(_sample, one.values)))
                for one in series
            ]
        except GARBAGE as error:
            self._blame(promql, str(error), error)

    async def _ask(self, endpoint: str, form: Mapping[str, str]) -> _Data:
        try:
            answer = await fetch(
                self._client,
                "POST",
                f"{self._url}/api/v1/{endpoint}",
                within=self._timeout,
                largest=LARGEST,
                data=form,
            )
        except NoAnswer as error:
            raise Unavailable(
                f"Prometheus at {self._name} did not answer ({error}), "
                f"asked for {_short(form['query'])}. Is it running, and is prometheus.url right?"
            ) from error
        return self._read(answer, form["query"])

    def _read(self, received: Answer, promql: str) -> _Data:
        status = received.status
        try:
            answer = msgspec.json.decode(received.body, type=_Answer)
        except GARBAGE as error:
            if status == 200:
                self._blame(promql, str(error), error)
            raise Unavailable(
                f"{self._name} answered {status} and is not, or not yet, a Prometheus, "
                f"asked for {_short(promql)}. Check prometheus.url.",
                permanent=_permanent(status),
            ) from error
        if status != 200 or answer.data is None:
            mend = "Mend the query." if status == 400 else "It is asked again when it is due."
            raise Unavailable(
                f"Prometheus at {self._name} refused {_short(promql)} "
                f"({status}): {answer.error[:SHOWN]}. {mend}",
                permanent=_permanent(status),
            )
        return answer.data

    def _blame(self, promql: str, what: str, cause: Exception) -> Never:
        raise Unavailable(
            f"{self._name} answered {_short(promql)} with something that is not an answer of "
            f"Prometheus: {what[:SHOWN]}. Check prometheus.url, and any proxy before it."
        ) from cause


def _vectors(data: _Data) -> tuple[Vector, ...]:
    """A range vector gives the last sample of each series; a string, a label without a value."""
    match data.result_type:
        case "vector" | "matrix":
            found = msgspec.json.decode(data.result, type=list[_Series])
            return tuple(_vector(series) for series in found if series.value or series.values)
        case "scalar":
            point = msgspec.json.decode(data.result, type=_Point)
            return (Vector(labels={}, sample=_sample(point)),)
        case "string":
            at, text = msgspec.json.decode(data.result, type=_Point)
            return (Vector(labels={"string": text}, sample=Sample(at=_at(at), value=NAN)),)
        case other:
            raise _Malformed(f'its result type is "{other}"')


def _vector(series: _Series) -> Vector:
    point = series.value or series.values[-1]
    return Vector(labels=series.metric, sample=_sample(point))


def _sample(point: _Point) -> Sample:
    at, value = point
    return Sample(at=_at(at), value=float(value))


def _at(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise _Malformed(f"{seconds} is not a time") from error


def _instant(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


def _short(promql: str) -> str:
    flat = " ".join(promql.split())
    return f"`{flat[:SHOWN]}…`" if len(flat) > SHOWN else f"`{flat}`"


def _permanent(status: int) -> bool:
    """Whether asking the same again is pointless."""
    return 400 <= status < 500 and status not in WORTH_REPEATING
