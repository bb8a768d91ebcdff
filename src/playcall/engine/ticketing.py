"""Opens and closes the tickets of action items, and looks at how those that are open stand."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from playcall.core.action_events import ActionDone, ActionDropped, TicketFailed, TicketOpened
from playcall.core.events import Event
from playcall.core.incident import Incident
from playcall.core.owed import Action, TicketState
from playcall.engine.ports import Job, Transaction, Unavailable
from playcall.engine.retrying import retry_after
from playcall.engine.tickets import Item, Ticketing, Tickets

if TYPE_CHECKING:
    from playcall.engine.perform import Performer

log = logging.getLogger(__name__)
MOST = 200  # incidents that are looked at in one round


async def carry_out(performer: "Performer", job: Job, task: Ticketing) -> None:
    """What the service refuses is on record, and tried again when a person asks; what it cannot do
    now is tried again by itself."""
    tickets = performer.hands.tickets
    try:
        if tickets is None:
            raise Unavailable("[tickets] is not in the settings", permanent=True)
        found = await performer.store.read(lambda views: views.dossier(job.incident))
        assert found is not None, "an action item has its incident"
        event: Event | None = None
        if task.closing:
            await _close(tickets, found.incident, task.action)
        else:
            event = await _open(performer, tickets, job, found.incident, task.action)
    except Unavailable as error:
        if not error.permanent:
            later = error.retry_after or retry_after(job.attempts, job.key)
            at = performer.clock.now() + later
            reason = str(error)
            await performer.store.write(lambda tx: tx.postpone(job.key, at, reason))
            return
        event = TicketFailed(at=performer.clock.now(), action=task.action, reason=str(error))
    await _finish(performer, job, event)


async def _finish(performer: "Performer", job: Job, event: Event | None) -> None:
    def work(tx: Transaction) -> None:
        tx.finish(job.key)
        if event:
            performer.committer.apply(tx, event, job.incident)

    await performer.store.write(work)


async def _open(
    performer: "Performer", tickets: Tickets, job: Job, incident: Incident, number: int
) -> Event | None:
    action = incident.owed.actions[number - 1]
    if action.ticket is None or action.ticket.state is not TicketState.WANTED:
        return None  # another worker has opened it
    item = Item(
        incident=incident.id,
        title=incident.title,
        link=f"{performer.committer.url}/incidents/{incident.id}",
        action=number,
        text=action.text,
        owner=action.owner,
        priority=action.priority,
        due=action.due,
    )
    opened = await tickets.open(item, again=job.attempts > 1 or action.ticket.again)
    now = performer.clock.now()
    return TicketOpened(at=now, action=number, url=opened.url, key=opened.key, note=opened.note)


async def _close(tickets: Tickets, incident: Incident, number: int) -> None:
    action = incident.owed.actions[number - 1]
    if action.ticket is not None and action.ticket.key:
        await tickets.close(action.ticket.key, done=action.done_by is not None)


@dataclass(slots=True, kw_only=True)
class TicketWatch:
    """A ticket that was closed over there ends its action item here."""

    performer: "Performer"
    tickets: Tickets
    every: timedelta
    look_at: datetime | None = field(default=None)

    async def look(self) -> int:
        now = self.performer.clock.now()
        if self.look_at is not None and now < self.look_at:
            return 0
        self.look_at = now + self.every
        found = await self.performer.store.read(lambda views: views.ticketed(MOST))
        ended = 0
        try:
            for incident in found:
                for number, action in _open_tickets(incident):
                    ended += await self._look_at(incident.id, number, action)
        except Unavailable as error:
            log.warning("%s; its tickets are looked at again later", error)
            if error.retry_after:
                self.look_at = now + max(self.every, error.retry_after)
        return ended

    async def _look_at(self, incident: int, number: int, action: Action) -> int:
        assert action.ticket is not None
        key = action.ticket.key
        try:
            closed = await self.tickets.ended(key)
        except Unavailable as error:
            if not error.permanent:
                raise
            log.warning("%s: %s", key, error)  # one that was deleted must not hide the others
            return 0
        if closed is None:
            return 0
        now, name = self.performer.clock.now(), self.tickets.name
        said = f"{key} was closed there{f' by {closed.by}' if closed.by else ''}"
        event: Event = ActionDone(at=now, by=name, action=number, note=said, there=True)
        if not closed.done:
            reason = f"{said} as not planned"
            event = ActionDropped(at=now, by=name, action=number, reason=reason, there=True)
        committer = self.performer.committer
        await self.performer.store.write(lambda tx: committer.apply(tx, event, incident))
        return 1


def _open_tickets(incident: Incident) -> Iterator[tuple[int, Action]]:
    for number, action in enumerate(incident.owed.actions, 1):
        if action.ticket is not None and action.ticket.state is TicketState.OPEN:
            yield number, action
