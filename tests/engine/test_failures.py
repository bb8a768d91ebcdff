"""The engine when hands fail, processes die and clocks leap: nothing is lost, nothing is hidden."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from playcall.core.events import (
    CommandBegun,
    CommandFinished,
    CommandInterrupted,
    MetricRead,
    PageDelivered,
    PageFailed,
    Resolved,
    RunApproved,
    SilenceFailed,
)
from playcall.core.incident import RunStatus, Status
from playcall.core.judge import Sample, Verdict
from playcall.core.message import Message
from playcall.core.plan import EffectClass
from playcall.engine.directory import UNBOUND
from playcall.engine.monitoring import RangeVector, Vector
from playcall.engine.ports import (
    Dossier,
    Execution,
    Exit,
    Job,
    Output,
    Transaction,
    Unavailable,
)
from playcall.engine.turns import Limits
from playcall.runner.local import Local
from playcall.testing import (
    NOON,
    SetMetrics,
    a_command,
    a_criterion,
    a_plan,
    a_play,
    an_alert,
    minutes,
)
from tests.engine.world import ROLES, World, of

DOWN = Unavailable("connection refused")
REFUSED = Unavailable("no such mailbox", permanent=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


# --- Pages ---------------------------------------------------------------------------------------


async def test_the_second_method_is_used_when_the_first_is_broken(world: World) -> None:
    world.mail.broken = DOWN
    async with world.working():
        await world.receive(an_alert())
        [delivered] = await world.until_event(PageDelivered)
        found = await world.dossier()
    assert isinstance(delivered, PageDelivered)
    assert (delivered.person, delivered.channel) == ("ada", "chat")
    assert [address for address, _, _ in world.chat.sent] == ["ada-chat"]
    assert found is not None
    assert not of(found, PageFailed)


async def test_a_page_that_fails_is_said_once_and_tried_until_it_works(world: World) -> None:
    world.mail.broken = world.chat.broken = DOWN
    async with world.working():
        await world.receive(an_alert())
        [failed] = await world.until_event(PageFailed)
        assert isinstance(failed, PageFailed)
        assert failed.reason == "mail: connection refused; chat: connection refused"
        for attempt in (2, 3):  # each later than the one before
            await _tried(world, attempt)
        world.mail.broken = None
        await _leap_until(world, lambda found: bool(of(found, PageDelivered)))
        found = await world.dossier()
    assert found is not None
    assert len(of(found, PageFailed)) == 1
    assert not found.buried


async def _leap_until(world: World, met: Callable[[Dossier], bool]) -> None:
    async with asyncio.timeout(20):
        while (found := await world.dossier()) is None or not met(found):
            world.clock.move(timedelta(seconds=1))
            await asyncio.sleep(0.05)


async def _tried(world: World, attempts: int) -> None:
    async with asyncio.timeout(20):
        while len(world.mail.refused) < attempts:
            world.clock.move(timedelta(seconds=1))
            await asyncio.sleep(0.05)


async def test_a_page_that_can_never_arrive_is_buried_in_plain_sight(world: World) -> None:
    world.mail.broken = world.chat.broken = REFUSED
    async with world.working():
        await world.receive(an_alert())
        found = await world.until(lambda one: bool(one.buried), "buried")
    [buried], [failed] = found.buried, of(found, PageFailed)
    assert buried.reason == "mail: no such mailbox; chat: no such mailbox"
    assert isinstance(failed, PageFailed)
    assert failed.reason == buried.reason


async def test_a_role_that_nobody_fills_is_said_with_the_reason(world: World) -> None:
    world.roles = {name: who for name, who in ROLES.items() if name != "on-call primary"}
    async with world.working():
        await world.receive(an_alert())
        [failed] = await world.until_event(PageFailed)
        await world.until_event(PageDelivered)  # the play's own team
    assert isinstance(failed, PageFailed)
    assert (failed.role, failed.person, failed.reason) == ("On-Call Primary", None, UNBOUND)


async def test_a_page_that_did_not_arrive_in_time_is_not_sent_for_what_is_over(
    world: World,
) -> None:
    world.mail.broken = world.chat.broken = DOWN
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageFailed)
        await world.submit(Resolved(at=NOON, by="ada", cause="", unverified=True))
        world.mail.broken = None
        await _leap_until(world, lambda found: bool(world.mail.sent))
        await world.until(lambda one: one.incident.status is Status.CLOSED, "closed")
    assert not any(message.urgent for _, message, _ in world.mail.sent)


@dataclass
class BuggyChannel:
    """Has a bug the first time."""

    calls: int = 0

    async def send(self, message: Message, address: str, key: str) -> None:
        self.calls += 1
        if self.calls == 1:
            raise KeyError("a bug")


async def test_a_bug_in_a_channel_stops_neither_the_engine_nor_the_page(world: World) -> None:
    world.mail = world.chat = buggy = BuggyChannel()  # type: ignore[assignment]
    async with world.working():
        await world.receive(an_alert(), an_alert("DiskFull", fingerprint="d"))
        await _leap_until(world, lambda found: bool(of(found, PageDelivered)))
        await world.until_event(PageDelivered, incident=2)
    assert buggy.calls >= 3


# --- Metrics -------------------------------------------------------------------------------------


class NoMetrics:
    async def query(self, promql: str, at: datetime) -> Sequence[Vector]:
        raise Unavailable("Prometheus does not answer")

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Sequence[Sample]]:
        raise Unavailable("Prometheus does not answer")

    async def query_series(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[RangeVector]:
        raise Unavailable("Prometheus does not answer")


async def test_without_prometheus_the_reading_is_unknown_and_the_page_goes(world: World) -> None:
    world.metrics = NoMetrics()
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        [read] = await world.until_event(MetricRead)
        found = await world.until(lambda one: "recovery" in one.readings, "read")
    assert isinstance(read, MetricRead)
    assert read.judgement.verdict is Verdict.UNKNOWN
    assert found.readings["recovery"][1].reason == "Prometheus does not answer"


class BuggyMetrics(NoMetrics):
    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Sequence[Sample]]:
        raise KeyError("a bug")


async def test_a_bug_in_reading_metrics_does_not_end_the_engine(world: World) -> None:
    world.metrics = BuggyMetrics()
    async with world.working():
        for incident in (1, 2):
            await world.receive(an_alert(f"A{incident}", fingerprint=f"{incident}"), an_alert())
            await world.until_event(PageDelivered, incident=incident)


class SlowForOne(SetMetrics):
    """Answers for every criterion but one, which it keeps waiting."""

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Sequence[Sample]]:
        if promql == "slow":
            await asyncio.Event().wait()
        return await SetMetrics.query_range(self, promql, start, end, step)


async def test_a_slow_answer_holds_up_no_other_criterion(world: World) -> None:
    slow = a_play("Slow", criteria=(a_criterion("slow", query="slow"), a_criterion("quick")))
    world.plan, world.metrics = a_plan(slow), SlowForOne(value=0.2)
    async with world.working():
        await world.receive(an_alert("Slow"))
        found = await world.until(lambda one: "quick" in one.readings, "read")
        assert "slow" not in found.readings


async def test_what_prometheus_cannot_tell_never_counts_as_recovery(world: World) -> None:
    world.metrics = NoMetrics()
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(MetricRead)
        await world.receive(an_alert(firing=False))
        await world.until(lambda one: not one.incident.firing, "cleared")
        refused = await world.engine.submit(1, Resolved(at=NOON, by="ada", cause=""))
    assert "is unknown" in getattr(refused, "reason", "")


# --- Commands ------------------------------------------------------------------------------------


@dataclass
class HangingRunner:
    """Runs until it is let go."""

    ran: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        self.ran.append(command)
        yield Output(data=b"begun\n")
        await self.go.wait()
        yield Exit(status=RunStatus.SUCCEEDED, exit_code=0, summary="done")


def a_world_of_changes(folder: Path) -> World:
    commands = (
        a_command("1.1", text="look"),
        a_command("2.1", text="restart", effect=EffectClass.CHANGE),
    )
    return World(folder=folder, plan=a_plan(a_play(commands=commands)))


async def _begun(world: World, command: str) -> Dossier:
    def met(found: Dossier) -> bool:
        begun = {e.command for e in of(found, CommandBegun) if isinstance(e, CommandBegun)}
        return command in begun and any(run.output for run in found.runs)

    return await world.until(met, f"{command} begun")


async def test_a_change_whose_process_died_is_unknown_and_never_run_again(
    tmp_path: Path,
) -> None:
    dead = a_world_of_changes(tmp_path)
    dead.runner = HangingRunner()
    async with dead.working():
        await dead.receive(an_alert())
        await _begun(dead, "1.1")
        await dead.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await _begun(dead, "2.1")
    alive = a_world_of_changes(tmp_path)
    async with alive.working():
        [interrupted] = await alive.until_event(CommandInterrupted)
        found = await alive.until(lambda one: bool(of(one, CommandFinished)), "looked at again")
    assert isinstance(interrupted, CommandInterrupted)
    assert interrupted.command == "2.1"
    assert alive.runner.ran == ["look"]  # type: ignore[attr-defined]
    outcome = {run.execution.command: (run.status, run.output) for run in found.runs}
    assert outcome == {
        "1.1": (RunStatus.SUCCEEDED, b"ok\n"),
        "2.1": (RunStatus.UNKNOWN, b"begun\n"),
    }
    assert found.incident.runs["2.1"].status is RunStatus.UNKNOWN


async def test_a_change_of_unknown_outcome_runs_again_only_when_somebody_says_so(
    tmp_path: Path,
) -> None:
    dead = a_world_of_changes(tmp_path)
    dead.runner = HangingRunner()
    async with dead.working():
        await dead.receive(an_alert())
        await _begun(dead, "1.1")
        await dead.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await _begun(dead, "2.1")
    alive = a_world_of_changes(tmp_path)
    async with alive.working():
        await alive.until_event(CommandInterrupted)
        refused = await alive.engine.submit(1, RunApproved(at=NOON, by="ada", command="2.1"))
        assert "its outcome is unknown" in getattr(refused, "reason", "")
        await alive.submit(RunApproved(at=NOON, by="ada", command="2.1", again=True))
        await alive.until_event(CommandFinished, count=2)


async def test_a_leap_of_the_clock_neither_repeats_nor_interrupts_what_runs(
    tmp_path: Path,
) -> None:
    world = a_world_of_changes(tmp_path)
    world.runner = runner = HangingRunner()
    async with world.working():
        await world.receive(an_alert())
        await _begun(world, "1.1")
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await _begun(world, "2.1")
        world.clock.move(minutes(4))  # every lease has run out
        await world.receive(an_alert("DiskFull", fingerprint="d"))  # looked at by every loop
        await world.until_event(PageDelivered, incident=2)
        runner.go.set()
        found = await world.until(lambda one: len(of(one, CommandFinished)) == 2, "finished")
    assert runner.ran == ["look", "restart"]
    assert not of(found, CommandInterrupted)
    assert {run.status for run in found.runs} == {RunStatus.SUCCEEDED}


async def test_a_change_approved_before_the_end_does_not_run_after_it(world: World) -> None:
    async with world.stopped():
        await world.receive(an_alert())
        await world.engine._take_arrivals()
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await world.submit(Resolved(at=NOON, by="ada", cause="", unverified=True))

        def claim(tx: Transaction) -> list[Job]:
            looks = tx.claim_turns("me", NOON, minutes(1), Limits())
            return [*looks, *tx.claim("me", [Execution], NOON, minutes(1), 10)]

        for job in await world.store.write(claim):
            await world.engine.performer.perform(job)
        found = await world.dossier()
    assert found is not None
    assert world.runner.ran == ["uptime"]  # type: ignore[attr-defined]
    assert found.incident.runs["2.1"].status is RunStatus.CANCELLED


# --- The end -------------------------------------------------------------------------------------


@dataclass
class DeafSilencer:
    error: Unavailable

    async def silence(self, *_: object) -> str:
        raise self.error

    async def prolong(self, *_: object) -> str:
        raise self.error

    async def end(self, *_: object) -> None:
        raise self.error


@pytest.mark.parametrize("error", [DOWN, REFUSED], ids=["for now", "for ever"])
async def test_an_incident_is_closed_and_reported_though_it_cannot_be_silenced(
    world: World, error: Unavailable
) -> None:
    world.silencer = DeafSilencer(error)
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        await world.submit(Resolved(at=NOON, by="ada", cause="", unverified=True))
        await _leap_until(world, lambda found: bool(of(found, SilenceFailed)))
        await world.until(
            lambda one: one.incident.status is Status.CLOSED and bool(world.archive.kept), "kept"
        )


async def test_what_is_under_way_is_waited_for_at_the_end_and_nothing_new_begins(
    world: World,
) -> None:
    world.runner = runner = HangingRunner()
    async with world.working():
        await world.receive(an_alert())
        await _begun(world, "1.1")
        draining = asyncio.create_task(world.engine.drain(minutes(1)))
        await asyncio.sleep(0)
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        assert not draining.done()
        runner.go.set()
        await draining
        assert runner.ran == ["uptime"]
        assert (await world.state()).runs["2.1"].status is RunStatus.PENDING


async def test_the_documents_time_limit_holds_when_it_is_the_shorter(tmp_path: Path) -> None:
    command = replace(a_command("1.1", text="sleep 30"), time_limit=timedelta(seconds=0.3))
    world = World(folder=tmp_path, plan=a_plan(a_play(commands=(command,))))
    world.runner = Local({})
    async with world.working():
        await world.receive(an_alert())
        found = await world.until(
            lambda d: any(r.status is RunStatus.TIMED_OUT for r in d.runs), "the end of the command"
        )
    assert "stopped after 0.3 s" in found.runs[0].summary
