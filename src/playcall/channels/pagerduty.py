"""Shows incidents in PagerDuty, by its Events API v2."""

from datetime import timedelta

import httpx

from playcall.channels.posting import line, post
from playcall.engine.reflections import Reflection, Shown

SEVERITIES = ("critical", "error", "warning", "info")  # by rank
ACTIONS = {
    Shown.TRIGGERED: "trigger",
    Shown.ACKNOWLEDGED: "acknowledge",
    Shown.RESOLVED: "resolve",
}
LONGEST = 1024  # characters of a summary
LONGEST_KEY = 255


class PagerDuty:
    """`mirrors.Mirror`."""

    name = "pagerduty"

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        routing_key: str,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._client = client
        self._url = f"{url.rstrip('/')}/v2/enqueue"
        self._key = routing_key
        self._timeout = timeout

    async def show(self, reflection: Reflection, state: Shown) -> None:
        body: dict[str, object] = {
            "routing_key": self._key,
            "event_action": ACTIONS[state],
            "dedup_key": reflection.key[-LONGEST_KEY:],
        }
        if state is Shown.TRIGGERED:
            body |= {
                "client": "Playcall",
                "client_url": reflection.key,
                "links": [{"href": reflection.key, "text": "Open the incident"}],
                "payload": _payload(reflection),
            }
        advice = "Renew pagerduty.routing_key_file."
        await post(self._client, "PagerDuty", self._url, body, {}, advice, self._timeout)


def _payload(reflection: Reflection) -> dict[str, object]:
    return {
        "summary": line(f"{reflection.severity}: {reflection.title}", LONGEST),
        "source": "Playcall",
        "severity": SEVERITIES[reflection.rank],
        "timestamp": reflection.opened_at.isoformat(),
        "class": line(reflection.severity, LONGEST),
        "custom_details": {"alerts": [line(name, LONGEST) for name in reflection.firing]},
    }
