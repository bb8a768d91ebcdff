"""The real web application over a world, and people who ask it things."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI

from playcall.core.access import Access
from playcall.core.shown_settings import ShownSettings
from playcall.engine.playbooks import Served
from playcall.engine.source import Sources
from playcall.settings import hash_token
from playcall.web.auth import Doorkeeper, Identity, Links
from playcall.web.desk import Desk
from playcall.web.server import build_web
from tests.engine.world import World

HOST = "http://playcall.example"
INTAKE = "intake-token"
PEOPLE = {
    "vic": Access.VIEWER,
    "ada": Access.RESPONDER,
    "cleo": Access.COMMANDER,
    "root": Access.ADMINISTRATOR,
}


@dataclass(frozen=True, kw_only=True)
class Site:
    web: FastAPI
    world: World
    doorkeeper: Doorkeeper

    def asking(self, person: str | None = None, token: str = "") -> httpx.AsyncClient:
        """A client with a person's API token, or another, or none."""
        token = f"token-of-{person}" if person else token
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.web, raise_app_exceptions=False),
            base_url=HOST,
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    def with_session(self, person: str) -> httpx.AsyncClient:
        """A browser in which a person is signed in."""
        client = self.asking()
        cookie = self.doorkeeper.session_for(self.doorkeeper.people[person])
        client.cookies.set("playcall_session", cookie)
        client.headers["origin"] = HOST
        return client


def a_doorkeeper(folder: Path) -> Doorkeeper:
    return Doorkeeper(
        people={
            name: Identity(id=name, name=name.title(), access=access)
            for name, access in PEOPLE.items()
        },
        tokens={hash_token(f"token-of-{name}"): name for name in PEOPLE},
        intake_tokens=frozenset({hash_token(INTAKE)}),
        key=b"k" * 32,
        links=Links(folder / "links"),
    )


@contextlib.asynccontextmanager
async def site_of(
    world: World,
    sources: Sources | None = None,
    library: Served | None = None,
    settings: ShownSettings | None = None,
) -> AsyncIterator[Site]:
    async with world.working():
        doorkeeper = a_doorkeeper(world.folder)
        desk = Desk(
            engine=world.engine,
            store=world.store,
            clock=world.clock,
            sources=sources,
            library=library,
            settings=settings,
        )
        web = build_web(desk, doorkeeper)
        yield Site(web=web, world=world, doorkeeper=doorkeeper)
