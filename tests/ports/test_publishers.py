"""Statuspage, Instatus and Cachet, each against a server on this machine that speaks its API, and
misbehaves when told to. Publishing again, also after a crash, changes nothing."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from playcall.core.status_update import PublicImpact, UpdateState
from playcall.engine.ports import Publisher, Unavailable
from playcall.publishers.cachet import Cachet
from playcall.publishers.instatus import Instatus
from playcall.publishers.service import Mark, Service
from playcall.publishers.statuspage import Statuspage
from playcall.testing import NOON, minutes
from tests.core.test_status_page import an_update

MARK = Mark(instance="1a2b3c4d")
FIRST = an_update(impact=PublicImpact.MAJOR)
SECOND = an_update(2, state=UpdateState.MONITORING, at=NOON + minutes(9), body="Better.")
LAST = an_update(3, state=UpdateState.RESOLVED, at=NOON + minutes(20), body="Over.", next_at=None)


@dataclass
class Api:
    """What it holds, and how it misbehaves."""

    url: str = ""
    incidents: list[dict[str, Any]] = field(default_factory=list)
    components: dict[str, Any] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    refuse: tuple[int, dict[str, str], bytes] | None = None
    lose_answers: bool = False  # it does what it is asked, and the answer never arrives
    hang: bool = False
    release: Event = field(default_factory=Event)


def statuspage(api: Api, method: str, path: str, body: dict[str, Any]) -> object:
    match method, path.split("?")[0].split("/")[1:]:
        case "GET", ["v1", "pages", "p1", "incidents"]:
            return api.incidents[::-1]
        case "POST", ["v1", "pages", "p1", "incidents"]:
            api.incidents.append({"id": f"i{len(api.incidents)}", "told": []})
            found = api.incidents[-1]
        case "PATCH", ["v1", "pages", "p1", "incidents", known]:
            [found] = [one for one in api.incidents if one["id"] == known]
        case _:
            raise LookupError(path)
    found |= body["incident"]
    found["told"].append((found["status"], found["body"]))
    api.components |= body["incident"]["components"]
    return found


def instatus(api: Api, method: str, path: str, body: dict[str, Any]) -> object:
    match method, path.split("?")[0].split("/")[1:]:
        case "GET", ["v1", "p1", "incidents"]:
            return api.incidents[::-1]
        case "POST", ["v1", "p1", "incidents"]:
            api.incidents.append({"id": f"i{len(api.incidents)}", "updates": [], "told": []})
            found = api.incidents[-1]
        case "POST", ["v1", "p1", "incidents", known, "incident-updates"]:
            [found] = [one for one in api.incidents if one["id"] == known]
        case _:
            raise LookupError(path)
    found["updates"].append({"message": body["message"]})
    words = body["message"].partition("\n\nReference")[0]
    found["told"].append((body["status"].lower(), words))
    api.components |= {one["id"]: one["status"] for one in body["statuses"]}
    return found


def cachet(api: Api, method: str, path: str, body: dict[str, Any]) -> object:
    states = {1: "investigating", 2: "identified", 3: "monitoring", 4: "resolved"}
    match method, path.split("?")[0].split("/")[2:]:
        case "GET", ["incidents"]:
            return {"data": [one["thing"] for one in api.incidents[::-1]]}
        case "GET", ["incidents", known, "updates"]:
            return {"data": api.incidents[int(known)]["updates"]}
        case "PUT", ["components", known]:
            api.components[known] = body["status"]
            return {"data": {"id": known}}
        case "POST", ["incidents"]:
            thing = {"id": str(len(api.incidents)), "attributes": {"message": body["message"]}}
            api.incidents.append({"thing": thing, "updates": [], "told": []})
            found = api.incidents[-1]
        case "POST", ["incidents", known, "updates"]:
            found = api.incidents[int(known)]
            thing = {"id": "u", "attributes": {"message": body["message"]}}
            found["updates"].append(thing)
        case _:
            raise LookupError(path)
    words = body["message"].partition("\n\nReference")[0]
    found["told"].append((states[body["status"]], words))
    return {"data": thing}


Speaks = Callable[[Api, str, str, dict[str, Any]], object]


@contextlib.contextmanager
def served(speaks: Speaks) -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            api.tokens.append(self.headers["authorization"])
            if api.hang:
                api.release.wait(30)
                self.close_connection = True
                return
            status, headers, data = api.refuse or (200, {}, b"")
            if api.refuse is None:
                said = speaks(api, self.command, self.path, json.loads(body or b"{}"))
                data = json.dumps(said).encode()
                if api.lose_answers and self.command != "GET":
                    self.close_connection = True
                    return
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        api.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def publisher(name: str, api: Api, client: httpx.AsyncClient) -> Publisher:
    scheme = "OAuth" if name == "statuspage" else "Bearer"
    service = Service(
        name=name,
        url=api.url,
        client=client,
        headers={"authorization": f"{scheme} t0ken"},
        timeout=timedelta(seconds=2),
    )
    if name == "statuspage":
        return Statuspage(service, "p1", {"Migrations": "c1"}, MARK)
    if name == "instatus":
        return Instatus(service, "p1", {"Migrations": "c1"}, MARK)
    return Cachet(service, {"Migrations": 1}, MARK)


SPEAKS: dict[str, Speaks] = {"statuspage": statuspage, "instatus": instatus, "cachet": cachet}
BAD = {"statuspage": "partial_outage", "instatus": "PARTIALOUTAGE", "cachet": 3}
GOOD = {"statuspage": "operational", "instatus": "OPERATIONAL", "cachet": 1}


@pytest.fixture(params=SPEAKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_an_incident_is_created_once_and_then_updated(name: str) -> None:
    with served(SPEAKS[name]) as api:
        async with httpx.AsyncClient() as client:
            await publisher(name, api, client).publish(FIRST, "k1")
            assert list(api.components.values()) == [BAD[name]]
            for update in (FIRST, SECOND, SECOND, LAST, LAST, FIRST):  # again, and too late
                await publisher(name, api, client).publish(update, "k")
    [incident] = api.incidents
    assert incident["told"] == [
        ("investigating", "We look into it."),
        ("monitoring", "Better."),
        ("resolved", "Over."),
    ]
    assert list(api.components.values()) == [GOOD[name]]
    assert set(api.tokens) == {"OAuth t0ken" if name == "statuspage" else "Bearer t0ken"}


async def test_an_answer_that_is_lost_makes_no_second_incident(name: str) -> None:
    with served(SPEAKS[name]) as api:
        async with httpx.AsyncClient() as client:
            api.lose_answers = True
            with pytest.raises(Unavailable) as told:
                await publisher(name, api, client).publish(FIRST, "k")
            assert not told.value.permanent
            api.lose_answers = False
            await publisher(name, api, client).publish(FIRST, "k")
    assert [len(one["told"]) for one in api.incidents] == [1]


async def test_another_incident_or_playcall_is_another_incident_there(name: str) -> None:
    with served(SPEAKS[name]) as api:
        async with httpx.AsyncClient() as client:
            for number in (1, 11):
                update = an_update(incident=number)
                await publisher(name, api, client).publish(update, "k")
    assert [len(one["told"]) for one in api.incidents] == [1, 1]


@pytest.mark.parametrize(
    ("refuse", "permanent", "after", "said"),
    [
        ((429, {"retry-after": "7"}, b""), False, 7, "slow down"),
        ((420, {}, b""), False, 60, "slow down"),
        ((500, {}, b"<html>"), False, None, "500"),
        ((401, {}, b"t0ken"), True, None, "token_file"),
        ((404, {}, b""), True, None, "no such page"),
        ((422, {}, b"name is missing"), True, None, "name is missing"),
        ((200, {}, b"<html>"), False, None, "not its API"),
        ((200, {}, b"[7]"), False, None, "not its API"),
        ((200, {}, b"\xff"), False, None, "not its API"),
    ],
)
async def test_what_goes_wrong_is_said_and_whether_to_try_again(
    refuse: tuple[int, dict[str, str], bytes], permanent: bool, after: int | None, said: str
) -> None:
    with served(statuspage) as api:
        api.refuse = refuse
        async with httpx.AsyncClient() as client:
            with pytest.raises(Unavailable, match=said) as told:
                await publisher("statuspage", api, client).publish(FIRST, "k")
    assert told.value.permanent is permanent
    assert told.value.retry_after == (timedelta(seconds=after) if after else None)
    assert "t0ken" not in str(told.value)


async def test_a_page_that_hangs_is_given_up_in_time() -> None:
    with served(statuspage) as api:
        api.hang = True
        async with httpx.AsyncClient(timeout=60) as client:
            with pytest.raises(Unavailable, match="in time"):
                await publisher("statuspage", api, client).publish(FIRST, "k")
