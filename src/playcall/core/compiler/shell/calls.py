"""One simple command, ready to be judged: its program, its words, its arguments. No logic."""

from dataclasses import dataclass

from playcall.core.compiler.shell.arguments import Arguments
from playcall.core.compiler.shell.findings import Context
from playcall.core.compiler.shell.knowledge import Program
from playcall.core.compiler.shell.syntax import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A known program with its arguments."""

    program: Program
    words: list[Word]  # the program's name first
    rest: list[Word]  # the words after the name and its subcommands
    arguments: Arguments
    context: Context

    @property
    def at(self) -> int:
        """Where it stands, in bytes of the document's text."""
        return self.context.origin[0] if self.context.origin else self.words[0].start

    @property
    def end(self) -> int:
        return self.words[-1].end

    def place(self, word: Word) -> int:
        return self.context.origin[0] if self.context.origin else word.start
