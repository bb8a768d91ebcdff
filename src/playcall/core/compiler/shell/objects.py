"""What a command names: for people who decide on it, and for nothing else. It judges nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.knowledge import Program, programs
from playcall.core.compiler.shell.syntax import parse, text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

MOST = 12
_WORDS = ("word", "string", "raw_string", "concatenation", "number")
_DD_FILES = ("if=", "of=")  # of its operands, what is no setting


def named_objects(text: str) -> tuple[str, ...]:
    """The operands of every simple command, without its subcommands and options, and the files
    that it writes to."""
    data = text.encode()
    found: list[str] = []
    for node, _ in walk(parse(data).root_node):
        if node.type == "command":
            found += _operands([_plain(part, data) for part in _parts(node)])
        elif node.type == "file_redirect":
            found += [_plain(part, data) for part in node.named_children if part.type in _WORDS]
    return tuple(dict.fromkeys(word for word in found if word))[:MOST]


def _parts(command: "Node") -> Iterator["Node"]:
    for part in command.named_children:
        if part.type == "command_name" or part.type in _WORDS:
            yield part


def _plain(node: "Node", data: bytes) -> str:
    return text_of(node, data).strip("\"'")


def _operands(words: list[str]) -> Iterator[str]:
    if not words:
        return
    program = programs().get(words[0])
    values = program.values if program else frozenset()
    rest = words[1:] if words[0] != "dd" else [w for w in words[1:] if w.startswith(_DD_FILES)]
    if program is None and "/" in words[0]:
        yield words[0]  # a script is known by its name only
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            if word in values and rest:
                yield f"{word} {rest.pop(0)}"
        elif program is not None and word in program.sub:
            program = program.sub[word]
            values |= program.values
        else:
            program = _last(program)
            yield word


def _last(program: Program | None) -> Program | None:
    """Behind its first operand, nothing is a subcommand any more."""
    return None if program and program.sub else program
