"""The decision tree as questions, with the answers and what they lead to on record."""

from dataclasses import replace

import pytest

from playcall.core import effects as ef
from playcall.core import events as ev
from playcall.core.decision import Lead, lead_of, trees, walk
from playcall.core.incident import Incident, Part, RunStatus
from playcall.core.judge import Verdict
from playcall.core.plan import (
    Answer,
    EffectClass,
    Guard,
    Phase,
    Play,
    Purpose,
    Question,
    Role,
    Step,
)
from playcall.testing import NOON, a_command, a_criterion, a_plan, a_play, minutes
from tests.core.responding import after, moved, opened, read, refused, told


def question(text: str, *answers: Answer, criterion: str | None = None) -> Question:
    return Question(text=text, answers=answers, criterion=criterion, line=1)


def to(label: str, *leads: "str | Question") -> Answer:
    outcome = next((lead for lead in leads if isinstance(lead, str)), None)
    below = tuple(lead for lead in leads if isinstance(lead, Question))
    return Answer(label=label, outcome=outcome, questions=below, line=1)


TREE = question(
    "Is root cause identified?",
    to("NO", "Continue diagnostics, prepare rollback"),
    to(
        "YES",
        question("Can fix in <15 minutes?", to("YES", "Apply hotfix"), to("NO", "ROLLBACK")),
        question("Is fix risky?", to("YES", "ROLLBACK"), to("NO", "Apply fix, staged rollout")),
    ),
)


def a_deciding_play(tree: Question = TREE) -> Play:
    def under(option: str, command_id: str) -> "object":
        guard = Guard(kind="option", text=option, line=1)
        return replace(a_command(command_id, effect=EffectClass.CHANGE), guard=guard)

    play = a_play(criteria=(a_criterion(), a_criterion("asked", purpose=Purpose.QUESTION)))
    step = Step(number=6, title="Decide", commands=(), checks=(), decision=tree, line=1)
    options = replace(
        step,
        number=7,
        decision=None,
        commands=(under("Option A: Hotfix", "7.1"), under("Option B: Rollback", "7.2")),  # type: ignore[arg-type]
    )
    phase = Phase(
        title="Decision Points",
        role=Role.DECIDE,
        starts=None,
        ends=None,
        steps=(step, options),
        line=1,
    )
    return replace(play, phases=(*play.phases, phase))


PLAY = a_deciding_play()
PLAN = a_plan(PLAY)
STEP = next(trees(PLAY))


def answered(key: str, label: str, minute: float = 2, by: str = "ada") -> ev.QuestionAnswered:
    return ev.QuestionAnswered(at=NOON + minutes(minute), by=by, question=key, answer=label)


def asked(incident: Incident) -> str | None:
    found = walk(STEP, PLAY, incident.answers).asked
    return found.question.text if found else None


def outcomes(incident: Incident) -> list[str]:
    return [reached.outcome for reached in walk(STEP, PLAY, incident.answers).reached]


def test_questions_come_one_after_the_other_as_the_tree_has_them() -> None:
    incident = opened(PLAN)
    assert asked(incident) == "Is root cause identified?"
    incident = after(incident, answered("6", "YES"), plan=PLAN)
    assert asked(incident) == "Can fix in <15 minutes?"
    incident = after(incident, answered("6.1.0", "yes"), plan=PLAN)
    assert asked(incident) == "Is fix risky?"
    incident = after(incident, answered("6.1.1", "NO"), plan=PLAN)
    assert asked(incident) is None
    assert outcomes(incident) == ["Apply hotfix", "Apply fix, staged rollout"]


def test_a_rollback_ends_the_walk() -> None:
    incident = after(opened(PLAN), answered("6", "YES"), answered("6.1.0", "NO"), plan=PLAN)
    assert asked(incident) is None
    assert outcomes(incident) == ["ROLLBACK"]


def test_an_answer_is_on_record_with_its_author_and_time() -> None:
    given = after(opened(PLAN), answered("6", "yes", 4), plan=PLAN).answers["6"]
    assert (given.answer, given.by, given.at) == ("YES", "ada", NOON + minutes(4))


