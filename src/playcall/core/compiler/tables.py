"""Tables by their header words: severities, teams, contacts. Other tables stay prose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from playcall.core.communication import Audience, Contact, Impact
from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Row
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Severity, Team, Wake

_STAND_IN = re.compile(r"^(?:tb[dac]|to ?do|n/?a|\?+|-+|–|—|<.*>|\[.*\])$|X{3}|x{3}", re.IGNORECASE)
_NO_PLAY = re.compile(r"\b(?:no|without an?) play\b", re.IGNORECASE)
_SOON = timedelta(minutes=30)
_NO_WAKE = re.compile(
    r"(?:no|never|none|false|n|n/a|e-?mail|ticket|business|office|✗|❌|-|–|—)\b|\W+$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What one table held; `without_play` names levels that say they have no play."""

    severities: tuple[Severity, ...] = ()
    teams: tuple[Team, ...] = ()
    contacts: tuple[Contact, ...] = ()
    without_play: frozenset[str] = frozenset()
    audiences: tuple[Audience, ...] = ()
    impacts: tuple[Impact, ...] = ()


_LEVELS = ("level", "severity", "priority", "sev", "urgency")
_TIMES = ("response", "respond", "wake", "page", "acknowledge", "sla", "escalation", "escalate")
_NAMES_TEAMS = ("label", "alert", "role", "service", "component", "rotation", "area", "team")
_ROLES = ("role", "position", "title", "responsib", "team", "name", "person")
_MEANS = ("phone", "mail", "mobile", "pager", "contact")
_READERS = ("audience", "stakeholder", "recipient", "notify", "who", "inform", "group")
_CADENCES = ("update", "frequency", "cadence", "every", "interval")


def read_table(table: Block, ledger: Ledger) -> Tables:
    if not table.rows:
        return Tables()
    columns = Columns(table.rows[0])
    if columns.has(*_READERS) and columns.has(*_CADENCES):
        return Tables(audiences=_audiences(table, columns, ledger))
    if columns.name_levels() and columns.has(*_TIMES):
        return _severities(table, columns, ledger)
    if columns.has("primary") and columns.has(*_NAMES_TEAMS):
        return Tables(teams=_teams(table, columns, ledger))
    if columns.has(*_ROLES) and columns.has(*_MEANS):
        return Tables(contacts=_contacts(table, columns, ledger))
    if columns.name_levels() and columns.has("impact", "affect", "scope", "urgency"):
        return Tables(impacts=_impacts(table, columns, ledger))
    return Tables()


class Columns:
    """Cells by a word of their header, whatever their order."""

    def __init__(self, headers: Row) -> None:
        self.headers = [phrases.plain(cell).lower() for cell in headers.cells]

    def has(self, *words: str) -> bool:
        return any(word in header for word in words for header in self.headers)

    def name_levels(self) -> bool:
        """Whether one names severities: 'Alert level' does, 'Escalation level' does not."""
        pattern = rf"(?:alert |incident )?(?:{'|'.join(_LEVELS)})\b"
        return any(re.match(pattern, header) for header in self.headers)

    def cell(self, row: Row, *words: str) -> str:
        for word in words:
            for header, cell in zip(self.headers, row.cells, strict=False):
                if word in header:
                    return phrases.plain(cell)
        return ""


def _take(table: Block, ledger: Ledger, what: str) -> tuple[Row, ...]:
    ledger.take(table.first, table.last, f"{what} table")
    return tuple(row for row in table.rows[1:] if any(row.cells))


def _severities(table: Block, columns: Columns, ledger: Ledger) -> Tables:
    found: dict[str, Severity] = {}
    silent: set[str] = set()
    for row in _take(table, ledger, "severity"):
        severity = _severity(row, columns, ledger)
        if severity.level in found:
            ledger.warn(
                "PC106",
                row.line,
                f"Severity {severity.level} has a second row.",
                "Keep one row for each level; the first one is used.",
            )
            continue
        ledger.take(row.line, row.line, f"severity {severity.level}")
        found[severity.level] = severity
        if any(_NO_PLAY.search(cell) for cell in row.cells):
            silent.add(severity.level)
    return Tables(severities=tuple(found.values()), without_play=frozenset(silent))


def _severity(row: Row, columns: Columns, ledger: Ledger) -> Severity:
    named = columns.cell(row, *_LEVELS).upper()
    level = level_of(named)
    response = columns.cell(row, "response", "respond", "acknowledge", "sla")
    escalation = columns.cell(row, "escalation", "escalate")
    within = _delay(response, "best effort|none", row.line, ledger)
    examples = (phrases.one_line(e) for e in re.split("[,;]", columns.cell(row, "example")))
    return Severity(
        level=level,
        names=tuple(word for word in re.findall(r"[\w-]{2,}", named) if word != level),
        respond_within=within,
        escalate_after=_delay(escalation, "none|never|no", row.line, ledger),
        wake=_wake(columns.cell(row, "wake", "page"), within),
        examples=tuple(e for e in examples if e and not _NO_PLAY.search(e)),
        line=row.line,
    )


