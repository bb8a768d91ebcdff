"""The store: one writer that commits the work of many callers together, and readers beside it.

A synced commit costs the same for one unit of work as for two hundred, so whatever waits is
committed as one; each unit has its own savepoint, so that one failure undoes only itself. Work
may be begun more than once, when servers that share a database get in each other's way.
"""

import asyncio
import fcntl
import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from playcall.core.audit import Act
from playcall.core.plan import Plan
from playcall.engine.audit import acting_from
from playcall.engine.ports import Transaction, Unavailable, Views
from playcall.storage import audit, full_text, listing, tables
from playcall.storage.queries import SqlViews
from playcall.storage.transaction import SqlTransaction

T = TypeVar("T")
BATCH = 200  # units of work in one commit
READERS = 4
PREPARING = 0x706C6179  # names the lock under which the tables are made
DEADLOCK = "40P01"  # PostgreSQL's code
DEADLOCKS = 5  # in a row, of one unit of work alone


class AlreadyInUse(Exception):
    """Another process has this database. The message names it."""


@dataclass(frozen=True, slots=True)
class _Unit:
    work: Callable[[Transaction], Any]
    done: "Future[Any]"
    source: str  # where it comes from


_Answer = tuple[Any, BaseException | None]  # what the work returned, or why it did not


@dataclass(slots=True)
class _Deadlocked(Exception):
    """Two servers waited for each other, and this one had to give way."""

    cause: DBAPIError


class Database:
    """`ports.Store` on a SQLAlchemy URL: `sqlite:///file` or `postgresql+psycopg://...`.

    Raises AlreadyInUse for a SQLite file that another Playcall has open, Unavailable when the
    database cannot be reached or was written by a newer Playcall.
    """

    def __init__(self, url: str) -> None:
        self._plans: dict[str, Plan] = {}
        self._closed = False
        with ExitStack() as undo:
            try:
                self._lock = _lock(url)
                if self._lock:
                    undo.enter_context(self._lock)
                self._engine = _engine(url)
                undo.callback(self._engine.dispose)
                self._prepare()
            except (SQLAlchemyError, ImportError, OSError) as error:
                raise Unavailable(f"Cannot open the database: {_say(error)}") from error
            undo.pop_all()
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="playcall-read")
        self._writer = threading.Thread(target=self._write_all, name="playcall-write", daemon=True)
        self._writer.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        self._refuse_if_closed()
        done: Future[T] = Future()
        self._units.put(_Unit(work, done, acting_from.get()))
        return await asyncio.wrap_future(done)

    async def read(self, look: Callable[[Views], T]) -> T:
        self._refuse_if_closed()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, look)

    async def close(self) -> None:
        self._closed = True
        self._units.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._engine.dispose()
        if self._lock:
            self._lock.close()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("the database is closed")

    def _prepare(self) -> None:
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # several may begin at the same moment
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PREPARING)))
            tables.metadata.create_all(connection)
            tables.upgrade(connection)
            listing.fill(connection)
            full_text.prepare(connection)
            audit.prepare(connection)
            version = connection.scalar(sa.select(sa.func.max(tables.schema.c.version)))
            if version is None:
                connection.execute(sa.insert(tables.schema).values(version=tables.SCHEMA_VERSION))
                connection.execute(sa.insert(tables.counters).values(name="incident", n=0))
            elif version > tables.SCHEMA_VERSION:
                raise Unavailable(
                    f"The database has schema {version}, this Playcall knows "
                    f"{tables.SCHEMA_VERSION}. Run the newer version that wrote it.",
                    permanent=True,
                )
            if self._lock:  # the only owner: whoever held a lease before is dead
                SqlTransaction(connection, self._plans).release_all()

    def _read(self, look: Callable[[Views], T]) -> T:
        with _spoken(), self._engine.connect() as connection:
            return look(SqlViews(connection, self._plans))

    # --- the writer's thread

    def _write_all(self) -> None:
        while (unit := self._units.get()) is not None:
            batch = [unit]
            stop = False
            while len(batch) < BATCH and not self._units.empty():
                following = self._units.get()
                if following is None:
                    stop = True
                    break
                batch.append(following)
            self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[_Unit]) -> None:
        # Whoever asked and left is left out; from here on nobody can leave.
        batch = [unit for unit in batch if unit.done.set_running_or_notify_cancel()]
        try:
            answers = self._together(batch)
        except _Deadlocked:
            answers = [self._alone(unit) for unit in batch]
        for unit, (result, failure) in zip(batch, answers, strict=True):
            if failure is None:
                unit.done.set_result(result)
            else:
                unit.done.set_exception(failure)

    def _together(self, batch: list[_Unit]) -> list[_Answer]:
        """In one transaction. Raises _Deadlocked, and then nothing of it was done."""
        acts: list[Act] = []
        try:
            with _spoken(), self._engine.connect() as connection:
                connection = connection.execution_options(playcall_writes=True)
                with connection.begin():
                    answers = [self._perform(connection, unit, acts) for unit in batch]
                    audit.seal(connection, acts)
                    return answers
        except Unavailable as error:
            return [(None, error)] * len(batch)

    def _alone(self, unit: _Unit, left: int = DEADLOCKS) -> _Answer:
        """After a deadlock with another server, which is over as soon as one side gave way."""
        try:
            return self._together([unit])[0]
        except _Deadlocked as error:
            if left:
                return self._alone(unit, left - 1)
            return None, Unavailable(f"The database refused: {_say(error.cause)}")

    def _perform(self, connection: sa.Connection, unit: _Unit, acts: list[Act]) -> _Answer:
        tx = SqlTransaction(connection, self._plans, unit.source)
        try:
            with connection.begin_nested():
                result = unit.work(tx)
            acts += tx.acts
            return result, None
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            if getattr(error.orig, "sqlstate", "") == DEADLOCK:
                raise _Deadlocked(error) from error
            return None, Unavailable(f"The database refused: {_say(error)}")
        except Exception as error:  # noqa: BLE001  handed to whoever asked for the work
            return None, error


@contextmanager
def _spoken() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"The database is not available: {_say(error)}") from error


def _say(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return " ".join(str(cause).split())[:300]


def _lock(url: str) -> IO[str] | None:
    """Hold a SQLite file for this process alone."""
    parsed = sa.make_url(url)
    if not parsed.drivername.startswith("sqlite") or not parsed.database:
        return None
    path = Path(f"{parsed.database}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise AlreadyInUse(
            f"{parsed.database} is in use by another Playcall (process {owner}). "
            "Stop it, or give this one its own database."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _engine(url: str) -> sa.Engine:
    if not sa.make_url(url).drivername.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, pool_size=READERS + 1)
    engine = sa.create_engine(url, pool_size=READERS + 1)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("playcall_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