def test_the_commander_answers_and_who_answers_first_becomes_it() -> None:
    incident = after(opened(PLAN), answered("6", "YES"), plan=PLAN)
    assert incident.roles[Part.COMMANDER] == ("ada",)
    assert refused(incident, answered("6.1.0", "YES", by="bob"), PLAN) == (
        "ada is incident commander; take command first"
    )


def test_a_leaf_names_the_commands_that_it_starts_and_they_wait_for_an_approval() -> None:
    incident = after(opened(PLAN), answered("6", "YES"), plan=PLAN)
    decided = moved(incident, answered("6.1.0", "NO"), PLAN)
    assert decided.follows[-1] == ev.Decided(
        at=NOON + minutes(2), outcome="ROLLBACK", commands=("7.2",)
    )
    assert told(decided.effects) == [("ada", "decided: ROLLBACK; to approve: 7.2")]
    assert not any(isinstance(effect, ef.RunCommand) for effect in decided.effects)


def test_continuing_diagnostics_runs_once_more_what_only_looks() -> None:
    incident = after(
        opened(PLAN),
        ev.CommandBegun(at=NOON, command="1.1", run="1/1.1/1"),
        ev.CommandFinished(
            at=NOON,
            command="1.1",
            run="1/1.1/1",
            status=RunStatus.SUCCEEDED,
            exit_code=0,
            summary="",
        ),
        plan=PLAN,
    )
    again = moved(incident, answered("6", "NO"), PLAN)
    assert ef.RunCommand(command="1.1", run="1/1.1/2", approved_by=None) in again.effects


def test_an_answer_may_be_changed_and_takes_those_below_it_along() -> None:
    incident = after(opened(PLAN), answered("6", "YES"), answered("6.1.0", "NO"), plan=PLAN)
    incident = after(incident, answered("6", "NO", 9), plan=PLAN)
    assert set(incident.answers) == {"6"}
    assert outcomes(incident) == ["Continue diagnostics, prepare rollback"]


@pytest.mark.parametrize(
    ("key", "label", "why"),
    [
        ("9", "YES", "no question 9"),
        ("6", "MAYBE", "answered with NO, YES"),
        ("6.1.1", "YES", "is not asked on the way"),
    ],
)
def test_what_is_not_asked_cannot_be_answered(key: str, label: str, why: str) -> None:
    assert why in refused(opened(PLAN), answered(key, label), PLAN)


@pytest.mark.parametrize(
    ("verdict", "label"),
    [(Verdict.HOLDS, "YES"), (Verdict.HOLDING, "YES"), (Verdict.BROKEN, "NO")],
)
def test_a_question_with_a_criterion_is_answered_by_measuring_it(
    verdict: Verdict, label: str
) -> None:
    tree = question(
        "Is latency below 500 ms?", to("YES", "Wait"), to("NO", "ROLLBACK"), criterion="asked"
    )
    plan = a_plan(a_deciding_play(tree))
    outcome = moved(opened(plan), read(verdict, 3, "asked"), plan)
    given = outcome.incident.answers["6"]
    assert (given.answer, given.by, given.measured) == (label, "Playcall", True)
    assert Part.COMMANDER not in outcome.incident.roles


def test_no_data_answers_nothing() -> None:
    tree = question("Below 500 ms?", to("YES", "Wait"), to("NO", "ROLLBACK"), criterion="asked")
    plan = a_plan(a_deciding_play(tree))
    assert after(opened(plan), read(Verdict.UNKNOWN, 3, "asked"), plan=plan).answers == {}


@pytest.mark.parametrize(
    ("outcome", "lead", "commands"),
    [
        ("ROLLBACK", Lead.ROLLBACK, ("7.2",)),
        ("Roll back to v1", Lead.ROLLBACK, ("7.2",)),
        ("Apply hotfix, monitor closely", Lead.OPTION, ("7.1",)),
        ("Apply fix, staged rollout", Lead.OPTION, ("7.1",)),
        ("Continue diagnostics, prepare rollback", Lead.DIAGNOSE, ()),
        ("Call the vendor", Lead.PERSON, ()),
    ],
)
def test_an_outcome_leads_to_what_it_names(
    outcome: str, lead: Lead, commands: tuple[str, ...]
) -> None:
    reached = lead_of(outcome, PLAY)
    assert (reached.lead, reached.commands) == (lead, commands)
