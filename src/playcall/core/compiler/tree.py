"""Decision trees drawn with box characters, read by the column of their connectors."""

import re
from dataclasses import dataclass, field

from playcall.core.compiler.blocks import Block
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Answer, Question

_BRANCH = re.compile(
    r"^(?P<lead>[\s│|┃]*)(?:[├└┣┗╰╠╚][─━═╴-]*|[|+`\\][-─]{1,4})>?\s*(?P<text>\S.*)$"
)
_LINK = re.compile(r"\s*(?:→|⇒|➜|=+>|-+>)\s*")
_DEPTH = 50


@dataclass(slots=True)
class _Node:
    text: str
    line: int
    column: int
    children: list["_Node"] = field(default_factory=list)


class Unreadable(Exception):
    """A drawing that cannot be followed, and where."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


def is_tree(block: Block) -> bool:
    if not block.is_code or block.info not in ("", "text", "txt", "plain"):
        return False
    return "?" in block.text and any(_BRANCH.match(line) for line in block.text.split("\n"))


def read_tree(block: Block, ledger: Ledger) -> Question | None:
    """The tree's first question; None, and a problem, when the drawing cannot be read."""
    try:
        question = _question(_nodes(block))
    except Unreadable as unreadable:
        tell_unreadable(unreadable, ledger)
        return None
    ledger.take(block.first, block.last, "decision tree")
    return question


def tell_unreadable(unreadable: Unreadable, ledger: Ledger) -> None:
    ledger.warn(
        "PC104",
        unreadable.line,
        f"The decision tree cannot be read here: {unreadable.why}.",
        "Draw a question, below it '├─ YES → outcome' and '└─ NO → outcome'; a further"
        " question goes below an answer, one level deeper.",
    )


def _nodes(block: Block) -> _Node:
    root: _Node | None = None
    stack: list[_Node] = []
    for line, text in enumerate(block.text.split("\n"), block.body_line):
        branch = _BRANCH.match(text)
        if branch is None:
            if not text.strip(" │|┃"):
                continue
            if root is not None:
                raise Unreadable(line, "a line hangs on no branch")
            root = _Node(text=" ".join(text.split()), line=line, column=-1)
            stack = [root]
            continue
        node = _Node(text=" ".join(branch["text"].split()), line=line, column=len(branch["lead"]))
        if root is None:
            raise Unreadable(line, "no question stands above the first branch")
        while stack[-1].column >= node.column:
            stack.pop()
        stack[-1].children.append(node)
        stack.append(node)
        if len(stack) > _DEPTH:
            raise Unreadable(line, f"it is deeper than {_DEPTH} levels")
    if root is None:
        raise Unreadable(block.first, "it is empty")
    return root


def _question(node: _Node) -> Question:
    if not node.text.endswith("?"):
        raise Unreadable(node.line, f"{node.text!r} is not a question")
    if not node.children:
        raise Unreadable(node.line, f"{node.text!r} has no answers")
    answers = tuple(_answer(child) for child in node.children)
    return Question(text=node.text, answers=answers, line=node.line)


def _answer(node: _Node) -> Answer:
    label, *rest = _LINK.split(node.text, maxsplit=1)
    outcome = rest[0].strip() if rest else None
    if label.endswith("?"):
        raise Unreadable(node.line, f"{label!r} stands where an answer belongs")
    questions, inner = list(node.children), outcome
    if outcome is not None and outcome.endswith("?"):
        questions, inner = [_Node(outcome, node.line, node.column, node.children)], None
    if inner is None and not questions:
        raise Unreadable(node.line, f"the answer {label!r} leads nowhere")
    if len(questions) == 1 and not questions[0].children and not questions[0].text.endswith("?"):
        inner, questions = questions[0].text, []
    return Answer(
        label=label.strip(" :"),
        outcome=inner,
        questions=tuple(_question(child) for child in questions),
        line=node.line,
    )
