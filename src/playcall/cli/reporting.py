"""Problems as other tools read them: SARIF 2.1.0, and the workflow commands of GitHub."""

from collections.abc import Sequence
from typing import Any

from playcall.core.place import Level, Problem

DOCS = "docs/problems.md"
_SARIF = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "note"}
_GITHUB = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def as_sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """A log of one run (OASIS SARIF 2.1.0)."""
    codes = sorted({problem.code for problem in problems})
    rules = [{"id": code, "helpUri": f"{DOCS}#{code.lower()}"} for code in codes]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "playcall", "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, codes.index(problem.code)) for problem in problems],
            }
        ],
    }


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    place = problem.place
    region = {"startLine": place.line, "startColumn": place.column}
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _SARIF[problem.level],
        "message": {"text": f"{problem.what} {problem.mend}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": place.file}, "region": region}}
        ],
    }


def as_github(problem: Problem) -> str:
    """A workflow command, which marks the line in a pull request."""
    place = problem.place
    file = _escaped(place.file).replace(":", "%3A").replace(",", "%2C")
    where = f"file={file},line={place.line},col={place.column},title={problem.code}"
    return f"::{_GITHUB[problem.level]} {where}::{_escaped(f'{problem.what} {problem.mend}')}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
