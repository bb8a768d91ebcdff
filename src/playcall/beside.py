"""What lies beside a document: the files that it names, as far as they are there."""

from dataclasses import replace
from pathlib import Path

from playcall.core.compiler import Compiled
from playcall.core.place import Level, Problem

_LINKS, _WAY_BACK = "PC117", "PC424"


def with_files(compiled: Compiled, document: Path) -> Compiled:
    """Without the problems of files that are there; a link to one that is not is a fault, and so is
    a script for the way back that nobody can compare with the document."""
    kept = [
        _missing(problem)
        for problem in compiled.problems
        if not problem.about or not _is_there(document.parent, problem.about)
    ]
    return replace(compiled, problems=tuple(kept))


def _missing(problem: Problem) -> Problem:
    if problem.code == _WAY_BACK:
        return replace(problem, level=Level.WARNING)
    if problem.code != _LINKS:
        return problem
    return replace(
        problem,
        level=Level.WARNING,
        what=f"The link {problem.about} leads to no file.",
        mend="Mend the path, or take the link away.",
    )


def _is_there(folder: Path, name: str) -> bool:
    """Sites name a page without its ending, too."""
    try:
        return any((folder / spelled).exists() for spelled in (name, f"{name.rstrip('/')}.md"))
    except (OSError, ValueError):
        return False
