"""The post-mortem's page: read as a whole, and edited section by section, answer by answer, or as
one text. What others saved meanwhile is merged; where two wrote in the same lines a person
chooses, and nothing that was typed is lost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from playcall.core.access import Access
from playcall.core.events import MetricsReviewed, ReviewAsked
from playcall.core.merge import Choice, conflicts, decided
from playcall.core.paper_parts import Question, answered, parts, questions, with_part
from playcall.core.post_mortem import PostMortem, tidy
from playcall.engine.ports import Dossier
from playcall.engine.writing import Clash, SavedMeanwhile, Seen, edit
from playcall.paper.markdown import to_html_parts
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.charts import on_page
from playcall.web.desk import desk, dossier, refuse_impossible, surroundings
from playcall.web.duties import owed
from playcall.web.post_mortem import latest, regenerate, url_of, view
from playcall.web.templates import render

forms = APIRouter(prefix="/incidents/{incident}/post-mortem")

WHOLE = "whole"  # of `?edit=`: all of it in one field
_RENDERED = 1_000_000  # characters of a form: a line break may be two
_MEASURING = timedelta(minutes=5)  # what was asked for and did not come until then is not awaited

Number = Annotated[int, Form(ge=0)]
Words = Annotated[str, Form(max_length=_RENDERED)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A section as the page has it."""

    key: str
    heading: str
    text: str
    html: Markup
    questions: list[Question]


@forms.get("")
async def page(
    request: Request, incident: int, who: Viewer, edit: str = "", saved: int = 0
) -> HTMLResponse:
    """`edit` is a section's key; `saved` the version that was just saved."""
    return await _draw(request, incident, who, editing=edit, saved=saved)


@forms.get("/live")
async def live(request: Request, incident: int, _: Viewer) -> dict[str, object]:
    """What an open page asks, to say that there is something newer."""
    refuse_impossible(incident)
    paper, review = await desk(request).store.read(
        lambda views: (views.post_mortem(incident), views.review(incident))
    )
    return {
        "version": paper.version if paper else 0,
        "by": paper.by if paper else "",
        "review": review.n if review else 0,
    }


@forms.post("")
async def keep(
    request: Request, incident: int, who: Responder, version: Number, of: Number, text: Words = ""
) -> Response:
    return await _change(request, incident, who, Seen(version=version, of=of), lambda _: text)


@forms.post("/section")
async def keep_section(
    request: Request,
    incident: int,
    who: Responder,
    version: Number,
    of: Number,
    section: Annotated[str, Form(max_length=100)],
    text: Words = "",
) -> Response:
    seen = Seen(version=version, of=of)
    return await _change(
        request, incident, who, seen, lambda old: with_part(old, section, text), section
    )


@forms.post("/answers")
async def answer(
    request: Request,
    incident: int,
    who: Responder,
    version: Number,
    of: Number,
    question: Annotated[list[int], Form()],
    answer: Annotated[list[str], Form()],
) -> Response:
    """All that was typed, whichever button was pressed."""
    said = dict(zip(question, answer, strict=False))
    seen = Seen(version=version, of=of)
    return await _change(request, incident, who, seen, lambda old: answered(old, said))


@forms.post("/decide")
async def choose(
    request: Request, incident: int, who: Responder, version: Number, of: Number, text: Words
) -> Response:
    """`text` has the conflicts, which may not be saved yet; `choice-1` is for the first of them."""
    choices = {
        int(name.removeprefix("choice-")): Choice(str(value))
        for name, value in (await request.form()).items()
        if name.removeprefix("choice-").isdecimal() and value in list(Choice)
    }
    made = decided(text.replace("\r\n", "\n"), choices)
    return await _change(request, incident, who, Seen(version=version, of=of), lambda _: made)


@forms.post("/regenerate")
async def bring_up_to_date(
    request: Request, incident: int, who: Responder, version: Number
) -> Response:
    try:
        await regenerate(request, incident, who, version)
    except SavedMeanwhile:
        return await _draw(request, incident, who)  # which shows what was saved
    return RedirectResponse(f"/incidents/{incident}/post-mortem", 303)


async def _change(
    request: Request,
    incident: int,
    who: Identity,
    seen: Seen,
    change: Callable[[str], str],
    place: str = "",
) -> Response:
    """Raises HTTPException: 404, 409, 422."""
    await dossier(request, incident)
    now, committer = desk(request).clock.now(), desk(request).engine.performer.committer
    seen = replace(seen, of=seen.of or None)
    try:
        paper = await desk(request).store.write(
            lambda tx: edit(
                tx, committer, incident, seen, lambda old: tidy(change(old)), who.id, now
            )
        )
    except Clash as clash:
        return await _draw(request, incident, who, clash=clash)
    except LookupError as error:
        raise HTTPException(409, f"{error}: open the post-mortem again") from None
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    where = f"#part-{place}" if place else ""
    return RedirectResponse(f"/incidents/{incident}/post-mortem?saved={paper.version}{where}", 303)


async def _draw(
    request: Request,
    incident: int,
    who: Identity,
    *,
    editing: str = "",
    saved: int = 0,
    clash: Clash | None = None,
) -> HTMLResponse:
    found, current, fresh = await latest(request, incident)
    review = await desk(request).store.read(lambda views: views.review(incident))
    shown = replace(clash.current, text=clash.text) if clash else current
    drawn = await asyncio.to_thread(_drawn, shown, url_of(request))
    around = await surroundings(request, found)
    now = desk(request).clock.now()
    text = render(
        "post_mortem.html",
        who=who,
        incident=found.incident,
        paper=shown,
        standing=view(current, fresh),
        parts=drawn,
        asked=[one for part in drawn for one in part.questions],
        names={part.key: part.heading or "Beginning" for part in drawn},
        conflicts=conflicts(shown.text),
        clash=clash is not None,
        editing=WHOLE if clash else editing,
        saved=saved if saved == current.version else 0,
        review=review,
        measuring=_measuring(found) and now - found.events[-1].event.at < _MEASURING,
        owed=owed(found.incident, found.plan, now, around),
        may_settle=who.access.allows(Access.RESPONDER),
        on_paper=True,
    )
    return HTMLResponse(text, 409 if clash else 200)


def _drawn(paper: PostMortem, url: str) -> list[Drawn]:
    found = parts(paper.text)
    asked = questions(paper.text)
    pieces = to_html_parts(paper.text, [one.line for one in found], url, on_page)
    return [
        Drawn(
            key=one.key,
            heading=one.heading,
            text=one.text.strip("\n"),
            html=Markup(html),
            questions=[each for each in asked if each.part == one.key],
        )
        for one, html in zip(found, pieces, strict=True)
    ]


def _measuring(found: Dossier) -> bool:
    """Whether somebody asked for it, and no answer came yet."""
    events = [stored.event for stored in found.events]
    last = next((e for e in reversed(events) if isinstance(e, ReviewAsked | MetricsReviewed)), None)
    return isinstance(last, ReviewAsked)
