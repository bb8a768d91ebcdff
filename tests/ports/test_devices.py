"""Both databases: a device notifies one person, whoever allowed it last, until it is removed."""

from dataclasses import replace

from playcall.engine.devices import Device
from playcall.storage import Database
from playcall.testing import NOON, minutes

PHONE = Device(
    endpoint="https://push.example/1",
    person="ada",
    p256dh="point",
    auth="secret",
    name="Firefox on Android\0",
    added_at=NOON,
)


async def test_a_device_is_of_whom_it_was_added_for_last(store: Database) -> None:
    laptop = replace(PHONE, endpoint="https://push.example/2", added_at=NOON + minutes(1))
    for _ in range(2):
        await store.write(lambda tx: tx.add_device(laptop))
        await store.write(lambda tx: tx.add_device(PHONE))
    shown = replace(PHONE, name="Firefox on Android␀")
    assert await store.write(lambda tx: tx.devices("ada")) == [
        shown,
        replace(laptop, name=shown.name),
    ]
    await store.write(lambda tx: tx.add_device(replace(PHONE, person="bob")))
    assert len(await store.write(lambda tx: tx.devices("ada"))) == 1
    assert not await store.write(lambda tx: tx.remove_device(PHONE.endpoint, "ada"))
    assert await store.write(lambda tx: tx.remove_device(PHONE.endpoint, "bob"))
    assert await store.write(lambda tx: tx.devices("bob")) == []
