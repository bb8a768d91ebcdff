"""The numbers of a play's steps: as written, and told apart when one comes again later."""

from string import ascii_lowercase

from playcall.core.compiler.ledger import Ledger


class Numbering:
    """Steps are numbered as the document does; what numbers nothing takes the next free number."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._used: set[int] = set()
        self._last = 0
        self._lines: dict[int, list[int]] = {}  # of the steps that hold something to be called

    def free(self) -> int:
        number = self._last + 1
        while number in self._used:
            number += 1
        return number

    def use(self, number: int) -> None:
        self._used.add(number)
        self._last = number

    def mark(self, number: int, line: int) -> str:
        """What is put behind the number of a step with commands or a decision, so that no two of
        the play are called the same."""
        lines = self._lines.setdefault(number, [])
        lines.append(line)
        if len(lines) == 1:
            return ""
        index = len(lines) - 1
        mark = ascii_lowercase[index] if index < len(ascii_lowercase) else f"-{index + 1}"
        self.ledger.note(
            "PC120",
            line,
            f"The play has a step {number} on line {lines[0]} already, so what belongs to this one"
            f" is called {number}{mark}: its first command is {number}{mark}.1.",
            "Let the numbers run on from one phase to the next, or keep it if it is clear.",
            word=str(number),
        )
        return mark
