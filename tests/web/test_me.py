"""The page of whoever is signed in: tests that are really sent, devices, the app in a browser."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from playcall.channels.push import Keys, Push
from playcall.channels.push_service import PushService
from tests.engine.world import World
from tests.pushing import Browser, push_service
from tests.servers import Mailbox, smtp
from tests.web.served import HOSTILE, PHONE, TOKEN, Served, chromium
from tests.web.site import HOST, Site, site_of

DEVICES = "/api/v1/me/devices"
FIREFOX = {"user-agent": "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}
PUSHED = {
    "title": f"[CRITICAL] disk full {HOSTILE}",
    "body": "It fired.",
    "link": "/incidents/1",
    "acknowledge": "/incidents/1?acknowledge",
    "tag": "incident-1",
    "urgent": True,
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """In which people may be told by mail and by push."""
    world = World(folder=tmp_path)
    async with site_of(world) as site, httpx.AsyncClient(trust_env=False) as client:
        push = Push(
            store=world.store,
            keys=Keys(tmp_path / "push.key"),
            contact="mailto:ops@example.org",
            service=PushService(client, local=True),
            url=HOST,
        )
        performer = world.engine.performer
        hands = replace(performer.hands, channels={"mail": world.mail, "push": push})
        world.engine.performer = replace(performer, hands=hands)
        yield site


async def test_a_test_is_sent_by_the_method_that_was_chosen_and_by_no_other(site: Site) -> None:
    async with site.with_session("ada") as ada:
        sent = await ada.post("/me/test", data={"channel": "mail"})
        assert "the test was taken" in sent.text
        ((address, message, key),) = site.world.mail.sent
        assert (address, message.subject) == ("ada@example.org", "Test of Playcall for Ada")
        assert key.startswith("test.0.0.ada/")
        missing = await ada.post("/me/test", data={"channel": "chat"})
        assert "chat failed: no such channel" in missing.text
        assert (await ada.post("/me/test", data={"channel": "sms"})).status_code == 422
        del ada.headers["origin"]
        assert (await ada.post("/me/test", data={"channel": "mail"})).status_code == 403
    assert len(site.world.mail.sent) == 1


async def test_a_device_is_its_persons_alone(site: Site) -> None:
    with push_service() as service:
        browser = Browser(f"{service.url}/phone")
        told = {"endpoint": browser.endpoint, "keys": browser.keys}
        async with site.with_session("ada") as ada, site.with_session("vic") as vic:
            for _ in range(2):
                added = await ada.post(DEVICES, json=told, headers=FIREFOX)
                assert (added.status_code, added.json()) == (201, {"device": "Firefox on Android"})
            page = (await ada.get("/me")).text
            assert page.count("Firefox on Android") == 2  # its name, and its button's
            assert (await vic.post(DEVICES, json=told)).status_code == 409  # of [people], nobody
            gone = await vic.request("DELETE", DEVICES, json={"endpoint": browser.endpoint})
            assert gone.status_code == 404
            ((key, value),) = (await ada.get("/api/v1/me/push-key")).json().items()
            assert (key, len(value)) == ("key", 87)
            device = page.split('name="device" value="')[1].split('"')[0]
            await ada.post("/me/devices/forget", data={"device": device})
            assert "None yet." in (await ada.get("/me")).text


@pytest.mark.parametrize(
    ("endpoint", "key"), [("http://10.0.0.1/x", None), ("https://p.example/x", "AAAA"), ("x", None)]
)
async def test_a_subscription_that_is_none_is_refused(
    endpoint: str, key: str | None, site: Site
) -> None:
    keys = Browser(endpoint).keys
    told = {"endpoint": endpoint, "keys": keys | ({"p256dh": key} if key else {})}
    async with site.with_session("ada") as ada:
        refused = await ada.post(DEVICES, json=told)
    assert refused.status_code == 422
    assert "this subscription cannot be used" in refused.json()["detail"]


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with smtp() as found:
        yield found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Served]:
    more = '[push]\ncontact = "mailto:ops@example.org"\n'
    found = Served(tmp_path_factory.mktemp("served"), mailbox.port, more=more)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as found:
        yield found


def test_the_page_on_a_phone_tries_a_method_and_shows_what_came_of_it(
    browser: Chromium, served: Served, mailbox: Mailbox
) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True)
    context.grant_permissions(["notifications"], origin=served.url)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    page.goto(f"{served.url}/me")
    page.fill("#token", TOKEN)
    page.click("button.primary")
    page.click("text=Send me a test")
    expect(page.locator("#outcome")).to_contain_text("Mail: the test was taken")
    assert mailbox.messages[-1]["Subject"] == "Test of Playcall for Ada"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    devtools = context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert not manifest["errors"]
    assert json.loads(manifest["data"])["display"] == "standalone"
    page.click("#notify")  # this browser has no push service behind it, and says so
    expect(page.locator("#notify-said")).to_contain_text("This device cannot notify you")
    assert not [text for text in refused if "Content Security Policy" in text]
    context.close()


def test_the_service_worker_shows_what_is_pushed(browser: Chromium, served: Served) -> None:
    context = browser.new_context()
    context.grant_permissions(["notifications"], origin=served.url)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    registered: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registered.extend(r["registrationId"] for r in told["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.goto(f"{served.url}/sign-in")
    page.evaluate(
        """async () => {
        await navigator.serviceWorker.register("/service-worker.js", {scope: "/me"});
        const found = await navigator.serviceWorker.getRegistration("/me");
        const worker = found.installing || found.waiting || found.active;
        while (worker.state !== "activated") await new Promise((done) => setTimeout(done, 20));
        }"""
    )
    shown = None
    for _ in range(10):  # a worker that has just become active may miss the first
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": served.url, "registrationId": registered[-1], "data": json.dumps(PUSHED)},
        )
        shown = page.evaluate(
            """async () => {
            const found = await navigator.serviceWorker.getRegistration("/me");
            for (let looks = 0; looks < 60; looks++) {
              const [one] = await found.getNotifications();
              if (one) return [one.title, one.body, one.tag, one.data, one.actions];
              await new Promise((done) => setTimeout(done, 50));
            }
            return null;
            }"""
        )
        if shown:
            break
    assert shown
    data = {"link": PUSHED["link"], "acknowledge": PUSHED["acknowledge"]}
    actions = [{"action": "acknowledge", "title": "Acknowledge"}]
    assert shown[:4] == [PUSHED["title"], PUSHED["body"], PUSHED["tag"], data]
    assert [{"action": one["action"], "title": one["title"]} for one in shown[4]] == actions
    context.close()
