"""The HTTP API of placeholders: which values are wanted, what is offered, and giving one."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from playcall.core.parameters import LONGEST
from playcall.web import acts
from playcall.web.api_views import Done
from playcall.web.auth import Responder, Viewer
from playcall.web.desk import dossier
from playcall.web.values import ValueView, wanted

router = APIRouter(prefix="/api/v1/incidents/{incident}")


class Giving(BaseModel):
    name: str = Field(description="of the placeholder", max_length=200)
    value: str = Field(max_length=LONGEST)
    command: str = Field("", description="for which it is meant; empty: for all that have it")


@router.get("/values")
async def values(request: Request, incident: int, _: Viewer) -> tuple[ValueView, ...]:
    """Every placeholder of the incident's commands: what it takes, what it has, what is offered."""
    return wanted(await dossier(request, incident))


@router.post("/values")
async def give_value(request: Request, incident: int, body: Giving, who: Responder) -> Done:
    """Holds for runs that begin from now on. A first look that only waited for it runs at once."""
    await acts.give_value(request, incident, who, body.name, body.value, body.command)
    return Done(status=f"{body.name} is {body.value}")
