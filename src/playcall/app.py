"""The only place that constructs, with `hands`: settings in, the server run and stopped."""

import asyncio
import contextlib
import logging
import signal
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import uvicorn
from fastapi import FastAPI

from playcall.alertmanager import Alertmanager
from playcall.beside import with_files
from playcall.calendars import Calendars, names_of
from playcall.chat import build_door, build_mirror, listening
from playcall.clock import SystemClock
from playcall.core import rota
from playcall.core.access import Access
from playcall.core.approvals import unknown_marks
from playcall.core.compiler import compile_document
from playcall.core.pace import quicken
from playcall.core.people import first_roles, roles
from playcall.core.plan import Plan
from playcall.core.policy import apply_policy
from playcall.core.readiness import find_gauge
from playcall.core.reconciliation import Patience
from playcall.core.rollback import with_measures
from playcall.core.storm import Rate
from playcall.engine.arrivals import Intake
from playcall.engine.commit import Committer
from playcall.engine.delivering import Telling
from playcall.engine.directory import Directory, bindable
from playcall.engine.inbox import Doubts
from playcall.engine.loop import Engine
from playcall.engine.older_plans import unbound_warnings
from playcall.engine.perform import Hands, Performer
from playcall.engine.ports import Method, Person, Rule, Unavailable
from playcall.engine.readiness import ReadinessWatch
from playcall.engine.readings import Reader
from playcall.engine.reconcile import Reconciler
from playcall.guards import build_watches
from playcall.hands import CREATED_BY, build_hands, secrets_of
from playcall.library import Playbook, serve_library
from playcall.policyfile import BadPolicy, read_policy
from playcall.public import build_routes, with_public
from playcall.rotafile import build_schedule, build_steps
from playcall.rulefile import BadRuleFile, read_rules
from playcall.runner.building import build_limits, build_placement
from playcall.runner.redaction import Redactor
from playcall.settings import BadSettings, Settings
from playcall.settingsview import show_settings
from playcall.sourcefile import SourceFile
from playcall.standby import QuietServer, open_database
from playcall.storage import Database
from playcall.tellingfile import unknown_names
from playcall.ticketing import ticket_watches, with_tickets
from playcall.web.acknowledge_links import link_maker
from playcall.web.auth import FIRST_PERSON, Doorkeeper, Identity, Links, secret_key
from playcall.web.desk import Desk
from playcall.web.server import build_web

log = logging.getLogger(__name__)

DRAIN = timedelta(seconds=10)
REFRESH = timedelta(minutes=5)  # of calendars
LOOK_SECONDS = 60  # at what is held for maintenance, where Alertmanager is not asked
GAPS_AHEAD = timedelta(days=30)


class PortInUse(Exception):
    """The server cannot listen where it was told to."""


