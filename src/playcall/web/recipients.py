"""Who will get what is sent after an incident: roles, the people behind them now, the channel."""

from dataclasses import dataclass

from fastapi import Request

from playcall.core import sending
from playcall.core.people import first_roles
from playcall.core.rota import in_force
from playcall.engine.ports import Dossier, Person
from playcall.web.desk import desk, directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    role: str
    people: tuple[str, ...]  # "Ada by mail"
    instead_of: bool = False  # nobody is behind the role: these stand in


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    roles: tuple[Recipient, ...]
    channel: str  # of the document; empty: nothing is posted

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.role for one in self.roles)


async def recipients(request: Request, found: Dossier) -> Recipients:
    now, known = desk(request).clock.now(), directory(request)
    stored = await desk(request).store.read(lambda views: views.overrides(now, now))
    overrides = in_force(stored)

    def behind(role: str) -> tuple[Person, ...]:
        return known.behind(role, now, overrides)

    roles = []
    for role in sending.recipients(found.incident, found.plan):
        people = behind(role)
        others = [one for first in first_roles(found.plan) for one in behind(first)]
        shown = tuple(dict.fromkeys(_reached(one) for one in people or others))
        roles.append(Recipient(role=role, people=shown, instead_of=not people))
    chat = request.app.state.slack is not None
    channel = sending.channel(found.plan) if chat else ""
    return Recipients(roles=tuple(roles), channel=channel)


def _reached(person: Person) -> str:
    first = person.methods[0].channel if person.methods else "no contact method"
    return f"{person.name} by {first}" if person.methods else f"{person.name}, {first}"
