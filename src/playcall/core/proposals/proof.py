"""Whether an edit does what it is proposed for: the edited document is compiled, and nothing but
what was meant may be different."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace

from playcall.core.compiler import Compiled, compile_document
from playcall.core.place import Problem
from playcall.core.plan import Plan
from playcall.core.proposals.patch import CannotPatch, patched
from playcall.core.proposals.values import Document, Proposal

# Where something stands, which every edit above it moves.
_MOVES = frozenset({"line", "last_line", "column", "lines", "digest"})


def proven(document: Document, found: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """The same, without the edits that cannot be proven. All at once, and one by one only where
    that fails; an edit that overlaps an earlier one is left out as well."""
    kept = _apart(found)
    if _fails(document, [one for one in kept if one.edit]):
        alone = [one if not one.edit or not _fails(document, [one]) else _bare(one) for one in kept]
        together = [one for one in alone if one.edit]
        kept = alone if not _fails(document, together) else _one_more_each(document, alone)
    return tuple(kept)


def _one_more_each(document: Document, found: Sequence[Proposal]) -> list[Proposal]:
    """Edits that are right alone, and together are not: the earlier one stays."""
    kept: list[Proposal] = []
    for one in found:
        before = [other for other in kept if other.edit]
        kept.append(_bare(one) if one.edit and _fails(document, [*before, one]) else one)
    return kept


def _bare(one: Proposal) -> Proposal:
    return replace(one, edit=None, expected=None)


def _apart(found: Sequence[Proposal]) -> list[Proposal]:
    taken: set[int] = set()
    kept: list[Proposal] = []
    for one in found:
        lines = (
            set(range(one.edit.line, one.edit.line + max(len(one.edit.old), 1)))
            if one.edit
            else set()
        )
        kept.append(_bare(one) if lines & taken else one)
        taken |= lines
    return kept


def _fails(document: Document, found: Sequence[Proposal]) -> bool:
    """Whether the edits together do anything but what they are for."""
    edits = [one.edit for one in found if one.edit]
    if not edits:
        return False
    try:
        data = patched(document.data, document.lines, edits)
    except CannotPatch:
        return True
    compiled = compile_document(data, document.name, document.rules)
    wanted = [one.expected for one in found if one.expected]
    after = compiled.plan
    if after is None or _new_problems(document, compiled):
        return True
    allowed = tuple(f"{path}." for one in wanted for path in one.changes)
    if any(not f"{path}.".startswith(allowed) for path in differences(document.plan, after)):
        return True
    gone = Counter(_words(code, what) for one in wanted for code, what in one.mends)
    if gone - (_told(document.problems) - _told(compiled.problems)):
        return True
    return any(_at(after, path) != value for one in wanted for path, value in one.values)


def _new_problems(document: Document, compiled: Compiled) -> Counter[tuple[str, str]]:
    return _told(compiled.problems) - _told(document.problems)


def _told(problems: Sequence[Problem]) -> Counter[tuple[str, str]]:
    return Counter(_words(one.code, one.what) for one in problems)


def _words(code: str, what: str) -> tuple[str, str]:
    """Without the numbers of lines, which move."""
    return code, "".join(char for char in what if not char.isdigit())


def differences(before: Plan, after: Plan) -> Iterator[str]:
    """Paths at which two plans are different, but for where things stand."""
    yield from _differ(before, after, "")


def _differ(one: object, other: object, path: str) -> Iterator[str]:
    if type(one) is not type(other):
        yield path
    elif is_dataclass(one) and not isinstance(one, type):
        for field in fields(one):
            if field.name not in _MOVES:
                inner = f"{path}.{field.name}" if path else field.name
                yield from _differ(getattr(one, field.name), getattr(other, field.name), inner)
    elif isinstance(one, tuple) and isinstance(other, tuple):
        for at, (a, b) in enumerate(zip(one, other, strict=False)):
            yield from _differ(a, b, f"{path}.{at}")
        for at in range(min(len(one), len(other)), max(len(one), len(other))):
            yield f"{path}.{at}"
    elif one != other:
        yield path


def _at(plan: Plan, path: str) -> object:
    found: object = plan
    for name in path.split("."):
        if isinstance(found, tuple):
            found = found[int(name)] if int(name) < len(found) else None
        else:
            found = getattr(found, name, None)
    return found
