"""Reports that were kept: one folder for each drill, and what they prove together."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playcall.core.drill import Change, Look, Outcome, findings
from playcall.core.drill_report import Drill, write_drill_report

REPORT, RECORD = "report.md", "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one kept report says."""

    drill: str
    alert: str
    document: str
    digest: str
    outcome: Outcome
    at: datetime
    worked: tuple[str, ...]  # commands, as written
    path: Path


def home() -> Path:
    """Where reports are kept: the XDG base directory for state."""
    state = os.environ.get("XDG_STATE_HOME")
    base = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "playcall" / "drills"


def keep(drill: Drill, folder: Path) -> Path:
    """Writes both files; the record last, so that a folder without one is no report."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT).write_text(write_drill_report(drill), "utf-8")
    draft = folder / f".{RECORD}"
    draft.write_text(json.dumps(record(drill), indent=2) + "\n", "utf-8")
    draft.replace(folder / RECORD)
    return folder / REPORT


def record(drill: Drill) -> dict[str, Any]:
    """The same for programs."""
    evidence = drill.evidence
    ran: list[Change | Look] = [*evidence.changes, *evidence.looks]
    return {
        "drill": drill.name,
        "alert": evidence.alert,
        "document": drill.document,
        "digest": drill.digest,
        "fault": drill.fault,
        "outcome": drill.outcome,
        "why": drill.why,
        "at": evidence.broken_at.isoformat(),
        "factor": evidence.factor,
        "milestones": {
            words: (at - evidence.broken_at).total_seconds() for words, at in evidence.milestones
        },
        "alerts": [
            {
                "alert": fired.alert,
                "began_at": fired.began_at.isoformat(),
                "ended_at": fired.ended_at and fired.ended_at.isoformat(),
            }
            for fired in evidence.fired
        ],
        "findings": [
            {"kind": found.kind, "words": found.words, "line": found.line}
            for found in findings(evidence)
        ],
        "commands": [
            {"id": one.id, "text": one.text, "line": one.line, "status": one.status} for one in ran
        ],
    }


def kept(home: Path) -> list[Kept]:
    """The newest first; what cannot be read is left out."""
    found = []
    for path in home.glob(f"*/{RECORD}"):
        try:
            found.append(_read(json.loads(path.read_text("utf-8")), path.parent))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda one: one.at, reverse=True)


def _read(body: dict[str, Any], path: Path) -> Kept:
    return Kept(
        drill=str(body["drill"]),
        alert=str(body["alert"]),
        document=str(body["document"]),
        digest=str(body["digest"]),
        outcome=Outcome(body["outcome"]),
        at=datetime.fromisoformat(body["at"]).astimezone(UTC),
        worked=tuple(c["text"] for c in body["commands"] if c["status"] == "succeeded"),
        path=path,
    )


def last_proven(reports: list[Kept], alert: str) -> Kept | None:
    passed = (one for one in reports if one.alert == alert and one.outcome is Outcome.PASSED)
    return next(passed, None)


def last_worked(reports: list[Kept], command: str) -> Kept | None:
    return next((one for one in reports if command in one.worked), None)
