"""Drawn escalation paths and decision trees."""

from datetime import timedelta

import pytest

from playcall.core.plan import Question, RungCondition
from tests.core.compiling import PLAY, a_document, codes, plan_of, play_of


def rungs(path: str) -> list[tuple[tuple[str, ...], str, float, RungCondition]]:
    plan = plan_of(a_document(path=f"```\n{path}\n```\n"))
    return [(r.roles, r.means, r.after / timedelta(minutes=1), r.condition) for r in plan.rungs]


def test_a_condition_belongs_to_the_arrow_above_its_rung() -> None:
    assert rungs(
        "ALERT FIRES\n ↓\nFirst (Page)\n ↓ (5 minutes, no ACK)\nSecond (Page)\n"
        " ↓ (10 minutes, no resolution)\nLead (Call)\n ↓ (15 minutes, critical)\nHead (Call)\n"
        " ↓ (20 minutes, SLA violation)\nVP + CTO (Conference Call)"
    ) == [
        (("First",), "Page", 0, RungCondition.ALWAYS),
        (("Second",), "Page", 5, RungCondition.NO_ACK),
        (("Lead",), "Call", 10, RungCondition.NO_RESOLUTION),
        (("Head",), "Call", 15, RungCondition.CRITICAL),
        (("VP", "CTO"), "Conference Call", 20, RungCondition.SLA_VIOLATION),
    ]


@pytest.mark.parametrize("arrow", ["↓", "v", "|", "->", "⬇", "|\n   v"])
def test_arrows_may_be_drawn_in_plain_characters(arrow: str) -> None:
    found = rungs(f"First (Page)\n   {arrow} (1 hour)\nVera (Call)")

    assert [(roles, after) for roles, _, after, _ in found] == [(("First",), 0), (("Vera",), 60)]


def test_a_numbered_path_is_read_too() -> None:
    plan = plan_of(
        a_document(path="1. Primary (Page)\n2. Lead (Call) - 10 minutes, no resolution\n")
    )

    assert [(r.roles, r.means, r.condition) for r in plan.rungs] == [
        (("Primary",), "Page", RungCondition.ALWAYS),
        (("Lead",), "Call", RungCondition.NO_RESOLUTION),
    ]


def test_a_path_that_runs_backwards_or_names_odd_conditions_is_told() -> None:
    path = "```\nA (Page)\n↓ (10 minutes, full moon)\nB (Page)\n↓ (5 minutes)\nC (Page)\n```\n"

    assert codes(a_document(path=path)) == ["PC107", "PC107"]


def tree(drawing: str) -> Question | None:
    step = "\n3. **Decide**\n\n   ```\n" + "".join(f"   {line}\n" for line in drawing.split("\n"))
    play = play_of(a_document(play=f"{PLAY}{step}   ```\n"))
    return play.phases[0].steps[-1].decision


def outline(question: Question) -> list[object]:
    return [question.text] + [
        [answer.label, answer.outcome or [outline(inner) for inner in answer.questions]]
        for answer in question.answers
    ]


UNICODE = """\
Known?
    ├─ NO → Search on
    └─ YES
        ├─ Quick?
        │   ├─ YES → Fix
        │   └─ NO → Go back
        └─ Risky?
            ├─ YES → Go back
            └─ NO → Fix slowly"""


@pytest.mark.parametrize(
    "drawing",
    [
        UNICODE,
        UNICODE.replace("├─", "|-").replace("└─", "`-").replace("│", "|").replace("→", "->"),
        UNICODE.replace("├─", "+--").replace("└─", "+--").replace("│", "|").replace("→", "=>"),
    ],
)
def test_two_questions_under_one_answer_are_both_kept_in_order(drawing: str) -> None:
    question = tree(drawing)

    assert question is not None
    assert outline(question) == [
        "Known?",
        ["NO", "Search on"],
        [
            "YES",
            [
                ["Quick?", ["YES", "Fix"], ["NO", "Go back"]],
                ["Risky?", ["YES", "Go back"], ["NO", "Fix slowly"]],
            ],
        ],
    ]


def test_an_answer_may_lead_to_a_question_on_its_own_line() -> None:
    question = tree("A?\n├─ NO → B?\n│  ├─ YES → x\n│  └─ NO → y\n└─ YES\n   └─ Restart")

    assert question is not None
    assert outline(question) == [
        "A?",
        ["NO", [["B?", ["YES", "x"], ["NO", "y"]]]],
        ["YES", "Restart"],
    ]


