"""One suite for both databases: where people put alerts and groups."""

from playcall.engine.homes import of_alert, of_group
from playcall.storage import Database


async def test_what_people_put_somewhere_is_found_there(store: Database) -> None:
    f1, f2, group = of_alert("f1"), of_alert("f2"), of_group("f1")
    await store.write(lambda tx: tx.settle([f1, group], 7))
    asked = [f1, f2, group, *(of_alert(f"n{n}") for n in range(1200))]
    assert await store.write(lambda tx: tx.homes(asked)) == {f1: 7, group: 7}
    await store.write(lambda tx: tx.settle([f1, f2], 8))
    assert await store.write(lambda tx: tx.homes(asked)) == {f1: 8, f2: 8, group: 7}
    await store.write(lambda tx: tx.hand_over(8, 9))
    await store.write(lambda tx: tx.forget_homes([f2, of_alert("n1")]))
    assert await store.write(lambda tx: tx.homes(asked)) == {f1: 9, group: 7}
    assert await store.write(lambda tx: tx.homes([])) == {}
