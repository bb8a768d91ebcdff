"""Rulings on single commands: they hold for the text that was read, and for nothing else."""

from dataclasses import replace

from playcall.core.plan import EffectClass
from playcall.core.policy import Ruling, apply_policy, digest_of
from tests.core.compiling import PLAY, a_document, plan_of

SCRIPT = PLAY.replace("   df -h", "   ./scripts/usage.sh")
EDITED = PLAY.replace("   df -h", "   ./scripts/usage.sh --delete")


def ruling(text: str = SCRIPT) -> Ruling:
    [command] = plan_of(a_document(play=text)).plays[0].commands()
    return Ruling(
        alert="DiskAlmostFull",
        command=command.id,
        digest=digest_of(command),
        effect=EffectClass.OBSERVE,
        why="only reads",
        line=1,
    )


def test_a_ruling_loosens_the_very_command_that_was_read() -> None:
    plan = plan_of(a_document(play=SCRIPT))
    assert plan.plays[0].commands()[0].effect is EffectClass.CHANGE

    ruled, stale = apply_policy(plan, (ruling(),), "policy.toml")

    [command] = ruled.plays[0].commands()
    assert stale == ()
    assert command.effect is EffectClass.OBSERVE
    assert command.reasons[-1] == "the policy says observe: only reads"


def test_after_an_edit_a_ruling_falls_away_and_is_told() -> None:
    plan = plan_of(a_document(play=EDITED))

    ruled, [stale] = apply_policy(plan, (ruling(),), "policy.toml")

    assert ruled == plan
    assert (stale.code, stale.place.file) == ("PC118", "policy.toml")
    assert "has changed since" in stale.what


def test_a_ruling_for_a_command_that_is_gone_is_told() -> None:
    plan = plan_of(a_document(play=SCRIPT))

    ruled, [stale] = apply_policy(plan, (replace(ruling(), command="9.9"),), "policy.toml")

    assert ruled == plan
    assert "is not in the document" in stale.what


def test_no_ruling_makes_a_manual_command_run_by_itself() -> None:
    text = PLAY.replace("   df -h", "   vi /etc/fstab")
    plan = plan_of(a_document(play=text))

    ruled, stale = apply_policy(plan, (ruling(text),), "policy.toml")

    assert ruled.plays[0].commands()[0].effect is EffectClass.MANUAL
    assert stale == ()
