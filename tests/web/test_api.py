"""The API and the pages: who is let in, what each may do, and what every answer carries."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import BaseRoute, Mount

from playcall.core.events import Acknowledged, PageDelivered
from playcall.core.readiness import Readiness, State
from playcall.core.shown_settings import ShownSettings
from playcall.testing import NOON, an_alert, minutes
from playcall.web.server import HEADERS
from tests.core.proposing import NAME
from tests.engine.world import World
from tests.servers import wait_until
from tests.web.site import HOST, Site, site_of
from tests.web.test_oncall import a_schedule
from tests.web.test_playbooks import TEXT, a_library

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
API = "/api/v1/incidents/1"
FILES = ("/service-worker.js", "/manifest.webmanifest")  # browsers ask for them without a cookie
STORELESS = (
    "/acknowledge/{token}",
    "/sign-in",
    "/approve/{token}",
    "/api/v1/me/push-key",
    "/drills/{drill}",
    "/api/v1/drills/{drill}",
    *FILES,
)  # or forged, or a file
SIGNED = ("/approve/", "/acknowledge/", "/twilio/")  # they say themselves whom they are for
OURS = {"origin": HOST}  # what a browser sends with a form of ours


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """With one incident open, and its people paged."""
    async with site_of(World(folder=tmp_path)) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(PageDelivered)
        yield site


def routes(site: Site) -> list[tuple[str, str]]:
    """Every method and path that the application answers."""
    found: list[tuple[str, str]] = []

    for route in _walk(site.web.routes):
        path = filled(route.path)
        found.extend((method, path) for method in route.methods or ())
    return sorted(found)


def filled(path: str) -> str:
    """With a playbook, a play and a schedule that are there, and the ending that a file has."""
    path = path.replace("playbooks/{name}", f"playbooks/{NAME}").replace(
        "{alert:path}", "QueueSlow"
    )
    path = path.replace("on-call/{name}", "on-call/first")
    path = path.replace("charts/{name}.{kind}", "charts/{name}.svg")
    known = {
        "incident": "1",
        "run:path": "1/1.1/1",
        "run": "1/1.1/1",
        "n": "1",
        "number": "1",
        "kind": "md",
    }
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def _walk(some: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in some:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(included := getattr(route, "original_router", None), APIRouter):
            yield from _walk(included.routes)
        else:
            assert isinstance(route, Mount), route
            assert route.path == "/static", route


async def test_nothing_answers_a_stranger_but_the_sign_in_page(site: Site) -> None:
    asked = routes(site)
    assert len(asked) > 20
    async with site.asking() as stranger:
        for method, path in asked:
            answer = await stranger.request(method, path)
            if path == "/sign-in" or path in FILES:
                continue
            if path == "/slack/events":  # nobody has set Slack up here
                assert answer.status_code == 404
                continue
            if path.startswith(
                ("/approve/", "/acknowledge/", "/twilio/")
            ):  # signed: it says itself whom it is for
                assert answer.status_code == 403, (method, path)
                continue
            if path.startswith("/api/") or path == "/metrics":
                assert answer.status_code == 401, (method, path)
            else:
                assert answer.status_code == 303, (method, path)
                assert answer.headers["location"].startswith("/sign-in?next=/"), (method, path)
        assert (await stranger.get("/static/playcall.css")).status_code == 200


@pytest.mark.parametrize("token", ["wrong", "", "token-of-vic2", "sha256:" + "0" * 64])
async def test_a_token_that_is_not_known_opens_nothing(site: Site, token: str) -> None:
    async with site.asking() as client:
        answer = await client.get(API, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("cookie", ["", "vic", "InZpYyI.aaaa.bbbb", "x" * 5000])
async def test_a_cookie_that_is_not_ours_opens_nothing(site: Site, cookie: str) -> None:
    async with site.asking() as client:
        client.cookies.set("playcall_session", cookie)
        assert (await client.get(API)).status_code == 401


ACTS: list[tuple[str, dict[str, Any], str]] = [
    ("acknowledge", {}, "ada"),
    ("notes", {"text": "hm"}, "ada"),
    ("decline", {"command": "2.1", "reason": "no"}, "ada"),
    ("approve", {"command": "2.1"}, "ada"),
    ("resolve", {"cause": "x", "unverified": True}, "cleo"),
]
BELOW = {"ada": ("vic",), "cleo": ("vic", "ada")}


@pytest.mark.parametrize(("act", "body", "least"), ACTS)
async def test_each_act_needs_its_access(
    site: Site, act: str, body: dict[str, Any], least: str
) -> None:
    for person in BELOW[least]:
        async with site.asking(person) as client:
            assert (await client.get(API)).status_code == 200
            answer = await client.post(f"{API}/{act}", json=body)
            assert (answer.status_code, "needs a" in answer.json()["detail"]) == (403, True)
        async with site.with_session(person) as browser:
            answer = await browser.post(f"/incidents/1/{act}", data=body)
            assert answer.status_code == 403
    async with site.asking(least) as client:
        assert (await client.post(f"{API}/{act}", json=body)).status_code == 200


async def test_what_a_person_does_is_on_record_under_their_name(site: Site) -> None:
    async with site.with_session("ada") as browser:
        assert (await browser.post("/incidents/1/acknowledge")).status_code == 303
        assert (await browser.post("/incidents/1/acknowledge")).status_code == 409
    [event] = await site.world.until_event(Acknowledged)
    assert isinstance(event, Acknowledged)
    assert event.by == "ada"


async def test_what_is_not_there_is_said_to_be_not_there(site: Site) -> None:
    async with site.asking("root") as client:
        assert (await client.get("/api/v1/incidents/2")).status_code == 404
        assert (await client.post("/api/v1/incidents/2/acknowledge")).status_code == 404
        assert (await client.get("/api/v1/runs/no/such/run/output")).status_code == 404
        assert (await client.get("/incidents/2")).status_code == 404
        assert (await client.get("/nowhere")).status_code == 404


@pytest.mark.parametrize("number", ["9" * 30, "-1", "x", "1.5", "9223372036854775808"])
async def test_a_number_that_is_none_is_no_bug(site: Site, number: str) -> None:
    async with site.asking("root") as client:
        for path in (f"/api/v1/incidents/{number}", f"/incidents/{number}"):
            assert (await client.get(path)).status_code in (404, 422), path
        answer = await client.post(f"/api/v1/incidents/{number}/acknowledge")
        assert answer.status_code in (404, 422)


async def test_every_read_says_503_when_the_database_is_gone(tmp_path: Path) -> None:
    world = World(folder=tmp_path, schedules={"first": a_schedule("ada", "vic")})
    library = a_library(TEXT, tmp_path)
    shown = ShownSettings(file="playcall.toml", values=(), warnings=(), problems=())
    async with (
        site_of(world, library=library, settings=shown) as site,
        site.asking("root") as client,
    ):
        await world.store.close()
        for method, path in routes(site):
            if method == "GET" and path not in (*STORELESS, "/api/v1/openapi.json"):
                assert (await client.get(path)).status_code == 503, path
        assert (await client.post(f"{API}/acknowledge")).status_code == 503


# --- Signing in ----------------------------------------------------------------------------------


async def test_a_link_signs_in_once_and_looking_at_it_does_not_use_it(site: Site) -> None:
    code = site.doorkeeper.links.make("vic")
    async with site.asking() as browser:
        for _ in range(2):
            assert code in (await browser.get("/sign-in", params={"code": code})).text
        answer = await browser.post(
            "/sign-in", data={"code": code, "next": "/incidents/1"}, headers=OURS
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/1")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert (await browser.get("/incidents/1")).status_code == 200
    async with site.asking() as other:
        assert (await other.post("/sign-in", data={"code": code}, headers=OURS)).status_code == 401
        assert (await other.get("/sign-in", params={"code": code})).status_code == 401
        assert (await other.get("/incidents/1")).status_code == 303


async def test_a_sign_in_form_of_another_site_is_refused(site: Site) -> None:
    async with site.asking() as browser:
        data = {"token": "token-of-vic"}
        answer = await browser.post(
            "/sign-in", data=data, headers={"origin": "https://evil.example"}
        )
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "javascript:x", ""],
)
async def test_signing_in_leads_to_no_other_site(site: Site, target: str) -> None:
    async with site.asking() as browser:
        data = {"token": "token-of-vic", "next": target}
        answer = await browser.post("/sign-in", data=data, headers=OURS)
        assert answer.headers["location"] == "/"
        page = await browser.get("/sign-in", params={"next": target})
        assert 'name="next" value="/"' in page.text


@pytest.mark.parametrize("target", ["/\t/evil.example", "/\n/evil.example", "/\r\nX-Evil: 1"])
async def test_control_characters_in_a_target_stay_encoded(site: Site, target: str) -> None:
    async with site.asking() as browser:
        answer = await browser.post(
            "/sign-in", data={"token": "token-of-vic", "next": target}, headers=OURS
        )
    assert "x-evil" not in answer.headers
    assert answer.headers["location"].startswith(("/%", "/"))
    assert not set(answer.headers["location"]) & set("\t\r\n")
    assert not answer.headers["location"].startswith("//")


async def test_signing_out_ends_the_session_in_this_browser(site: Site) -> None:
    async with site.with_session("vic") as browser:
        answer = await browser.post("/sign-out")
        assert 'playcall_session=""' in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://playcall.example.evil.example"},
        {"origin": "", "referer": "https://evil.example/playcall.example"},
    ],
)
async def test_a_form_of_another_site_is_not_carried_out(
    site: Site, headers: dict[str, str]
) -> None:
    async with site.with_session("cleo") as browser:
        for path in ("/incidents/1/acknowledge", f"{API}/acknowledge", "/sign-out"):
            assert (await browser.post(path, headers=headers)).status_code == 403
        assert (await site.world.state()).acknowledged_by is None
        answer = await browser.post(f"{API}/acknowledge", headers={"origin": HOST})
        assert answer.status_code == 200


# --- What every answer carries -------------------------------------------------------------------


async def test_hostile_text_is_shown_and_never_run(tmp_path: Path) -> None:
    async with site_of(World(folder=tmp_path)) as site:
        alert = replace(an_alert(service=EVIL), annotations={"summary": EVIL})
        await site.world.receive(alert)
        await site.world.until_event(PageDelivered)
        async with site.with_session("cleo") as browser:
            await browser.post("/incidents/1/notes", data={"text": EVIL})
            await browser.post("/incidents/1/decline", data={"command": "2.1", "reason": EVIL})
            for path in ("/", "/incidents/1"):
                page = (await browser.get(path)).text
                assert "&lt;script&gt;" in page
                assert "<script>alert" not in page
                assert "<img src=x" not in page
            refused = await browser.post("/incidents/1/approve", data={"command": EVIL})
            assert "<script>alert" not in refused.text
        async with site.asking() as stranger:
            page = (await stranger.get("/sign-in", params={"next": f"/{EVIL}"})).text
            assert "<script>alert" not in page


async def test_every_answer_carries_the_headers_errors_too(site: Site) -> None:
    async with site.asking("root") as client, site.asking() as stranger:
        answers = [
            await client.get("/"),
            await client.get(API),
            await client.get("/nowhere"),
            await client.post("/incidents/1/notes", data={}),
            await client.post("/api/v1/alerts/alertmanager"),
            await stranger.get("/"),
            await stranger.get(API),
        ]
        site.web.state.desk = None  # a bug in every route
        broken = await client.get(API)
        assert broken.status_code == 500
        assert broken.json() == {"detail": "a bug in Playcall; its log has the details"}
    for answer in (*answers, broken):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (answer.url, name)


async def test_the_description_lists_every_path_of_the_api(site: Site) -> None:
    async with site.asking("vic") as client:
        described = (await client.get("/api/v1/openapi.json")).json()["paths"]
    listed = {
        (method.upper(), filled(path)) for path, methods in described.items() for method in methods
    }
    wanted = {
        (method, path)
        for method, path in routes(site)
        if path.startswith("/api/") and path != "/api/v1/openapi.json"
    }
    assert listed == wanted


async def test_the_api_tells_an_incident_whole(site: Site) -> None:
    async with site.asking("vic") as client:
        [summary] = (await client.get("/api/v1/incidents")).json()
        detail = (await client.get(API)).json()
        log = (await client.get(f"{API}/events")).json()
        report = await client.get(f"{API}/report")
        output = await client.get("/api/v1/runs/1/1.1/1/output")
    assert summary["id"] == detail["id"] == 1
    assert [command["id"] for command in detail["commands"]] == ["1.1", "2.1"]
    assert log[0]["kind"] == "Opened"
    assert report.text.startswith("#")
    assert output.status_code == 200


async def test_what_came_and_went_is_on_the_board_in_the_api_and_in_the_metrics(site: Site) -> None:
    store = site.world.store
    alert = an_alert("<Brief>", fingerprint="brief", firing=False)
    await site.world.receive(alert)

    async def taken() -> bool:
        return bool(await store.read(lambda views: views.unheard(NOON - minutes(60), 10)))

    await wait_until(taken, "alert that was taken in")
    async with site.asking("vic") as client:
        [found] = (await client.get("/api/v1/alerts/unheard")).json()
        metrics = (await client.get("/metrics")).text
    assert (found["title"], found["ends_at"]) == (
        "<Brief>: requests are slow",
        "2026-03-01T12:05:00Z",
    )
    assert "playcall_alerts_unheard_total 1" in metrics
    async with site.with_session("vic") as browser:
        page = (await browser.get("/")).text
    assert "&lt;Brief&gt;: requests are slow: from <time" in page


async def test_go_or_no_go_is_on_the_board_and_in_the_api_with_its_history(site: Site) -> None:
    go = Readiness(state=State.GO, since=NOON, value=1.0, read_at=NOON)
    stop = Readiness(state=State.NO_GO, since=NOON + minutes(5), value=0.33, read_at=NOON)
    await site.world.store.write(lambda tx: tx.keep_readiness(go, change=True))
    await site.world.store.write(lambda tx: tx.keep_readiness(stop, change=True))
    async with site.asking("vic") as client:
        found = (await client.get("/api/v1/readiness")).json()
    assert [(one["state"], one["value"]) for one in found] == [("NO-GO", 0.33), ("GO", 1.0)]
    async with site.with_session("vic") as browser:
        page = (await browser.get("/")).text
    assert '<span class="badge ready-no-go">NO-GO</span>' in page
    assert "33 %" in page
    assert "GO from <time" in page


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("snooze", '{"minutes": NaN}'),
        ("silence", '{"minutes": Infinity}'),
        ("snooze", '{"until": "0001-01-01T00:00:00+14:00"}'),
        ("notes", '{"text": "\\ud83d"}'),
    ],
)
async def test_what_cannot_be_is_refused_and_is_no_bug(site: Site, path: str, body: str) -> None:
    headers = {"content-type": "application/json"}
    async with site.asking("ada") as client:
        answer = await client.post(f"{API}/{path}", content=body, headers=headers)
    assert answer.status_code == 422, answer.text


async def test_a_moment_beyond_all_time_is_refused(site: Site) -> None:
    async with site.asking("vic") as client:
        for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"):
            answer = await client.get("/api/v1/on-call", params={"at": at})
            assert answer.status_code == 422
