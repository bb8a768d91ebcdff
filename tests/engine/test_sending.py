"""What is sent afterwards: once to each, whatever dies in between; and the criteria that are looked
at for an hour after the end."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playcall.core import events as ev
from playcall.core.duty_events import DutyUnproven
from playcall.core.judge import Verdict
from playcall.core.plan import ChecklistItem, Duty
from playcall.core.post_mortem import edited
from playcall.core.sending_events import PostMortemShared, SummarySent
from playcall.engine.ports import Transaction, Unavailable
from playcall.engine.writing import save
from playcall.testing import NOON, SetMetrics, a_plan, an_alert
from tests.engine.world import World, of

STABLE = Duty(
    title="Close",
    within=timedelta(hours=1),
    items=(ChecklistItem(text="Verify metrics stable", line=1),),
    template=None,
    line=1,
)
PLAN = replace(a_plan(), duties=(STABLE,))
END = ev.Resolved(at=NOON, by="ada", cause="", unverified=True)
SUMMARY = SummarySent(
    at=NOON, by="ada", subject="Summary", body="b", to=("On-Call Primary", "Team Lead")
)


async def over(world: World) -> None:
    await world.receive(an_alert())
    await world.until_event(ev.Opened)
    await world.submit(END)


def sent(world: World, word: str) -> list[tuple[str, str]]:
    """To whom, under which key."""
    return [(to, key) for to, m, key in world.mail.sent if word in m.subject]


async def test_a_summary_outlives_the_engine_and_a_mail_server_that_is_down(tmp_path: Path) -> None:
    world = World(folder=tmp_path, plan=PLAN)
    world.mail.broken = world.chat.broken = Unavailable("down")
    async with world.working():
        await over(world)
        await world.submit(SUMMARY)
        found = await world.until(lambda one: bool(of(one, SummarySent)), "on record")
        (n,) = [one.n for one in found.events if isinstance(one.event, SummarySent)]
        keys = {f"1.{n}.0.ada", f"1.{n}.1.bob"}
        await world.until(lambda _: keys <= set(world.mail.refused), "tried")
    world.mail.broken = None
    async with world.working():  # another process, on the same store
        world.clock.move(timedelta(minutes=10))
        await world.until(lambda _: len(sent(world, "Summary")) == 2, "sent to both")
        await world.until(lambda one: len(one.sent) >= 4, "receipts")
    assert sorted(to for to, _ in sent(world, "Summary")) == ["ada@example.org", "bob@example.org"]
    assert {key for _, key in sent(world, "Summary")} == keys, "as it was tried before"


async def write(world: World, text: str) -> None:
    """On top of the latest version, which may be Playcall's own: the numbers came meanwhile."""
    committer = world.engine.performer.committer

    def work(tx: Transaction) -> None:
        latest = tx.post_mortem(1)
        seen = latest.version if latest else 0
        save(tx, committer, 1, seen, lambda old: edited(old, text, "ada", NOON))

    await world.store.write(work)


async def test_the_version_that_was_shared_goes_out_whatever_was_saved_since(
    tmp_path: Path,
) -> None:
    world = World(folder=tmp_path, plan=PLAN)
    world.mail.broken = world.chat.broken = Unavailable("down")
    async with world.working():
        await over(world)
        await write(world, "first\n")
        shared = PostMortemShared(
            at=NOON, by="ada", version=1, subject="Shared", body="b", to=("On-Call Primary",)
        )
        await world.submit(shared)
        await write(world, "second\n")
        world.mail.broken = None
        world.clock.move(timedelta(minutes=10))
        await world.until(lambda _: bool(sent(world, "Shared")), "sent")
    (files,) = [m.attachments for _, m, _ in world.mail.sent if m.subject == "Shared"]
    assert [(one.kind, one.data) for one in files] == [("text/markdown", b"first\n")]


async def test_criteria_are_looked_at_for_an_hour_after_the_end(tmp_path: Path) -> None:
    metrics = SetMetrics(value=0.1)
    world = World(folder=tmp_path, plan=PLAN, metrics=metrics)
    async with world.working():
        await over(world)
        await world.submit(ev.AlertsCleared(at=NOON, alerts=(an_alert(firing=False),)))
        await world.until(lambda one: "1.1" in one.incident.owed.settled, "proven")
        metrics.value = 9.0
        world.clock.move(timedelta(minutes=5))
        (lost,) = await world.until_event(DutyUnproven)
        assert isinstance(lost, DutyUnproven)
        assert "is broken" in lost.reason
        world.clock.move(timedelta(hours=1))
        metrics.value = 0.1
        await asyncio.sleep(0.5)  # more than two looks
        state = await world.state()
    assert "1.1" not in state.owed.settled
    assert state.readings["recovery"].verdict is Verdict.BROKEN
