"""Queries against a real Prometheus, and against what is not one."""

import itertools
import math
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from playcall.engine.ports import Unavailable
from playcall.prometheus import Prometheus
from tests.servers import free_port, mute_port, prometheus, receiver, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with prometheus(rules=[{"record": "answer:of:all", "expr": "vector(42)"}]) as url:
        yield url


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def now() -> datetime:
    return datetime.now(UTC)


async def test_an_instant_query_gives_each_series_with_its_labels(
    server: str, client: httpx.AsyncClient
) -> None:
    metrics = Prometheus(server + "/", client)

    async def scraped() -> bool:
        return bool(await metrics.query('up{job="self"}', now()))

    await wait_until(scraped, "scrape")
    (vector,) = await metrics.query('up{job="self"}', now())
    assert vector.sample.value == 1
    assert vector.labels["job"] == "self"
    assert vector.sample.at.tzinfo is UTC


async def test_a_range_query_gives_samples_oldest_first_on_the_same_instants(
    server: str, client: httpx.AsyncClient
) -> None:
    metrics = Prometheus(server, client)

    async def recorded() -> bool:
        return bool(await metrics.query("answer:of:all", now()))

    await wait_until(recorded, "recorded rule")
    end = now()
    start, step = end - timedelta(minutes=1), timedelta(seconds=15)
    (samples,) = await metrics.query_range("vector(7)", start, end, step)
    assert [sample.value for sample in samples] == [7] * 5
    gaps = {later.at - sooner.at for sooner, later in itertools.pairwise(samples)}
    assert gaps == {step}
    (others,) = await metrics.query_range("vector(8)", start, end, step)
    assert [sample.at for sample in others] == [sample.at for sample in samples]


async def test_a_query_longer_than_a_url_may_be_is_answered(
    server: str, client: httpx.AsyncClient
) -> None:
    promql = " + ".join(["vector(1)"] * 3000)
    (vector,) = await Prometheus(server, client).query(promql, now())
    assert vector.sample.value == 3000


@pytest.mark.parametrize(
    ("promql", "value"),
    [("0/0", math.nan), ("1/0", math.inf), ("-1/0", -math.inf), ("17", 17), ('"17"', math.nan)],
)
async def test_numbers_that_are_none_stay_so(
    server: str, client: httpx.AsyncClient, promql: str, value: float
) -> None:
    (vector,) = await Prometheus(server, client).query(promql, now())
    assert vector.sample.value == pytest.approx(value, nan_ok=True)


async def test_a_string_is_a_label_without_a_value(server: str, client: httpx.AsyncClient) -> None:
    (vector,) = await Prometheus(server, client).query('"words"', now())
    assert vector.labels == {"string": "words"}


async def test_a_range_vector_gives_the_last_sample_of_each_series(
    server: str, client: httpx.AsyncClient
) -> None:
    metrics = Prometheus(server, client)

    async def scraped() -> bool:
        return len(await metrics.query('up{job="self"}[1m]', now())) == 1

    await wait_until(scraped, "scrape")


async def test_a_series_that_is_not_there_is_no_series(
    server: str, client: httpx.AsyncClient
) -> None:
    metrics = Prometheus(server, client)
    assert await metrics.query("nothing_of_the_kind", now()) == ()
    at = now()
    gone = await metrics.query_range("nothing_of_the_kind", at, at, timedelta(seconds=1))
    assert gone == ()


async def test_a_bad_query_is_refused_for_good_with_prometheus_words(
    server: str, client: httpx.AsyncClient
) -> None:
    with pytest.raises(
        Unavailable, match=r"refused `rate\(up\[5m` \(400\).*parse error"
    ) as refused:
        await Prometheus(server, client).query("rate(up[5m", now())
    assert refused.value.permanent


async def test_a_query_that_the_data_forbids_may_be_asked_again(
    server: str, client: httpx.AsyncClient
) -> None:
    doubled = 'label_replace({__name__=~"go_goroutines|go_threads"}, "__name__", "x", "", "")'
    metrics = Prometheus(server, client)

    async def scraped() -> bool:
        return len(await metrics.query('{__name__=~"go_goroutines|go_threads"}', now())) == 2

    await wait_until(scraped, "scrape")
    with pytest.raises(Unavailable, match=r"\(422\)") as refused:
        await metrics.query(doubled, now())
    assert not refused.value.permanent


async def test_a_server_that_is_gone_may_come_back(client: httpx.AsyncClient) -> None:
    url = f"http://who:hush@127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=r"did not answer .*`up`.*prometheus\.url") as refused:
        await Prometheus(url, client).query("up", now())
    assert not refused.value.permanent
    assert "hush" not in str(refused.value)


async def test_a_server_that_says_nothing_is_not_waited_for(client: httpx.AsyncClient) -> None:
    with mute_port() as port:
        metrics = Prometheus(
            f"http://127.0.0.1:{port}", client, timeout=timedelta(milliseconds=200)
        )
        with pytest.raises(Unavailable, match="did not answer") as refused:
            await metrics.query("up", now())
    assert not refused.value.permanent


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (200, b"<html>sign in</html>", False),
        (200, b'{"status":"success"}', False),
        (200, b'{"status":"success","data":{"resultType":"vector","result":7}}', False),
        (200, b'{"status":"success","data":{"resultType":"riddle","result":[]}}', False),
        (200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"x"]}}', False),
        (200, b'{"status":"success","data":{"resultType":"scalar","result":[1e99,"1"]}}', False),
        (200, b"[" * 100_000, False),
        (200, b"\xff\xfe", False),
        (404, b"not found", True),
        (500, b"oops", False),
        (503, b'{"status":"error","errorType":"timeout","error":"query timed out"}', False),
    ],
)
async def test_what_is_not_an_answer_is_named(
    client: httpx.AsyncClient, status: int, body: bytes, permanent: bool
) -> None:
    with receiver() as web:
        web.status, web.body = status, body
        with pytest.raises(Unavailable, match="`up`") as refused:
            await Prometheus(web.url, client).query("up", now())
    assert refused.value.permanent is permanent
    assert web.url in str(refused.value)


async def test_warnings_and_histograms_do_not_disturb(client: httpx.AsyncClient) -> None:
    with receiver() as web:
        web.body = (
            b'{"status":"success","warnings":["half of it"],"data":{"resultType":"vector","result":'
            b'[{"metric":{"a":"b"},"histogram":[1,{"count":"3"}]},{"metric":{},"value":[1.5,"2"]}]}}'
        )
        (vector,) = await Prometheus(web.url, client).query("up", now())
    assert vector.sample.value == 2
    assert vector.sample.at == datetime.fromtimestamp(1.5, UTC)
