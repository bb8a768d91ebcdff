"""What became of every source line, and every problem found: the compiler's only mutable state."""

from playcall.core.place import Level, Place, Problem
from playcall.core.plan import LineUse


class Ledger:
    """Collects in any order; a later `take` of a line replaces an earlier one."""

    def __init__(self, path: str, lines: tuple[str, ...]) -> None:
        self.path = path
        self.lines = lines
        self._uses: list[str | None] = [None] * len(lines)
        self._problems: list[Problem] = []

    def take(self, first: int, last: int, what: str) -> None:
        """Lines `first` to `last` became `what`."""
        last = min(last, len(self._uses))
        self._uses[first - 1 : last] = [what] * (last - first + 1)

    def error(
        self, code: str, line: int, what: str, mend: str, *, column: int = 0, word: str = ""
    ) -> None:
        self.tell(code, Level.ERROR, line, what, mend, column=column, word=word)

    def warn(
        self, code: str, line: int, what: str, mend: str, *, column: int = 0, word: str = ""
    ) -> None:
        self.tell(code, Level.WARNING, line, what, mend, column=column, word=word)

    def note(
        self, code: str, line: int, what: str, mend: str, *, column: int = 0, word: str = ""
    ) -> None:
        self.tell(code, Level.NOTE, line, what, mend, column=column, word=word)

    def tell(
        self,
        code: str,
        level: Level,
        line: int,
        what: str,
        mend: str,
        *,
        column: int = 0,
        word: str = "",
        about: str = "",
    ) -> None:
        """Record a problem. It points at the column, or else at where the word stands on the line,
        or else at the first character that is not blank."""
        line = max(1, min(line, len(self.lines)))
        column = column or self._column(line, word)
        place = Place(file=self.path, line=line, column=column)
        self._problems.append(
            Problem(code=code, level=level, place=place, what=what, mend=mend, about=about)
        )

    def problems(self) -> tuple[Problem, ...]:
        """In the order of the document, each once."""
        found = dict.fromkeys(self._problems)
        return tuple(sorted(found, key=lambda p: (p.place.line, p.place.column, p.code)))

    def uses(self) -> tuple[LineUse, ...]:
        """Runs of lines with one use; together they cover every line once."""
        runs: list[tuple[int, int, str, bool]] = []
        for number, (use, line) in enumerate(zip(self._uses, self.lines, strict=True), 1):
            what = use or ("prose" if line.strip() else "blank")
            taken = what != "prose"
            if runs and runs[-1][2] == what:
                runs[-1] = (runs[-1][0], number, what, taken)
            else:
                runs.append((number, number, what, taken))
        return tuple(LineUse(first=a, last=b, what=what, taken=t) for a, b, what, t in runs)

    def _column(self, line: int, word: str) -> int:
        text = self.lines[line - 1] if self.lines else ""
        at = text.lower().find(word.lower()) if word else -1
        return (at if at >= 0 else len(text) - len(text.lstrip())) + 1
