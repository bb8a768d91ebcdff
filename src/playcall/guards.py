"""Builds what is looked at beside the incidents, as the settings say: what guards the paging itself
(heartbeats, test pages, peers), and mirrors in other services."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import time, timedelta

import httpx

from playcall.channels.opsgenie import Opsgenie
from playcall.channels.pagerduty import PagerDuty
from playcall.core.alert import Alert
from playcall.core.people import first_roles
from playcall.core.plan import Plan
from playcall.engine.daily_test import DailyTest
from playcall.engine.directory import Directory
from playcall.engine.mirrors import MirrorWatch
from playcall.engine.ports import Clock, Store, Unavailable
from playcall.engine.reflections import Mirror
from playcall.engine.watchdog import Watchdog
from playcall.peers import PeerWatch
from playcall.responsefile import read_duration
from playcall.settings import Settings

Look = Callable[[], Awaitable[int]]
INTAKE = "/api/v1/alerts/alertmanager"


def build_watches(
    settings: Settings,
    plan: Plan,
    directory: Directory,
    store: Store,
    clock: Clock,
    client: httpx.AsyncClient,
) -> list[Look]:
    looks: list[Look] = []
    if settings.watchdog:
        within = _span(settings.watchdog.within)
        sources = [source.rstrip("/") for source in settings.watchdog.sources]
        looks.append(Watchdog(store=store, clock=clock, sources=sources, within=within).look)
    if settings.test_page:
        daily = DailyTest(
            store=store,
            clock=clock,
            directory=directory,
            at=time.fromisoformat(settings.test_page.at),
            role=settings.test_page.to or next(iter(first_roles(plan)), ""),
            post=_poster(settings, store, clock, client),
        )
        looks.append(daily.look)
    for name, peer in settings.peers.items():
        watch = PeerWatch(
            name=name,
            url=peer.url,
            token=settings.secrets[f"peers.{name}.token"],
            after=_span(peer.after),
            client=client,
            store=store,
            clock=clock,
        )
        looks.append(watch.look)
    for mirror in _mirrors(settings, client):
        looks.append(MirrorWatch(store=store, clock=clock, mirror=mirror, url=settings.url).look)
    return looks


def _mirrors(settings: Settings, client: httpx.AsyncClient) -> Iterator[Mirror]:
    secrets = settings.secrets
    if settings.pagerduty:
        yield PagerDuty(client, settings.pagerduty.url, secrets["pagerduty.routing_key"])
    if settings.opsgenie:
        yield Opsgenie(client, settings.opsgenie.url, secrets["opsgenie.key"])


def _span(text: str) -> timedelta:
    found = read_duration(text)
    assert found is not None, "the settings were checked"
    return found


def _poster(
    settings: Settings, store: Store, clock: Clock, client: httpx.AsyncClient
) -> Callable[[Alert], Awaitable[None]]:
    """To our own webhook, as Alertmanager posts; without a token, straight to disk."""
    token = settings.secrets.get("test_page.token")

    async def receive(alert: Alert) -> None:
        await store.write(lambda tx: tx.receive([alert], clock.now()))

    async def post(alert: Alert) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{settings.url}{INTAKE}"
        try:
            answer = await client.post(url, json=_webhook(alert, settings.url), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"{url} does not answer: {error}") from error
        if answer.status_code != httpx.codes.ACCEPTED:
            raise Unavailable(f"{url} refused it ({answer.status_code}): {answer.text[:200]}")

    return post if token else receive


def _webhook(alert: Alert, url: str) -> dict[str, object]:
    """One firing alert as Alertmanager's webhook, version 4."""
    return {
        "version": "4",
        "receiver": "playcall",
        "externalURL": url,
        "alerts": [
            {
                "status": "firing",
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": alert.starts_at.isoformat(),
                "fingerprint": alert.fingerprint,
            }
        ],
    }
