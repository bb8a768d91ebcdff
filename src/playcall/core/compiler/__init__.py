"""Markdown in, a Plan and Problems out. Pure; knows the shapes of documents, not one's words."""

from collections.abc import Sequence
from dataclasses import dataclass

from playcall.core.alert_rule import Rule
from playcall.core.place import Problem
from playcall.core.plan import Plan

__all__ = ["Compiled", "compile_document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a document became; `plan` is None only for a document that was refused unread."""

    plan: Plan | None
    problems: tuple[Problem, ...]  # in the order of the document


def compile_document(data: bytes, path: str, rules: Sequence[Rule] = ()) -> Compiled:
    """Compile the bytes of one document; `path` names it in the plan and in every problem.

    `rules` are the alerting rules in force: sentences may be joined to their queries.
    """
    from playcall.core.compiler.document import read_document  # parsers load on first use

    plan, problems = read_document(data, path, rules)
    return Compiled(plan=plan, problems=problems)
