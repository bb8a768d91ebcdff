"""Tables by their header words: severities, teams, contacts. Other tables stay prose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Row
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Contact, Severity, Team, Wake

_STAND_IN = re.compile(r"^(?:tb[dac]|to ?do|n/?a|\?+|-+|–|—|<.*>|\[.*\])$|X{3}|x{3}", re.IGNORECASE)
_NO_PLAY = re.compile(r"\b(?:no|without an?) play\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What one table held; `without_play` names levels that say they have no play."""

    severities: tuple[Severity, ...] = ()
    teams: tuple[Team, ...] = ()
    contacts: tuple[Contact, ...] = ()
    without_play: frozenset[str] = frozenset()


def read_table(table: Block, ledger: Ledger) -> Tables:
    if not table.rows:
        return Tables()
    columns = _Columns(table.rows[0])
    if columns.has("level", "severity") and columns.has("response", "wake", "escalation"):
        return _severities(table, columns, ledger)
    if columns.has("primary") and columns.has("label", "team", "alert"):
        return Tables(teams=_teams(table, columns, ledger))
    if columns.has("role") and columns.has("phone", "email", "contact", "mail"):
        return Tables(contacts=_contacts(table, columns, ledger))
    return Tables()


class _Columns:
    """Cells by a word of their header, whatever their order."""

    def __init__(self, headers: Row) -> None:
        self.headers = [phrases.plain(cell).lower() for cell in headers.cells]

    def has(self, *words: str) -> bool:
        return any(word in header for word in words for header in self.headers)

    def cell(self, row: Row, *words: str) -> str:
        for word in words:
            for header, cell in zip(self.headers, row.cells, strict=False):
                if word in header:
                    return phrases.plain(cell)
        return ""


def _take(table: Block, ledger: Ledger, what: str) -> tuple[Row, ...]:
    ledger.take(table.first, table.last, f"{what} table")
    return tuple(row for row in table.rows[1:] if any(row.cells))


def _severities(table: Block, columns: _Columns, ledger: Ledger) -> Tables:
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


def _severity(row: Row, columns: _Columns, ledger: Ledger) -> Severity:
    level = columns.cell(row, "level", "severity").upper()
    response = columns.cell(row, "response")
    escalation = columns.cell(row, "escalation")
    examples = (phrases.one_line(e) for e in re.split("[,;]", columns.cell(row, "example")))
    return Severity(
        level=level,
        respond_within=_delay(response, "best effort|none", row.line, ledger),
        escalate_after=_delay(escalation, "none|never|no", row.line, ledger),
        wake=_wake(columns.cell(row, "wake", "page")),
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


def _wake(cell: str) -> Wake:
    words = cell.lower()
    if not words.startswith(("yes", "y", "always", "true", "✓", "✅")):
        return Wake.NO
    return Wake.IF_PERSISTENT if "persist" in words or "if" in words.split() else Wake.YES


def _teams(table: Block, columns: _Columns, ledger: Ledger) -> tuple[Team, ...]:
    teams: list[Team] = []
    for row in _take(table, ledger, "team"):
        cell = columns.cell(row, "label", "alert", "team")
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


def _contacts(table: Block, columns: _Columns, ledger: Ledger) -> tuple[Contact, ...]:
    contacts: list[Contact] = []
    for row in _take(table, ledger, "contact"):
        cells = {
            "name": columns.cell(row, "name", "person"),
            "phone": columns.cell(row, "phone", "mobile", "pager"),
            "email": columns.cell(row, "mail"),
        }
        role = columns.cell(row, "role")
        contact = _contact(role, cells, row.line)
        ledger.take(row.line, row.line, f"contact {role}")
        contacts.append(contact)
        _tell_stand_ins(role, cells, row.line, ledger)
    return tuple(contacts)


def _contact(role: str, cells: Mapping[str, str], line: int) -> Contact:
    real = {key: None if not v or _STAND_IN.search(v) else v for key, v in cells.items()}
    return Contact(
        role=role, name=real["name"], phone=real["phone"], email=real["email"], line=line
    )


def _tell_stand_ins(role: str, cells: Mapping[str, str], line: int, ledger: Ledger) -> None:
    stand_ins = [f"{key} ({value})" for key, value in cells.items() if _STAND_IN.search(value)]
    if stand_ins:
        ledger.warn(
            "PC407",
            line,
            f"{role} has only a stand-in for {' and '.join(stand_ins)}; nobody can be reached so.",
            "Fill in the real one, or empty the cell.",
        )
