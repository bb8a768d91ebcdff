"""Action items after an incident, over HTTP and on the page, and their tickets."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from playcall.core.action_events import (
    ActionAdded,
    ActionChanged,
    ActionDone,
    ActionDropped,
    TicketAsked,
)
from playcall.core.action_items import deadline
from playcall.core.incident import Incident
from playcall.core.owed import Action, Ticket
from playcall.core.plan import Plan
from playcall.engine.writing import reflect_actions
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder
from playcall.web.desk import act, desk, directory, dossier
from playcall.web.forms import Flag, Reason, Text, back

router = APIRouter(prefix="/api/v1/incidents/{incident}")
forms = APIRouter(prefix="/incidents/{incident}/actions")


class TicketView(BaseModel):
    state: str = Field(description='"wanted", "open", "closed" or "failed"')
    key: str
    url: str
    note: str = Field(description="what could not be had, or why there is none")


class ActionView(BaseModel):
    number: int
    text: str
    owner: str
    gone: bool = Field(description="the settings know nobody of that name (any more)")
    priority: str
    due: date | None
    due_at: datetime | None = Field(description="also without a day, by the document")
    state: str = Field(description='"open", "done" or "dropped"')
    done_by: str | None
    dropped: str = Field(description="by whom and why")
    overdue: bool
    ticket: TicketView | None


class Finishing(BaseModel):
    note: str = Field("", max_length=2000)


class Dropping(BaseModel):
    reason: str = Field(min_length=1, max_length=2000)


class Wording(BaseModel):
    text: str = Field(min_length=1, max_length=2000)
    owner: str = Field("", max_length=200)
    priority: str = Field("", max_length=50)
    due: date | None = None


class NewAction(Wording):
    ticket: bool = Field(False, description="as an issue in the tracker of the settings")


class Changing(BaseModel):
    """What is left out stays as it is."""

    text: str = Field("", max_length=2000)
    owner: str = Field("", max_length=200)
    priority: str = Field("", max_length=50)
    due: date | None = Field(None, description="null: no day")


@router.post("/actions")
async def add_action(request: Request, incident: int, body: NewAction, who: Responder) -> Done:
    """What is to be done so that it does not happen again."""
    await _add(request, incident, who, body)
    return Done(status="noted as an action item")


@router.post("/actions/{number}")
async def change_action(
    request: Request, incident: int, number: int, body: Changing, who: Responder
) -> Done:
    """What is left out stays as it is."""
    action = await _action(request, incident, number)
    known = {name: getattr(action, name) for name in Changing.model_fields}
    new = Changing.model_validate(known | body.model_dump(exclude_unset=True))
    await _change(request, incident, who, number, new)
    return Done(status=f"action item {number} is changed")


@router.post("/actions/{number}/done")
async def finish_action(
    request: Request, incident: int, number: int, body: Finishing, who: Responder
) -> Done:
    now = desk(request).clock.now()
    await act(request, incident, ActionDone(at=now, by=who.id, action=number, note=body.note))
    return Done(status=f"action item {number} is done")


@router.post("/actions/{number}/drop")
async def drop_action(
    request: Request, incident: int, number: int, body: Dropping, who: Responder
) -> Done:
    """It will not be done."""
    await _drop(request, incident, who, number, body.reason)
    return Done(status=f"action item {number} is dropped")


@router.post("/actions/{number}/ticket")
async def ask_ticket(request: Request, incident: int, number: int, who: Responder) -> Done:
    """Have it as an issue in the tracker of the settings, also once more after a refusal."""
    name = await _ask(request, incident, who, number)
    return Done(status=f"a ticket in {name} is asked for")


# --- the page's forms ----------------------------------------------------------------------------

Words = Annotated[str, Form(min_length=1, max_length=2000)]
Owner = Annotated[str, Form(max_length=200)]
Priority = Annotated[str, Form(max_length=50)]
Number = Annotated[int, Form()]
Page = Annotated[Literal["", "post-mortem"], Form()]  # where the form stands


@forms.post("")
async def add_here(
    request: Request,
    incident: int,
    who: Responder,
    text: Words,
    owner: Owner = "",
    priority: Priority = "",
    due: Text = "",
    ticket: Flag = False,
    page: Page = "",
) -> Response:
    asked = NewAction(text=text, owner=owner, priority=priority, due=_day(due), ticket=ticket)
    await _add(request, incident, who, asked)
    return await _back(request, incident, who, page)


@forms.post("/change")
async def change_here(
    request: Request,
    incident: int,
    who: Responder,
    number: Number,
    text: Words,
    owner: Owner = "",
    priority: Priority = "",
    due: Text = "",
    page: Page = "",
) -> Response:
    new = Changing(text=text, owner=owner, priority=priority, due=_day(due))
    await _change(request, incident, who, number, new)
    return await _back(request, incident, who, page)


@forms.post("/done")
async def finish_here(
    request: Request, incident: int, who: Responder, number: Number, page: Page = ""
) -> Response:
    await act(request, incident, ActionDone(at=desk(request).clock.now(), by=who.id, action=number))
    return await _back(request, incident, who, page)


@forms.post("/drop")
async def drop_here(
    request: Request,
    incident: int,
    who: Responder,
    number: Number,
    reason: Reason,
    page: Page = "",
) -> Response:
    await _drop(request, incident, who, number, reason)
    return await _back(request, incident, who, page)


@forms.post("/ticket")
async def ticket_here(
    request: Request, incident: int, who: Responder, number: Number, page: Page = ""
) -> Response:
    await _ask(request, incident, who, number)
    return await _back(request, incident, who, page)


async def _back(request: Request, incident: int, who: Identity, page: str) -> Response:
    """To where the form stands; a post-mortem that was saved has the items at once."""
    if not page:
        return back(incident, "duties")
    now, committer = desk(request).clock.now(), desk(request).engine.performer.committer
    await desk(request).store.write(
        lambda tx: reflect_actions(tx, committer, incident, who.id, now)
    )
    return RedirectResponse(f"/incidents/{incident}/post-mortem#actions", 303)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise HTTPException(422, f'"{text}" is no day; write 2026-03-31') from None


async def _add(request: Request, incident: int, who: Identity, asked: NewAction) -> None:
    tickets = desk(request).engine.performer.hands.tickets
    if asked.ticket:
        _tracker(request)
    event = ActionAdded(
        at=desk(request).clock.now(),
        by=who.id,
        text=asked.text,
        owner=asked.owner,
        priority=asked.priority,
        due=asked.due,
        ticket=asked.ticket or (tickets is not None and tickets.always),
    )
    await act(request, incident, event)


async def _change(
    request: Request, incident: int, who: Identity, number: int, new: Changing
) -> None:
    event = ActionChanged(
        at=desk(request).clock.now(),
        by=who.id,
        action=number,
        text=new.text,
        owner=new.owner,
        priority=new.priority,
        due=new.due,
    )
    await act(request, incident, event)


async def _drop(request: Request, incident: int, who: Identity, number: int, reason: str) -> None:
    now = desk(request).clock.now()
    await act(request, incident, ActionDropped(at=now, by=who.id, action=number, reason=reason))


async def _ask(request: Request, incident: int, who: Identity, number: int) -> str:
    name = _tracker(request)
    now = desk(request).clock.now()
    await act(request, incident, TicketAsked(at=now, by=who.id, action=number))
    return name


def _tracker(request: Request) -> str:
    tickets = desk(request).engine.performer.hands.tickets
    if tickets is None:
        raise HTTPException(409, "there is no issue tracker: the settings have no [tickets]")
    return tickets.name


async def _action(request: Request, incident: int, number: int) -> Action:
    actions = (await dossier(request, incident)).incident.owed.actions
    if not 1 <= number <= len(actions):
        raise HTTPException(409, f"there is no action item {number}; there are {len(actions)}")
    return actions[number - 1]


def must_be_known(request: Request, owner: str) -> None:
    """422 when the settings know nobody of that name."""
    if not directory(request).bound(owner):
        raise HTTPException(422, f'the settings know no "{owner}"; name a person or a role')


# --- how it stands -------------------------------------------------------------------------------


def action_views(
    incident: Incident, plan: Plan, now: datetime, names: frozenset[str]
) -> list[ActionView]:
    return [
        _view(number, one, deadline(incident, plan, one), now, names)
        for number, one in enumerate(incident.owed.actions, 1)
    ]


def _view(
    number: int, one: Action, due_at: datetime | None, now: datetime, names: frozenset[str]
) -> ActionView:
    state = "open" if one.open else "dropped" if one.done_by is None else "done"
    return ActionView(
        number=number,
        text=one.text,
        owner=one.owner,
        gone=one.open and bool(one.owner) and one.owner.lower() not in names,
        priority=one.priority,
        due=one.due,
        due_at=due_at,
        state=state,
        done_by=one.done_by,
        dropped=f"{one.dropped_by}: {one.dropped}" if one.dropped_by else "",
        overdue=one.open and due_at is not None and now >= due_at,
        ticket=_ticket(one.ticket) if one.ticket else None,
    )


def _ticket(one: Ticket) -> TicketView:
    return TicketView(state=one.state, key=one.key, url=one.url, note=one.note)
