"""Shows incidents in Opsgenie, by its Alert API. An alert goes by its alias, as ours does."""

import hashlib
from datetime import timedelta

import httpx

from playcall.channels.posting import line, post
from playcall.engine.reflections import Reflection, Shown

PRIORITIES = ("P1", "P2", "P3", "P4")  # by rank
ACTIONS = {Shown.ACKNOWLEDGED: "acknowledge", Shown.RESOLVED: "close"}
LONGEST = 130  # characters of a message


class Opsgenie:
    """`mirrors.Mirror`."""

    name = "opsgenie"

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        key: str,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._client = client
        self._url = f"{url.rstrip('/')}/v2/alerts"
        self._headers = {"authorization": f"GenieKey {key}"}
        self._timeout = timeout

    async def show(self, reflection: Reflection, state: Shown) -> None:
        alias = _alias(reflection)
        body: dict[str, object] = {"source": "Playcall"}
        if state is Shown.TRIGGERED:
            url = self._url
            body |= _alert(reflection, alias)
        else:
            url = f"{self._url}/{alias}/{ACTIONS[state]}?identifierType=alias"
            body["note"] = line(f"{state} in Playcall {reflection.by}", LONGEST)
        advice = "Renew opsgenie.key_file."
        await post(self._client, "Opsgenie", url, body, self._headers, advice, self._timeout)


def _alias(reflection: Reflection) -> str:
    """Of characters that may stand in a path."""
    return f"playcall-{hashlib.sha256(reflection.key.encode()).hexdigest()[:32]}"


def _alert(reflection: Reflection, alias: str) -> dict[str, object]:
    return {
        "message": line(f"{reflection.severity}: {reflection.title}", LONGEST),
        "alias": alias,
        "description": f"{line(reflection.title, 1000)}\n{reflection.key}",
        "priority": PRIORITIES[reflection.rank],
        "details": {
            "link": reflection.key,
            "alerts": line(", ".join(reflection.firing), 1000),
            "opened": reflection.opened_at.isoformat(),
        },
    }
