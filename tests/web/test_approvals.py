"""Letting commands run, over the real application: from the API, the pages and single-use links."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from playcall.core.access import Access
from playcall.core.events import CommandFinished, PageDelivered, Resolved, RunApproved
from playcall.core.plan import EffectClass
from playcall.core.response import ApprovalPolicy
from playcall.testing import NOON, ScriptedRunner, a_command, a_plan, a_play, an_alert, minutes
from playcall.web.auth import Identity
from tests.engine.world import World, of
from tests.web.site import HOST, Site, site_of

API = "/api/v1/incidents/1"
CHANGE = EffectClass.CHANGE
COMMANDS = (
    a_command("1.1"),
    a_command("2.1", effect=CHANGE, text="systemctl restart web"),
    replace(a_command("2.2", effect=CHANGE, text="rm -r /srv/cache"), people=2),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path, plan=a_plan(a_play(commands=COMMANDS)))) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(PageDelivered)
        await site.world.until_event(CommandFinished)
        yield site


async def post(site: Site, who: str, act: str, **body: Any) -> tuple[int, Any]:
    async with site.asking(who) as client:
        answer = await client.post(f"{API}/{act}", json=body)
    told = answer.json()
    return answer.status_code, told.get("detail") or told.get("status") or told


async def ask_of(site: Site, command: str) -> dict[str, Any]:
    async with site.asking("vic") as client:
        found = (await client.get(API)).json()["commands"]
    return next(one["ask"] for one in found if one["id"] == command)


async def page_of(site: Site, who: str) -> str:
    async with site.with_session(who) as browser:
        return " ".join((await browser.get("/incidents/1")).text.split())


def ran(site: Site) -> list[str]:
    assert isinstance(site.world.runner, ScriptedRunner)
    return site.world.runner.ran[1:]  # the first one looked


async def timeline(site: Site) -> list[str]:
    async with site.asking("vic") as client:
        return [entry["text"] for entry in (await client.get(API)).json()["timeline"]]


async def test_two_people_let_a_command_run_and_everybody_sees_who_is_missing(site: Site) -> None:
    seen = await ask_of(site, "2.2")
    assert (seen["text"], seen["people"], seen["access"]) == ("rm -r /srv/cache", 2, "responder")
    assert (seen["reasons"], seen["names"]) == (["because"], ["/srv/cache"])
    assert seen["verified_by"] == ["latency <500ms for 5 minutes"]
    assert seen["where"] == "on the machine of Playcall"
    body = {"command": "2.2", "digest": seen["digest"]}
    assert await post(site, "ada", "approve", **body) == (
        200,
        "approved; it waits for a second person",
    )
    assert "has approved it already" in (await post(site, "ada", "approve", **body))[1]
    assert "You approved it. It needs a second person." in await page_of(site, "ada")
    assert "ada approved. Waiting for a second person, until 12:15:00 UTC." in await page_of(
        site, "cleo"
    )
    assert ran(site) == []
    assert await post(site, "cleo", "approve", **body) == (200, "approved")
    await site.world.until_event(CommandFinished, count=2)
    assert ran(site) == ["rm -r /srv/cache"]
    assert (await post(site, "root", "approve", **body))[0] == 409


async def test_what_was_not_seen_is_not_approved(site: Site) -> None:
    for who, body in (("ada", {"digest": "0" * 16}), ("cleo", {"digest": "x"})):
        code, why = await post(site, who, "approve", command="2.1", **body)
        assert (code, why) == (409, "this is not the command you saw; look again")
    assert ran(site) == []


async def test_an_approval_that_comes_after_the_end_says_so(site: Site) -> None:
    await site.world.submit(Resolved(at=NOON, by="cleo", cause="", unverified=True))
    code, why = await post(site, "ada", "approve", command="2.1")
    assert (code, why) in ((409, "incident 1 is resolved"), (409, "incident 1 is closed"))


async def test_somebody_whose_role_was_removed_approves_no_more(site: Site) -> None:
    async with site.with_session("ada") as browser:
        _demote(site, "ada")
        answer = await browser.post("/incidents/1/approve", data={"command": "2.1"})
    assert answer.status_code == 403
    assert "Ada is a viewer; this needs a responder" in answer.text
    assert (await post(site, "ada", "approve", command="2.1"))[0] == 403


def _demote(site: Site, person: str) -> None:
    people = site.doorkeeper.people
    assert isinstance(people, dict)
    people[person] = Identity(id=person, name=person.title(), access=Access.VIEWER)


async def test_an_edited_command_shows_its_difference_and_is_approved_by_its_digest(
    site: Site,
) -> None:
    async with site.asking("ada") as client:
        edited = (
            await client.post(f"{API}/edit", json={"command": "2.1", "text": "systemctl stop web"})
        ).json()
    assert (edited["effect"], edited["diff"].splitlines()[-1]) == ("change", "+systemctl stop web")
    page = await page_of(site, "cleo")
    assert "Edited by ada for one run, and now change" in page
    assert "+systemctl stop web" in page
    assert (await post(site, "cleo", "approve", command="2.1"))[0] == 409
    body = {"command": "2.1", "digest": edited["digest"]}
    assert await post(site, "cleo", "approve", **body) == (200, "approved")
    found = await site.world.until(lambda one: len(of(one, CommandFinished)) == 2, "run")
    [run] = [one.execution for one in found.runs if one.execution.command == "2.1"]
    assert (run.written, run.text) == ("systemctl restart web", "systemctl stop web")
    assert ran(site) == ["systemctl stop web"]
    told = "\n".join(await timeline(site))
    assert 'ada edited 2.1 "Command 2.1" for one run, now change' in told
    assert "-systemctl restart web\n+systemctl stop web" in told
    assert (await ask_of(site, "2.1"))["text"] == "systemctl restart web"


async def test_an_emergency_is_one_person_with_a_reason_and_stands_in_capitals(site: Site) -> None:
    assert "EMERGENCY: approve alone and run" in await page_of(site, "ada")
    code, why = await post(site, "ada", "approve", command="2.2", emergency=True)
    assert (code, "needs its reason" in why) == (409, True)
    body = {"command": "2.2", "emergency": True, "reason": "the disk is full"}
    assert await post(site, "ada", "approve", **body) == (200, "approved")
    await site.world.until_event(CommandFinished, count=2)
    assert any(
        line == 'EMERGENCY: ada alone approved 2.2 "Command 2.2": the disk is full'
        for line in await timeline(site)
    )


async def test_one_asks_others_and_is_refused_with_a_reason(site: Site) -> None:
    assert await post(site, "ada", "ask", command="2.1") == (200, "asked for")
    assert "ada asks for an approval, until 12:15:00 UTC." in await page_of(site, "cleo")
    async with site.with_session("cleo") as browser:
        no = {"command": "2.1", "reason": "too risky"}
        assert (await browser.post("/incidents/1/decline", data=no)).status_code == 303
    assert "for an approval, until" not in await page_of(site, "cleo")
    assert 'cleo declined 2.1 "Command 2.1": too risky' in await timeline(site)


# --- single-use links ----------------------------------------------------------------------------


async def link_of(site: Site, command: str = "2.1", action: str = "approve") -> str:
    async with site.asking("cleo") as client:
        body = {"command": command, "person": "ada", "action": action}
        made = (await client.post(f"{API}/links", json=body)).json()
    assert made["expires_at"] == "2026-03-01T12:15:00Z"
    assert made["link"].startswith(f"{HOST}/approve/")
    return str(made["link"].removeprefix(HOST))


async def test_a_link_shows_and_only_a_press_acts_once_without_signing_in(site: Site) -> None:
    link = await link_of(site)
    async with site.asking() as stranger:
        for _ in range(3):  # mail scanners follow links
            page = await stranger.get(link)
            assert page.status_code == 200
            assert "systemctl restart web" in page.text
        assert ran(site) == []
        done = await stranger.post(link)
        assert (done.status_code, "2.1 of incident 1: approved." in done.text) == (200, True)
        await site.world.until_event(CommandFinished, count=2)
        for again in (await stranger.get(link), await stranger.post(link)):
            assert (again.status_code, "used already" in again.text) == (410, True)
    assert ran(site) == ["systemctl restart web"]
    assert 'ada approved 2.1 "Command 2.1" by a link that cleo made' in await timeline(site)
    [approved] = await site.world.until_event(RunApproved)
    assert isinstance(approved, RunApproved)
    assert (approved.by, approved.access, approved.link_by) == ("ada", Access.RESPONDER, "cleo")


async def test_a_link_refuses_too(site: Site) -> None:
    link = await link_of(site, action="decline")
    async with site.asking() as stranger:
        done = await stranger.post(link, data={"reason": "no"})
    assert "refused" in done.text
    assert 'ada declined 2.1 "Command 2.1" by a link that cleo made: no' in await timeline(site)


async def test_a_link_that_is_forged_old_or_of_somebody_without_access_does_nothing(
    site: Site,
) -> None:
    link = await link_of(site)
    body, _, signature = link.rpartition(".")
    other = (await link_of(site, "2.2")).rpartition(".")[0]
    async with site.asking() as stranger:
        for forged in (f"{other}.{signature}", f"{body}.", link[:-4], "/approve/x"):
            for answer in (await stranger.get(forged), await stranger.post(forged)):
                assert answer.status_code == 403, forged
                assert "no link of ours" in answer.text
        cookie = site.doorkeeper.session_for(site.doorkeeper.people["ada"])
        assert (await stranger.post(f"/approve/{cookie}")).status_code == 403
        _demote(site, "ada")
        refused = await stranger.post(link)
        assert (refused.status_code, "is a viewer now" in refused.text) == (403, True)
        site.world.clock.move(minutes(15))
        old = await stranger.post(link)
        assert (old.status_code, "too old" in old.text) == (410, True)
    assert ran(site) == []


async def test_a_link_is_for_the_text_it_was_made_for(site: Site) -> None:
    link = await link_of(site)
    await post(site, "ada", "edit", command="2.1", text="rm -rf /")
    async with site.asking() as stranger:
        assert (await stranger.get(link)).status_code == 409
        assert (await stranger.post(link)).status_code == 409
    assert ran(site) == []


async def test_only_a_commander_makes_links_and_not_for_nobody(site: Site) -> None:
    body = {"command": "2.1", "person": "ada"}
    assert (await post(site, "ada", "links", **body))[0] == 403
    assert (await post(site, "cleo", "links", command="2.1", person="zoe"))[0] == 422
    assert (await post(site, "cleo", "links", command="9.9", person="ada"))[0] == 404


async def test_nobody_lends_more_than_they_have(tmp_path: Path) -> None:
    high = replace(COMMANDS[1], approver=Access.ADMINISTRATOR)
    world = World(folder=tmp_path, plan=a_plan(a_play(commands=(high,))))
    async with site_of(world) as site:
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        body = {"command": "2.1", "person": "root"}
        code, why = await post(site, "cleo", "links", **body)
        assert (code, why) == (403, "a link for it is made by a administrator")
        assert (await post(site, "root", "links", **body))[0] == 200


async def test_whoever_makes_a_link_is_no_second_person(site: Site) -> None:
    link = await link_of(site, "2.2")
    assert (await post(site, "cleo", "approve", command="2.2"))[0] == 200
    async with site.asking() as stranger:
        answer = await stranger.post(link)
    assert (answer.status_code, "one of them made the link" in answer.text) == (409, True)
    assert ran(site) == []


async def test_a_value_given_since_is_not_what_was_seen(tmp_path: Path) -> None:
    command = a_command(
        "2.1", effect=CHANGE, text="kubectl delete pod <pod>", placeholders=("pod",)
    )
    world = World(folder=tmp_path, plan=a_plan(a_play(commands=(command,))))
    async with site_of(world) as site:
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        given = {"name": "pod", "command": "2.1"}
        assert (await post(site, "ada", "values", value="web-1", **given))[0] == 200
        seen = await ask_of(site, "2.1")
        assert seen["text"] == "kubectl delete pod 'web-1'"
        assert (await post(site, "cleo", "values", value="web-2", **given))[0] == 200
        code, why = await post(site, "ada", "approve", command="2.1", digest=seen["digest"])
        assert (code, why) == (409, "this is not the command you saw; look again")
        digest = (await ask_of(site, "2.1"))["digest"]
        assert (await post(site, "ada", "approve", command="2.1", digest=digest))[0] == 200


async def test_where_nobody_approves_their_own_the_page_offers_to_ask(tmp_path: Path) -> None:
    plan = a_plan(a_play(commands=COMMANDS))
    strict = replace(plan.response, approvals=ApprovalPolicy(own=False))
    world = World(folder=tmp_path, plan=replace(plan, response=strict))
    async with site_of(world) as site:
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        assert "Approve and run: Command 2.1" not in await page_of(site, "ada")
        async with site.with_session("ada") as browser:
            ask = await browser.post("/incidents/1/ask", data={"command": "2.1"})
        assert ask.status_code == 303
        assert "Approve and run: Command 2.1" not in await page_of(site, "ada")
        assert "Approve and run: Command 2.1" in await page_of(site, "cleo")
        assert (await post(site, "ada", "approve", command="2.1"))[0] == 409
        assert (await post(site, "cleo", "approve", command="2.1"))[0] == 200
