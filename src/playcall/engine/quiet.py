"""Lets go of pages that are held for a maintenance which the settings no longer announce."""

import logging
from collections.abc import Sequence
from datetime import datetime

from playcall.core.effects import Moved
from playcall.core.incident import Incident
from playcall.core.maintenance import Window, called_off
from playcall.engine.commit import Committer
from playcall.engine.ports import Store, Transaction, Views

log = logging.getLogger(__name__)

MOST = 100_000  # incidents that are looked at
AT_ONCE = 100  # in one transaction


async def keep_to_windows(
    store: Store, committer: Committer, windows: Sequence[Window], at: datetime
) -> None:
    """Raises Unavailable."""
    found = await store.read(lambda views: _too_long(views, windows, at))

    def work(tx: Transaction, numbers: Sequence[int]) -> None:
        for number in numbers:
            incident = tx.incident(number)  # as it is now
            event = called_off(incident, windows, at) if incident else None
            if event and isinstance(committer.apply(tx, event, number), Moved):
                log.warning("incident %d: no maintenance holds its pages any longer", number)

    for start in range(0, len(found), AT_ONCE):
        chunk = found[start : start + AT_ONCE]
        await store.write(lambda tx, chunk=chunk: work(tx, chunk))  # type: ignore[misc]


def _too_long(views: Views, windows: Sequence[Window], at: datetime) -> list[int]:
    live: Sequence[Incident] = views.incidents(live_only=True, limit=MOST)
    return [incident.id for incident in live if called_off(incident, windows, at)]
