"""Everything that may be set, read once from one TOML file into frozen values.

A mistake raises BadSettings, whose text lists every mistake found with its key and what is allowed.
"""

import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from playcall import channelfile, rotafile
from playcall.channelfile import (
    AppriseTable,
    MailTable,
    OpsgenieTable,
    PagerDutyTable,
    PersonTable,
    PushTable,
    SlackTable,
    TwilioTable,
    WebhookTable,
)
from playcall.core.maintenance import Window
from playcall.core.response import ResponsePolicy
from playcall.core.rollback import Measure
from playcall.core.severities import LABELS
from playcall.core.status_page import Maintenance
from playcall.responsefile import (
    ApprovalsTable,
    MeasureTable,
    ResponseTable,
    complete_response,
    response_mistakes,
)
from playcall.reviewfile import ReviewTable, complete_review, review_mistakes
from playcall.rotafile import Feed, ScheduleTable
from playcall.runnerfile import (
    RunnerTable,
    TargetTable,
    complete_runner,
    complete_target,
    runner_mistakes,
    target_mistakes,
)
from playcall.statusfile import PUBLISHERS, StatusPageTable, status_page_mistakes
from playcall.tellingfile import UpdatesTable, complete_updates, telling_mistakes
from playcall.ticketfile import TicketsTable, ticket_mistakes
from playcall.unknown_keys import split_unknown
from playcall.watchfile import PeerTable, TestPageTable, WatchdogTable, watch_mistakes

SLOWEST, FASTEST = 0.001, 1000  # pace
YEAR = 366 * 86400  # seconds
YEARS = range(1971, 2200)


class BadSettings(ValueError):
    """The settings cannot be used; the message says why, line by line."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is a mistake, not a wish."""


class Server(_Table, frozen=True):
    host: str = "127.0.0.1"
    port: int = 8700
    url: str = ""  # where people reach it; default http://host:port
    data: str = "playcall-data"  # the database, secrets and reports; beside the settings file
    database: str = ""  # a SQLAlchemy URL; default SQLite in `data`


class Documents(_Table, frozen=True):
    playbook: str = ""
    policy: str = ""  # rulings on single commands, which may loosen
    rules: str = ""  # the rule file of Prometheus; sentences may be joined to its queries
    ignore: tuple[str, ...] = ()  # codes of problems that `playcall check` does not tell
    drills: str = ""  # where `playcall drill` keeps its reports


class IntakeTable(_Table, frozen=True):
    tokens: tuple[str, ...] = ()  # "sha256:..." of each bearer token Alertmanager may use
    group_by: tuple[str, ...] = ()
    severities: Mapping[str, str] = {}  # a label's value -> level of the document
    severity_labels: tuple[str, ...] = LABELS  # asked in this order


class PrometheusTable(_Table, frozen=True):
    url: str = "http://127.0.0.1:9090"
    read_every: float = 15.0  # seconds between readings of a criterion


class AlertmanagerTable(_Table, frozen=True):
    url: str = "http://127.0.0.1:9093"
    reconcile_every: float = 60.0  # seconds between looks at what it holds; 0: never
    grace: float = 120.0  # seconds that a message may be on its way
    settled: float = 300.0  # seconds that it must have been up before a missing alert counts


class MaintenanceTable(_Table, frozen=True):
    """Pages for what the matchers match are held from `from` until `until`."""

    from_: datetime = msgspec.field(name="from")
    until: datetime
    matchers: Mapping[str, str]  # label to value; * and ? stand for anything
    reason: str
    public: str = ""  # what the status page calls it; empty: it is not shown there
    components: tuple[str, ...] = ()  # of the status page


_CHANNEL_TABLES = ("mail", "slack", "twilio", "push", "apprise")
# Files that hold a secret of a channel, by table and key.
_SECRET_FILES = (
    ("slack", "token"),
    ("slack", "signing_secret"),
    ("slack", "app_token"),
    ("twilio", "token"),
    ("pagerduty", "routing_key"),
    ("opsgenie", "key"),
    ("test_page", "token"),
    ("tickets", "token"),
)


