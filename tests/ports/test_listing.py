"""Both databases: incidents are found by what they are and by words, whatever was typed."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from playcall.core.alert import Alert
from playcall.core.incident import Member, Status
from playcall.core.search import words
from playcall.engine.listing import Sought
from playcall.engine.ports import Transaction
from playcall.storage import Database
from playcall.testing import NOON, an_alert, an_opening
from tests.ports.stored import PLAN, an_incident


async def put(
    store: Database,
    number: int,
    title: str,
    status: Status = Status.OPEN,
    severity: str = "HIGH",
    text: str = "",
    alert: Alert | None = None,
) -> None:
    member = Member(alert=alert or an_alert(), firing=True, changed_at=NOON)

    def work(tx: Transaction) -> None:
        known = replace(
            an_incident(number),
            title=title,
            status=status,
            severity=severity,
            plan=tx.keep_plan(PLAN),
            group=str(number),
            play="Full" if number == 1 else None,
            alerts={"f": member},
        )
        tx.record(known, an_opening(incident=number), ())
        if text:
            tx.keep_words(number, text)

    await store.write(work)


async def listed(store: Database, sought: Sought, limit: int = 10, skip: int = 0) -> list[int]:
    return [one.id for one in await store.read(lambda views: views.listed(sought, limit, skip))]


async def found(store: Database, text: str) -> list[int]:
    return [one.id for one in await store.read(lambda views: views.found(words(text), 10))]


async def three(store: Database) -> None:
    await put(store, 1, "Full: disk 90% of a_b", Status.CLOSED, text="the naive queue grew")
    await put(store, 2, "Slow: requests", severity="LOW", alert=an_alert(region="berlin"))
    await put(store, 3, "Full again", Status.ACKNOWLEDGED)


async def test_the_list_is_sifted_and_paged(store: Database) -> None:
    await three(store)
    assert await listed(store, Sought()) == [3, 2, 1]
    assert await listed(store, Sought(), limit=1, skip=1) == [2]
    assert await listed(store, Sought(life="open")) == [3, 2]
    assert await listed(store, Sought(life="over")) == [1]
    assert await listed(store, Sought(status="acknowledged")) == [3]
    assert await listed(store, Sought(severity="LOW")) == [2]
    assert await listed(store, Sought(play="Full")) == [1]
    assert await listed(store, Sought(words=("full",), life="open")) == [3]
    choices = await store.read(lambda views: views.choices())
    assert (choices.severities, choices.plays) == (("HIGH", "LOW"), ("Full",))


async def test_words_find_titles_labels_texts_and_numbers_open_ones_first(store: Database) -> None:
    await three(store)
    assert await found(store, "full") == [3, 1]
    assert await found(store, "DISK full") == [1]
    assert await found(store, "berlin") == [2]
    assert await found(store, "queue nai") == [1], "the last word may be cut short"
    assert await found(store, "que naive") == [], "another may not"
    assert await found(store, "#2") == [2]
    assert await found(store, "%") == await found(store, "") == []
    assert await found(store, "9" * 30) == []


@pytest.mark.parametrize(
    "text",
    [
        '"',
        'a" OR "b',
        "NEAR(",
        "zq*qz:zz^qq",
        "'; --",
        "x" * 10_000,
        "\0",
        "🙂 ا ٣ 中",
        "zq & | ! <-> qz",
    ],
)
async def test_whatever_was_typed_is_no_query_language(store: Database, text: str) -> None:
    await three(store)
    assert await found(store, text) == []


async def test_what_an_earlier_version_wrote_is_found_too(
    store: Database, database_url: str
) -> None:
    await three(store)
    await store.close()
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE incidents SET title = NULL, severity = NULL"))
    engine.dispose()
    newer = Database(database_url)
    try:
        assert await listed(newer, Sought(severity="LOW", words=("slow",))) == [2]
    finally:
        await newer.close()


async def test_the_boards_stamp_changes_when_the_board_does(store: Database) -> None:
    seen = [await store.read(lambda views: views.board_stamp())]
    await put(store, 1, "Full")
    seen.append(await store.read(lambda views: views.board_stamp()))
    await put(store, 2, "Full", Status.CLOSED)
    seen.append(await store.read(lambda views: views.board_stamp()))
    assert len(set(seen)) == 3
