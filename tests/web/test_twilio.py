"""What Twilio asks and tells: signed, answered in words, the same event as the page's button."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from playcall.channels.twilio import Line, Sms, Ticket, Voice
from playcall.core.events import Escalated, PageDelivered
from playcall.core.plan import Rung, RungCondition
from playcall.engine.ports import Channel, Method, Person
from playcall.testing import a_plan, an_alert, minutes
from tests.engine.world import World
from tests.servers import wait_until
from tests.telephone import ACCOUNT, TOKEN, Exchange, exchange, signed
from tests.web.site import HOST, Site, site_of

ADA, VIC, CLEO = "+4930123456", "+4930999999", "+4930777777"


def person(name: str, number: str) -> Person:
    methods = tuple(Method(channel=channel, address=number) for channel in ("sms", "voice"))
    return Person(id=name, name=name.title(), methods=methods)


@dataclass(frozen=True, kw_only=True)
class Telephone:
    site: Site
    twilio: Exchange
    line: Line
    client: httpx.AsyncClient

    async def post(self, address: str, said: Mapping[str, str], token: str = TOKEN) -> str:
        url = address if address.startswith("http") else f"{HOST}{address}"
        answer = await self.client.post(url, data=said, headers=signed(url, said, token))
        assert answer.status_code < 300, answer.text
        return answer.text

    async def texts(self, body: str, number: str = ADA) -> str:
        return await self.post("/twilio/sms", {"From": number, "Body": body})

    def address(self, what: str, **changes: object) -> str:
        ticket = Ticket(
            key="1.1.0.ada", channel="voice", number=ADA, incident=1, said="Disk full", asks=True
        )
        return self.line.address(what, replace(ticket, **changes))  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def telephone(world: World) -> AsyncIterator[Telephone]:
    """Ada has been written to about incident 1."""
    with exchange() as twilio:
        async with httpx.AsyncClient(trust_env=False) as client, site_of(world) as site:
            line = Line(
                account=ACCOUNT,
                token=TOKEN,
                sender="+15550001111",
                url=HOST,
                key=lambda: site.doorkeeper.key,
                client=client,
                server=twilio.url,
            )
            performer = world.engine.performer
            channels: dict[str, Channel] = {
                "sms": Sms(line),
                "voice": Voice(line),
                "mail": world.mail,
            }
            hands = replace(performer.hands, channels=channels)
            world.engine.performer = replace(performer, hands=hands)
            await world.receive(an_alert())
            await world.until_event(PageDelivered)
            async with site.asking() as asking:
                yield Telephone(site=site, twilio=twilio, line=line, client=asking)


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Telephone]:
    people = {"ada": person("ada", ADA), "vic": person("vic", VIC), "bob": person("bob", ADA)}
    world = World(folder=tmp_path, people=people)
    async with telephone(world) as found:
        yield found


async def test_nothing_that_twilio_did_not_sign_for_this_address_is_heard(
    phone: Telephone,
) -> None:
    good, said = phone.address("digits"), {"Digits": "1"}
    stale = phone.address("digits")[:-3] + "xxx"
    for url, headers, told in (
        (good, {}, said),
        (good, signed(good, said, "another token"), said),
        (good, signed(good, said), {"Digits": "2"}),
        (good, signed(phone.address("call"), said), said),
        (stale, signed(stale, said), said),
        (f"{HOST}/twilio/sms", {}, {"From": ADA, "Body": "1"}),
        (good, signed(good, said), said | {"x": "y" * 70_000}),
    ):
        answer = await phone.client.post(url, data=told, headers=headers)
        assert answer.status_code == 403
    assert (await phone.site.world.state()).acknowledged_by is None


async def test_a_call_is_answered_by_keys_once(phone: Telephone) -> None:
    spoken = await phone.post(phone.address("call"), {"AnsweredBy": "human"})
    assert spoken.count("Disk full. To acknowledge, press 1. To escalate, press 2.") == 2
    digits = spoken.split('action="')[1].split('"')[0]
    assert "means nothing here" in await phone.post(digits, {"Digits": "9"})
    assert (await phone.site.world.state()).acknowledged_by is None
    assert "You have incident 1 now" in await phone.post(digits, {"Digits": "1"})
    assert "ada has acknowledged it already" in await phone.post(digits, {"Digits": "1"})
    assert (await phone.site.world.state()).acknowledged_by == "ada"
    assert "is called now" in await phone.post(digits, {"Digits": "2"})
    assert "Not escalated: ada escalated to" in await phone.post(digits, {"Digits": "2"})
    assert len(await phone.site.world.until_event(Escalated)) == 1


async def test_an_answering_machine_is_no_acknowledgement(
    phone: Telephone, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, bool, str]] = []

    async def receipt(_: object, key: str, *, arrived: bool, reason: str, channel: str) -> bool:
        told.append((f"{key} {channel}", arrived, reason))
        return True

    monkeypatch.setattr("playcall.engine.loop.Engine.receipt", receipt)
    await phone.post(phone.address("call"), {"AnsweredBy": "machine_start"})
    await phone.post(phone.address("status"), {"CallStatus": "completed"})
    await phone.post(phone.address("status"), {"CallStatus": "no-answer"})
    lost = {"MessageStatus": "undelivered", "ErrorCode": "30003"}
    await phone.post(phone.address("status"), lost)
    await phone.post(phone.address("status"), {"MessageStatus": "delivered"})
    assert told == [
        ("1.1.0.ada voice", False, "a machine answered (machine_start)"),
        ("1.1.0.ada voice", False, "the call: no-answer"),
        ("1.1.0.ada voice", False, "the message: undelivered (error 30003)"),
        ("1.1.0.ada voice", True, ""),
    ]
    assert (await phone.site.world.state()).acknowledged_by is None


async def test_a_number_that_is_not_theirs_any_more_answers_for_nobody(phone: Telephone) -> None:
    for changes in ({"number": "+4930000000"}, {"key": "1.1.0.nobody"}, {"key": "1.1.0.vic"}):
        answer = await phone.post(phone.address("digits", **changes), {"Digits": "1"})
        assert "may not answer" in answer  # vic may only look
    assert (await phone.site.world.state()).acknowledged_by is None


async def test_a_reply_acknowledges_the_one_page_that_it_fits(phone: Telephone) -> None:
    assert "<Message>" not in await phone.texts("1", "+4930000000")
    assert "write ACK 1" in await phone.texts("what is it?")
    assert "write ACK 1" in await phone.texts("ack 2")
    await phone.site.world.receive(an_alert("Other", fingerprint="f2"))
    await wait_until(lambda: _paged(phone, 2), "page")
    assert "write ACK 1 or ACK 2" in await phone.texts("1")
    assert "You have incident 2 now" in await phone.texts(" Ack #2. ")
    assert "You have incident 1 now" in await phone.texts("1")
    assert "No page of yours waits" in await phone.texts("1")
    assert (await phone.site.world.state()).acknowledged_by == "ada"


async def _paged(phone: Telephone, incident: int) -> bool:
    found = await phone.site.world.dossier(incident)
    return found is not None and any(isinstance(s.event, PageDelivered) for s in found.events)


async def test_a_conference_is_one_for_all_whom_the_rung_calls(tmp_path: Path) -> None:
    plan = a_plan()
    first = replace(plan.rungs[0], roles=("On-Call Primary",))
    rung = Rung(
        roles=("On-Call Secondary", "CTO"),
        means="Conference Call",
        after=minutes(60),
        condition=RungCondition.ALWAYS,
        line=2,
    )
    people = {"ada": person("ada", ADA), "bob": person("bob", VIC), "cleo": person("cleo", CLEO)}
    roles = {"on-call primary": ("ada",), "on-call secondary": ("ada",), "cto": ("cleo",)}
    world = World(
        folder=tmp_path, plan=replace(plan, rungs=(first, rung)), people=people, roles=roles
    )
    async with telephone(world) as phone:
        assert "no conference now" in await phone.post("/twilio/calls", {"From": ADA})
        digits = phone.address("digits", rung=1)
        await phone.post(digits, {"Digits": "2"})
        await wait_until(lambda: _called(phone, 2), "calls")
        call = next(c for c in phone.twilio.calls if c["To"] == CLEO)
        spoken = await phone.post(call["Url"], {"AnsweredBy": "human"})
        assert "You are called into a conference with all who are paged now." in spoken
        joined = await phone.post(spoken.split('action="')[1].split('"')[0], {"Digits": "1"})
        room = "playcall.example incident 1</Conference>"
        assert room in joined
        assert (await world.state()).acknowledged_by == "cleo"
        assert room in await phone.post("/twilio/calls", {"From": ADA})
        async with phone.site.with_session("ada") as ada:
            page = (await ada.get("/incidents/1")).text
        assert '<a id="conference" href="tel:+15550001111">' in page
        assert "does not know your number" in await phone.post("/twilio/calls", {"From": "+1"})


async def _called(phone: Telephone, count: int) -> bool:
    return len({call["To"] for call in phone.twilio.calls}) == count
