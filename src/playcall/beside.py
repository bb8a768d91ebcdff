"""What lies beside a document: the files that it names, as far as they are there."""

from dataclasses import replace
from pathlib import Path

from playcall.core.compiler import Compiled
from playcall.core.place import Level, Problem

_LINKS = "PC117"


def with_files(compiled: Compiled, document: Path) -> Compiled:
    """Without the problems of files that are there; a link to one that is not is a fault."""
    kept = [
        _missing_link(problem) if problem.code == _LINKS else problem
        for problem in compiled.problems
        if not problem.about or not _is_there(document.parent, problem.about)
    ]
    return replace(compiled, problems=tuple(kept))


def _missing_link(problem: Problem) -> Problem:
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
