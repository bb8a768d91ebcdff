"""What somebody who decides on a command is shown: what would run, where, on what, what proves that
it worked, and how the request for it stands. Pure."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from playcall.core import approvals
from playcall.core.access import Access
from playcall.core.compiler.shell.objects import named_objects
from playcall.core.foreseen import foresee
from playcall.core.incident import Incident
from playcall.core.placement import Placement
from playcall.core.plan import Command, EffectClass, Plan, Purpose

NO_CRITERION = "no criterion of the play: a person has to look"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskView:
    digest: str  # of exactly what would run; an approval names it
    text: str  # what would run, its values in
    written: str  # the same before translation and values: what an edit starts from
    where: str  # and as whom
    effect: EffectClass
    reasons: tuple[str, ...]
    names: tuple[str, ...]  # the objects it is about, as far as they can be read off
    verified_by: tuple[str, ...]
    access: Access  # the least that an approver has
    people: int  # how many different people have to approve
    ask_first: bool  # nobody has asked, and nobody may approve what they ask for
    not_by: str | None  # who asked, where they may not approve
    asked_by: str | None  # None: nobody has
    approved_by: tuple[str, ...]
    expires_at: datetime | None
    edited_by: str | None
    diff: str


def view_ask(
    command: Command, incident: Incident, plan: Plan, placement: Placement, now: datetime
) -> AskView:
    request = approvals.waiting(incident, command.id, now)
    asked = approvals.asked_now(command, incident, now)
    foreseen = foresee(asked, incident.play, incident.values, placement)
    edit = request.edit if request else None
    others = not plan.response.approvals.own and asked.effect is EffectClass.CHANGE
    return AskView(
        digest=approvals.digest_of_run(asked, incident),
        text=foreseen.text,
        written=asked.text,
        where=foreseen.where,
        effect=asked.effect,
        reasons=asked.reasons,
        names=_names(asked.text) if asked.effect is EffectClass.CHANGE else (),
        verified_by=_criteria(incident, plan),
        access=approvals.needed_access(asked, incident.play, plan),
        people=approvals.needed_people(asked, incident.play, plan),
        ask_first=others and request is None,
        not_by=request.by if request and others else None,
        asked_by=request.by if request else None,
        approved_by=tuple(one.by for one in request.approvals) if request else (),
        expires_at=request.expires_at if request else None,
        edited_by=edit.by if edit else None,
        diff=approvals.diff(command.text, asked.text) if edit else "",
    )


def _criteria(incident: Incident, plan: Plan) -> tuple[str, ...]:
    play = plan.play(incident.play) if incident.play else None
    found = (c.text for c in (play.criteria if play else ()) if c.purpose is Purpose.RECOVERY)
    return tuple(found) or (NO_CRITERION,)


_names = lru_cache(maxsize=1024)(named_objects)
