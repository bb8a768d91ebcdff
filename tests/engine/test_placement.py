"""Commands go to the target that fits, the record says so, and hosts vanish."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from playcall.core.compiler.shell import first_program
from playcall.core.events import CommandBegun, CommandFinished, CommandInterrupted, RunApproved
from playcall.core.incident import RunStatus
from playcall.core.placement import Place, Placement, Target
from playcall.core.plan import EffectClass
from playcall.core.timeline import entries
from playcall.engine.perform import LOST_ATTEMPTS
from playcall.engine.ports import Dossier, Exit, Output
from playcall.engine.running import Lost
from playcall.testing import NOON, ScriptedRunner, a_command, a_plan, a_play, an_alert
from tests.engine.world import World, of

FAR = Target(name="db", where="db1 by SSH", observe="reader", change="writer", programs=("psql",))


@dataclass
class VanishingHost:
    """Begins commands, and is gone; after some times it stays."""

    times: int
    ran: list[tuple[str, EffectClass]] = field(default_factory=list)

    async def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        self.ran.append((command, effect))
        yield Output(data=b"begun\n")
        if len(self.ran) <= self.times:
            raise Lost("db vanished")
        yield Exit(status=RunStatus.SUCCEEDED, exit_code=0, summary="done")


def a_world(folder: Path, times: int = 0) -> World:
    commands = (
        a_command("1.1", text="psql -c 'select 1'"),
        a_command("2.1", text="sudo psql -c 'vacuum'", effect=EffectClass.CHANGE),
        a_command("2.2", text="restart | psql", effect=EffectClass.CHANGE),
    )
    return World(
        folder=folder,
        plan=a_plan(a_play(commands=commands)),
        targets={"db": VanishingHost(times)},
        placement=Placement(targets=(FAR,)),
    )


async def test_a_command_runs_where_its_program_is_and_the_record_says_so(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(CommandFinished)
        for command in ("2.1", "2.2"):
            await world.submit(RunApproved(at=NOON, by="ada", command=command))
        await world.until_event(CommandFinished, count=3)
        found = await world.until(lambda one: len(of(one, CommandFinished)) == 3, "finished")
    host = world.targets["db"]
    assert isinstance(host, VanishingHost)
    assert isinstance(world.runner, ScriptedRunner)
    assert [effect for _, effect in host.ran] == [EffectClass.OBSERVE, EffectClass.CHANGE]
    assert world.runner.ran == ["restart | psql"]
    begun = [e for e in of(found, CommandBegun) if isinstance(e, CommandBegun)]
    placed = {e.command: (e.where, e.whom) for e in begun}
    assert placed == {"1.1": (FAR.where, "reader"), "2.1": (FAR.where, "writer"), "2.2": ("", "")}
    assert {r.execution.command: (r.execution.where, r.execution.whom) for r in found.runs} == (
        placed
    )
    texts = [entry.text for entry in entries(begun, world.plan, None)]
    assert any(text.endswith(" on db1 by SSH as writer") for text in texts)


async def test_a_look_at_a_host_that_vanishes_is_repeated_a_few_times(tmp_path: Path) -> None:
    for times, status in ((1, RunStatus.SUCCEEDED), (LOST_ATTEMPTS, RunStatus.FAILED)):
        (tmp_path / status).mkdir()
        world = a_world(tmp_path / status, times)
        async with world.working():
            await world.receive(an_alert())
            host = world.targets["db"]
            assert isinstance(host, VanishingHost)

            def ended(found: Dossier, world: World = world) -> bool:
                world.clock.move(timedelta(seconds=0.2))  # another try waits for its time
                return bool(of(found, CommandFinished))

            found = await world.until(ended, "the end")
        assert [run.status for run in found.runs] == [status]
        assert len(host.ran) == min(times + 1, LOST_ATTEMPTS)


async def test_a_change_on_a_host_that_vanishes_is_unknown_and_never_repeated(
    tmp_path: Path,
) -> None:
    world = a_world(tmp_path)
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(CommandFinished)
        world.targets["db"].times = 2  # type: ignore[attr-defined]
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        [interrupted] = await world.until_event(CommandInterrupted)
        found = await world.until(
            lambda one: one.incident.runs["2.1"].status is RunStatus.UNKNOWN, "unknown"
        )
    assert isinstance(interrupted, CommandInterrupted)
    assert interrupted.reason == "db vanished"
    assert found.incident.runs["2.1"].summary == "db vanished"
    assert len(world.targets["db"].ran) == 2  # type: ignore[attr-defined]
    (text,) = [entry.text for entry in entries([interrupted], world.plan, None)]
    assert text.startswith("OUTCOME UNKNOWN: 2.1")
    assert text.endswith(": db vanished; decide")


async def test_a_target_that_is_gone_from_the_settings_runs_nothing(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    world.targets = {}
    async with world.working():
        await world.receive(an_alert())
        [finished] = await world.until_event(CommandFinished)
    assert isinstance(finished, CommandFinished)
    assert finished.status is RunStatus.FAILED
    assert finished.summary == "[targets.db] is not in the settings any more"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("kubectl get pods | grep x", "kubectl"),
        ("sudo -u root nice -n 5 /usr/bin/kubectl get pods", "kubectl"),
        ("sudo timeout 5s /usr/bin/kubectl get pods", "kubectl"),
        ("A=1 env B=2 psql -c x", "psql"),
        ("cd /srv && ./run.sh", "run.sh"),
        ("for p in $(kubectl get pods); do echo; done", "kubectl"),
        ("'psql' -c x", "psql"),
        ("$PROGRAM x", "$PROGRAM"),
        ("# nothing", ""),
    ],
)
def test_the_first_program_is_found(text: str, program: str) -> None:
    assert first_program(text) == program


def test_the_first_target_that_fits_every_list_is_taken() -> None:
    def target(name: str, **lists: tuple[str, ...]) -> Target:
        return Target(name=name, where=name, observe="r", change="w", **lists)

    placement = Placement(
        targets=(
            target("none"),
            target("both", plays=("Slow",), programs=("psql",)),
            target("one", commands=("3.1",)),
            target("rest", programs=("psql",)),
        )
    )

    def place(play: str | None, command: str, program: str) -> str:
        return placement.place(play, a_command(command), lambda: program).target

    assert place("Slow", "3.1", "psql") == "both"
    assert place("Fast", "3.1", "psql") == "one"
    assert place(None, "1.1", "psql") == "rest"
    assert place("Slow", "1.1", "curl") == "local"
    heavy = a_command("3.1", effect=EffectClass.HEAVY)
    assert placement.place(None, heavy, str) == Place(target="one", where="one", whom="r")
