"""Asks another Playcall whether it works: by `playcall watch`, and by a server that watches one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import msgspec

from playcall.bounded import NoAnswer, fetch
from playcall.core.alert import own_alert
from playcall.engine.pacing import Pace
from playcall.engine.ports import Clock, Store, Transaction
from playcall.engine.proofs import Beat

PATH = "/api/v1/health"
DOWN = "PlaycallPeerDown"
PATIENCE = timedelta(seconds=10)  # for an answer
LARGEST = 100_000  # bytes of it
LOOK = timedelta(seconds=10)
LONGEST = 300  # characters of what it says


class _Health(msgspec.Struct):
    healthy: bool
    troubles: list[str] = []


async def ask(client: httpx.AsyncClient, url: str, token: str) -> str:
    """What is wrong with the Playcall at `url`; empty: nothing."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = await fetch(
            client,
            "GET",
            f"{url.rstrip('/')}{PATH}",
            within=PATIENCE,
            largest=LARGEST,
            headers=headers,
        )
    except NoAnswer as error:
        return f"it does not answer: {error}"
    if answer.status in (401, 403):
        return "it does not know the token that it is asked with"
    try:
        health = msgspec.json.decode(answer.body, type=_Health)
    except msgspec.DecodeError:
        return f"what answers there is no Playcall ({answer.status})"
    if health.healthy:
        return ""
    return "; ".join(health.troubles)[:LONGEST] or "it says that it does not work"


@dataclass(slots=True, kw_only=True)
class PeerWatch:
    """Looks at one other Playcall; a trouble that lasts becomes an alert of our own."""

    name: str
    url: str
    token: str
    after: timedelta
    client: httpx.AsyncClient
    store: Store
    clock: Clock
    _begun_at: datetime | None = None
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(min(LOOK, self.after / 4))

    async def look(self) -> int:
        now = self.clock.now()
        begun_at = self._begun_at = self._begun_at or now
        if self._pace.is_due(now):
            trouble = await ask(self.client, self.url, self.token)
            await self.store.write(lambda tx: self._keep(tx, trouble, begun_at, now))
        return 0

    def _keep(self, tx: Transaction, trouble: str, begun_at: datetime, now: datetime) -> None:
        """Kept as the heartbeats are: when it was last well, and since when that is told."""
        key = f"playcall:{self.name}"
        before = tx.beats().get(key) or Beat(at=now)
        if not trouble:
            tx.beat(key, Beat(at=now))
            if before.alert_since:
                alert = own_alert(
                    DOWN, "it is back", before.alert_since, firing=False, key=self.name
                )
                tx.receive([alert], now)
        elif before.alert_since is None and now - max(before.at, begun_at) >= self.after:
            tx.beat(key, Beat(at=before.at, alert_since=now))
            words = f"the Playcall {self.name} at {self.url} cannot page: {trouble}"
            tx.receive([own_alert(DOWN, words, now, key=self.name)], now)
        else:
            tx.beat(key, before)
