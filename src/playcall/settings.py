"""Everything that may be set, read once from one TOML file into frozen values.

A mistake raises BadSettings, whose text lists every mistake found with its key and what is allowed.
"""

import hashlib
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from playcall import rotafile
from playcall.core.access import Access
from playcall.core.maintenance import Window
from playcall.core.response import ResponsePolicy
from playcall.core.severities import LABELS
from playcall.rotafile import Feed, RuleTable, ScheduleTable

_DURATION = re.compile(
    r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s)?"
)


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


class MailTable(_Table, frozen=True):
    host: str
    sender: str
    port: int = 25
    username: str = ""
    password_file: str = ""
    tls: str = "none"


class WebhookTable(_Table, frozen=True):
    secret_file: str


class RunnerTable(_Table, frozen=True):
    time_limit: float = 60.0  # seconds
    output_limit: int = 1_000_000  # bytes kept of one command
    parallel: int = 16  # commands that run by themselves at once, in all incidents
    parallel_per_incident: int = 8
    parallel_per_target: int = 8
    files: str = ""  # a directory whose entries are seen in the directory of every command
    env: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()  # names of variables in `env` whose values are redacted


class ResponseTable(_Table, frozen=True):
    """What a document leaves open; durations such as "15m" or "1h30m"."""

    repeat_after: str = "15m"  # from the last rung of the path to the next round
    snooze_at_most: str = "4h"
    reopen_within: str = "30m"  # a relapse within it is the same incident
    silence_acknowledged: str = ""  # for how long at a time; empty: not silenced
    resolves_itself: tuple[str, ...] = ()  # alerts whose incidents need no person to end
    war_room: str = ""  # a link; "{incident}" is the incident's number


class MaintenanceTable(_Table, frozen=True):
    """Pages for what the matchers match are held from `from` until `until`."""

    from_: datetime = msgspec.field(name="from")
    until: datetime
    matchers: Mapping[str, str]  # label to value; * and ? stand for anything
    reason: str


class PersonTable(_Table, frozen=True):
    name: str
    access: Access = Access.RESPONDER
    tokens: tuple[str, ...] = ()  # "sha256:..." of each API token
    mail: str = ""
    webhook: str = ""
    methods: tuple[str, ...] = ()  # the order to try; default: mail, then webhook
    zone: str = ""  # of the hours in `rules`
    rules: tuple[RuleTable, ...] = ()  # how a page reaches them, instead of the order


