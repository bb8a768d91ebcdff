"""Nobody is shown a form that they may not use; why it is missing is said instead."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from playcall.core.access import Access
from playcall.core.events import PageDelivered
from playcall.core.plan import EffectClass
from playcall.testing import a_command, a_plan, a_play, an_alert
from tests.engine.world import World
from tests.web.site import Site, site_of


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """An incident whose play has a change for a responder to approve, and one for a commander."""
    commands = (
        a_command("2.1", effect=EffectClass.CHANGE, text="restart"),
        replace(
            a_command("2.2", effect=EffectClass.CHANGE, text="drain"), approver=Access.COMMANDER
        ),
    )
    world = World(folder=tmp_path, plan=a_plan(a_play(commands=commands)))
    async with site_of(world) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(PageDelivered)
        yield site


async def page_of(site: Site, person: str) -> str:
    async with site.with_session(person) as browser:
        return (await browser.get("/incidents/1")).text


def forms(page: str) -> set[str]:
    found = re.findall(r'<form method="post" action="([^"]+)"', page)
    return {action.removeprefix("/incidents/1/") for action in found}


def commands(page: str) -> list[str]:
    return re.findall(r'name="command" value="([^"]+)"', page)


async def test_a_viewer_sees_everything_and_no_form(site: Site) -> None:
    page = await page_of(site, "vic")
    assert forms(page) == {"/sign-out"}
    assert "restart" in page
    for reason in (
        "You are a viewer: you see everything, and acting needs a responder.",
        "Approving this needs a responder; you are a viewer.",
        "Approving this needs a commander; you are a viewer.",
        "Resolving needs a commander; you are a viewer.",
        "Noting needs a responder; you are a viewer.",
    ):
        assert reason in page, reason
    assert 'id="to-decide"' not in page


async def test_a_responder_is_told_what_needs_a_commander(site: Site) -> None:
    page = await page_of(site, "ada")
    assert {"acknowledge", "notes", "approve"} <= forms(page)
    assert not {"resolve", "severity"} & forms(page)
    assert set(commands(page)) == {"2.1"}
    assert "Approving this needs a commander; you are a responder." in page
    assert "Resolving needs a commander; you are a responder." in page
    assert "Changing the severity needs a commander; you are a responder." in page
    assert 'id="may-not"' not in page


async def test_whatever_is_shown_is_not_forbidden(site: Site) -> None:
    for person in ("ada", "cleo"):
        page = await page_of(site, person)
        async with site.with_session(person) as browser:
            for action in sorted(forms(page) - {"/sign-out"}):
                answer = await browser.post(f"/incidents/1/{action}", data={})
                assert answer.status_code != 403, (person, action)
    page = await page_of(site, "cleo")
    assert {"resolve", "severity"} <= forms(page)
    assert "may-not" not in page


async def test_whoever_signs_in_again_is_back_where_the_form_was(site: Site) -> None:
    async with site.asking() as browser:
        for referer, page in (("http://playcall.example/incidents/1", "/incidents/1"), ("", "/")):
            answer = await browser.post("/incidents/1/acknowledge", headers={"referer": referer})
            assert answer.headers["location"] == f"/sign-in?next={page}"