def load_playbook(settings: Settings) -> Playbook:
    """Compile the document, and check that its roles are bound. Raises BadSettings."""
    try:
        data = settings.playbook.read_bytes()
    except OSError as error:
        raise BadSettings(f"documents.playbook: {settings.playbook}: {error.strerror}") from None
    try:
        rules = read_rules(settings.rules) if settings.rules else ()
        rulings = read_policy(settings.policy) if settings.policy else ()
    except (BadRuleFile, BadPolicy) as error:
        raise BadSettings(f"documents: {error}") from None
    compiled = compile_document(data, settings.playbook.name, rules)
    compiled = with_files(compiled, settings.playbook)
    if compiled.plan is None:
        raise BadSettings("\n".join(str(problem) for problem in compiled.problems))
    unbound = directory(settings).unbound(roles(compiled.plan))
    if unbound:
        names = ", ".join(f'"{role}"' for role in unbound)
        raise BadSettings(
            f"{settings.playbook.name} pages {names}, and nobody is bound to it. "
            f"Add a line for each to [on_call]."
        )
    for name in sorted(settings.may_be_on_call()):
        if not settings.methods(name):
            raise BadSettings(f"people.{name}: is on call and cannot be reached. Add mail.")
    unknown = [n for n in settings.response.resolves_itself if compiled.plan.play(n) is None]
    if unknown:
        raise BadSettings(
            f"response.resolves_itself: {settings.playbook.name} has no play for "
            f"{', '.join(unknown)}."
        )
    plan, stale = apply_policy(compiled.plan, rulings, str(settings.policy or ""))
    try:
        plan = with_measures(plan, settings.checklist)
    except ValueError as error:
        raise BadSettings(f"checklist: {error} of {settings.playbook.name}.") from None
    plan = replace(plan, response=settings.response)
    if unknown_told := list(unknown_names(plan)):
        raise BadSettings("\n".join(unknown_told))
    if marks := unknown_marks(plan):
        raise BadSettings(f"approvals: {settings.playbook.name} has no {', no '.join(marks)}.")
    return Playbook(
        data=data,
        rules=tuple(rules),
        plan=quicken(plan, settings.pace),
        problems=(*compiled.problems, *stale),
        warnings=_binding_warnings(settings, plan),
    )


def _binding_warnings(settings: Settings, plan: Plan) -> tuple[str, ...]:
    """Roles that a person may ask for by hand and would reach nobody; bindings of no role."""
    named = (*bindable(plan), *roles(plan))
    known = {role.strip().lower() for role in named}
    unbound = directory(settings).unbound(bindable(plan))
    needless = [role for role in settings.on_call if role.strip().lower() not in known]
    warnings = []
    if unbound:
        names = ", ".join(f'"{role}"' for role in unbound)
        warnings.append(f"Nobody is bound to {names}: whoever asks for them reaches nobody.")
    if needless:
        names = ", ".join(f'"{role}"' for role in needless)
        warnings.append(f"on_call binds {names}, which {settings.playbook.name} does not name.")
    return tuple(warnings)


def directory(settings: Settings) -> Directory:
    return Directory(
        people={name: _person(name, settings) for name in settings.people},
        roles={role.strip().lower(): bound for role, bound in settings.on_call.items()},
        written={role.strip().lower(): role.strip() for role in settings.on_call},
        schedules={name: build_schedule(name, table) for name, table in settings.schedules.items()},
        fallbacks={name: table.fallback for name, table in settings.schedules.items()},
    )


def _person(name: str, settings: Settings) -> Person:
    table = settings.people[name]
    addresses = dict(settings.methods(name))
    return Person(
        id=name,
        name=table.name,
        methods=tuple(Method(channel=c, address=a) for c, a in settings.methods(name)),
        rules=tuple(
            Rule(
                after=step.after / settings.pace,
                methods=tuple(Method(channel=c, address=addresses[c]) for c in step.methods),
                hours=step.hours,
            )
            for step in build_steps(table.rules)
        ),
        zone=table.zone or "UTC",
    )


async def serve(settings: Settings, playbook: Playbook) -> None:
    """Run until SIGTERM or SIGINT. Raises PortInUse, AlreadyInUse, Unavailable."""
    listener = _listen(settings)
    store = await open_database(settings, listener)
    if store is None:
        return
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            doorkeeper = _doorkeeper(settings)
            telling = Telling(
                rate=Rate().quickened(settings.pace),
                acknowledging=link_maker(doorkeeper.key, settings.url),
            )
            engine = await _build_engine(settings, playbook, store, client, telling)
            desk = Desk(
                engine=engine,
                store=store,
                clock=engine.performer.clock,
                status_page=settings.status_page.path if settings.status_page.serve else "",
                sources=SourceFile(playbook=settings.playbook, rules=settings.rules),
                library=serve_library(settings, playbook),
                settings=show_settings(settings, playbook.problems, playbook.warnings),
            )
            public = build_routes(settings, store, engine.performer.hands.post)
            door = build_door(settings)
            web = build_web(desk, doorkeeper, door, public)
            server = _Server(_uvicorn_config(web), desk.stopping)
            calendars = _calendars(settings, engine, client)
            await calendars.recall()
            await _warn_of_older_plans(engine)
            watching = asyncio.create_task(watch_schedules(settings, engine, calendars))
            try:
                async with listening(door, web):
                    await _run(server, engine, listener)
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching
    finally:
        await store.close()
        listener.close()


