"""The response over HTTP: who may do what, what is refused and how, what an incident then says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from playcall.core import events as ev
from playcall.core.incident import Part
from playcall.core.response import ResponsePolicy
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import ROLES, World
from tests.trees import a_deciding_plan
from tests.web.site import Site, site_of

API = "/api/v1/incidents/1"
PLAN = replace(a_deciding_plan(), response=ResponsePolicy(war_room="https://meet/i{incident}"))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """With one incident open, whose play has a decision tree."""
    roles = {**ROLES, "bob": ("bob",), "jo": ("ada",)}
    async with site_of(World(folder=tmp_path, plan=PLAN, roles=roles)) as site:
        await site.world.receive(an_alert(team="performance"))
        for kind in (ev.PageDelivered, ev.CommandFinished, ev.MetricRead):
            await site.world.until_event(kind)
        yield site


async def detail(site: Site) -> dict[str, Any]:
    async with site.asking("vic") as client:
        found: dict[str, Any] = (await client.get(API)).json()
    return found


async def do(site: Site, act: str, by: str = "ada", /, **body: Any) -> tuple[int, str]:
    async with site.asking(by) as client:
        answer = await client.post(f"{API}/{act}", json=body)
    told = answer.json()
    return answer.status_code, str(told.get("status") or told.get("detail"))


# An act, its body over the API, the same as a form, the event it leads to, who may do it.
ACTS: list[tuple[str, dict[str, Any], dict[str, Any], type[ev.Event], str]] = [
    ("unacknowledge", {}, {}, ev.Unacknowledged, "ada"),
    ("snooze", {"minutes": 30}, {"minutes": "30"}, ev.Snoozed, "ada"),
    ("assign", {"to": "bob"}, {"to": "bob"}, ev.Assigned, "ada"),
    ("escalate", {}, {"call": "next"}, ev.Escalated, "ada"),
    ("parts/take", {"part": "commander"}, {"part": "commander"}, ev.PartTaken, "ada"),
    ("parts/leave", {"part": "responder"}, {"part": "responder"}, ev.PartLeft, "ada"),
    (
        "severity",
        {"severity": "high", "reason": "one region"},
        {"severity": "HIGH", "reason": "one region"},
        ev.SeverityChanged,
        "cleo",
    ),
    (
        "answer",
        {"question": "6", "answer": "yes"},
        {"question": "6", "answer": "YES"},
        ev.QuestionAnswered,
        "ada",
    ),
    ("silence", {"minutes": 60}, {"minutes": "60"}, ev.SilenceAsked, "ada"),
]


@pytest.mark.parametrize(
    ("act", "body", "form", "kind", "least"), ACTS, ids=[act[0] for act in ACTS]
)
async def test_each_act_is_an_event_of_whoever_may(
    site: Site,
    act: str,
    body: dict[str, Any],
    form: dict[str, Any],
    kind: type[ev.Event],
    least: str,
) -> None:
    await site.world.submit(ev.Acknowledged(at=NOON, by=least))
    for person in ("vic", "ada")[: 1 if least == "ada" else 2]:
        code, why = await do(site, act, person, **body)
        assert (code, "needs a" in why) == (403, True)
        async with site.with_session(person) as browser:
            assert (await browser.post(f"/incidents/1/{act}", data=form)).status_code == 403
    assert (await do(site, act, least, **body))[0] == 200
    [event] = await site.world.until_event(kind)
    assert getattr(event, "by", None) == least


@pytest.mark.parametrize(
    ("act", "body", "form", "kind", "least"), ACTS, ids=[act[0] for act in ACTS]
)
async def test_each_act_is_a_form_of_the_page_too(
    site: Site,
    act: str,
    body: dict[str, Any],
    form: dict[str, Any],
    kind: type[ev.Event],
    least: str,
) -> None:
    await site.world.submit(ev.Acknowledged(at=NOON, by=least))
    async with site.with_session(least) as browser:
        answer = await browser.post(f"/incidents/1/{act}", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/1")
    await site.world.until_event(kind)


@pytest.mark.parametrize(
    ("act", "body", "code", "why"),
    [
        ("assign", {"to": "zoe"}, 422, 'nobody is called "zoe" here; known: ada, bob'),
        ("escalate", {"whom": "person", "to": "zoe"}, 422, "known: ada, bob"),
        ("escalate", {"whom": "person"}, 422, "known: ada, bob"),
        ("escalate", {"whom": "role", "to": "King"}, 422, "known: On-Call Primary, On-Call Sec"),
        ("escalate", {"whom": "team", "to": "cooks"}, 409, "the document has performance"),
        ("escalate", {"whom": "cat"}, 422, "next"),
        ("parts/take", {"part": "king"}, 422, "there are commander, communications, responder"),
        ("parts/take", {"part": "commander", "person": "zoe"}, 422, "known: ada, bob"),
        ("parts/leave", {"part": "commander"}, 409, "ada is not incident commander"),
        ("severity", {"severity": "EPIC", "reason": "x"}, 409, "there are CRITICAL, HIGH, WARN"),
        ("severity", {"severity": "HIGH", "reason": ""}, 422, "at least 1 character"),
        ("answer", {"question": "6", "answer": "PERHAPS"}, 409, "is answered with NO, YES"),
        ("answer", {"question": "9", "answer": "YES"}, 409, "no question 9"),
        ("snooze", {}, 422, "say either for how many minutes, or until when"),
        ("snooze", {"minutes": 5, "until": "2026-03-01T13:00:00Z"}, 422, "say either"),
        ("snooze", {"minutes": 1e300}, 422, "less than or equal"),
        ("snooze", {"minutes": "nan"}, 422, "minutes"),
        ("snooze", {"minutes": 600}, 409, "4 h at most"),
        ("snooze", {"until": "2026-03-01T11:00:00Z"}, 409, "has passed already"),
        ("snooze", {"until": "2026-03-01T13:00:00"}, 422, "timezone"),
        ("silence", {"minutes": -1}, 422, "greater than 0"),
        ("silence", {"minutes": 100_000}, 409, "up to 7 d"),
        ("unacknowledge", {}, 409, "nobody has acknowledged it"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_can(
    site: Site, act: str, body: dict[str, Any], code: int, why: str
) -> None:
    before = (await site.world.state()).version
    found, said = await do(site, act, "cleo" if act == "severity" else "ada", **body)
    assert (found, why in said) == (code, True), said
    assert (await site.world.state()).version == before


async def test_somebody_is_called_by_each_way(site: Site) -> None:
    for body in (
        {"whom": "next"},
        {"whom": "role", "to": "cto"},
        {"whom": "person", "to": "bob"},
        {"whom": "team", "to": "performance"},
        {"whom": "expert", "to": "left over", "reason": "why"},
    ):
        assert (await do(site, "escalate", **body))[0] == 200, body
    calls = await site.world.until_event(ev.Escalated, count=5)
    assert [(c.whom, c.to) for c in calls if isinstance(c, ev.Escalated)] == [
        ("next", ""),
        ("role", "cto"),
        ("person", "bob"),
        ("team", "performance"),
        ("expert", ""),
    ]


async def test_a_tree_is_told_with_its_way_and_its_outcomes(site: Site) -> None:
    [tree] = (await detail(site))["trees"]
    asked = {"question": "6", "text": "Is the cause known?", "answers": ["NO", "YES"]}
    assert (tree["asked"], tree["due"], tree["walked"]) == (asked, False, [])
    await do(site, "answer", question="6", answer="YES")
    await do(site, "answer", question="6.1.0", answer="YES")
    found = await detail(site)
    [tree] = found["trees"]
    walked = [(one["question"], one["answer"], one["by"]) for one in tree["walked"]]
    assert walked == [("6", "YES", "ada"), ("6.1.0", "YES", "ada")]
    assert tree["asked"] is None
    assert tree["outcomes"] == [{"outcome": "ROLLBACK", "lead": "rollback", "commands": ["7.2"]}]
    assert found["parts"] == {"commander": ["ada"]}


async def test_only_the_commander_answers_until_somebody_takes_command(site: Site) -> None:
    await do(site, "parts/take", "cleo", part="commander")
    code, why = await do(site, "answer", question="6", answer="YES")
    assert (code, why) == (409, "cleo is incident commander; take command first")
    async with site.with_session("ada") as browser:
        page = (await browser.get("/incidents/1")).text
    assert "cleo answers, as incident commander." in page
    assert 'name="answer"' not in page
    await do(site, "parts/take", part="commander")
    assert (await do(site, "answer", question="6", answer="YES"))[0] == 200


async def test_an_incident_says_how_its_response_stands(site: Site) -> None:
    found = await detail(site)
    assert found["respond_by"] == "2026-03-01T12:05:00Z"
    assert [rung["climbed"] for rung in found["rungs"]] == [True, False, False, False, False]
    assert found["next"] == {
        "roles": ["On-Call Secondary"],
        "means": "Page",
        "condition": "not acknowledged",
        "at": "2026-03-01T12:05:00Z",
        "round": 1,
    }
    assert [(box["ends"], box["ended"]) for box in found["boxes"]] == [
        ("2026-03-01T12:10:00Z", False),
        ("2026-03-01T12:30:00Z", False),
    ]
    assert (found["war_room"], found["reopened"], found["quiet"]) == ("https://meet/i1", 0, None)
    assert found["plan"]["changed"] is False
    site.world.clock.move(minutes(11))
    await site.world.until_event(ev.TargetMissed)
    await site.world.until_event(ev.TimeBoxEnded)
    found = await detail(site)
    assert (found["respond_by"], found["target_missed"]) == (None, True)
    assert [box["ended"] for box in found["boxes"]] == [True, False]
    assert found["trees"][0]["due"] is True


async def test_held_pages_are_shown_everywhere(site: Site) -> None:
    assert await do(site, "snooze", minutes=30) == (200, "snoozed")
    found = await detail(site)
    assert found["quiet"] == {
        "until": "2026-03-01T12:30:00Z",
        "reason": "snoozed by ada",
        "snoozed": True,
    }
    assert found["next"] is None
    async with site.with_session("vic") as browser:
        board = (await browser.get("/")).text
        page = (await browser.get("/incidents/1")).text
    assert "12:30:00 UTC</time>: snoozed by ada" in board
    assert "Pages are held until 12:30 UTC, 30 min from now: snoozed by ada." in page


async def test_the_next_rung_is_called_as_it_was_seen(site: Site) -> None:
    async with site.with_session("ada") as browser:
        page = (await browser.get("/incidents/1")).text
        assert '<input type="hidden" name="rung" value="1">' in page
        seen = {"call": "next", "rung": "1"}
        assert (await browser.post("/incidents/1/escalate", data=seen)).status_code == 303
        again = await browser.post("/incidents/1/escalate", data=seen)
    said = "ada escalated to On-Call Secondary 0 s ago; next is Team Lead"
    assert (again.status_code, said in again.text) == (409, True)
    assert await do(site, "escalate", rung=1) == (409, said)
    assert await do(site, "escalate", rung=2) == (200, "called the next rung")
    assert (await do(site, "escalate", rung=-1))[0] == 422


async def test_a_page_that_failed_and_a_role_that_nobody_fills_are_shown_where_people_look(
    site: Site,
) -> None:
    failed = ev.PageFailed(at=NOON, role="Team Lead", person="bob", reason="mail: <refused>")
    await site.world.submit(failed)
    said = "bob (Team Lead) was not reached at 12:00 UTC: mail: &lt;refused&gt;"
    known = site.world.engine.performer.committer.directory
    known.roles.pop("team lead")  # type: ignore[attr-defined]
    async with site.with_session("vic") as browser:
        for path, unbound in (
            ("/", "nobody is bound to Team Lead"),
            ("/incidents/1", "Nobody is bound to Team Lead: the first rung is paged instead."),
        ):
            page = (await browser.get(path)).text
            assert (said in page, unbound in page) == (True, True), path
    found = await detail(site)
    assert found["unreached"].startswith("bob (Team Lead) was not reached")
    assert found["unbound"] == ["Team Lead"]


async def test_the_board_shows_who_does_what(site: Site) -> None:
    async with site.with_session("ada") as browser:
        assert "nobody has it" in (await browser.get("/")).text
        await do(site, "parts/take", "cleo", part="communications")
        await do(site, "assign", to="bob")
        board = (await browser.get("/")).text
    assert "assigned to bob" in board
    assert "communications lead: cleo" in board


async def test_a_viewer_sees_no_button(site: Site) -> None:
    async with site.with_session("vic") as browser:
        page = (await browser.get("/incidents/1")).text
    assert "On-Call Secondary · page" in page
    for act in ("acknowledge", "snooze", "escalate", "parts/take", "answer", "silence"):
        assert f'action="/incidents/1/{act}"' not in page, act


async def test_a_plan_that_changed_is_shown_beside_the_incidents_own(site: Site) -> None:
    play = PLAN.plays[0]
    look = play.phases[0]
    newer = replace(PLAN, rungs=PLAN.rungs[:2], plays=(replace(play, phases=(look,)),))
    digest = await site.world.store.write(lambda tx: tx.keep_plan(newer))
    intake = site.world.engine.intake
    site.world.engine.intake = replace(intake, plan=digest)
    found = (await detail(site))["plan"]
    assert (found["opened_with"], found["current"], found["changed"]) == (
        intake.plan,
        digest,
        True,
    )
    assert found["differences"] == [
        "the escalation path",
        "command 7.1 is gone",
        "command 7.2 is gone",
    ]
    async with site.with_session("vic") as browser:
        page = (await browser.get("/incidents/1")).text
    assert f"it keeps {intake.plan[:8]} (playbook.md), new incidents get {digest[:8]}" in page


async def test_a_war_room_that_is_no_web_address_is_no_link(tmp_path: Path) -> None:
    plan = replace(PLAN, response=ResponsePolicy(war_room="javascript:alert({incident})"))
    async with site_of(World(folder=tmp_path, plan=plan)) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(ev.PageDelivered)
        async with site.with_session("vic") as browser:
            page = (await browser.get("/incidents/1")).text
    assert "javascript:alert(1)" in page
    assert 'href="javascript' not in page


async def test_a_part_is_given_to_somebody_by_either_of_its_names(site: Site) -> None:
    for name, part in (
        ("communications", Part.COMMUNICATIONS),
        ("Incident Commander", Part.COMMANDER),
    ):
        assert (await do(site, "parts/take", part=name, person="bob"))[0] == 200
        assert (await site.world.state()).roles[part] == ("bob",)
