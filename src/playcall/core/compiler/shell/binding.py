"""Puts values into a command's placeholders, as quoted words and nothing else. Runs nothing."""

import re
import shlex
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.findings import Edit
from playcall.core.compiler.shell.knowledge import programs
from playcall.core.compiler.shell.reader import open_places, why_unreadable
from playcall.core.compiler.shell.reading import Bound, LeadsAway, Unbindable
from playcall.core.compiler.shell.standins import StandIn, mask
from playcall.core.compiler.shell.syntax import is_tame, parse, text_of, walk
from playcall.core.compiler.shell.variables import find_scope
from playcall.core.compiler.shell.wrappers import apply_edits

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_PLACES = 200

# Inside these, a value would be read as code: only plain words may enter.
_CODE = frozenset(
    [
        "ansi_c_string",
        "heredoc_body",
        "heredoc_start",
        "arithmetic_expansion",
        "expansion",
        "regex",
        "test_command",
        "subscript",
        "case_item",
        "extglob_pattern",
        "c_style_for_statement",
        "brace_expression",
        "process_substitution",
        "array",
        "translated_string",
    ]
)
_STOPS = frozenset(("command_substitution", "command", "program", "subshell", "compound_statement"))
_INTERPRETING = frozenset(("shell", "ssh", "watch", "xargs", "env", "sed", "awk", "find", "python"))
_LANGUAGES = frozenset(
    [
        "eval",
        "trap",
        "source",
        ".",
        "perl",
        "ruby",
        "node",
        "php",
        "lua",
        "psql",
        "mysql",
        "mongo",
        "mongosh",
        "sqlite3",
        "cqlsh",
        "alias",
    ]
)


def bind_values(text: str, values: Mapping[str, str]) -> Bound:
    refusal = why_unreadable(text)
    if refusal:
        raise Unbindable(f"the command {refusal}")
    masked = mask(text)
    root = parse(masked.data).root_node
    nodes = [node for node, _ in walk(root)]
    places = open_places(text, masked.stand_ins, find_scope(nodes, masked.data))
    if len(places) > MAX_PLACES:
        raise Unbindable(f"the command has more than {MAX_PLACES} places for values")
    if places and root.has_error:
        raise Unbindable("the command does not parse as shell")
    missing = dict.fromkeys(p.name for p in places if not values.get(p.name))
    edits = [
        Edit(start=p.start, end=p.end, text=_quoted(root, masked.data, p, values[p.name]), why="")
        for p in places
        if p.name not in missing
    ]
    bound = apply_edits(text.encode(), edits)
    if edits and _shape(parse(bound.encode()).root_node, bool(missing)) != _shape(
        root, bool(missing)
    ):
        raise Unbindable("the values would change how the command is put together")
    return Bound(text=bound, missing=tuple(missing))


def _shape(root: "Node", open_ends: bool) -> Counter[str]:
    """How many commands and redirections a tree holds."""
    kinds = Counter(n.type for n, _ in walk(root))
    if open_ends:  # stand-ins without a value may themselves look like redirections
        return Counter()
    parts = (
        "command",
        "file_redirect",
        "pipeline",
        "list",
        "command_substitution",
        "ERROR",
        "comment",
    )
    return Counter({kind: kinds[kind] for kind in parts})


def _why_unfit(value: str) -> str:
    if re.search(r"[\t\n]", value):
        return "holds a control character"
    if "\\ " in value:
        return "holds a backslash before a space, which shells and parsers read differently"
    return why_unreadable(value) or ""


def _quoted(root: "Node", data: bytes, place: StandIn, value: str) -> str:
    """The value in the quoting its place asks for."""
    refusal = _why_unfit(value)
    if refusal:
        raise Unbindable(f'the value of "{place.name}" {refusal}')
    node = root.descendant_for_byte_range(place.start, place.end - 1)
    if node is None:
        raise Unbindable(f'"{place.text}" stands nowhere in the command')
    style = _style(node, data, place)
    if style == "code" and not is_tame(value):
        raise Unbindable(
            f'the value of "{place.name}" would be read as code there; only letters, digits '
            "and . _ - / : @ % + , = may stand in it"
        )
    if value.startswith("-") and _begins_word(node, data, place):
        raise Unbindable(f'the value of "{place.name}" begins with "-" and would be an option')
    if _leads_away(_before(node, data, place), value):
        raise LeadsAway(
            f'the value of "{place.name}" has "." or ".." between slashes, and would lead out of '
            "the directory that is written there"
        )
    if style == "single":
        return value.replace("'", "'\\''")
    if style == "double":
        return re.sub(r'([\\$`"])', r"\\\1", value)
    return value if style == "code" else _always_quoted(value)


def _always_quoted(value: str) -> str:
    """A bare word is quoted too: it must not become a key word, an assignment or a number."""
    quoted = shlex.quote(value)
    return quoted if quoted != value else f"'{value}'"


def _style(node: "Node", data: bytes, place: StandIn) -> str:
    """'bare', 'single', 'double', or 'code' where quoting cannot help."""
    style = ""
    at: Node | None = node
    while at is not None:
        whole = at.start_byte == place.start and at.end_byte == place.end
        if at.type in _CODE and not (at.type == "expansion" and whole):
            return "code"
        if at.type == "command_name":
            raise Unbindable(f'"{place.text}" is the program itself, and no value may be that')
        if at.type == "compound_statement" and at.children[0].type == "((":
            return "code"
        if at.type == "command_substitution" and data[at.start_byte : at.start_byte + 1] == b"`":
            return "code"
        if at.type == "command" and _interprets(at, data):
            return "code"
        if not style and at.type in ("raw_string", "string"):
            style = "single" if at.type == "raw_string" else "double"
        if not style and at.type in _STOPS:
            style = "bare"
        at = at.parent
    word = _word(node)
    source = text_of(word, data) if word is not None else ""
    return "code" if style in ("single", "double") and re.search(r"[{:]\s*\\?\"", source) else style


def _interprets(command: "Node", data: bytes) -> bool:
    """Whether some word of the command names a program that reads its arguments as code."""
    for child in command.named_children:
        name = re.sub(r"[\"'\\$]", "", text_of(child, data)).rsplit("/", 1)[-1]
        program = programs().get(name)
        if name in _LANGUAGES:
            return True
        if program is not None and {program.wraps, program.check} & _INTERPRETING:
            return True
    return False


def _word(node: "Node") -> "Node | None":
    """The whole word a node is part of."""
    at: Node | None = node
    while at is not None and at.parent is not None:
        if at.parent.type not in ("concatenation", "string", "simple_expansion", "expansion"):
            return at
        at = at.parent
    return at


def _begins_word(node: "Node", data: bytes, place: StandIn) -> bool:
    before = _before(node, data, place)
    return not before or before[0] in "$`\x02"


def _before(node: "Node", data: bytes, place: StandIn) -> str:
    """What stands in the same word before it."""
    word = _word(node)
    if word is None:
        return ""
    return data[word.start_byte : place.start].decode(errors="replace").lstrip("\"'\\\n")


def _leads_away(before: str, value: str) -> bool:
    """Whether a value that goes on with a path leaves the directory that this names."""
    if not before or "/" not in before + value:
        return False
    parts = f"{before}{value}".split("/")[before.count("/") :]
    return "." in parts or ".." in parts
