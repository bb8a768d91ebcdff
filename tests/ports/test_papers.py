"""Both databases: post-mortems are kept version by version; overdue duties are found."""

from dataclasses import replace

import pytest

from playcall.core.owed import Owed
from playcall.core.post_mortem import PostMortem
from playcall.engine.ports import Unavailable
from playcall.storage import Database
from playcall.testing import NOON
from tests.ports.stored import NUL, opened

PAPER = PostMortem(version=1, text="# a\n", base="# b\n", of=3, by="ada", at=NOON)


async def keep(store: Database, paper: PostMortem, incident: int = 1) -> None:
    await store.write(lambda tx: tx.keep_post_mortem(incident, paper))


async def test_the_latest_version_is_read_and_none_is_replaced(store: Database) -> None:
    assert await store.read(lambda views: views.post_mortem(1)) is None
    await keep(store, PAPER)
    second = replace(PAPER, version=2, text=f"# {NUL} 'quoted' \u2028\n")
    await keep(store, second)
    assert await store.read(lambda views: views.post_mortem(1)) == second
    assert await store.write(lambda tx: tx.post_mortem(1)) == second
    assert await store.read(lambda views: views.post_mortem(2)) is None
    with pytest.raises(Unavailable):
        await keep(store, replace(PAPER, text="another"))
    assert await store.read(lambda views: views.post_mortem(1)) == second


async def test_incidents_with_something_overdue_are_found(store: Database) -> None:
    await opened(store)
    owing = await opened(store, number=2, owed=Owed(overdue=("1", "2")))
    assert await store.read(lambda views: views.owing(10)) == [owing]
