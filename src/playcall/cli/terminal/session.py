"""One incident in a store of its own, with the engine at work in this process. Nobody is paged, and
nothing is silenced: there is no server, and whoever runs this is there already."""

import asyncio
import contextlib
import getpass
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from playcall.archive import Files
from playcall.clock import SystemClock
from playcall.core.alert import Alert
from playcall.core.effects import Moved, Refused
from playcall.core.events import Event, Opened
from playcall.core.judge import Sample
from playcall.core.offers import Printed
from playcall.core.placement import Placement
from playcall.core.plan import Plan, Play
from playcall.core.report import write_report
from playcall.engine.abandon import Abandoned, abandon
from playcall.engine.arrivals import Intake, opening
from playcall.engine.commit import Committer
from playcall.engine.directory import Directory
from playcall.engine.loop import Engine
from playcall.engine.monitoring import RangeVector, Vector
from playcall.engine.perform import Hands, Performer
from playcall.engine.ports import Dossier, StoredRun, Transaction, Unavailable
from playcall.engine.readings import Reader
from playcall.hands import build_hands, secrets_of
from playcall.prometheus import Prometheus
from playcall.runner.building import build_placement
from playcall.runner.local import Local
from playcall.runner.redaction import Redactor, is_secret_name
from playcall.settings import Settings
from playcall.storage import Database

LOOK = 0.05  # seconds between looks at the record
UNPAGED = timedelta(days=36500)
TIME_LIMIT = timedelta(minutes=5)  # of one command, without settings
READ_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is run, and with what."""

    plan: Plan
    play: Play
    settings: Settings | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    prometheus: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    files: Path | None = None
    keep: Path | None = None


class NoPrometheus:
    """`Metrics` where none is configured: nothing is known, and nothing is asked."""

    async def query(self, promql: str, at: datetime) -> Sequence[Vector]:
        raise Unavailable("no Prometheus is given; --prometheus URL names one", permanent=True)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Sequence[Sample]]:
        raise Unavailable("no Prometheus is given; --prometheus URL names one", permanent=True)

    async def query_series(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[RangeVector]:
        raise Unavailable("no Prometheus is given; --prometheus URL names one", permanent=True)


class NoSilencer:
    """`Silencer` that leaves Alertmanager alone, and says so."""

    async def silence(
        self, labels: Mapping[str, str], starts_at: datetime, ends_at: datetime, comment: str
    ) -> str:
        raise Unavailable("a run from a terminal silences nothing", permanent=True)

    async def prolong(self, silence: str, ends_at: datetime) -> str:
        raise Unavailable("a run from a terminal silences nothing", permanent=True)

    async def end(self, silence: str) -> None:
        raise Unavailable("a run from a terminal silences nothing", permanent=True)


@dataclass(slots=True, kw_only=True)
class Session:
    setting: Setting
    engine: Engine
    number: int = 0
    who: str = field(default_factory=getpass.getuser)
    _working: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return self.engine.performer.clock.now()

    async def open(self) -> None:
        """Open the incident; what runs by itself begins."""
        performer, intake = self.engine.performer, self.engine.intake

        def work(tx: Transaction) -> int:
            number = tx.next_incident()
            opened = opened_by_hand(self.setting, self.now(), number)
            quiet = f"run from a terminal by {self.who}"
            performer.committer.apply(
                tx,
                replace(
                    opened,
                    plan=intake.plan,
                    quiet_until=self.now() + UNPAGED,
                    quiet_reason=quiet,
                ),
            )
            return number

        self.number = await performer.store.write(work)
        self._working = asyncio.create_task(self.engine.run())

    async def submit(self, event: Event) -> Moved | Refused:
        return await self.engine.submit(self.number, event)

    async def dossier(self) -> Dossier:
        found = await self.engine.performer.store.read(lambda views: views.dossier(self.number))
        assert found is not None
        return found

    async def output(self, run: str) -> StoredRun | None:
        return await self.engine.performer.store.read(lambda views: views.run(run))

    async def printed(self) -> tuple[Printed, ...]:
        """What the commands of this incident printed so far."""
        runs = (await self.dossier()).incident.runs
        stored = [await self.output(run.id) for run in runs.values()]
        return tuple(
            Printed(
                command=one.execution.command,
                text=one.execution.text,
                output=one.output.decode("utf-8", "replace"),
            )
            for one in stored
            if one
        )

    async def until(self, met: Callable[[Dossier], bool], seconds: float = 1e9) -> Dossier:
        """The record as soon as it is so, or once the time is over."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            found = await self.dossier()
            if (task := asyncio.current_task()) and task.cancelling():
                raise asyncio.CancelledError  # something below met it with an answer and lost it
            if met(found) or asyncio.get_running_loop().time() > end:
                return found
            if self._working and self._working.done():
                self._working.result()
            await asyncio.sleep(LOOK)

    async def report(self) -> str:
        found = await self.dossier()
        events = [stored.event for stored in found.events]
        return write_report(events, found.plan, url=None).markdown

    async def stop(self) -> tuple[Abandoned, ...]:
        """End what runs, and put on record what that leaves."""
        if self._working is None:
            return ()
        self._working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._working
        self._working = None
        return await abandon(self.engine.performer)


