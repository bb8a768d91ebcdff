"""Watches one Playcall from outside, and pages one person when it no longer works."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from playcall import peers
from playcall.core.message import Message
from playcall.engine.ports import Channel, Person, Unavailable


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Times are seconds of a clock that never goes back."""

    url: str
    token: str
    person: Person
    channels: Mapping[str, Channel]
    client: httpx.AsyncClient
    after: float  # of trouble, until somebody is paged
    repeat: float
    _well_at: float | None = None
    _paged_at: float | None = None
    _run: str = field(default_factory=lambda: secrets.token_hex(4))  # keys of its messages
    _told: int = 0

    async def look(self, now: float) -> list[str]:
        """Look once; returns what happened, in sentences."""
        trouble = await peers.ask(self.client, self.url, self.token)
        if self._well_at is None:
            self._well_at = now
        if not trouble:
            self._well_at = now
            return await self._is_back() if self._paged_at is not None else []
        lasted = now - self._well_at
        due = self._paged_at is None or now - self._paged_at >= self.repeat
        if lasted < self.after or not due:
            return [f"{self.url}: {trouble}"]
        said = await self._send(
            f"Playcall itself does not work: {trouble}"[:160],
            f"{self.url}: {trouble}\nSo it is for {lasted:.0f} s. Pages may not go out: "
            "look at the server, and watch Alertmanager by hand until it works.",
            urgent=True,
        )
        if said.startswith("told"):
            self._paged_at = now
        return [f"{self.url}: {trouble}", said]

    async def _is_back(self) -> list[str]:
        said = await self._send(
            "Playcall works again", f"{self.url} answers, and says that it works.", urgent=False
        )
        self._paged_at = None
        return [f"{self.url} works again", said]

    async def _send(self, subject: str, body: str, *, urgent: bool) -> str:
        """By the first method that takes it."""
        self._told += 1
        message = Message(
            subject=subject, body=body, link=self.url, thread="playcall-watch", urgent=urgent
        )
        reasons = []
        for method in self.person.methods:
            channel = self.channels.get(method.channel)
            try:
                if channel:
                    await channel.send(message, method.address, f"watch.{self._run}.{self._told}")
                    return f"told {self.person.name} by {method.channel}"
            except Unavailable as error:
                reasons.append(f"{method.channel}: {error}")
        return f"NOBODY WAS TOLD: {'; '.join(reasons) or 'no channel is configured'}"
