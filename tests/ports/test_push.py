"""Notifications, encrypted and signed by the real library, to push services good and bad."""

import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from playcall.channels.push import Keys, Push
from playcall.channels.push_service import PushService, is_local
from playcall.core.message import Message
from playcall.engine.devices import Device
from playcall.engine.ports import Unavailable
from playcall.storage import Database
from playcall.testing import NOON
from tests.pushing import Browser, push_service, sender_of
from tests.servers import free_port

MESSAGE = Message(
    subject="[CRITICAL] disk full \u202e on db-1",
    body="It fired.\nPress Acknowledge.\n" + "x" * 1_000_000,
    link="https://playcall.example/incidents/7",
    thread="incident-7",
    urgent=True,
    incident=7,
    acknowledge="https://playcall.example/acknowledge/token",
)


@pytest_asyncio.fixture
async def push(tmp_path: Path) -> AsyncIterator[Push]:
    store = Database(f"sqlite:///{tmp_path / 'playcall.db'}")
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Push(
            store=store,
            keys=Keys(tmp_path / "push.key"),
            contact="mailto:ops@example.org",
            service=PushService(client, local=True),
            url="https://playcall.example",
        )
    await store.close()


async def subscribe(push: Push, browser: Browser, person: str = "ada") -> None:
    device = Device(
        endpoint=browser.endpoint,
        person=person,
        p256dh=browser.keys["p256dh"],
        auth=browser.keys["auth"],
        name="Firefox on Android",
        added_at=NOON,
    )
    await push.store.write(lambda tx: tx.add_device(device))


async def failure(push: Push) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        await push.send(MESSAGE, "ada", "7.1.0.ada")
    return caught.value


async def count(push: Push) -> int:
    return len(await push.store.write(lambda tx: tx.devices("ada")))


async def test_every_device_gets_what_only_it_can_read(push: Push) -> None:
    with push_service() as service:
        phone, laptop = Browser(f"{service.url}/phone"), Browser(f"{service.url}/laptop?x=1")
        other = Browser(f"{service.url}/bob")
        for browser, person in ((phone, "ada"), (laptop, "ada"), (other, "bob")):
            await subscribe(push, browser, person)
        await push.send(MESSAGE, "ada", "7.1.0.ada")
    by_path = {request.path: request for request in service.requests}
    assert sorted(by_path) == ["/laptop?x=1", "/phone"]
    for browser, path in ((phone, "/phone"), (laptop, "/laptop?x=1")):
        request = by_path[path]
        said = browser.read(request)
        assert said["title"] == "[CRITICAL] disk full on db-1"
        assert said["body"].startswith("It fired. Press Acknowledge. xxx")
        assert (said["link"], said["acknowledge"]) == (MESSAGE.link, MESSAGE.acknowledge)
        assert len(request.body) < 4096
        headers = request.headers
        assert (headers["urgency"], headers["topic"], headers["ttl"]) == (
            "high",
            "incident-7",
            "3600",
        )
        key, claims = sender_of(request)
        assert key == push.keys.public()
        assert (claims["aud"], claims["sub"]) == (service.url, "mailto:ops@example.org")


def test_the_keys_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "data" / "push.key")
    public = keys.public()
    assert keys.public() == public == Keys(keys.path).public()
    assert len(public) == 87  # 65 octets
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert list(keys.path.parent.iterdir()) == [keys.path]


async def test_a_device_that_is_gone_is_forgotten_and_the_others_still_hear(push: Push) -> None:
    with push_service() as good, push_service() as gone:
        gone.status = 410
        await subscribe(push, Browser(f"{gone.url}/old"))
        await subscribe(push, Browser(f"{good.url}/new"))
        await push.send(MESSAGE, "ada", "7.1.0.ada")
        assert await count(push) == 1
        good.status = 404
        refused = await failure(push)
    assert refused.permanent
    assert "Open https://playcall.example/me" in str(refused)
    assert await count(push) == 0
    assert (await failure(push)).permanent  # nobody to tell


@pytest.mark.parametrize(
    ("status", "permanent"), [(403, True), (413, True), (302, True), (429, False), (500, False)]
)
async def test_what_a_push_service_answers(status: int, permanent: bool, push: Push) -> None:
    with push_service() as service:
        service.status = status
        await subscribe(push, Browser(f"{service.url}/phone"))
        refused = await failure(push)
        assert refused.permanent is permanent
        assert len(service.requests) == 1  # a redirect is not followed
    assert await count(push) == 1


async def test_a_push_service_that_hangs_or_is_away_may_come_back(push: Push) -> None:
    with push_service() as service:
        service.hang = True
        await subscribe(push, Browser(f"{service.url}/phone"))
        await subscribe(push, Browser(f"http://127.0.0.1:{free_port()}/away"))
        refused = await failure(replace(push, timeout=timedelta(seconds=0.5)))
    assert not refused.permanent
    assert "did not answer within 0.5 s" in str(refused)
    assert "cannot be reached" in str(refused)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/x",
        "https://user:secret@push.example/x",
        "https://push.example:8443/x",
        "ftp://push.example/x",
        "file:///etc/passwd",
        "https://",
        "https://push.example/" + "x" * 3000,
    ],
)
async def test_an_address_that_is_no_push_services_is_not_taken(endpoint: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        assert PushService(client, local=False).objection(endpoint)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[fe80::1]",
        "0.0.0.0",
        "2130706433",  # 127.0.0.1 as one number
    ],
)
async def test_an_address_that_leads_into_a_private_network_is_never_spoken_to(host: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(Unavailable, match="private network") as caught:
            await PushService(client, local=False).post(f"https://{host}/x", b"", {})
    assert caught.value.permanent


async def test_a_trial_speaks_to_this_machine_and_to_no_other_private_one() -> None:
    assert is_local("http://127.0.0.1:8700")
    assert is_local("http://localhost:8700")
    assert not is_local("https://playcall.example")
    assert not is_local("http://0.0.0.0:8700")
    async with httpx.AsyncClient(trust_env=False) as client:
        local = PushService(client, local=True)
        assert local.objection("http://10.0.0.1/x")
        with pytest.raises(Unavailable, match="private network"):
            await local.post("https://10.0.0.1/x", b"", {})