async def _warn_of_older_plans(engine: Engine) -> None:
    """Where today's document is warned of, too: at the start."""
    known = engine.performer.committer.directory
    for warning in await engine.performer.store.read(lambda views: unbound_warnings(views, known)):
        print(warning, flush=True)


def _calendars(settings: Settings, engine: Engine, client: httpx.AsyncClient) -> Calendars:
    known = engine.performer.committer.directory
    return Calendars(
        feeds=settings.feeds,
        people=names_of(known),
        directory=known,
        client=client,
        copies=settings.data / "calendars",
        clock=engine.performer.clock,
    )


async def watch_schedules(settings: Settings, engine: Engine, calendars: Calendars) -> None:
    """Read calendars anew again and again, and once a day warn of what is to come."""
    warn_at = engine.performer.clock.now()
    while True:
        await calendars.refresh()
        now = engine.performer.clock.now()
        if now >= warn_at:
            with contextlib.suppress(Unavailable):  # said by whoever else asks the database
                for warning in await gap_warnings(settings, engine, now):
                    log.warning("%s", warning)
                warn_at = now + timedelta(days=1)
        await asyncio.sleep(REFRESH.total_seconds())


async def gap_warnings(settings: Settings, engine: Engine, now: datetime) -> list[str]:
    """One line for each schedule that a role needs and that has a gap soon."""
    end = now + GAPS_AHEAD
    stored = await engine.performer.store.read(lambda views: views.overrides(now, end))
    known = engine.performer.committer.directory
    needed = {name for bound in settings.on_call.values() for name in bound}
    warnings = []
    for name, schedule in known.schedules.items():
        gaps = rota.gaps(schedule, now, end, rota.in_force(stored))
        if gaps and name in needed and not schedule.part_time:
            first = gaps[0].starts_at.astimezone(schedule.zone)
            stands_in = ", ".join(known.fallbacks.get(name, ())) or "nobody stands in"
            warnings.append(
                f"schedule {name}: nobody is on call from {first:%Y-%m-%d %H:%M}, the first of "
                f"{len(gaps)} gaps within {GAPS_AHEAD.days} days; fallback: {stands_in}. "
                "`playcall oncall --gaps` lists them."
            )
    return warnings


