"""An engine with remembering hands, a clock that is set, and a store of its own on disk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from playcall.core.alert import Alert
from playcall.core.effects import Moved
from playcall.core.events import Event
from playcall.core.incident import Incident
from playcall.core.maintenance import Window
from playcall.core.placement import Placement
from playcall.core.plan import Plan
from playcall.core.readiness import find_gauge
from playcall.core.reconciliation import Patience
from playcall.core.rota import Schedule
from playcall.engine.arrivals import Intake
from playcall.engine.commit import Committer
from playcall.engine.delivering import Telling
from playcall.engine.directory import Directory
from playcall.engine.inbox import Doubts
from playcall.engine.loop import Engine
from playcall.engine.monitoring import Metrics, Silencer, Watcher
from playcall.engine.perform import Hands, Performer
from playcall.engine.ports import (
    Dossier,
    Method,
    Person,
    Publisher,
)
from playcall.engine.readiness import ReadinessWatch
from playcall.engine.readings import Reader
from playcall.engine.reconcile import Reconciler
from playcall.engine.running import Runner
from playcall.engine.subscription import Post
from playcall.engine.tickets import Tickets
from playcall.storage import Database
from playcall.testing import (
    MemoryArchive,
    RememberingChannel,
    RememberingSilencer,
    ScriptedRunner,
    SetClock,
    SetMetrics,
    a_plan,
)

ADA = Person(
    id="ada",
    name="Ada",
    methods=(
        Method(channel="mail", address="ada@example.org"),
        Method(channel="chat", address="ada-chat"),
    ),
)
BOB = Person(id="bob", name="Bob", methods=(Method(channel="mail", address="bob@example.org"),))
ROLES = {
    "on-call primary": ("ada",),
    "on-call secondary": ("bob",),
    "performance eng": ("ada",),
    "team lead": ("bob",),
    "engineering manager": ("bob",),
    "vp engineering": ("bob",),
    "cto": ("bob",),
}
EVERY = timedelta(seconds=0.2)
DEADLINE = 60  # seconds


@dataclass(kw_only=True)
class World:
    folder: Path
    plan: Plan = field(default_factory=a_plan)
    roles: Mapping[str, Sequence[str]] = field(default_factory=lambda: ROLES)
    people: Mapping[str, Person] = field(default_factory=lambda: {"ada": ADA, "bob": BOB})
    schedules: dict[str, Schedule] = field(default_factory=dict)
    clock: SetClock = field(default_factory=SetClock)
    mail: RememberingChannel = field(default_factory=RememberingChannel)
    chat: RememberingChannel = field(default_factory=RememberingChannel)
    telling: Telling = field(default_factory=Telling)
    runner: Runner = field(default_factory=ScriptedRunner)
    targets: Mapping[str, Runner] = field(default_factory=dict)
    placement: Placement = field(default_factory=Placement)
    metrics: Metrics = field(default_factory=SetMetrics)
    silencer: Silencer = field(default_factory=RememberingSilencer)
    archive: MemoryArchive = field(default_factory=MemoryArchive)
    publishers: Mapping[str, Publisher] = field(default_factory=dict)
    watcher: Watcher | None = None  # None: Alertmanager is not looked at
    post: Post | None = None  # to subscribers of the status page
    tickets: Tickets | None = None
    windows: tuple[Window, ...] = ()
    group_by: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)
    look_every: timedelta = timedelta(minutes=1)
    doubts: Doubts = field(default_factory=Doubts)
    url: str = ""  # of the database; empty: a SQLite file of its own
    owner: str = "me"
    store: Database = field(init=False)
    engine: Engine = field(init=False)

    @contextlib.asynccontextmanager
    async def stopped(self) -> AsyncIterator["World"]:
        """With its store open, and nobody working."""
        self.store = Database(self.url or f"sqlite:///{self.folder / 'playcall.db'}")
        self.engine = await self._build()
        try:
            yield self
        finally:
            await self.store.close()

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator["World"]:
        """The engine at work; a bug that ends it fails the test."""
        async with self.stopped():
            task = asyncio.create_task(self.engine.run())
            try:
                yield self
                assert not task.done(), "the engine ended"
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _build(self) -> Engine:
        committer = Committer(
            directory=Directory(people=self.people, roles=self.roles, schedules=self.schedules),
            url="http://playcall.example",
            placement=self.placement,
            publishers=tuple(self.publishers),
        )
        digest = await self.store.write(lambda tx: tx.keep_plan(self.plan))
        hands = Hands(
            channels={"mail": self.mail, "chat": self.chat},
            runner=self.runner,
            metrics=self.metrics,
            silencer=self.silencer,
            archive=self.archive,
            time_limit=timedelta(seconds=5),
            targets=self.targets,
            publishers=self.publishers,
            post=self.post,
            tickets=self.tickets,
        )
        intake = Intake(
            plan=digest, group_by=self.group_by, severities={}, values={}, windows=self.windows
        )
        return Engine(
            watches=self._watches(committer, intake),
            performer=Performer(
                store=self.store,
                committer=committer,
                clock=self.clock,
                hands=hands,
                owner=self.owner,
                telling=self.telling,
            ),
            reader=Reader(
                store=self.store,
                committer=committer,
                clock=self.clock,
                metrics=self.metrics,
                every=EVERY,
            ),
            intake=intake,
            doubts=self.doubts if self.watcher else None,
        )

    def _watches(
        self, committer: Committer, intake: Intake
    ) -> tuple[Callable[[], Awaitable[int]], ...]:
        readiness = ReadinessWatch(
            store=self.store,
            clock=self.clock,
            metrics=self.metrics,
            gauge=find_gauge(self.plan),
            every=EVERY,
        )
        if self.watcher is None:
            return (readiness.read_due,)
        reconciler = Reconciler(
            store=self.store,
            committer=committer,
            clock=self.clock,
            watcher=self.watcher,
            intake=intake,
            created_by="playcall",
            every=self.look_every,
            patience=self.patience,
            doubts=self.doubts,
        )
        return readiness.read_due, reconciler.look_due

    async def receive(self, *alerts: Alert) -> None:
        await self.engine.receive(alerts)

    async def submit(self, event: Event, incident: int = 1) -> None:
        outcome = await self.engine.submit(incident, event)
        assert isinstance(outcome, Moved), outcome

    async def dossier(self, incident: int = 1) -> Dossier | None:
        return await self.store.read(lambda views: views.dossier(incident))

    async def state(self, incident: int = 1) -> Incident:
        found = await self.dossier(incident)
        assert found is not None
        return found.incident

    async def until(self, met: Callable[[Dossier], bool], what: str, incident: int = 1) -> Dossier:
        """The dossier as soon as it is as wished."""
        found: Dossier | None = None
        try:
            async with asyncio.timeout(DEADLINE):
                while found is None or not met(found):
                    await asyncio.sleep(0.01)
                    found = await self.dossier(incident)
        except TimeoutError:
            kinds = [type(stored.event).__name__ for stored in found.events] if found else None
            raise AssertionError(f"never {what}; events: {kinds}") from None
        return found

    async def until_event(
        self, kind: type[Event], incident: int = 1, count: int = 1
    ) -> Sequence[Event]:
        """The events of a kind, as soon as there are `count`."""
        what = f"{count} {kind.__name__}"
        found = await self.until(lambda one: len(of(one, kind)) >= count, what, incident)
        return of(found, kind)


def of(found: Dossier, kind: type[Event]) -> list[Event]:
    return [stored.event for stored in found.events if isinstance(stored.event, kind)]