@contextlib.asynccontextmanager
async def in_this_process(setting: Setting) -> AsyncIterator[Session]:
    """Raises AlreadyInUse, Unavailable."""
    with contextlib.ExitStack() as stack:
        directory = setting.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="playcall-run-"))
        )
        directory.mkdir(parents=True, exist_ok=True)
        store = Database(f"sqlite:///{directory / 'playcall.db'}")
        try:
            async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
                hands = _hands(setting, client, directory)
                session = Session(setting=setting, engine=await _engine(setting, store, hands))
                try:
                    yield session
                finally:
                    await session.stop()
        finally:
            await store.close()


def _hands(setting: Setting, client: httpx.AsyncClient, directory: Path) -> Hands:
    settings = setting.settings
    url = setting.prometheus or (settings.prometheus.url if settings else "")
    redactor = _redactor(setting)
    hands = build_hands(settings, client, redactor) if settings else None
    return Hands(
        channels={},
        runner=hands.runner
        if hands
        else Local(setting.env, redactor=redactor, files=setting.files),
        targets=hands.targets if hands else {},
        metrics=Prometheus(url, client) if url else NoPrometheus(),
        silencer=NoSilencer(),
        archive=Files(directory / "reports"),
        time_limit=settings.time_limit if settings else TIME_LIMIT,
    )


def _redactor(setting: Setting) -> Redactor:
    named = [value for name, value in setting.env.items() if value and is_secret_name(name)]
    return Redactor((*named, *(secrets_of(setting.settings) if setting.settings else ())))


async def _engine(setting: Setting, store: Database, hands: Hands) -> Engine:
    settings = setting.settings
    placement = build_placement(settings.runner, settings.targets) if settings else Placement()
    committer = Committer(
        directory=Directory(people={}, roles={}),
        url="",
        placement=placement,
        hide=_redactor(setting).hide,
    )
    clock = SystemClock()
    digest = await store.write(lambda tx: tx.keep_plan(setting.plan))
    reader = Reader(
        store=store,
        committer=committer,
        clock=clock,
        metrics=hands.metrics,
        every=settings.read_every if settings else READ_EVERY,
    )
    performer = Performer(
        store=store,
        committer=committer,
        clock=clock,
        hands=hands,
        owner=f"terminal-{os.getpid()}-{uuid.uuid4().hex[:8]}",
    )
    intake = Intake(plan=digest, group_by=(), severities={}, values={})
    return Engine(performer=performer, reader=reader, intake=intake)


def opened_by_hand(setting: Setting, at: datetime, number: int) -> Opened:
    """As an alert with these labels would open it."""
    values = setting.settings.placeholders if setting.settings else {}
    intake = Intake(plan=setting.plan.digest, group_by=(), severities={}, values=values)
    return opening(setting.plan, (_alert(setting, at),), intake, at, number)


def _alert(setting: Setting, at: datetime) -> Alert:
    severity = (setting.play.severity or "").lower()
    own = {"alertname": setting.play.alert, **({"severity": severity} if severity else {})}
    return Alert(
        fingerprint=f"terminal-{uuid.uuid4().hex[:12]}",
        labels={**own, **setting.labels, "alertname": setting.play.alert},
        annotations={"summary": "run from a terminal"},
        firing=True,
        starts_at=at,
        ends_at=None,
        generator_url="",
    )