async def _run(server: "_Server", engine: Engine, listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    working = asyncio.create_task(engine.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.wait({working, serving}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    await serving
    await engine.drain(DRAIN)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _build_engine(
    settings: Settings,
    playbook: Playbook,
    store: Database,
    client: httpx.AsyncClient,
    telling: Telling,
) -> Engine:
    clock, owner = SystemClock(), f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    redactor, people = Redactor(secrets_of(settings)), directory(settings)
    committer = Committer(
        directory=people,
        url=settings.url,
        last_resort=first_roles(playbook.plan),
        placement=build_placement(settings.runner, settings.targets),
        hide=redactor.hide,
        publishers=settings.status_page.publishers,
    )
    hands = _hands(settings, client, redactor, store)
    performer = Performer(
        store=store,
        committer=committer,
        clock=clock,
        hands=hands,
        owner=owner,
        access={name: one.access for name, one in identities(settings).items()},
        telling=telling,
    )
    every = settings.read_every / settings.pace
    reader = Reader(
        store=store, committer=committer, clock=clock, metrics=hands.metrics, every=every
    )
    digest = await store.write(
        lambda tx: tx.keep_document(playbook.data, playbook.plan, clock.now())
    )
    intake = intake_of(settings, digest)
    doubts = Doubts()
    plan, owner = playbook.plan, performer.owner
    watches = list(_watches(settings, plan, reader, intake, client, doubts))
    watches += build_watches(settings, plan, committer.directory, store, clock, client, owner)
    if mirror := build_mirror(settings, plan, store, committer, clock, owner):
        watches.append(mirror.look_due)
    watches += ticket_watches(performer)
    return Engine(
        performer=performer,
        reader=reader,
        intake=intake,
        watches=watches,
        doubts=doubts if settings.alertmanager.reconcile_every else None,
        limits=build_limits(settings.runner),
    )


def _hands(
    settings: Settings, client: httpx.AsyncClient, redactor: Redactor, store: Database
) -> Hands:
    hands = build_hands(settings, client, redactor, store, key=lambda: secret_key(settings.data)[0])
    return with_tickets(with_public(hands, settings, client), settings, client)


def intake_of(settings: Settings, plan: str) -> Intake:
    """How alerts are taken in, with incidents that open with the plan of that digest."""
    return Intake(
        plan=plan,
        group_by=settings.intake.group_by,
        severities=settings.intake.severities,
        values=settings.placeholders,
        severity_labels=settings.intake.severity_labels,
        windows=settings.maintenance,
    )


def _watches(
    settings: Settings,
    plan: Plan,
    reader: Reader,
    intake: Intake,
    client: httpx.AsyncClient,
    doubts: Doubts,
) -> tuple[Callable[[], Awaitable[int]], ...]:
    """What is looked at all the time, whether or not an incident is open."""
    table = settings.alertmanager
    reconciler = Reconciler(
        store=reader.store,
        committer=reader.committer,
        clock=reader.clock,
        watcher=Alertmanager(table.url, client, CREATED_BY) if table.reconcile_every else None,
        intake=intake,
        created_by=CREATED_BY,
        every=timedelta(seconds=(table.reconcile_every or LOOK_SECONDS) / settings.pace),
        patience=Patience(
            grace=timedelta(seconds=table.grace / settings.pace),
            settled=timedelta(seconds=table.settled / settings.pace),
        ),
        doubts=doubts,
    )
    readiness = ReadinessWatch(
        store=reader.store,
        clock=reader.clock,
        metrics=reader.metrics,
        gauge=find_gauge(plan),
        every=reader.every,
    )
    return reconciler.look_due, readiness.read_due


def _doorkeeper(settings: Settings) -> Doorkeeper:
    key, first_run = secret_key(settings.data)
    links = Links(settings.data / "links")
    if first_run:
        link = f"{settings.url}/sign-in?code={links.make(FIRST_PERSON)}"
        print(f"First run. Sign in once with: {link}", flush=True)
    return Doorkeeper(
        people=identities(settings),
        tokens={t: name for name, table in settings.people.items() for t in table.tokens},
        intake_tokens=frozenset(settings.intake.tokens),
        key=key,
        links=links,
    )


def identities(settings: Settings) -> dict[str, Identity]:
    """Everybody who may sign in, and what they may do."""
    people = {
        name: Identity(id=name, name=table.name, access=table.access)
        for name, table in settings.people.items()
    }
    first = Identity(id=FIRST_PERSON, name="Administrator", access=Access.ADMINISTRATOR)
    return {FIRST_PERSON: first, **people}


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.server.host, settings.server.port
    try:
        return socket.create_server((host, port), backlog=1024, reuse_port=False)
    except OSError as error:
        raise PortInUse(
            f"Cannot listen on {host}:{port}: {error.strerror}. "
            "Stop what uses it, or set server.port."
        ) from None


def _uvicorn_config(web: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


class _Server(QuietServer):
    """uvicorn, stopped by us: the engine drains before the process ends."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def stop(self) -> None:
        self._stopping.set()
        self.should_exit = True
