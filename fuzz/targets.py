"""What must hold for any bytes at all. Each target raises AssertionError where it does not."""

import contextlib
import re
from collections.abc import Callable, Mapping

from playcall.core.compiler import compile_document
from playcall.core.compiler.shell import bind, read_command, split_commands
from playcall.core.compiler.shell.reading import Unbindable
from playcall.core.plan import EffectClass

_GOES_ON = re.compile(r"\n|<<|\\$")  # what follows would be part of it


def compiles(data: bytes) -> None:
    """Any document: every line is accounted for once, and every problem has a place in it."""
    compiled = compile_document(data, "fuzzed.md")
    if compiled.plan is None:
        assert compiled.problems, "refused without a word"
        return
    following = 1
    for use in compiled.plan.lines:
        assert use.first == following, f"line {following} is not accounted for"
        following = use.last + 1
    for problem in compiled.problems:
        assert 1 <= problem.place.line < following, problem
        assert problem.place.column >= 1, problem
        assert problem.what, problem


def judges(data: bytes) -> None:
    """Any text in a shell block: commands lie within it, and more of it is never safer.

    A command that is followed by another is at least as strict as that other by itself.
    """
    text = data.decode("utf-8", "replace")
    count = text.count("\n") + 1
    for piece in split_commands(text):
        assert 1 <= piece.line <= piece.last_line <= count, piece
        reading = read_command(piece.text)
        if reading.effect is EffectClass.OBSERVE and not _GOES_ON.search(piece.text):
            worse = read_command(f"{piece.text}\nrm -rf /srv").effect
            assert worse not in (EffectClass.OBSERVE, EffectClass.HEAVY), piece.text
        values = {placeholder.name: "a b;c" for placeholder in reading.placeholders}
        with contextlib.suppress(Unbindable):
            bind(piece.text, values)


TARGETS: Mapping[str, Callable[[bytes], None]] = {"compile": compiles, "shell": judges}
