"""Questions of a decision tree that can be measured: 'Is P99 latency below 500 ms?'. One that no
query speaks of is a question for a person, and nothing is said about it."""

import re
from dataclasses import replace

from playcall.core.compiler.criteria import Evidence, read_criterion
from playcall.core.compiler.ledger import Ledger
from playcall.core.decision import NO, YES
from playcall.core.plan import Answer, Criterion, Phase, Purpose, Question

_ASKS = re.compile(r"^(?:is|are|was|were|has|have|does|do|did)\s+", re.IGNORECASE)
_FILLING = re.compile(
    r"\s*\b(?:still|now|currently|already|yet|dropped|fallen|gone|come|risen)\b", re.IGNORECASE
)


def measure(
    phases: tuple[Phase, ...], evidence: Evidence, ledger: Ledger
) -> tuple[tuple[Phase, ...], tuple[Criterion, ...]]:
    """The phases with every question that can be measured bound to its criterion."""
    reader = _Reader(evidence, ledger)
    return tuple(reader.phase(phase) for phase in phases), tuple(reader.found.values())


class _Reader:
    """The same sentence asked twice is one criterion."""

    def __init__(self, evidence: Evidence, ledger: Ledger) -> None:
        self.evidence = replace(evidence, limits=())  # the same number alone is no question
        self.silent = Ledger(ledger.path, ledger.lines)
        self.found: dict[str, Criterion] = {}

    def phase(self, phase: Phase) -> Phase:
        if not any(step.decision for step in phase.steps):
            return phase
        steps = tuple(
            replace(step, decision=self.question(step.decision)) if step.decision else step
            for step in phase.steps
        )
        return replace(phase, steps=steps)

    def question(self, question: Question) -> Question:
        criterion = self.criterion(question)
        answers = tuple(self.answer(answer) for answer in question.answers)
        name = criterion.id if criterion else None
        return replace(question, answers=answers, criterion=name)

    def answer(self, answer: Answer) -> Answer:
        return replace(answer, questions=tuple(self.question(each) for each in answer.questions))

    def criterion(self, question: Question) -> Criterion | None:
        labels = {answer.label.strip().lower() for answer in question.answers}
        if not (labels & set(YES) and labels & set(NO)):
            return None
        sentence = _FILLING.sub("", _ASKS.sub("", question.text.strip().rstrip("? ")))
        if sentence not in self.found:
            read = read_criterion(
                sentence,
                Purpose.QUESTION,
                len(self.found) + 1,
                question.line,
                self.evidence,
                self.silent,
            )
            if read is None or read.query is None:
                return None
            self.found[sentence] = replace(read, text=question.text)
        return self.found[sentence]
