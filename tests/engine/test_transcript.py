"""What a command prints is gathered, not lost while the database is away, and summed up."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playcall.core.events import CommandFinished, RunApproved
from playcall.core.incident import RunStatus
from playcall.core.judge import Sample
from playcall.core.plan import EffectClass, Translation
from playcall.engine.monitoring import Vector
from playcall.engine.ports import Exit, Output, Unavailable
from playcall.engine.transcript import ENOUGH, Transcript
from playcall.testing import NOON, SetMetrics, a_command, a_criterion, a_plan, a_play, an_alert
from tests.engine.test_failures import HangingRunner
from tests.engine.world import World
from tests.ports.stored import an_execution


class Failing:
    """A store that is away at first."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.written: list[bytes] = []

    async def write(self, work: object) -> None:
        self.left -= 1
        if self.left >= 0:
            raise Unavailable("away")
        work(self)  # type: ignore[operator]

    def append_output(self, run: str, data: bytes) -> None:
        self.written.append(data)


async def test_what_cannot_be_stored_now_is_stored_later() -> None:
    store = Failing(failures=1)
    async with Transcript(store, an_execution()) as transcript:  # type: ignore[arg-type]
        await transcript.take(b"a" * ENOUGH)
        assert store.written == []
        await transcript.take(b"b")
        assert store.written == [b"a" * ENOUGH + b"b"]
        await transcript.take(b"the rest")
    assert transcript.rest() == b"the rest"
    assert len(transcript.beginning) < ENOUGH


class Chatty:
    async def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        for n in range(100):
            yield Output(data=b'{"n": %d}\n' % n)
        yield Exit(status=RunStatus.SUCCEEDED, exit_code=0, summary="the last line")


async def test_many_small_pieces_are_few_rows_and_the_finding_is_in_the_event(
    tmp_path: Path,
) -> None:
    plan = a_plan(a_play(commands=[a_command("1.1", text="x | jq -c .")]))
    async with World(folder=tmp_path, plan=plan, runner=Chatty()).working() as world:
        await world.receive(an_alert())
        [finished] = await world.until_event(CommandFinished)
        found = await world.dossier()
    assert isinstance(finished, CommandFinished)
    assert finished.summary == '100 values, the first {"n": 0}'
    assert found is not None
    assert found.runs[0].output_size == found.runs[0].output.count(b"\n") * 10 - 10
    assert found.runs[0].summary == finished.summary


async def test_an_answer_is_kept_with_its_past_and_held_against_the_criterion(
    tmp_path: Path,
) -> None:
    command = a_command("2.1", text="promtool query instant x")

    asked = replace(command, runs_as=Translation(kind="promql", text="latency", why="native"))
    plan = a_plan(a_play(commands=[asked], criteria=[a_criterion(query="latency")]))
    metrics = OneSeries()
    async with World(folder=tmp_path, plan=plan, metrics=metrics).working() as world:
        await world.receive(an_alert())
        [finished] = await world.until_event(CommandFinished)
        found = await world.dossier()
    assert isinstance(finished, CommandFinished)
    assert finished.summary == "600 ms, wanted < 500 ms: no"
    assert found is not None
    assert found.runs[0].output == b"instance=a 0.6\n# last 30 min: 0.4 0.6\n"


class OneSeries(SetMetrics):
    async def query(self, promql: str, at: object) -> list[Vector]:
        return [Vector(labels={"instance": "a"}, sample=Sample(at=NOON, value=0.6))]

    async def query_range(self, *args: object) -> list[list[Sample]]:
        return [[Sample(at=NOON, value=0.4), Sample(at=NOON, value=0.6)]]


async def test_what_was_approved_does_not_wait_for_diagnostics(tmp_path: Path) -> None:

    looks = [a_command(f"1.{n}", text="look") for n in range(1, 40)]
    change = a_command("2.1", text="mend", effect=EffectClass.CHANGE)
    runner = HangingRunner()
    plan = a_plan(a_play(commands=[*looks, change]))
    async with World(folder=tmp_path, plan=plan, runner=runner).working() as world:
        await world.receive(an_alert())
        await world.until(lambda one: "1.39" in one.incident.runs, "opened")
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await world.until(lambda one: one.incident.runs["2.1"].status is RunStatus.RUNNING, "begun")
        assert runner.ran.count("look") == 8
