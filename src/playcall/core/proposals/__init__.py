"""Improvements to the document that the record proves, as values and as a patch. Pure; nothing is
proposed that merely might be better."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from playcall.core.alert_rule import Rule
from playcall.core.compiler import compile_document
from playcall.core.compiler.text import read_text
from playcall.core.insights import Record
from playcall.core.proposals.commands import failed_commands
from playcall.core.proposals.criteria import contradicted, missing_verifications
from playcall.core.proposals.patch import unified, why_not
from playcall.core.proposals.proof import proven
from playcall.core.proposals.steps import skipped_steps
from playcall.core.proposals.values import Document, Edit, Evidence, Kind, Proposal

__all__ = ["Edit", "Evidence", "Kind", "Proposal", "Proposed", "propose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """`patch` is against the document's bytes; `unpatched` says why there is none."""

    name: str  # of the document
    digest: str  # of its bytes
    proposals: tuple[Proposal, ...]  # in the order of the document
    patch: bytes
    unpatched: str
    of: tuple[int, ...]  # the incidents that were looked at, oldest first
    other: tuple[int, ...]  # those that had another version of the document


def propose(
    data: bytes, name: str, rules: Sequence[Rule], records: Sequence[Record], about: int = 0
) -> Proposed | None:
    """None when the document cannot be read at all. `about`: only what this incident proves too.

    Everything is found by its text, so that a document that was edited since then is proposed for
    as it is now; what it has no more is proposed no more.
    """
    compiled = compile_document(data, name, rules)
    if compiled.plan is None:
        return None
    document = Document(
        name=name,
        data=data,
        rules=rules,
        lines=read_text(data, name).lines,
        plan=compiled.plan,
        problems=compiled.problems,
    )
    past = sorted(records, key=lambda one: one.incident.id)
    by_play: dict[str, list[Record]] = {}
    for record in past:
        by_play.setdefault(record.incident.play or "", []).append(record)
    found = [
        *failed_commands(document, by_play),
        *missing_verifications(document, by_play),
        *contradicted(document, by_play),
        *skipped_steps(document, by_play),
    ]
    wanted = [one for one in found if not about or about in one.incidents]
    wanted.sort(key=lambda one: one.line)
    why = why_not(data, name) if any(one.edit for one in wanted) else ""
    kept = [replace(one, edit=None, expected=None) for one in wanted] if why else wanted
    return _with_patch(document, proven(document, kept), past, why)


def _with_patch(
    document: Document, found: Sequence[Proposal], past: Sequence[Record], why: str
) -> Proposed:
    edits = [one.edit for one in found if one.edit]
    return Proposed(
        name=document.name,
        digest=document.plan.digest,
        proposals=tuple(found),
        patch=unified(document.data, document.lines, edits, document.name),
        unpatched=why,
        of=tuple(one.incident.id for one in past),
        other=tuple(one.incident.id for one in past if one.plan.digest != document.plan.digest),
    )
