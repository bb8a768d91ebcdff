"""The audit log in both databases: what is on it, and that nobody alters it unseen."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from playcall.cli import main
from playcall.core.audit import Head, Verdict
from playcall.core.events import NoteAdded
from playcall.core.rota import Override
from playcall.engine.audit import Asked, acting_from
from playcall.engine.ports import Transaction, Unavailable
from playcall.storage import Database, audit
from playcall.testing import NOON, an_opening
from tests.ports.stored import an_incident

EVERYTHING = Asked()


@contextlib.contextmanager
def coming_from(source: str) -> Iterator[None]:
    token = acting_from.set(source)
    try:
        yield
    finally:
        acting_from.reset(token)


def opening(number: int) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        tx.record(an_incident(number), an_opening(incident=number), ())

    return work


def noting(number: int, version: int, text: str = "a\0b") -> Callable[[Transaction], None]:
    event = NoteAdded(at=NOON + timedelta(minutes=version), by="ada", text=text)

    def work(tx: Transaction) -> None:
        tx.record(an_incident(number, version=version), event, ())

    return work


async def filled(store: Database) -> None:
    """Six entries."""
    await store.write(opening(1))
    await store.write(opening(2))
    with coming_from("page 10.0.0.9"):
        await store.write(noting(1, 2))
    await store.write(noting(2, 2))
    end = NOON + timedelta(hours=1)
    override = Override(schedule="first", person="bob", starts_at=NOON, ends_at=end)
    await store.write(lambda tx: tx.add_override(override, "cleo", NOON))
    await store.write(noting(1, 3))


async def verdict(store: Database, noted: Head | None = None) -> Verdict:
    return await store.read(lambda views: views.audit_verdict(noted))


def alter(store: Database, *statements: str) -> None:
    with store._engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


async def test_whatever_is_committed_is_on_it_with_who_did_it_and_from_where(
    store: Database,
) -> None:
    await filled(store)
    found = await store.read(lambda views: views.audit(EVERYTHING, None, 10))
    assert [entry.n for entry in found] == [6, 5, 4, 3, 2, 1]
    note, override = found[3].act, found[1].act
    assert (note.kind, note.actor, note.source) == ("NoteAdded", "ada", "page 10.0.0.9")
    assert (note.incident, note.event) == (1, 2)
    assert '"text":"a\\u0000b"' in note.body
    assert (override.kind, override.actor, override.incident) == ("OverrideMade", "cleo", None)
    assert '"bob"' in override.body
    assert (await verdict(store)).whole


async def test_what_was_undone_is_not_on_it(store: Database) -> None:
    def failing(tx: Transaction) -> None:
        tx.record(an_incident(1), an_opening(incident=1), ())
        raise Unavailable("no")

    with pytest.raises(Unavailable):
        await store.write(failing)
    await store.write(opening(2))
    found = await store.read(lambda views: views.audit(EVERYTHING, None, 10))
    assert [(entry.n, entry.act.incident) for entry in found] == [(1, 2)]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        (Asked(actor="ada"), [6, 4, 3]),
        (Asked(actor=""), [2, 1]),
        (Asked(incident=2), [4, 2]),
        (Asked(kind="OverrideMade"), [5]),
        (Asked(since=NOON + timedelta(minutes=2)), [6, 4, 3]),
        (Asked(until=NOON + timedelta(minutes=2), actor="cleo"), [5]),
    ],
)
async def test_it_is_asked_by_person_incident_kind_and_time(
    store: Database, asked: Asked, numbers: list[int]
) -> None:
    await filled(store)
    found = await store.read(lambda views: views.audit(asked, None, 10))
    assert [entry.n for entry in found] == numbers
    later = await store.read(lambda views: views.audit(asked, numbers[0], 1))
    assert [entry.n for entry in later] == numbers[1:2]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE events SET body = replace(body, 'ada', 'bob') WHERE incident = 1 AND n = 2",
            "entry 3 (NoteAdded, incident 1, event 2) was changed, or the digest before it",
        ),
        (
            "UPDATE events SET at = at - 1 WHERE incident = 1 AND n = 2",
            "entry 3 (NoteAdded, incident 1, event 2): the time or the kind of its event was "
            "changed",
        ),
        (
            "UPDATE audit SET actor = 'bob' WHERE n = 5",
            "entry 5 (OverrideMade) was changed, or the digest before it",
        ),
        (
            "DELETE FROM events WHERE incident = 1 AND n = 2",
            "entry 3 (NoteAdded, incident 1, event 2): its event was removed",
        ),
        ("DELETE FROM audit WHERE n = 5", "entry 5 was removed"),
        ("DELETE FROM audit WHERE n > 4", "entries 5 to 6 were removed"),
        (
            "INSERT INTO events (incident, n, at, kind, body) "
            "SELECT incident, 9, at, kind, body FROM events WHERE incident = 1 AND n = 2",
            "event 9 of incident 1 was inserted: no entry is about it",
        ),
        (
            "INSERT INTO audit (n, at, kind, actor, source, body, digest) "
            "SELECT 7, at, kind, actor, source, body, digest FROM audit WHERE n = 5",
            "entries 7 to 7 were inserted behind the end",
        ),
    ],
)
async def test_what_was_altered_behind_its_back_shows_and_where(
    store: Database, statement: str, said: str
) -> None:
    await filled(store)
    alter(store, statement)
    assert said in [fault.said for fault in (await verdict(store)).faults]


async def test_a_log_made_anew_shows_only_against_an_end_noted_elsewhere(
    store: Database,
) -> None:
    await filled(store)
    noted = (await verdict(store)).head
    assert (await verdict(store, noted)).whole
    await store.write(noting(1, 4))
    assert (await verdict(store, noted)).whole
    alter(
        store,
        "UPDATE events SET body = replace(body, 'ada', 'bob') WHERE incident = 1 AND n = 2",
        "DELETE FROM audit",
        "DELETE FROM audit_head",
    )
    with store._engine.begin() as connection:
        audit.prepare(connection)
    assert (await verdict(store)).whole
    [fault] = (await verdict(store, noted)).faults
    assert fault.n == 6


async def test_the_events_of_an_older_database_become_its_beginning(store: Database) -> None:
    await filled(store)
    alter(store, "DELETE FROM audit", "DELETE FROM audit_head")
    with store._engine.begin() as connection:
        audit.prepare(connection)
    found = await store.read(lambda views: views.audit(EVERYTHING, None, 10))
    assert [(entry.n, entry.act.incident, entry.act.event) for entry in reversed(found)] == [
        (1, 1, 1),
        (2, 2, 1),
        (3, 1, 2),
        (4, 2, 2),
        (5, 1, 3),
    ]
    assert found[0].act.actor == "ada"
    await store.write(noting(1, 4))
    assert (await verdict(store)).whole


async def test_a_database_is_verified_beside_its_server_and_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "playcall.db"
    store = Database(f"sqlite:///{file}")
    await filled(store)
    verify = ["audit", "verify", "--database", str(file)]
    assert main(verify) == 0
    head = capsys.readouterr().out.split()[-1]
    assert head.startswith("6:")
    await store.close()
    assert main([*verify, "--head", head]) == 0
    assert main([*verify, "--head", f"5:{head[2:]}"]) == 1
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE events SET body = replace(body, 'ada', 'bob') WHERE n = 3")
    assert main(verify) == 1
    assert "entry 6 (NoteAdded, incident 1, event 3) was changed" in capsys.readouterr().out
    assert main(["audit", "verify", "--database", str(tmp_path / "none.db")]) == 2
    assert main([*verify, "--head", "6"]) == 2
