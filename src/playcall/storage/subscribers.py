"""Published updates and subscribers in SQL; `engine.subscription` says what each promises."""

import secrets
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from playcall.core.status_page import Published
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.engine.ports import Job, Task
from playcall.engine.subscription import (
    ASK_AGAIN_AFTER,
    ASKED_AT_MOST,
    FORGOTTEN_AFTER,
    AskSubscriber,
    Subscriber,
    SubscriberKind,
    SubscriberState,
    TellSubscriber,
    TellSubscribers,
)
from playcall.storage.codec import dump, load
from playcall.storage.tables import jobs, status_updates, subscribers

NO_INCIDENT = 0  # of a job that is about none


class SqlSubscriptions:
    """The part of a transaction that is about subscribers."""

    _db: sa.Connection

    def add_job(self, job: Job, at: datetime) -> None:
        raise NotImplementedError  # `SqlOutbox` has it

    def keep_update(self, update: StatusUpdate, alerts: Sequence[str]) -> None:
        table = status_updates.c
        there = (table.incident == update.incident, table.number == update.number)
        if self._db.scalar(sa.select(table.number).where(*there)) is not None:
            return
        self._db.execute(
            sa.insert(status_updates).values(
                incident=update.incident,
                number=update.number,
                at=update.at,
                resolved=update.state is UpdateState.RESOLVED,
                alerts=dump(list(alerts)),
                body=dump(update),
            )
        )
        self._put(update.incident, _key(update, "all"), TellSubscribers(update=update), update.at)

    def subscribe(self, kind: SubscriberKind, address: str, at: datetime) -> bool:
        self._db.execute(
            sa.delete(subscribers).where(
                subscribers.c.state == SubscriberState.PENDING,
                subscribers.c.asked_at < at - FORGOTTEN_AFTER,
            )
        )
        row = self._db.execute(
            sa.select(subscribers)
            .where(subscribers.c.kind == kind, subscribers.c.address == address)
            .with_for_update()
        ).one_or_none()
        if row is not None and (
            row.state == SubscriberState.CONFIRMED
            or row.asked >= ASKED_AT_MOST
            or at - row.asked_at < ASK_AGAIN_AFTER
        ):
            return False
        asked = 1 if row is None else row.asked + 1
        found = secrets.token_urlsafe(12) if row is None else row.id
        values = {"state": SubscriberState.PENDING, "asked": asked, "asked_at": at, "failures": 0}
        if row is None:
            new = {"id": found, "kind": kind, "address": address}
            self._db.execute(sa.insert(subscribers).values(**new, **values))
        else:
            self._set(found, **values)
        self._put(NO_INCIDENT, f"ask.{found}.{asked}", AskSubscriber(subscriber=found), at)
        return True

    def confirm(self, subscriber: str, at: datetime) -> bool:
        return self._set(
            subscriber, state=SubscriberState.CONFIRMED, confirmed_at=at, asked=0, failures=0
        )

    def unsubscribe(self, subscriber: str) -> None:
        self._db.execute(sa.delete(subscribers).where(subscribers.c.id == subscriber))

    def subscriber(self, subscriber: str) -> Subscriber | None:
        query = sa.select(subscribers).where(subscribers.c.id == subscriber)
        row = self._db.execute(query).one_or_none()
        return _subscriber(row) if row else None

    def spread(self, update: StatusUpdate, after: str, limit: int, at: datetime) -> int:
        following = self._db.scalars(
            sa.select(subscribers.c.id)
            .where(subscribers.c.state == SubscriberState.CONFIRMED, subscribers.c.id > after)
            .order_by(subscribers.c.id)
            .limit(limit)
        ).all()
        for one in following:
            task = TellSubscriber(subscriber=one, update=update)
            self._put(update.incident, _key(update, one), task, at)
        if len(following) == limit:
            rest = TellSubscribers(update=update, after=following[-1])
            self._put(update.incident, _key(update, f"all.{following[-1]}"), rest, at)
        return len(following)

    def reached(self, subscriber: str) -> None:
        self._set(subscriber, failures=0, reason="")

    def missed(self, subscriber: str, reason: str, at_most: int) -> SubscriberState | None:
        found = self.subscriber(subscriber)
        if found is None:
            return None
        failures = found.failures + 1
        state = SubscriberState.DEAD if failures >= at_most else found.state
        self._set(subscriber, failures=failures, reason=reason, state=state)
        return state

    def _put(self, incident: int, key: str, task: Task, at: datetime) -> None:
        if self._db.scalar(sa.select(jobs.c.key).where(jobs.c.key == key)) is None:
            self.add_job(Job(key=key, incident=incident, task=task), at)

    def _set(self, subscriber: str, **values: object) -> bool:
        changed = self._db.execute(
            sa.update(subscribers).where(subscribers.c.id == subscriber).values(**values)
        )
        return changed.rowcount == 1


class SqlPublicViews:
    """The part of the views that the status page reads."""

    _db: sa.Connection

    def published(self, since: datetime) -> Sequence[Published]:
        table = status_updates.c
        told = sa.select(table.incident).where(table.at >= since)
        settled = sa.select(table.incident).where(table.resolved)
        rows = self._db.execute(
            sa.select(table.body, table.alerts)
            .where(sa.or_(table.incident.in_(told), table.incident.not_in(settled)))
            .order_by(table.incident, table.number)
        )
        return [
            Published(update=load(row.body, StatusUpdate), alerts=load(row.alerts, tuple[str, ...]))
            for row in rows
        ]

    def subscribers(self, limit: int = 1000) -> Sequence[Subscriber]:
        alive = subscribers.c.state != SubscriberState.DEAD
        query = sa.select(subscribers).order_by(alive, subscribers.c.asked_at.desc()).limit(limit)
        return [_subscriber(row) for row in self._db.execute(query)]


def _subscriber(row: sa.Row[tuple[object, ...]]) -> Subscriber:
    return Subscriber(
        id=row.id,
        kind=SubscriberKind(row.kind),
        address=row.address,
        state=SubscriberState(row.state),
        asked_at=row.asked_at,
        failures=row.failures,
        reason=row.reason or "",
    )


def _key(update: StatusUpdate, whom: str) -> str:
    return f"update.{update.incident}.{update.number}.{whom}"
