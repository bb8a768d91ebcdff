"""Keeps what a drill taught: one folder for each, which `drillreports` reads."""

import json
from pathlib import Path
from typing import Any

from playcall.core.drill import Change, Look, findings
from playcall.core.drill_report import Drill, write_drill_report
from playcall.drillreports import RECORD

REPORT = "report.md"


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