def _delay(cell: str, nothing: str, line: int, ledger: Ledger) -> timedelta | None:
    found = phrases.delay(cell)
    if found is None and cell and not re.match(rf"(?:{nothing}|-|n/a)\b|^-$", cell, re.IGNORECASE):
        ledger.warn(
            "PC106",
            line,
            f"{cell!r} is not a time.",
            "Write it as '<5 minutes', 'After 10 min', 'Immediate', 'Best effort' or 'None'.",
        )
    return found


def _wake(cell: str, respond_within: timedelta | None) -> Wake:
    """In doubt it wakes; without a word on it, what must be answered within the half hour does."""
    words = cell.lower()
    if not words:
        return Wake.YES if respond_within is not None and respond_within <= _SOON else Wake.NO
    if "persist" in words or re.search(r"\bif\b", words):
        return Wake.IF_PERSISTENT
    return Wake.NO if _NO_WAKE.match(words) else Wake.YES


def _teams(table: Block, columns: Columns, ledger: Ledger) -> tuple[Team, ...]:
    teams: list[Team] = []
    for row in _take(table, ledger, "team"):
        cell = columns.cell(row, *_NAMES_TEAMS)
        label, mark, value = (part.strip() for part in re.sub("[=:]", ":", cell).partition(":"))
        team = Team(
            label=label if mark else "team",
            value=(value if mark else label).strip("\"' "),
            primary=columns.cell(row, "primary"),
            secondary=columns.cell(row, "secondary", "backup"),
            expert=columns.cell(row, "expert", "sme", "subject"),
            line=row.line,
        )
        ledger.take(row.line, row.line, f"team {team.value}")
        teams.append(team)
    return tuple(teams)


def _contacts(table: Block, columns: Columns, ledger: Ledger) -> tuple[Contact, ...]:
    contacts: list[Contact] = []
    for row in _take(table, ledger, "contact"):
        contact = columns.cell(row, "contact")
        cells = {
            "name": columns.cell(row, "name", "person", "who"),
            "phone": columns.cell(row, "phone", "mobile", "pager") or _only(contact, "[+(]?\\d.*"),
            "email": columns.cell(row, "mail") or _only(contact, r"\S+@\S+\.\S+"),
        }
        role = columns.cell(row, *_ROLES)
        ledger.take(row.line, row.line, f"contact {role}")
        contacts.append(_contact(role, cells, row.line))
        _tell_stand_ins(role, cells, row.line, ledger)
    return tuple(contacts)


def _only(text: str, pattern: str) -> str:
    return text if re.fullmatch(pattern, text) else ""


def _contact(role: str, cells: Mapping[str, str], line: int) -> Contact:
    real = {key: None if not v or _STAND_IN.search(v) else v for key, v in cells.items()}
    return Contact(
        role=role, name=real["name"], phone=real["phone"], email=real["email"], line=line
    )


def _audiences(table: Block, columns: Columns, ledger: Ledger) -> tuple[Audience, ...]:
    found: list[Audience] = []
    for row in _take(table, ledger, "audience"):
        when = columns.cell(row, "when")
        level = columns.cell(row, *_LEVELS, "incident") or ("" if phrases.delay(when) else when)
        readers = columns.cell(row, *_READERS)
        ledger.take(row.line, row.line, f"audience {readers}")
        found.append(
            Audience(
                name=f"{level}: {readers}" if level else readers,
                severity=level_of(level) or None,
                first_within=phrases.delay(columns.cell(row, "initial", "first", "within", "when")),
                every=phrases.every(columns.cell(row, *_CADENCES)),
                recipients=phrases.people(readers),
                line=row.line,
            )
        )
    return tuple(found)


def _impacts(table: Block, columns: Columns, ledger: Ledger) -> tuple[Impact, ...]:
    """'All users | no workaround | CRITICAL'."""
    found: list[Impact] = []
    for row in _take(table, ledger, "impact"):
        level = level_of(columns.cell(row, *_LEVELS))
        words = [
            phrases.plain(cell)
            for header, cell in zip(columns.headers, row.cells, strict=False)
            if not any(header.startswith(name) for name in _LEVELS)
        ]
        ledger.take(row.line, row.line, f"impact {level}")
        found.append(Impact(text=", ".join(filter(None, words)), severity=level, line=row.line))
    return tuple(found)


def level_of(cell: str) -> str:
    """'🔴 P1 (Critical)' is the level P1; a word in brackets or behind a dash only explains."""
    return re.split(r"\s+[-–—(:]|:", re.sub(r"^\W+", "", cell), maxsplit=1)[0].strip().upper()


def _tell_stand_ins(role: str, cells: Mapping[str, str], line: int, ledger: Ledger) -> None:
    stand_ins = [f"{key} ({value})" for key, value in cells.items() if _STAND_IN.search(value)]
    if stand_ins:
        ledger.warn(
            "PC407",
            line,
            f"{role} has only a stand-in for {' and '.join(stand_ins)}; nobody can be reached so.",
            "Fill in the real one, or empty the cell.",
            word=next(value for value in cells.values() if _STAND_IN.search(value)),
        )
