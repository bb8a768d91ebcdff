"""Both databases: updates are kept for quick reading, and every subscriber is told once."""

from datetime import timedelta

from playcall.core.status_update import UpdateState
from playcall.engine.ports import Transaction
from playcall.engine.subscription import (
    AskSubscriber,
    SubscriberKind,
    SubscriberState,
    TellSubscriber,
    TellSubscribers,
)
from playcall.storage import Database
from playcall.testing import NOON, minutes
from tests.core.test_status_page import an_update
from tests.ports.stored import claim

MAIL = SubscriberKind.MAIL
DAY = timedelta(days=1)


async def asked(store: Database, address: str, after: timedelta = timedelta()) -> bool:
    return await store.write(lambda tx: tx.subscribe(MAIL, address, NOON + after))


async def confirmed(store: Database, *addresses: str) -> list[str]:
    """Their ids, in order."""
    for address in addresses:
        assert await asked(store, address)
    ids = [job.task.subscriber for job in await claim(store) if isinstance(job.task, AskSubscriber)]
    for one in ids:
        assert await store.write(lambda tx, one=one: tx.confirm(one, NOON))  # type: ignore[misc]
    return sorted(ids)


async def test_updates_are_read_of_what_is_open_or_lately_told(store: Database) -> None:
    old = an_update(incident=1, at=NOON - 100 * DAY)
    over = an_update(2, incident=1, at=NOON - 99 * DAY, state=UpdateState.RESOLVED)
    still = an_update(incident=2, at=NOON - 98 * DAY)
    new = an_update(incident=3)

    def keep(tx: Transaction) -> None:
        for update in (old, over, still, new, new):  # again changes nothing
            tx.keep_update(update, ["Secret"])

    await store.write(keep)
    found = await store.read(lambda views: views.published(NOON - 90 * DAY))
    assert [one.update for one in found] == [still, new]
    assert found[0].alerts == ("Secret",)


async def test_an_address_is_asked_again_only_after_a_while_and_not_for_ever(
    store: Database,
) -> None:
    assert await asked(store, "a@example.org")
    assert not await asked(store, "a@example.org", minutes(9))
    assert [await asked(store, "a@example.org", minutes(10 * n)) for n in range(1, 6)] == [
        True,
        True,
        True,
        True,
        False,
    ]
    assert await asked(store, "a@example.org", 8 * DAY)  # forgotten by then


async def test_a_confirmed_address_is_not_asked_and_one_that_left_is_forgotten(
    store: Database,
) -> None:
    [one] = await confirmed(store, "a@example.org")
    assert not await asked(store, "a@example.org", DAY)
    for _ in range(2):
        await store.write(lambda tx: tx.unsubscribe(one))
    assert await store.read(lambda views: views.subscribers()) == []
    assert not await store.write(lambda tx: tx.confirm(one, NOON))


async def test_a_fan_out_in_batches_makes_one_job_for_each_however_often_it_is_begun(
    store: Database,
) -> None:
    ids = await confirmed(store, *(f"{n}@example.org" for n in range(5)))
    await asked(store, "pending@example.org")
    await claim(store)
    update = an_update()
    told: list[str] = []
    await store.write(lambda tx: tx.keep_update(update, []))
    while jobs := await claim(store, at=NOON + minutes(1)):
        for job in jobs:
            if isinstance(job.task, TellSubscribers):
                after = job.task.after
                for _ in range(2):  # as after a kill
                    await store.write(lambda tx, a=after: tx.spread(update, a, 2, NOON))  # type: ignore[misc]
            elif isinstance(job.task, TellSubscriber):
                told.append(job.task.subscriber)
            await store.write(lambda tx, key=job.key: tx.finish(key))  # type: ignore[misc]
    assert sorted(told) == ids


async def test_after_some_failures_in_a_row_a_subscriber_is_dead(store: Database) -> None:
    [one] = await confirmed(store, "a@example.org")

    async def missed() -> SubscriberState | None:
        return await store.write(lambda tx: tx.missed(one, "no such box", 3))

    assert [await missed(), await missed()] == [SubscriberState.CONFIRMED] * 2
    await store.write(lambda tx: tx.reached(one))
    assert [await missed() for _ in range(3)][-1] is SubscriberState.DEAD
    [found] = await store.read(lambda views: views.subscribers())
    assert (found.state, found.reason) == (SubscriberState.DEAD, "no such box")
    assert await store.write(lambda tx: tx.spread(an_update(), "", 9, NOON)) == 0
    assert await asked(store, "a@example.org", DAY)  # may come back
