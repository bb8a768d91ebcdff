"""Builds where action items may be tickets, as the settings say."""

import base64
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b

import httpx

from playcall.engine.perform import Hands, Performer
from playcall.engine.ticketing import TicketWatch
from playcall.engine.tickets import Tickets
from playcall.responsefile import read_duration
from playcall.settings import Settings
from playcall.ticketfile import TicketsTable
from playcall.tickets import github, gitlab
from playcall.tickets.github import GitHub
from playcall.tickets.gitlab import GitLab
from playcall.tickets.jira import Jira
from playcall.tickets.service import Service
from playcall.tickets.wording import Terms
from playcall.web.auth import secret_key


def with_tickets(hands: Hands, settings: Settings, client: httpx.AsyncClient) -> Hands:
    table = settings.tickets
    if table is None:
        return hands
    key, _ = secret_key(settings.data)
    token = settings.secrets["tickets.token"]
    instance = blake2b(key, digest_size=4).hexdigest()
    return replace(hands, tickets=build_tickets(table, token, instance, client, settings.pace))


def ticket_watches(performer: Performer) -> Iterator[Callable[[], Awaitable[int]]]:
    if tickets := performer.hands.tickets:
        yield TicketWatch(performer=performer, tickets=tickets, every=tickets.every).look


def build_tickets(
    table: TicketsTable, token: str, instance: str, client: httpx.AsyncClient, pace: float = 1
) -> Tickets:
    every = (read_duration(table.look_every) or timedelta(minutes=10)) / pace
    terms = Terms(
        instance=instance,
        labels=table.labels,
        priorities=table.priorities,
        accounts=table.accounts,
    )

    def service(name: str, url: str, **headers: str) -> Service:
        return Service(name=name, url=table.url or url, client=client, headers=headers)

    match table.kind:
        case "github":
            headers = {"authorization": f"Bearer {token}", "x-github-api-version": "2022-11-28"}
            api = service(GitHub.name, github.URL, **headers)
            return GitHub(api, table.project, terms, every, table.always)
        case "gitlab":
            api = service(GitLab.name, gitlab.URL, **{"private-token": token})
            return GitLab(api, table.project, terms, every, table.always)
        case _:
            basic = base64.b64encode(f"{table.user}:{token}".encode()).decode()
            authorization = f"Basic {basic}" if table.user else f"Bearer {token}"
            api = service(Jira.name, table.url, authorization=authorization)
            return Jira(api, table.project, table.issue_type, terms, every, table.always)
