"""How a command that ran, and one that did not, is told by `tests.drills.commands`."""

from dataclasses import replace

from playcall.core.plan import Translation
from playcall.testing import a_command
from tests.drills.commands import row, say, total

RUN = {"effect": "change", "as_run": "x", "outcome": "failed", "exit_code": 3, "summary": "a\n b"}


def test_what_ran_is_told_by_its_run_and_what_did_not_by_the_reason() -> None:
    mended = Translation(kind="shell", text="x", why="")
    ran = row(replace(a_command("1.1"), runs_as=mended), RUN)
    refused = row(a_command("1.2"), None, "a person has to")
    assert (ran.effect, ran.how, ran.outcome, ran.finding) == ("change", "mended", "failed", "a b")
    assert (refused.how, refused.outcome, refused.finding) == ("", "not run", "a person has to")
    assert "failed (3)" in say(ran)
    assert total([ran, ran, refused]) == "3 commands: 2 failed, 1 not run"
