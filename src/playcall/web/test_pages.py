"""The HTTP API of test pages: proving that a person is reached, and when that was last proven."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from playcall.core.access import Access
from playcall.engine import proving
from playcall.engine.proofs import Proof
from playcall.web.auth import Responder, Viewer
from playcall.web.desk import desk, directory

router = APIRouter(prefix="/api/v1")


class Asking(BaseModel):
    person: str = Field(description="their id in the settings", max_length=200)
    channel: str = Field("", description="one of their methods; empty: all of them", max_length=50)


class ProofView(BaseModel):
    test: str
    person: str
    channel: str
    by: str
    asked_at: datetime
    took: float | None = Field(description="seconds; null: under way")
    failure: str = Field(description="empty: the channel took it, or it is under way")


@router.post("/test-pages", status_code=202)
async def ask(request: Request, body: Asking, who: Responder) -> list[ProofView]:
    """Send a test page by each method, through the intake and the outbox as any page. Others than
    oneself are a commander's to test."""
    person = directory(request).people.get(body.person)
    if person is None:
        raise HTTPException(404, f"nobody is called {body.person} in the settings")
    if person.id != who.id and not who.access.allows(Access.COMMANDER):
        raise HTTPException(403, "testing how others are reached needs a commander")
    known = [method.channel for method in person.methods]
    channels = [c for c in known if c == body.channel] if body.channel else known
    if not channels:
        ways = ", ".join(known) or "no method at all"
        raise HTTPException(409, f"{person.name} has {ways}")
    here = desk(request)
    now = here.clock.now()
    test, alert = await here.store.write(lambda tx: proving.ask(tx, person, channels, who.id, now))
    await here.engine.receive([alert])
    return _shown(await here.store.read(lambda views: views.proofs(test)))


@router.get("/test-pages")
async def latest(request: Request, _: Viewer) -> list[ProofView]:
    """When each person's every method was last put to the test."""
    return _shown(await desk(request).store.read(lambda views: views.latest_proofs()))


@router.get("/test-pages/{test}")
async def one(request: Request, test: str, _: Viewer) -> list[ProofView]:
    """What came of a test so far, method by method."""
    found = await desk(request).store.read(lambda views: views.proofs(test))
    if not found:
        raise HTTPException(404, "there is no such test page")
    return _shown(found)


def _shown(proofs: Sequence[Proof]) -> list[ProofView]:
    return [
        ProofView(
            test=proof.test,
            person=proof.person,
            channel=proof.channel,
            by=proof.by,
            asked_at=proof.asked_at,
            took=None if proof.took is None else proof.took.total_seconds(),
            failure=proof.failure,
        )
        for proof in proofs
    ]
