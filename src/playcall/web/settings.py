"""The settings as the server has them, each with where it comes from; and the people: how they are
reached, whether that was proven, and who is on call now. Changes nothing: the file does."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from playcall.core.rota import StoredOverride, in_force
from playcall.core.wording import say_duration
from playcall.engine.ports import Person, Views
from playcall.engine.proofs import Proof
from playcall.web.auth import Commander
from playcall.web.desk import desk, directory
from playcall.web.me import name_of, shown_address
from playcall.web.templates import render
from playcall.web.test_pages import Asking, ask

router = APIRouter(prefix="/api/v1")
page = APIRouter(prefix="/settings")


class Setting(BaseModel):
    key: str
    value: str = Field(description="of a secret only whether it is set")
    whence: str = Field(description="file:line, an environment variable, or `default`")
    secret: bool


class Way(BaseModel):
    channel: str
    name: str
    address: str
    tested_at: datetime | None
    took: float | None = Field(description="seconds of the last test page")
    failure: str = Field(
        description="of the last test page; empty: it was taken, or there was none"
    )


class PersonView(BaseModel):
    id: str
    name: str
    zone: str
    ways: list[Way]
    rules: list[str]
    on_call: list[str] = Field(description="roles that they have now")


class SettingsView(BaseModel):
    file: str
    warnings: list[str]
    problems: list[str] = Field(description="of the document")
    values: list[Setting]
    people: list[PersonView]


@router.get("/settings")
async def show(request: Request, _: Commander) -> SettingsView:
    """What the files say, without secrets; and how everybody is reached."""
    known = desk(request).settings
    if known is None:
        raise HTTPException(404, "this server was not started from a file of settings")
    return SettingsView(
        file=known.file,
        warnings=list(known.warnings),
        problems=list(known.problems),
        values=[
            Setting(key=one.key, value=one.value, whence=one.whence, secret=one.secret)
            for one in known.values
        ],
        people=await _people(request),
    )


@page.get("")
async def draw(request: Request, who: Commander, asked: str = "") -> HTMLResponse:
    found = await show(request, who)
    groups: dict[str, list[Setting]] = {}
    for one in found.values:
        groups.setdefault(one.key.partition(".")[0], []).append(one)
    people = {person.id: person.name for person in found.people}
    text = render("settings.html", who=who, found=found, groups=groups, asked=people.get(asked, ""))
    return HTMLResponse(text)


@page.post("/test")
async def test(
    request: Request,
    who: Commander,
    person: Annotated[str, Form(max_length=200)],
    channel: Annotated[str, Form(max_length=50)],
) -> RedirectResponse:
    """A real test page; what came of it shows when the page is read again."""
    await ask(request, Asking(person=person, channel=channel), who)
    return RedirectResponse(f"/settings?asked={person}#people", 303)


async def _people(request: Request) -> list[PersonView]:
    here, known = desk(request), directory(request)
    now = here.clock.now()

    def look(views: Views) -> tuple[Sequence[StoredOverride], Sequence[Proof]]:
        return views.overrides(now, now + timedelta(microseconds=1)), views.latest_proofs()

    stored, proofs = await here.store.read(look)
    overrides = in_force(stored)
    on_call: dict[str, list[str]] = {}
    for role in known.roles:
        for person in known.look_up(role, now, overrides).people:
            on_call.setdefault(person.id, []).append(role)
    tested = {(proof.person, proof.channel): proof for proof in proofs}
    return [_person(one, on_call.get(one.id, []), tested) for one in known.people.values()]


def _person(
    person: Person, on_call: list[str], tested: Mapping[tuple[str, str], Proof]
) -> PersonView:
    ways = []
    for method in person.methods:
        proof = tested.get((person.id, method.channel))
        took = proof.took.total_seconds() if proof and proof.took is not None else None
        ways.append(
            Way(
                channel=method.channel,
                name=name_of(method.channel),
                address=shown_address(method),
                tested_at=proof.asked_at if proof else None,
                took=took,
                failure=proof.failure if proof else "",
            )
        )
    rules = [
        f"after {say_duration(rule.after)}: "
        + ", ".join(name_of(method.channel) for method in rule.methods)
        + (", in some hours only" if rule.hours else "")
        for rule in person.rules
    ]
    return PersonView(
        id=person.id, name=person.name, zone=person.zone, ways=ways, rules=rules, on_call=on_call
    )
