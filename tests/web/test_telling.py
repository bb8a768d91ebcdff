"""What a person does with a page, and sees of what was sent: the link to acknowledge, the messages,
and another try for what was given up."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playcall.core.events import PageDelivered, PageFailed, Resolved
from playcall.engine.delivering import Telling
from playcall.engine.ports import Unavailable
from playcall.testing import NOON, a_plan, a_play, an_alert, minutes
from playcall.web.acknowledge_links import link_maker
from tests.engine.world import World
from tests.web.site import HOST, Site, site_of

API = "/api/v1/incidents/1"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    telling = Telling(acknowledging=link_maker(b"k" * 32, HOST))
    plan = a_plan(a_play(escalation=None))
    async with site_of(World(folder=tmp_path, plan=plan, telling=telling)) as site:
        yield site


async def link_of(site: Site) -> str:
    await site.world.receive(an_alert())
    await site.world.until_event(PageDelivered)
    [(_, message, _)] = site.world.mail.sent
    assert message.acknowledge.startswith(f"{HOST}/acknowledge/")
    return message.acknowledge


async def ask(site: Site, method: str, link: str) -> tuple[int, str]:
    async with site.asking() as client:  # not signed in
        answer = await client.request(method, link)
    return answer.status_code, " ".join(answer.text.split())


async def test_the_link_of_a_page_acknowledges_once_and_only_when_its_button_is_pressed(
    site: Site,
) -> None:
    link = await link_of(site)
    for _ in range(2):  # a mail scanner follows it
        status, page = await ask(site, "GET", link)
        assert (status, page.count('<form method="post"')) == (200, 1)
    assert (await site.world.state()).acknowledged_by is None
    status, page = await ask(site, "POST", link)
    assert status == 200
    assert "acknowledged by Ada" in page
    assert (await site.world.state()).acknowledged_by == "ada"
    for method in ("GET", "POST"):
        status, page = await ask(site, method, link)
        assert status == 410
        assert "used already" in page


async def test_a_link_that_is_damaged_foreign_or_too_old_says_so(site: Site) -> None:
    link = await link_of(site)
    foreign = link_maker(b"x" * 32, HOST)(1, "ada", "1.1.0.ada", NOON)
    viewer = link_maker(b"k" * 32, HOST)(1, "vic", "1.1.0.vic", NOON)
    for bad in (link[:-1], foreign):
        assert (await ask(site, "POST", bad))[0] == 403
    status, page = await ask(site, "POST", viewer)
    assert (status, "may not acknowledge" in page) == (403, True)
    site.world.clock.move(minutes(24 * 60))
    status, page = await ask(site, "POST", link)
    assert (status, "too old" in page) == (410, True)
    assert (await site.world.state()).acknowledged_by is None


async def test_a_link_comes_too_late_for_what_is_over(site: Site) -> None:
    link = await link_of(site)
    await site.world.submit(Resolved(at=NOON, by="bob", cause="", unverified=True))
    status, page = await ask(site, "POST", link)
    assert (status, "nothing is to do" in page) == (409, True)


async def test_what_was_sent_is_shown_in_its_words_and_what_failed_is_tried_again(
    site: Site,
) -> None:
    site.world.mail.broken = site.world.chat.broken = Unavailable("no such box", permanent=True)
    await site.world.receive(an_alert())
    await site.world.until_event(PageFailed)
    async with site.asking("vic") as viewer, site.asking("ada") as ada:
        [given_up] = (await viewer.get(f"{API}/messages")).json()["given_up"]
        assert given_up["reason"] == "mail: no such box; chat: no such box"
        key = {"key": given_up["key"]}
        assert (await viewer.post(f"{API}/retry", json=key)).status_code == 403
        async with site.with_session("ada") as browser:
            page = (await browser.get("/incidents/1")).text
            assert f'name="key" value="{given_up["key"]}"' in page
            site.world.mail.broken = None
            assert (await browser.post("/incidents/1/retry", data=key)).status_code == 303
            await site.world.until_event(PageDelivered)
            assert (await ada.post(f"{API}/retry", json=key)).status_code == 409
            told = (await viewer.get(f"{API}/messages")).json()
            shown = (await browser.get("/incidents/1")).text
    [(_, message, _)] = site.world.mail.sent
    sent = next(one for one in told["sent"] if one["channel"] == "mail")
    assert (sent["fate"], sent["body"], sent["person"]) == ("accepted", message.body, "ada")
    assert message.acknowledge not in str(told)
    assert told["given_up"] == []
    assert "Messages sent: 2" in shown