class _File(_Table, frozen=True):
    server: Server = msgspec.field(default_factory=Server)
    documents: Documents = msgspec.field(default_factory=Documents)
    intake: IntakeTable = msgspec.field(default_factory=IntakeTable)
    prometheus: PrometheusTable = msgspec.field(default_factory=PrometheusTable)
    alertmanager: AlertmanagerTable = msgspec.field(default_factory=AlertmanagerTable)
    mail: MailTable | None = None
    webhook: WebhookTable | None = None
    runner: RunnerTable = msgspec.field(default_factory=RunnerTable)
    response: ResponseTable = msgspec.field(default_factory=ResponseTable)
    maintenance: tuple[MaintenanceTable, ...] = ()
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
    data: Path
    database: str
    url: str
    intake: IntakeTable
    prometheus: PrometheusTable
    alertmanager: AlertmanagerTable
    mail: MailTable | None
    mail_password: str = field(repr=False)
    webhook_secret: bytes = field(repr=False)
    runner: RunnerTable
    files: Path | None
    response: ResponsePolicy
    maintenance: tuple[Window, ...]
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
        table = self.people[person]
        known = {"mail": table.mail, "webhook": table.webhook}
        order = table.methods or tuple(known)
        return tuple((channel, known[channel]) for channel in order if known.get(channel))

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
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except FileNotFoundError:
        raise BadSettings(
            f"{path}: there is no such file. docs/settings.md shows one to start from."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path}: not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise BadSettings(f"{path}: {error}") from None
    mistakes = _mistakes(file)
    if mistakes:
        raise BadSettings("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return _complete(file, path.parent)


def hash_token(token: str) -> str:
    """How a token is kept: random tokens need no salt and no slow hash."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def _mistakes(file: _File) -> list[str]:
    found = []
    if not 0 <= file.server.port <= 65535:
        found.append(f"server.port: {file.server.port} is not a port. Use 0 to 65535.")
    if not 0 < file.pace < math.inf:
        found.append(f"pace: {file.pace} is not a number above 0. Leave it out for true time.")
    if not file.documents.playbook:
        found.append("documents.playbook: name the Markdown document to run.")
    if file.mail and file.mail.tls not in ("none", "starttls", "implicit"):
        found.append(f'mail.tls: "{file.mail.tls}" is not one of none, starttls, implicit.')
    for name, seconds in (
        ("runner.time_limit", file.runner.time_limit),
        ("prometheus.read_every", file.prometheus.read_every),
        ("alertmanager.grace", file.alertmanager.grace),
        ("alertmanager.settled", file.alertmanager.settled),
    ):
        if not 0 < seconds < math.inf:
            found.append(f"{name}: {seconds} is not a number of seconds above 0.")
    for name in ("output_limit", "parallel", "parallel_per_incident", "parallel_per_target"):
        if getattr(file.runner, name) < 1:
            found.append(f"runner.{name}: {getattr(file.runner, name)} is less than 1.")
    if not 0 <= file.alertmanager.reconcile_every < math.inf:
        every = file.alertmanager.reconcile_every
        found.append(f"alertmanager.reconcile_every: {every} is not seconds. 0 means never.")
    if not file.intake.severity_labels:
        found.append("intake.severity_labels: name at least one label that tells the severity.")
    found += _response_mistakes(file.response)
    for number, window in enumerate(file.maintenance, start=1):
        found += _window_mistakes(f"maintenance number {number}", window)
    for role, people in file.on_call.items():
        found += [
            f'on_call."{role}": nobody is called "{person}". Add [people.{person}].'
            for person in people
            if person not in file.people and person not in file.schedules
        ]
    found += rotafile.schedule_mistakes(file.schedules, file.people)
    for name, person in file.people.items():
        found += _person_mistakes(name, person, file)
    tokens = [("intake.tokens", token) for token in file.intake.tokens]
    tokens += [(f"people.{n}.tokens", t) for n, p in file.people.items() for t in p.tokens]
    found += [
        f"{key}: not a hashed token. `playcall token` makes one and prints the line to put here."
        for key, token in tokens
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", token)
    ]
    return found


def _response_mistakes(response: ResponseTable) -> list[str]:
    found = []
    for name in ("repeat_after", "snooze_at_most", "reopen_within", "silence_acknowledged"):
        text = getattr(response, name)
        if read_duration(text) is None and not (name == "silence_acknowledged" and text == ""):
            found.append(f'response.{name}: "{text}" is not a duration. Write "15m" or "1h30m".')
    room = response.war_room
    if room and not re.match(r"https?://[^\s/]+", room):
        found.append(f'response.war_room: "{room}" is not a link. Begin with https://.')
    left = re.search(r"[{}]", room.replace("{incident}", ""))
    if left:
        found.append('response.war_room: "{incident}" is all that can be filled in.')
    return found


def _window_mistakes(where: str, window: MaintenanceTable) -> list[str]:
    found = []
    for key, at in (("from", window.from_), ("until", window.until)):
        if at.tzinfo is None:
            found.append(f'{where}: {key} has no time zone. Add "Z" or an offset such as +02:00.')
    if not found and window.from_ >= window.until:
        found.append(f"{where}: it ends before it begins.")
    if not window.matchers:
        found.append(
            f'{where}: say which alerts. For all of them: matchers = {{ alertname = "*" }}.'
        )
    if not window.reason.strip():
        found.append(f"{where}: say why; the reason is shown with each incident.")
    return found


def _person_mistakes(name: str, person: PersonTable, file: _File) -> list[str]:
    found = []
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        found.append(f"people.{name}: use lower-case letters, digits, dots and dashes.")
    if person.mail and file.mail is None:
        found.append(f"people.{name}.mail: there is no [mail] table to send it with.")
    if person.webhook and file.webhook is None:
        found.append(f"people.{name}.webhook: there is no [webhook] table with a secret_file.")
    found += [
        f'people.{name}.methods: "{method}" is not one of mail, webhook.'
        for method in person.methods
        if method not in rotafile.METHODS
    ]
    addresses = {"mail": person.mail, "webhook": person.webhook}
    reached = [method for method, address in addresses.items() if address]
    found += rotafile.rule_mistakes(name, person.rules, person.zone, reached)
    return found


def _complete(file: _File, beside: Path) -> Settings:
    data = (beside / file.server.data).resolve()
    host = file.server.host
    return Settings(
        server=file.server,
        playbook=(beside / file.documents.playbook).resolve(),
        policy=(beside / file.documents.policy).resolve() if file.documents.policy else None,
        rules=(beside / file.documents.rules).resolve() if file.documents.rules else None,
        ignore=file.documents.ignore,
        data=data,
        database=file.server.database or f"sqlite:///{data / 'playcall.db'}",
        url=(file.server.url or f"http://{host}:{file.server.port}").rstrip("/"),
        intake=file.intake,
        prometheus=file.prometheus,
        alertmanager=file.alertmanager,
        mail=file.mail,
        mail_password=_secret(file.mail.password_file if file.mail else "", beside),
        webhook_secret=_secret(file.webhook.secret_file if file.webhook else "", beside).encode(),
        runner=_with_environment(file.runner),
        files=_directory(file.runner.files, beside),
        response=_response(file.response),
        maintenance=tuple(_window(window) for window in file.maintenance),
        people=file.people,
        on_call=file.on_call,
        schedules=file.schedules,
        feeds=rotafile.feeds(file.schedules, beside),
        placeholders=file.placeholders,
        pace=file.pace,
    )


def read_duration(text: str) -> timedelta | None:
    """'90s', '15m', '1h30m', '2d'; None for anything else, and for nothing at all."""
    found = _DURATION.fullmatch(text.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) or None


def _response(table: ResponseTable) -> ResponsePolicy:
    usual = ResponsePolicy()
    return ResponsePolicy(
        repeat_after=read_duration(table.repeat_after) or usual.repeat_after,
        snooze_at_most=read_duration(table.snooze_at_most) or usual.snooze_at_most,
        reopen_within=read_duration(table.reopen_within) or usual.reopen_within,
        silence_acknowledged=read_duration(table.silence_acknowledged),
        resolves_itself=table.resolves_itself,
        war_room=table.war_room,
    )


def _window(table: MaintenanceTable) -> Window:
    return Window(
        starts=table.from_, ends=table.until, matchers=table.matchers, reason=table.reason.strip()
    )


def _directory(name: str, beside: Path) -> Path | None:
    if not name:
        return None
    found = (beside / name).resolve()
    if not found.is_dir():
        raise BadSettings(f"runner.files: {found} is not a directory.")
    return found


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


def _with_environment(runner: RunnerTable) -> RunnerTable:
    """A value of `$NAME` in runner.env is taken from Playcall's own environment."""
    env = {
        name: os.environ.get(value[1:], "") if value.startswith("$") else value
        for name, value in runner.env.items()
    }
    return msgspec.structs.replace(runner, env=env)