class _File(_Table, frozen=True):
    server: Server = msgspec.field(default_factory=Server)
    documents: Documents = msgspec.field(default_factory=Documents)
    intake: IntakeTable = msgspec.field(default_factory=IntakeTable)
    prometheus: PrometheusTable = msgspec.field(default_factory=PrometheusTable)
    alertmanager: AlertmanagerTable = msgspec.field(default_factory=AlertmanagerTable)
    mail: MailTable | None = None
    webhook: WebhookTable | None = None
    slack: SlackTable | None = None
    twilio: TwilioTable | None = None
    push: PushTable | None = None
    apprise: AppriseTable | None = None
    pagerduty: PagerDutyTable | None = None
    opsgenie: OpsgenieTable | None = None
    watchdog: WatchdogTable | None = None
    test_page: TestPageTable | None = None
    peers: Mapping[str, PeerTable] = {}
    runner: RunnerTable = msgspec.field(default_factory=RunnerTable)
    targets: Mapping[str, TargetTable] = {}  # beside `runner`; the first that fits
    response: ResponseTable = msgspec.field(default_factory=ResponseTable)
    updates: UpdatesTable = msgspec.field(default_factory=UpdatesTable)
    facts: Mapping[str, str] = {}  # a number's name -> PromQL
    checklist: tuple[MeasureTable, ...] = ()
    review: ReviewTable = msgspec.field(default_factory=ReviewTable)
    approvals: ApprovalsTable = msgspec.field(default_factory=ApprovalsTable)
    maintenance: tuple[MaintenanceTable, ...] = ()
    status_page: StatusPageTable = msgspec.field(default_factory=StatusPageTable)
    tickets: TicketsTable | None = None
    people: Mapping[str, PersonTable] = {}
    on_call: Mapping[str, tuple[str, ...]] = {}
    schedules: Mapping[str, ScheduleTable] = {}
    placeholders: Mapping[str, str] = {}
    pace: float = 1.0  # every duration of the document is divided by it; for demos and drills


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the file says, its paths made absolute and its secrets read."""

    server: Server
    playbook: Path
    policy: Path | None
    rules: Path | None
    ignore: tuple[str, ...] = ()
    drills: Path | None = None  # None: where `playcall drill` keeps them by itself
    source: Path | None = None  # the file
    data: Path
    database: str
    url: str
    intake: IntakeTable
    prometheus: PrometheusTable
    alertmanager: AlertmanagerTable
    mail: MailTable | None
    mail_password: str = field(repr=False)
    webhook_secret: bytes = field(repr=False)
    slack: SlackTable | None
    twilio: TwilioTable | None
    push: PushTable | None
    apprise: AppriseTable | None
    pagerduty: PagerDutyTable | None
    opsgenie: OpsgenieTable | None
    watchdog: WatchdogTable | None
    test_page: TestPageTable | None
    peers: Mapping[str, PeerTable]
    secrets: Mapping[str, str] = field(repr=False)  # "slack.token": what its file holds
    runner: RunnerTable
    targets: Mapping[str, TargetTable] = field(default_factory=dict)
    files: Path | None
    response: ResponsePolicy
    checklist: tuple[Measure, ...]
    maintenance: tuple[Window, ...]
    announced: tuple[Maintenance, ...] = ()  # the windows that the status page shows
    status_page: StatusPageTable = field(default_factory=StatusPageTable)
    tickets: TicketsTable | None = None
    people: Mapping[str, PersonTable]
    on_call: Mapping[str, tuple[str, ...]]  # people or schedules
    schedules: Mapping[str, ScheduleTable]
    feeds: tuple[Feed, ...]
    placeholders: Mapping[str, str]
    pace: float

    @property
    def time_limit(self) -> timedelta:
        return timedelta(seconds=self.runner.time_limit)

    @property
    def read_every(self) -> timedelta:
        return timedelta(seconds=self.prometheus.read_every)

    def methods(self, person: str) -> tuple[tuple[str, str], ...]:
        """(channel, address) in the order to try them."""
        there = {name for name in _CHANNEL_TABLES if getattr(self, name)}
        there |= {"webhook"} if self.webhook_secret else set()
        known = channelfile.addresses(person, self.people[person], frozenset(there))
        return tuple(known.items())

    def may_be_on_call(self) -> frozenset[str]:
        """Everybody whom a page may be for by this file; calendars may name others."""
        bound = {who for listed in self.on_call.values() for who in listed}
        for name, table in self.schedules.items():
            if name in bound:
                bound |= {*table.fallback, *(w for layer in table.layers for w in layer.people)}
        return frozenset(bound & set(self.people))


def read_settings(path: Path) -> Settings:
    """Read, check and complete the settings. Raises BadSettings."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadSettings(
            f"{path}: there is no such file. docs/settings.md shows one to start from."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path}: not TOML: {error}") from None
    data, mistakes = split_unknown(data, _File)
    try:
        file = msgspec.convert(data, _File)
        mistakes += _mistakes(file)
    except msgspec.ValidationError as error:
        mistakes.append(str(error))
    if mistakes:
        raise BadSettings("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return replace(_complete(file, path.parent), source=path)


def as_written(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a file that can be read says, and the same with every default."""
    data = tomllib.loads(path.read_text("utf-8"))
    return data, msgspec.to_builtins(msgspec.convert(data, _File))


def hash_token(token: str) -> str:
    """How a token is kept: random tokens need no salt and no slow hash."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def _mistakes(file: _File) -> list[str]:
    found = []
    if not 0 <= file.server.port <= 65535:
        found.append(f"server.port: {file.server.port} is not a port. Use 0 to 65535.")
    if not 0 < file.pace < math.inf:
        found.append(f"pace: {file.pace} is not a number above 0. Leave it out for true time.")
    elif not SLOWEST <= file.pace <= FASTEST:
        found.append(f"pace: {file.pace} is not between {SLOWEST} and {FASTEST}.")
    if not file.documents.playbook:
        found.append("documents.playbook: name the Markdown document to run.")
    found += watch_mistakes(file.watchdog, file.test_page, file.peers)
    found += channelfile.channel_mistakes(file.mail, file.twilio, file.push)
    for name, seconds in (
        ("runner.time_limit", file.runner.time_limit),
        ("prometheus.read_every", file.prometheus.read_every),
        ("alertmanager.grace", file.alertmanager.grace),
        ("alertmanager.settled", file.alertmanager.settled),
    ):
        if not 0 < seconds < math.inf:
            found.append(f"{name}: {seconds} is not a number of seconds above 0.")
        elif seconds > YEAR:
            found.append(f"{name}: {seconds} seconds are over a year.")
    if not 0 <= file.alertmanager.reconcile_every <= YEAR:
        every = file.alertmanager.reconcile_every
        found.append(f"alertmanager.reconcile_every: {every} is not seconds. 0 means never.")
    if not file.intake.severity_labels:
        found.append("intake.severity_labels: name at least one label that tells the severity.")
    found += [*runner_mistakes(file.runner), *target_mistakes(file.targets)]
    found += response_mistakes(file.response, file.approvals)
    found += telling_mistakes(file.updates, file.facts)
    found += review_mistakes(file.review)
    found += status_page_mistakes(file.status_page)
    found += ticket_mistakes(file.tickets, file.people)
    for number, window in enumerate(file.maintenance, start=1):
        found += _window_mistakes(f"maintenance number {number}", window)
    for role, people in file.on_call.items():
        found += [
            f'on_call."{role}": nobody is called "{person}". Add [people.{person}].'
            for person in people
            if person not in file.people and person not in file.schedules
        ]
    found += rotafile.schedule_mistakes(file.schedules, file.people)
    tables = frozenset(name for name in (*_CHANNEL_TABLES, "webhook") if getattr(file, name))
    for name, person in file.people.items():
        found += channelfile.person_mistakes(name, person, tables)
    return [*found, *_token_mistakes(file)]


def _token_mistakes(file: _File) -> list[str]:
    tokens = [("intake.tokens", token) for token in file.intake.tokens]
    tokens += [(f"people.{n}.tokens", t) for n, p in file.people.items() for t in p.tokens]
    return [
        f"{key}: not a hashed token. `playcall token` makes one and prints the line to put here."
        for key, token in tokens
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", token)
    ]


def _window_mistakes(where: str, window: MaintenanceTable) -> list[str]:
    found = []
    for key, at in (("from", window.from_), ("until", window.until)):
        if at.tzinfo is None:
            found.append(f'{where}: {key} has no time zone. Add "Z" or an offset such as +02:00.')
        elif at.year not in YEARS:
            found.append(
                f"{where}: {key} is in the year {at.year}; "
                f"use one from {YEARS.start} to {YEARS.stop - 1}."
            )
    if not found and window.from_ >= window.until:
        found.append(f"{where}: it ends before it begins.")
    if not window.matchers:
        found.append(
            f'{where}: say which alerts. For all of them: matchers = {{ alertname = "*" }}.'
        )
    if not window.reason.strip():
        found.append(f"{where}: say why; the reason is shown with each incident.")
    return found


def _complete(file: _File, beside: Path) -> Settings:
    server, data = file.server, (beside / file.server.data).resolve()
    return Settings(
        server=server,
        playbook=(beside / file.documents.playbook).resolve(),
        policy=(beside / file.documents.policy).resolve() if file.documents.policy else None,
        rules=(beside / file.documents.rules).resolve() if file.documents.rules else None,
        ignore=file.documents.ignore,
        drills=(beside / file.documents.drills).resolve() if file.documents.drills else None,
        data=data,
        database=server.database or f"sqlite:///{data / 'playcall.db'}",
        url=(server.url or f"http://{server.host}:{server.port}").rstrip("/"),
        intake=file.intake,
        prometheus=file.prometheus,
        alertmanager=file.alertmanager,
        mail=file.mail,
        mail_password=_secret(file.mail.password_file if file.mail else "", beside),
        webhook_secret=_secret(file.webhook.secret_file if file.webhook else "", beside).encode(),
        slack=file.slack,
        twilio=file.twilio,
        push=file.push,
        apprise=file.apprise,
        pagerduty=file.pagerduty,
        opsgenie=file.opsgenie,
        watchdog=file.watchdog,
        test_page=file.test_page,
        peers=file.peers,
        secrets=_channel_secrets(file, beside),
        runner=complete_runner(file.runner),
        targets={name: complete_target(table, beside) for name, table in file.targets.items()},
        files=_directory(file.runner.files, beside),
        response=replace(
            complete_response(file.response, file.approvals),
            updates=complete_updates(file.updates, file.facts),
            review=complete_review(file.review),
        ),
        checklist=tuple(
            Measure(item=one.item, query=one.query, at_most=one.at_most) for one in file.checklist
        ),
        maintenance=tuple(_window(window) for window in file.maintenance),
        announced=tuple(_announced(window) for window in file.maintenance if window.public),
        status_page=file.status_page,
        tickets=file.tickets,
        people=file.people,
        on_call=file.on_call,
        schedules=file.schedules,
        feeds=rotafile.feeds(file.schedules, beside),
        placeholders=file.placeholders,
        pace=file.pace,
    )


def _window(table: MaintenanceTable) -> Window:
    return Window(
        starts=table.from_, ends=table.until, matchers=table.matchers, reason=table.reason.strip()
    )


def _announced(table: MaintenanceTable) -> Maintenance:
    return Maintenance(
        title=table.public, starts=table.from_, ends=table.until, components=table.components
    )


def _directory(name: str, beside: Path) -> Path | None:
    if not name:
        return None
    found = (beside / name).resolve()
    if not found.is_dir():
        raise BadSettings(f"runner.files: {found} is not a directory.")
    return found


def _channel_secrets(file: _File, beside: Path) -> dict[str, str]:
    found = {}
    for table, key in _SECRET_FILES:
        name = getattr(getattr(file, table), f"{key}_file", "")
        found[f"{table}.{key}"] = _secret(name, beside)
    for publisher in PUBLISHERS:
        name = getattr(getattr(file.status_page, publisher), "token_file", "")
        found[f"status_page.{publisher}.token"] = _secret(name, beside)
    for name, peer in file.peers.items():
        found[f"peers.{name}.token"] = _secret(peer.token_file, beside)
    return {key: secret for key, secret in found.items() if secret}


def _secret(name: str, beside: Path) -> str:
    if not name:
        return ""
    try:
        secret = (beside / name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{beside / name}: the secret cannot be read: {error}") from None
    if not secret:
        raise BadSettings(f"{beside / name}: the secret is empty.")
    return secret
