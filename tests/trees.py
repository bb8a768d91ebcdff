"""A play whose decision tree leads to a rollback, a hotfix and back to the diagnostics."""

from dataclasses import replace
from datetime import timedelta

from playcall.core.plan import Answer, EffectClass, Guard, Phase, Plan, Play, Question, Role, Step
from playcall.testing import a_command, a_plan, a_play


def an_answer(label: str, outcome: str | None = None, *questions: Question) -> Answer:
    return Answer(label=label, outcome=outcome, questions=questions, line=1)


RISKY = Question(
    text="Is the fix risky?",
    answers=(an_answer("YES", "ROLLBACK"), an_answer("NO", "Hotfix")),
    line=1,
)
TREE = Question(
    text="Is the cause known?",
    answers=(an_answer("NO", "Continue diagnostics"), an_answer("YES", None, RISKY)),
    line=1,
)


def a_deciding_play() -> Play:
    """Ten minutes to look, then twenty to decide; step 6 asks, step 7 has the options."""
    options = tuple(
        replace(
            a_command(key, text=text, effect=EffectClass.CHANGE),
            guard=Guard(kind="option", text=option, line=1),
        )
        for key, text, option in (
            ("7.1", "apply the fix", "Option A: Hotfix"),
            ("7.2", "go back", "Option B: Rollback"),
        )
    )
    asking = Step(number=6, title="Decide", commands=(), checks=(), decision=TREE, line=1)
    doing = Step(number=7, title="Do it", commands=options, checks=(), decision=None, line=1)
    play = a_play()
    looking = replace(play.phases[0], starts=timedelta(), ends=timedelta(minutes=10))
    deciding = Phase(
        title="Decision Points",
        role=Role.DECIDE,
        starts=timedelta(minutes=10),
        ends=timedelta(minutes=30),
        steps=(asking, doing),
        line=1,
    )
    return replace(play, phases=(looking, deciding))


def a_deciding_plan() -> Plan:
    return a_plan(a_deciding_play())
