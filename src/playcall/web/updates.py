"""Telling people, over HTTP and on its own page: status updates, stakeholders, templates."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from playcall.core import updates
from playcall.core.events import TextSent, UpdatePublished
from playcall.core.filling import Filled
from playcall.core.people import roles
from playcall.core.plan import Template
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.core.updates import LONGEST_BODY, LONGEST_TITLE
from playcall.engine.ports import Dossier
from playcall.web.acts import known_role
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import act, desk, directory, dossier
from playcall.web.telling import TellingView, filled, previews, tell, templates
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1/incidents/{incident}")
forms = APIRouter(prefix="/incidents/{incident}/update")

State = Annotated[UpdateState | None, Form()]
Title = Annotated[str, Form(max_length=LONGEST_TITLE)]
Body = Annotated[str, Form(max_length=LONGEST_BODY)]
Number = Annotated[int | None, Form(ge=1, le=1_000_000)]


class Publication(BaseModel):
    """What is left out is taken from the draft."""

    state: UpdateState | None = None
    text: str | None = Field(None, max_length=LONGEST_BODY)
    title: str | None = Field(
        None, max_length=LONGEST_TITLE, description="every update of an incident has the first's"
    )
    number: int | None = Field(
        None, ge=1, le=1_000_000, description="the draft's as you saw it; refused when overtaken"
    )


class Sending(BaseModel):
    template: int = Field(ge=1, le=1000, description="its place among the play's, from 1")
    role: str = Field(description="a role of the document, or a person's id")
    fields: dict[str, str] = Field(
        default_factory=dict, description="what is filled in, by a blank's id"
    )


# --- the API -------------------------------------------------------------------------------------


@router.get("/updates")
async def read_updates(
    request: Request, incident: int, _: Viewer, state: UpdateState | None = None
) -> TellingView:
    """What is due, the draft for now or for `state`, what was published, who was told."""
    found = await dossier(request, incident)
    return tell(found, _names(request), desk(request).clock.now(), state)


@router.post("/updates")
async def publish_update(
    request: Request, incident: int, body: Publication, who: Responder
) -> Done:
    """Publish a status update."""
    update = await _publish(request, incident, who, body.state, body.title, body.text, body.number)
    return Done(status=f"update {update.number} published, {update.state}")


@router.get("/templates")
async def read_templates(request: Request, incident: int, _: Viewer) -> tuple[Filled, ...]:
    """The play's templates, filled with what is known. A blank without a value waits for you."""
    found = await dossier(request, incident)
    return tuple(_fill(request, found, template, {}) for template in templates(found))


@router.post("/templates")
async def send_template(request: Request, incident: int, body: Sending, who: Responder) -> Done:
    """Send a template to a role. Refused while a blank is open."""
    found = await dossier(request, incident)
    text = _fill(request, found, _template(found, body.template), body.fields)
    await _send(request, incident, who, text, body.role)
    return Done(status=f"{text.name} sent to {body.role}")


# --- the page ------------------------------------------------------------------------------------


@forms.get("")
async def update_page(
    request: Request, incident: int, who: Viewer, state: UpdateState | None = None
) -> HTMLResponse:
    found = await dossier(request, incident)
    return _draw(request, found, who, state, {})


@forms.post("")
async def publish(
    request: Request,
    incident: int,
    who: Responder,
    state: State = None,
    title: Title = "",
    body: Body = "",
    number: Number = None,
) -> Response:
    await _publish(request, incident, who, state, title or None, body, number)
    return RedirectResponse(f"/incidents/{incident}/update", 303)


@forms.post("/preview")
async def preview(
    request: Request,
    incident: int,
    who: Viewer,
    state: State = None,
    title: Title = "",
    body: Body = "",
) -> HTMLResponse:
    """The page with what was typed, as people would meet it. Nothing is published."""
    found = await dossier(request, incident)
    return _draw(request, found, who, state, {"title": title, "body": body})


@forms.post("/templates/{template}/preview")
async def preview_template(
    request: Request, incident: int, template: int, who: Viewer
) -> HTMLResponse:
    """The template with what was typed into its blanks."""
    found = await dossier(request, incident)
    return _draw(request, found, who, None, {}, (template, await _typed(request)))


@forms.post("/templates/{template}")
async def send(request: Request, incident: int, template: int, who: Responder) -> Response:
    found = await dossier(request, incident)
    typed = await _typed(request)
    text = _fill(request, found, _template(found, template), typed)
    await _send(request, incident, who, text, typed.get("role", ""))
    return RedirectResponse(f"/incidents/{incident}/update#template-{template}", 303)


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    return {key: value for key, value in form.items() if isinstance(value, str)}


def _draw(
    request: Request,
    found: Dossier,
    who: Identity,
    state: UpdateState | None,
    typed: Mapping[str, str],
    blanks: tuple[int, Mapping[str, str]] = (0, {}),
) -> HTMLResponse:
    now = desk(request).clock.now()
    view = tell(found, _names(request), now, state)
    draft = view.draft
    if typed:
        title = typed["title"] or draft.title
        draft = updates.update(found.incident, found.plan, now, draft.state, title, typed["body"])
    shown = tuple(
        _fill(request, found, template, blanks[1] if number == blanks[0] else {})
        for number, template in enumerate(templates(found), start=1)
    )
    page = render(
        "update.html",
        who=who,
        incident=found.incident,
        view=view,
        draft=draft,
        why_not=updates.why_not(found.incident, draft, found.plan),
        previews=previews(draft, found.plan.status_page.url if found.plan.status_page else ""),
        templates=shown,
        roles=_roles(request, found),
        clock=now,
    )
    return HTMLResponse(page)


# --- what both do --------------------------------------------------------------------------------


async def _publish(
    request: Request,
    incident: int,
    who: Identity,
    state: UpdateState | None,
    title: str | None,
    text: str | None,
    number: int | None,
) -> StatusUpdate:
    found = await dossier(request, incident)
    now = desk(request).clock.now()
    draft = tell(found, _names(request), now, state).draft
    body = draft.body if text is None else text
    update = updates.update(
        found.incident, found.plan, now, draft.state, title or draft.title, body
    )
    if number is not None and number != update.number:
        by = found.incident.telling.last_by
        raise HTTPException(409, f"update {number} was published by {by} meanwhile; look at it")
    await act(request, incident, UpdatePublished(at=now, by=who.id, update=update))
    return update


async def _send(request: Request, incident: int, who: Identity, text: Filled, role: str) -> None:
    await known_role(request, incident, role)
    event = TextSent(
        at=desk(request).clock.now(),
        by=who.id,
        template=text.name,
        role=role,
        subject=text.subject,
        body=text.body,
    )
    await act(request, incident, event)


def _template(found: Dossier, number: int) -> Template:
    known = templates(found)
    if not 1 <= number <= len(known):
        raise HTTPException(404, f"the play has {len(known)} templates, none of number {number}")
    return known[number - 1]


def _fill(request: Request, found: Dossier, template: Template, given: Mapping[str, str]) -> Filled:
    return filled(found, _names(request), desk(request).clock.now(), template, given)


def _names(request: Request) -> dict[str, str]:
    return {key: person.name for key, person in directory(request).people.items()}


def _roles(request: Request, found: Dossier) -> tuple[str, ...]:
    """Whom a text may be sent to: whoever the document tells, where somebody is bound."""
    plan = found.plan
    named = [role for audience in plan.audiences for role in audience.recipients]
    named += roles(plan)
    known = directory(request)
    return tuple(role for role in dict.fromkeys(named) if not known.unbound((role,)))
