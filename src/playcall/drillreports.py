"""Reads the reports that `playcall drill` kept, a folder for each drill."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playcall.core.drill import Outcome
from playcall.core.drilled import Kept

REPORT, RECORD = "report.md", "report.json"
LONGEST = 500_000  # bytes of a report that are shown
MOST = 1000  # reports that are read, the newest by the names of their folders


def home() -> Path:
    """Where reports are kept: the XDG base directory for state."""
    state = os.environ.get("XDG_STATE_HOME")
    base = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "playcall" / "drills"


def kept(folder: Path) -> list[Kept]:
    """The newest first; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob(f"*/{RECORD}"), reverse=True)[:MOST]:
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
        why=str(body.get("why", "")),
        factor=float(body.get("factor", 1)),
        milestones={str(k): float(v) for k, v in body.get("milestones", {}).items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReports:
    """`Drills`."""

    folder: Path

    def kept(self) -> Sequence[Kept]:
        return kept(self.folder)

    def report(self, name: str) -> str | None:
        """As Markdown; None: there is no such report. `name`: of its folder."""
        if name not in {one.path.name for one in self.kept()}:
            return None
        try:
            with (self.folder / name / REPORT).open("rb") as file:
                return file.read(LONGEST).decode("utf-8", "replace")
        except OSError:
            return None
