"""Values of placeholders on their way into real runs: whence they are, and what is kept."""

from dataclasses import replace
from pathlib import Path

from playcall.core.events import CommandFinished, RunApproved, ValueGiven
from playcall.core.incident import RunStatus, Whence
from playcall.core.plan import EffectClass
from playcall.engine.arrivals import Intake, opening
from playcall.testing import NOON, ScriptedRunner, a_plan, a_play, an_alert
from tests.core.test_parameters import reading
from tests.engine.world import World

BLOCK = replace(reading("iptables -A INPUT -s PROBLEM_IP -j DROP"), id="3.1")
LOOK = replace(reading("ping -c 5 <host>"), id="2.1")
ASK = replace(reading("curl -s <url>"), id="2.2")
PLAN = a_plan(a_play(commands=(LOOK, ASK, BLOCK)))


async def test_a_run_keeps_its_text_its_values_and_the_class_that_they_give_it(
    tmp_path: Path,
) -> None:
    world = World(folder=tmp_path, plan=PLAN, runner=ScriptedRunner())
    async with world.working():
        await world.receive(an_alert())
        await world.until(lambda found: found.incident.version > 0, "open")
        given = ValueGiven(at=NOON, by="ada", name="host", value="db-1")
        await world.submit(given)
        await world.until_event(CommandFinished)
        await world.submit(replace(given, name="url", value="http://p:9090/-/reload"))
        await world.submit(RunApproved(at=NOON, by="ada", command="2.2"))
        await world.until_event(CommandFinished, count=2)
        found = await world.dossier()
    assert found
    looked, reloaded = sorted((run.execution for run in found.runs), key=lambda run: run.run)
    assert (looked.text, looked.values) == ("ping -c 5 'db-1'", {"host": "db-1"})
    assert (looked.repeatable, looked.approved_by) == (True, None)
    assert (reloaded.effect, reloaded.repeatable) == (EffectClass.CHANGE, False)


async def test_what_cannot_be_bound_is_not_run_and_says_why(tmp_path: Path) -> None:
    inside = replace(reading("ssh db 'uptime <v>'"), id="2.1")
    plan = a_plan(a_play(commands=(inside,)))
    world = World(folder=tmp_path, plan=plan, runner=ScriptedRunner())
    async with world.working():
        intake = replace(world.engine.intake, values={"v": "x; reboot"})
        event = opening(plan, [an_alert()], intake, NOON, 1)
        await world.store.write(lambda tx: world.engine.performer.committer.apply(tx, event))
        await world.until(lambda found: bool(found.incident.runs), "decided")
        run = (await world.state()).runs["2.1"]
    assert run.status is RunStatus.CANCELLED
    assert "would be read as code" in run.summary


def test_a_label_comes_before_the_settings_unless_it_does_not_fit() -> None:
    alert = an_alert()
    labelled = replace(alert, labels={**alert.labels, "PROBLEM_IP": "10.0.0.7", "host": "-f"})
    settings = {"PROBLEM_IP": "10.0.0.8", "host": "db-1", "url": "a\nb"}
    intake = Intake(plan="plan", group_by=(), severities={}, values=settings)
    event = opening(PLAN, [labelled], intake, NOON, 1)
    assert event.values == {"PROBLEM_IP": "10.0.0.7", "host": "db-1"}
    assert event.whence == {"PROBLEM_IP": Whence.LABEL, "host": Whence.SETTINGS}
