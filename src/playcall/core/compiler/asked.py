"""Decision trees written as nested lists: a question, and below it 'If yes: ...', 'No: ...'."""

import re
from collections.abc import Iterator

from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Kind
from playcall.core.plan import Answer, Question

_ANSWER = re.compile(
    r"^(?:if\s+)?(?P<label>yes|no|y|n|so|not|true|false|neither|both|unsure|not sure)\b"
    r"(?:\s*(?:[:,.–—-]|→|⇒|=+>|-+>)+\s*|\s+then\s+|$)(?P<rest>.*)$",
    re.IGNORECASE,
)
_SAME = {"SO": "YES", "NOT": "NO", "Y": "YES", "N": "NO", "TRUE": "YES", "FALSE": "NO"}


def is_question(text: str) -> bool:
    return phrases.plain(text).endswith("?")


def is_answers(block: Block) -> bool:
    """A list whose every item begins with an answer."""
    return block.kind is Kind.LIST and all(_ANSWER.match(_head(item)) for item in block.children)


def answers_in(blocks: tuple[Block, ...]) -> Block | None:
    return next((block for block in blocks if is_answers(block)), None)


def read_question(text: str, line: int, answers: Block) -> Question:
    """`answers` is a list for which `is_answers` holds."""
    return Question(
        text=phrases.plain(text), answers=tuple(map(_answer, answers.children)), line=line
    )


def branches(question: str, answers: Block) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """What stands below each answer beside its words, and the question with that answer."""
    for item in answers.children:
        yield f"{phrases.plain(question)} {_label(item)}", item.children[1:]


def _answer(item: Block) -> Answer:
    found = _ANSWER.match(_head(item))
    words = found["rest"].strip() if found else ""
    inner = [block for block in item.children if block.kind is Kind.LIST]
    nested = answers_in(tuple(inner))
    questions: tuple[Question, ...] = ()
    if nested is not None and is_question(words):
        questions, words = (read_question(words, item.first, nested),), ""
    else:
        bullets = [bullet for block in inner for bullet in block.children]
        asked = [(bullet, answers_in(bullet.children)) for bullet in bullets]
        questions = tuple(
            read_question(_head(bullet), bullet.first, below)
            for bullet, below in asked
            if below is not None
        )
        done = [_head(bullet) for bullet, below in asked if below is None]
        words = "; ".join(text for text in (words, *done) if text)
    return Answer(label=_label(item), outcome=words or None, questions=questions, line=item.first)


def _label(item: Block) -> str:
    found = _ANSWER.match(_head(item))
    label = found["label"].upper() if found else ""
    return _SAME.get(label, label)


def _head(item: Block) -> str:
    first = item.children[0] if item.children else None
    return phrases.plain(first.text) if first is not None and first.kind is Kind.PARAGRAPH else ""
