"""What somebody who opens an incident's page is to decide next: one thing, and where on the page it
is done. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from playcall.core.access import Access
from playcall.core.incident import RollbackStage
from playcall.web.auth import Identity
from playcall.web.view import CommandView, IncidentView


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAct:
    id: str
    words: str
    href: str


def next_act(view: IncidentView, who: Identity) -> NextAct | None:
    """What nobody knows the outcome of comes first, then what somebody waits for."""
    return next(_acts(view, who), None)


def _acts(view: IncidentView, who: Identity) -> Iterator[NextAct]:
    incident, asking = view.incident, view.response.asking
    if view.over:
        goes_on = incident.kin.into
        of = f" of incident {goes_on}" if goes_on else ""
        href = f"/incidents/{goes_on or incident.id}/post-mortem"
        yield NextAct(id="to-post-mortem", words=f"Post-mortem{of}", href=href)
        return
    if not who.access.allows(Access.RESPONDER):
        return
    for command in commands(view):
        if command.unknown:
            yield _at("to-outcome", f"Did it run? {command.title}", command.anchor)
    back = incident.rollback
    if back and back.stage is RollbackStage.ASKED and back.asked_by != who.id:
        yield _at("to-rollback", "Approve the rollback", "rollback")
    for command in commands(view):
        if command.can_approve and _waits_for(command, who):
            yield _at("to-approve", f"Approve: {command.title}", command.anchor)
    if asking and asking.asked and incident.acknowledged_by:
        yield _at("to-tree", f"Answer: {asking.asked.text}", f"tree-{asking.step}")
    if view.decide and who.access.allows(view.decide.approver):
        yield _at("to-decide", f"Decide: {view.decide.title}", view.decide.anchor)
    if incident.acknowledged_by and not view.doubts and who.access.allows(Access.COMMANDER):
        yield _at("to-resolve", "Resolve", "resolve")


def commands(view: IncidentView) -> Iterator[CommandView]:
    for phase in view.phases:
        for step in phase.steps:
            for choice in step.choices:
                yield from choice.commands


def _waits_for(command: CommandView, who: Identity) -> bool:
    ask = command.ask
    return (
        ask.asked_by is not None
        and who.access.allows(ask.access)
        and who.id not in (*ask.approved_by, ask.not_by)
    )


def _at(id_: str, words: str, anchor: str) -> NextAct:
    return NextAct(id=id_, words=words, href=f"#{anchor}")
