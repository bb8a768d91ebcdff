"""Steps that everyone skipped, although Playcall would have run every command in them."""

from collections.abc import Iterator, Sequence

from playcall.core import events as ev
from playcall.core.insights import Record
from playcall.core.plan import EffectClass, Play, Step
from playcall.core.proposals.values import (
    SEVERAL,
    Document,
    Edit,
    Evidence,
    Expected,
    Kind,
    Proposal,
    Records,
    count,
)


def skipped_steps(document: Document, records: Records) -> Iterator[Proposal]:
    for play in document.plan.plays:
        over = [one for one in records.get(play.alert, ()) if one.incident.status.over]
        for p, phase in enumerate(play.phases):
            for s, step in enumerate(phase.steps):
                some = [one for one in over if _had(one, step)]
                if len(some) < SEVERAL or not _can_be_seen(step):
                    continue
                if any(_ran(one, step) for one in some):
                    continue
                yield _optional(document, play, step, f"phases.{p}.steps.{s}", some)


def _can_be_seen(step: Step) -> bool:
    """Whatever a person may do without Playcall proves nothing, nor does what has a condition."""
    return (
        bool(step.commands)
        and not step.checks
        and step.decision is None
        and "optional" not in step.title.lower()
        and all(one.guard is None and one.effect is not EffectClass.MANUAL for one in step.commands)
    )


def _had(record: Record, step: Step) -> bool:
    """Whether the step was in that incident's document, with the same commands."""
    return len(_ids(record, step)) == len(step.commands)


def _ids(record: Record, step: Step) -> frozenset[str]:
    play = record.plan.play(record.incident.play or "")
    texts = {one.text for one in step.commands}
    same = [one for one in play.commands() if one.text in texts] if play else []
    return frozenset(one.id for one in same)


def _ran(record: Record, step: Step) -> bool:
    ids = _ids(record, step)
    return any(
        isinstance(event, ev.CommandBegun | ev.CommandFinished | ev.RunApproved | ev.RunEdited)
        and event.command in ids
        for event in record.events
    )


def _optional(
    document: Document, play: Play, step: Step, path: str, some: Sequence[Record]
) -> Proposal:
    old = document.lines[step.line - 1]
    text = old.rstrip()
    strong = "**" if text.endswith("**") else ""
    new = f"{text.removesuffix('**')} (optional){strong}"
    path = f"{document.path_of(play)}.{path}"
    named = tuple(f"{path}.commands.{at}.title" for at in range(len(step.commands)))
    return Proposal(
        kind=Kind.STEP,
        play=play.alert,
        line=step.line,
        reason=f"Step {step.key}, {step.title!r}, was run in none of {count(len(some), 'incident')}"
        f" that had it, and each was resolved (counted from {SEVERAL} on).",
        otherwise="Call it optional, or leave it out.",
        evidence=tuple(
            Evidence(incident=one.incident.id, event=0, what="resolved without it") for one in some
        ),
        edit=Edit(line=step.line, old=(old,), new=(new,), what="Calls it optional."),
        expected=Expected(changes=(f"{path}.title", *named)),
    )
