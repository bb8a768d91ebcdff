"""Telling carried out: updates reach each publisher, summaries reach whoever is behind a role, and
what came late is on record and counted."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from playcall.core import events as ev
from playcall.core.incident import Incident
from playcall.core.response import FactQuery, UpdatePolicy
from playcall.core.status_update import StatusUpdate
from playcall.engine.ports import Unavailable
from playcall.testing import NOON, SetMetrics, an_alert, minutes
from playcall.web.metrics import Figures, render
from tests.core.telling import telling_plan
from tests.engine.world import ROLES, World

FACTS = (FactQuery(name="migrations affected", promql="sum(x)"),)
PLAN = telling_plan(UpdatePolicy(by_itself=True, facts=FACTS))
BOUND = {**ROLES, "vp engineering": ("bob",), "cto": ("ada",)}


@dataclass
class Page:
    """A status page elsewhere; it remembers."""

    shown: list[StatusUpdate] = field(default_factory=list)

    async def publish(self, update: StatusUpdate, key: str) -> None:
        self.shown.append(update)


async def metrics_of(world: World) -> str:
    counts = await world.store.read(lambda views: views.counts())
    return render(Figures(live=(), counts=counts, readiness=None))


def summaries(world: World) -> list[tuple[str, str]]:
    return [(to, m.body) for to, m, _ in world.mail.sent if m.thread.endswith("stakeholders")]


async def wake(world: World, minute: float) -> Incident:
    """As the engine does when a timer is due, without waiting for it to look."""
    await world.until_event(ev.Opened)
    world.clock.at = NOON + minutes(minute)
    await world.engine.submit(1, ev.Woken(at=world.clock.at))
    return await world.state()


async def test_each_publisher_and_each_stakeholder_gets_it(tmp_path: Path) -> None:
    page = Page()
    other = Page()
    world = World(
        folder=tmp_path,
        plan=PLAN,
        roles=BOUND,
        metrics=SetMetrics(value=12.0),
        publishers={"ours": page, "theirs": other},
    )
    async with world.working():
        await world.receive(an_alert())
        await world.until(lambda found: "fact: migrations affected" in found.readings, "counted")
        await wake(world, 4)
        await wake(world, 5)
        await world.until_event(ev.UpdatePublished)
        await world.until(lambda _: bool(page.shown and other.shown), "published")
        await world.until(lambda _: len(summaries(world)) == 2, "both told")
        said = await metrics_of(world)
    assert [one.number for one in page.shown] == [1]
    assert page.shown == other.shown
    assert {to for to, _ in summaries(world)} == {"ada@example.org", "bob@example.org"}
    assert all("Impact: 12 migrations affected" in body for _, body in summaries(world))
    assert 'playcall_status_updates_total{result="published"} 1' in said
    assert 'playcall_stakeholder_summaries_total{result="told"} 2' in said
    assert 'playcall_stakeholder_summaries_total{result="missed"} 0' in said


async def test_a_summary_that_comes_late_is_on_record_once(tmp_path: Path) -> None:
    world = World(folder=tmp_path, plan=PLAN, roles=BOUND)
    world.mail.broken = Unavailable("the mail server is down")
    world.chat.broken = Unavailable("the chat is down")
    async with world.working():
        await world.receive(an_alert())
        await wake(world, 4)
        await world.until(lambda _: bool(world.mail.refused), "tried")
        await world.until_event(ev.StakeholdersTold)
        for later in (5.2, 6.5, 8):
            world.clock.at = NOON + minutes(later)
            await world.engine.submit(1, ev.NoteAdded(at=world.clock.at, by="ada", text="n"))
            await world.until_event(ev.StakeholdersMissed, count=2)
        found = await world.until_event(ev.StakeholdersMissed, count=2)
        said = await metrics_of(world)
    missed = [one for one in found if isinstance(one, ev.StakeholdersMissed)]
    assert sorted(one.role for one in missed) == ["CTO", "VP Engineering"]
    assert {one.due_at for one in missed} == {NOON + minutes(5)}
    assert 'playcall_stakeholder_summaries_total{result="missed"} 2' in said


async def test_where_nobody_is_behind_a_role_the_first_ones_are_told_else_it_is_missed(
    tmp_path: Path,
) -> None:
    roles = {key: who for key, who in ROLES.items() if key not in ("vp engineering", "cto")}
    plan = replace(PLAN, rungs=PLAN.rungs[:2])
    async with World(folder=tmp_path / "a", plan=plan, roles=roles).working() as world:
        await world.receive(an_alert())
        await wake(world, 4)
        await world.until(lambda _: len(summaries(world)) == 1, "stood in")
    ((to, body),) = summaries(world)
    assert to == "ada@example.org"
    assert "It was for VP Engineering, and nobody is behind that." in body
    async with World(folder=tmp_path / "b", plan=plan, roles={}, people={}).working() as alone:
        await alone.receive(an_alert())
        await wake(alone, 4)
        await alone.until_event(ev.StakeholdersMissed, count=2)


async def test_the_last_update_is_due_although_nobody_works_on_it_any_more(tmp_path: Path) -> None:
    """Timers run on after the resolution, until the public was told."""
    plan = replace(PLAN, response=replace(PLAN.response, updates=UpdatePolicy()))
    async with World(folder=tmp_path, plan=plan).working() as world:
        await world.receive(an_alert())
        update = StatusUpdate(
            incident=1,
            number=1,
            state="investigating",  # type: ignore[arg-type]
            title="Slow moves",
            body="We look.",
            at=NOON,
            impact="critical",  # type: ignore[arg-type]
        )
        await world.submit(ev.UpdatePublished(at=NOON, by="ada", update=update))
        at = NOON + minutes(1)
        await world.submit(ev.Resolved(at=at, by="ada", cause="", unverified=True))
        await world.until_event(ev.UpdateReminded)
        world.clock.at = at + timedelta(minutes=6)
        await world.submit(ev.NoteAdded(at=world.clock.at, by="ada", text="wake up"))
        await world.until_event(ev.UpdateMissed)
