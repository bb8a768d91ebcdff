"""What a command may do, found by parsing it as shell; what is not known is a change.

Pure: reads only this package's own knowledge files, once, and never runs anything.
"""

from collections.abc import Mapping

from playcall.core.compiler.shell.reading import (
    Bound,
    Fault,
    LeadsAway,
    Piece,
    Reading,
    Unbindable,
)

__all__ = [
    "Bound",
    "Fault",
    "LeadsAway",
    "Piece",
    "Reading",
    "Unbindable",
    "bind",
    "first_program",
    "read_command",
    "split_commands",
]


def split_commands(block: str) -> tuple[Piece, ...]:
    """The commands of a code block, in order; comments above them are their titles."""
    from playcall.core.compiler.shell.pieces import split  # parsers load on first use

    return split(block)


def read_command(text: str) -> Reading:
    """What a command may do. Never raises: what cannot be read is a change."""
    from playcall.core.compiler.shell.reader import read

    return read(text)


def first_program(text: str) -> str:
    """The program that a command begins with; empty when that cannot be told."""
    from playcall.core.compiler.shell.first import first_program as find

    return find(text)


def bind(text: str, values: Mapping[str, str]) -> Bound:
    """The command with its placeholders replaced by quoted values.

    Raises Unbindable when a value could become an option, a program or a second command.
    """
    from playcall.core.compiler.shell.binding import bind_values

    return bind_values(text, values)
