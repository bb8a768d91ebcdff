"""What is owed after an incident, over HTTP and on the page: duties and the meeting."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from playcall.calendars import write_invitation
from playcall.core import verification
from playcall.core.action_events import DutyGiven
from playcall.core.duties import Owing, owing
from playcall.core.duty_events import DutyDone, DutyWaived
from playcall.core.duty_proofs import (
    asks_sharing,
    asks_silence,
    asks_stability,
    asks_summary,
)
from playcall.core.incident import Incident
from playcall.core.owed import Settled
from playcall.core.plan import Plan
from playcall.core.review_meeting import propose
from playcall.core.silences import LONGEST
from playcall.web.action_items import ActionView, action_views, must_be_known
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import act, desk, directory, dossier, surroundings
from playcall.web.forms import Reason, Text, back
from playcall.web.response import Surroundings

router = APIRouter(prefix="/api/v1")
forms = APIRouter(prefix="/incidents/{incident}")

MOST = 1000  # incidents with something overdue


class ItemView(BaseModel):
    key: str
    text: str
    state: str = Field(description='"open", "done" or "waived"')
    by: str | None
    at: datetime | None
    note: str
    proven: bool = Field(description="Playcall has proof, nobody had to say so")
    silence_minutes: float = Field(
        0, description="for how long a silence would be it; 0: it is no silence that is missing"
    )


class DutyView(BaseModel):
    key: str
    title: str
    owner: str
    gone: bool = Field(description="the settings know nobody of that name (any more)")
    due_at: datetime
    line: int = Field(description="of the document")
    state: str = Field(description='"open", "overdue", "done" or "waived"')
    by: str | None
    at: datetime | None
    note: str
    items: list[ItemView]
    offers: str = Field("", description='what Playcall has for it: "summary" or "share"')


class OwedView(BaseModel):
    """Empty before the incident is over."""

    duties: list[DutyView]
    actions: list[ActionView]
    tracker: str = Field(description="where action items may be tickets; empty: nowhere")
    ticket_always: bool = Field(description="every new one is")
    people: list[str] = Field(description="who may have it")
    meeting: bool = Field(description="there is an invitation to the meeting the document asks for")


class OverdueView(BaseModel):
    incident: int
    title: str
    overdue: int


class Finishing(BaseModel):
    note: str = Field("", max_length=2000)


class Waiving(BaseModel):
    reason: str = Field(min_length=1, max_length=2000)


class Giving(BaseModel):
    owner: str = Field(min_length=1, max_length=200)


@router.get("/duties")
async def overdue(request: Request, _: Viewer) -> list[OverdueView]:
    """Incidents with an overdue duty or action item, the oldest first."""
    found = await desk(request).store.read(lambda views: views.owing(MOST))
    return [OverdueView(incident=one.id, title=one.title, overdue=one.owed.late) for one in found]


@router.get("/incidents/{incident}/duties")
async def show(request: Request, incident: int, _: Viewer) -> OwedView:
    """What the document asks for after an incident, with owner, deadline and how it stands."""
    found = await dossier(request, incident)
    around = await surroundings(request, found)
    return owed(found.incident, found.plan, desk(request).clock.now(), around)


@router.post("/incidents/{incident}/duties/{key}/done")
async def finish(
    request: Request, incident: int, key: str, body: Finishing, who: Responder
) -> Done:
    """Of a duty as a whole, or of one item of it: `1.2`."""
    await _finish(request, incident, who, key, body.note)
    return Done(status=f"duty {key} is done")


@router.post("/incidents/{incident}/duties/{key}/waive")
async def waive(request: Request, incident: int, key: str, body: Waiving, who: Responder) -> Done:
    await _waive(request, incident, who, key, body.reason)
    return Done(status=f"duty {key} is waived")


@router.post("/incidents/{incident}/duties/{key}/owner")
async def give(request: Request, incident: int, key: str, body: Giving, who: Responder) -> Done:
    """A duty changes hands, because whoever had it left, or for another reason."""
    await _give(request, incident, who, key, body.owner)
    return Done(status=f"duty {key} is {body.owner}'s")


@router.get("/incidents/{incident}/meeting.ics")
async def meeting(request: Request, incident: int, _: Responder) -> Response:
    """An invitation to the meeting that the document asks for, to everybody who had a hand in it.
    404 before the incident is over, or when it asks for none."""
    found = await dossier(request, incident)
    proposed = propose(found.incident, found.plan, [one.event for one in found.events])
    if proposed is None:
        raise HTTPException(404, "the document asks for no meeting, or the incident is not over")
    known = directory(request).people
    url = desk(request).engine.performer.committer.url
    data = write_invitation(
        proposed,
        known,
        uid=f"incident-{incident}-meeting@playcall",
        link=f"{url}/incidents/{incident}/post-mortem",
        where=found.plan.response.meeting_of(incident),
        at=found.incident.resolved_at or desk(request).clock.now(),
    )
    return Response(data, media_type="text/calendar; charset=utf-8")


# --- the page's forms ----------------------------------------------------------------------------


@forms.post("/duties/done")
async def finish_here(
    request: Request, incident: int, who: Responder, key: Text, note: Reason = ""
) -> Response:
    await _finish(request, incident, who, key, note)
    return back(incident, "duties")


@forms.post("/duties/waive")
async def waive_here(
    request: Request, incident: int, who: Responder, key: Text, reason: Reason
) -> Response:
    await _waive(request, incident, who, key, reason)
    return back(incident, "duties")


@forms.post("/duties/owner")
async def give_here(
    request: Request,
    incident: int,
    who: Responder,
    key: Text,
    owner: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    await _give(request, incident, who, key, owner)
    return back(incident, "duties")


async def _finish(request: Request, incident: int, who: Identity, key: str, note: str) -> None:
    now = desk(request).clock.now()
    await act(request, incident, DutyDone(at=now, by=who.id, duty=key, note=note))


async def _waive(request: Request, incident: int, who: Identity, key: str, reason: str) -> None:
    now = desk(request).clock.now()
    await act(request, incident, DutyWaived(at=now, by=who.id, duty=key, reason=reason))


async def _give(request: Request, incident: int, who: Identity, key: str, owner: str) -> None:
    must_be_known(request, owner)
    now = desk(request).clock.now()
    await act(request, incident, DutyGiven(at=now, by=who.id, duty=key, owner=owner))


# --- how it stands -------------------------------------------------------------------------------


def owed(incident: Incident, plan: Plan, now: datetime, around: Surroundings) -> OwedView:
    return OwedView(
        duties=[_duty(one, incident, plan, now, around.names) for one in owing(incident, plan)],
        actions=action_views(incident, plan, now, around.names),
        tracker=around.tracker,
        ticket_always=around.ticket_always,
        people=[name for name, _ in around.people],
        meeting=propose(incident, plan, ()) is not None,
    )


def _duty(
    one: Owing, incident: Incident, plan: Plan, now: datetime, names: frozenset[str]
) -> DutyView:
    whole = one.settled
    state = _state(whole) if whole or one.open else "done"
    late = one.open and now >= one.due_at
    return DutyView(
        key=one.key,
        title=one.duty.title,
        owner=one.owner,
        gone=one.open and one.owner.lower() not in names,
        due_at=one.due_at,
        line=one.duty.line,
        state="overdue" if late else state,
        by=whole.by if whole else None,
        at=whole.at if whole else None,
        note=whole.note if whole else "",
        items=[
            ItemView(
                key=key,
                text=item.text,
                state=_state(settled or whole),
                by=settled.by if settled else None,
                at=settled.at if settled else None,
                note=settled.note if settled else _missing(item.text, incident, plan),
                proven=settled is not None and settled.measured,
                silence_minutes=0
                if settled or whole or not asks_silence(item.text)
                else min(one.duty.within, LONGEST).total_seconds() / 60,
            )
            for key, item, settled in one.items
        ],
        offers=_offers(one),
    )


def _offers(one: Owing) -> str:
    if asks_summary(one.duty):
        return "summary"
    asked = (one.duty.title, *(item.text for _, item, _ in one.items))
    return "share" if any(asks_sharing(text) for text in asked) else ""


def _missing(text: str, incident: Incident, plan: Plan) -> str:
    """What stands against an item that the criteria would prove."""
    if incident.owed.stable or not asks_stability(text):
        return ""
    return "; ".join(verification.doubts(incident, plan))


def _state(settled: Settled | None) -> str:
    return "open" if settled is None else "waived" if settled.waived else "done"