@pytest.mark.parametrize(
    "drawing",
    [
        "A?\n├─ B?\n│  └─ YES → x",
        "A?\n├─ NO\n└─ YES → x",
        "├─ A?\n└─ YES → x",
        "A?\n├─ NO → x\nelsewhere",
        "A?\n└─ YES\n   └─ B?",
        "A?\n" + "".join(f"{' ' * i}└─ x{i}\n" for i in range(80)),
    ],
)
def test_a_tree_that_cannot_be_read_is_told_and_not_guessed(drawing: str) -> None:
    step = "\n3. **Decide**\n\n   ```\n" + "".join(f"   {line}\n" for line in drawing.split("\n"))

    assert codes(a_document(play=f"{PLAY}{step}   ```\n")) == ["PC104"]
    assert tree(drawing) is None


def whole(question: Question) -> list[object]:
    """Every answer with its outcome and the questions below it."""
    return [question.text] + [
        (answer.label, answer.outcome, [whole(inner) for inner in answer.questions])
        for answer in question.answers
    ]


def chart(*lines: str) -> Question | None:
    return tree_in("mermaid", "\n".join(lines))


def tree_in(tag: str, drawing: str) -> Question | None:
    step = f"\n3. **Decide**\n\n   ```{tag}\n" + "".join(f"   {x}\n" for x in drawing.split("\n"))
    return play_of(a_document(play=f"{PLAY}{step}   ```\n")).phases[0].steps[-1].decision


def test_a_mermaid_flowchart_is_a_decision_tree() -> None:
    found = chart(
        "flowchart TD",
        "    %% how to get out",
        "    start([Alert fires]) --> known{Do we know the cause?}",
        "    known -->|No| look[Keep searching]:::slow",
        '    known -- Yes --> soon{"Can it be<br/>fixed soon?"}',
        "    soon -->|Yes| fix[Fix it] --> verify[Verify]",
        "    soon -.->|No| back[(Roll back)]",
        "    classDef slow fill:#f96",
    )

    assert found is not None
    assert whole(found) == [
        "Do we know the cause?",
        ("No", "Keep searching", []),
        (
            "Yes",
            None,
            [["Can it be fixed soon?", ("Yes", "Fix it → Verify", []), ("No", "Roll back", [])]],
        ),
    ]


def test_a_flowchart_that_leads_back_ends_there() -> None:
    found = chart("graph LR", "A{Is it over?} -->|no| B[Wait] --> A", "A -->|yes| C[Close]")

    assert found is not None
    assert whole(found) == [
        "Is it over?",
        ("no", "Wait → back to: Is it over?", []),
        ("yes", "Close", []),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ["graph TD", "A{Is it?} --> B[Yes]", "A --> C[No]"],
        ["graph TD", "A{Is it?"],
        ["graph TD", "A{Is it?} -->|yes| B[?]", "B ~~~ (("],
        [
            "graph TD",
            *(f"n{i} --> n{i + 1} & m{i}\nm{i} --> n{i + 1}" for i in range(40)),
            "n40{Why?}",
        ],
    ],
    ids=["no labels", "not closed", "not understood", "too many ways"],
)
def test_a_flowchart_that_cannot_be_followed_is_told(lines: list[str]) -> None:
    text = "\n".join(f"   {line}" for line in "\n".join(lines).split("\n"))
    step = f"\n3. **Decide**\n\n   ```mermaid\n{text}\n   ```\n"

    assert codes(a_document(play=PLAY + step)) == ["PC104"]


LISTED = """
3. Is the primary up?
   - **Yes:** look at the replicas
     - Do they lag?
       - If so, wait
       - If not, page the owner
   - No → fail over
     ```bash
     pg_ctl promote -D /data
     ```
"""


def test_nested_lists_that_answer_a_question_are_a_decision_tree() -> None:
    step = play_of(a_document(play=PLAY + LISTED)).phases[0].steps[-1]

    assert step.decision is not None
    assert whole(step.decision) == [
        "Is the primary up?",
        (
            "YES",
            "look at the replicas",
            [["Do they lag?", ("YES", "wait", []), ("NO", "page the owner", [])]],
        ),
        ("NO", "fail over", []),
    ]
    [command] = step.commands
    assert command.guard is not None
    assert command.guard.text == "Is the primary up? NO"


def test_a_question_in_prose_with_answers_below_it_is_one_too() -> None:
    play = play_of(a_document(play=f"{PLAY}\nIs it noise?\n\n- If yes, silence it\n- No: go on\n"))

    decision = play.phases[0].steps[-1].decision
    assert decision is not None
    assert whole(decision) == ["Is it noise?", ("YES", "silence it", []), ("NO", "go on", [])]
