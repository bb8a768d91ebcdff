"""What the post-mortem may say: only a change mitigates, and a page that failed is told."""

from playcall.core import events as ev
from playcall.core.incident import RunStatus
from playcall.core.plan import EffectClass
from playcall.core.report import write_report
from playcall.testing import NOON, a_command, a_plan, a_play, an_opening, minutes

PLAN = a_plan(
    a_play(
        commands=(
            a_command("1.1", effect=EffectClass.HEAVY),
            a_command("2.1", effect=EffectClass.CHANGE),
        )
    )
)


def ran(command: str, minute: float) -> tuple[ev.Event, ...]:
    run = f"1/{command}/1"
    return (
        ev.RunApproved(at=NOON + minutes(minute), by="ada", command=command),
        ev.CommandBegun(at=NOON + minutes(minute), command=command, run=run),
        ev.CommandFinished(
            at=NOON + minutes(minute + 1),
            command=command,
            run=run,
            status=RunStatus.SUCCEEDED,
            exit_code=0,
            summary="ok",
        ),
    )


def test_a_look_that_was_approved_mitigates_nothing() -> None:
    looked = write_report((an_opening(), *ran("1.1", 2)), PLAN).markdown
    changed = write_report((an_opening(), *ran("1.1", 2), *ran("2.1", 4)), PLAN).markdown
    assert "| Mitigated" not in looked
    assert "| Mitigated | 5 min |" in changed


def test_a_page_that_did_not_arrive_is_in_the_post_mortem() -> None:
    failed = ev.PageFailed(at=NOON, role="On-Call Primary", person="ada", reason="mail is down")
    text = write_report((an_opening(), failed), PLAN).markdown
    assert "PAGE NOT DELIVERED to ada" in text


def test_the_resolution_says_what_ran_and_on_whose_word() -> None:
    edited = ev.RunEdited(
        at=NOON,
        by="ada",
        command="2.1",
        original="uptime",
        text="uptime --pretty",
        diff="-uptime\n+uptime --pretty",
        effect="change",
        reasons=("because",),
    )
    bob = ev.RunApproved(at=NOON, by="bob", command="2.1")
    alone = ev.RunApproved(
        at=NOON + minutes(9), by="cleo", command="2.1", emergency=True, reason="it burns"
    )
    *_, end = ran("2.1", 9)
    events = (an_opening(), bob, edited, bob, *ran("2.1", 4), alone, end)
    text = write_report(events, PLAN).markdown
    assert (
        "(edited for this run), approved by bob and ada: succeeded ([7](/incidents/1#event-7))"
        "\n\n      uptime --pretty" in text
    )
    assert "Command 2.1, approved by cleo alone, EMERGENCY: it burns: succeeded" in text
    assert "EMERGENCY: cleo alone approved 2.1" in text
