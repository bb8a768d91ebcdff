"""Which variables a text sets, and which of them only ever hold harmless words. Judges nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.standins import NAMES, TAME
from playcall.core.compiler.shell.syntax import Spans, Words, is_tame, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_ALWAYS_NUMBERS = frozenset({"RANDOM", "SECONDS", "LINENO", "EPOCHSECONDS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unset:
    """A variable used and never set; byte offsets of the expansion."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is known of a text's variables and functions."""

    given: frozenset[str] = frozenset()
    tame: Mapping[str, Spans] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    numeric: frozenset[str] = frozenset()
    functions: Mapping[str, int] = field(default_factory=dict)  # name -> where it holds from
    assigned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> "name=value"s
    used: tuple[Unset, ...] = ()  # every plain use, set or not
    comments: tuple[tuple[int, int], ...] = ()


def find_scope(nodes: list["Node"], data: bytes) -> Scope:
    """Read all assignments of a text, wherever they stand in it."""
    values, wild = _assignments(nodes, data)
    counted = _counted(nodes, data)
    held = _held(nodes, data)
    tame: dict[str, Spans] = {}
    for _ in range(3):  # a value may use another tame variable
        words = Words(data, tame)
        tame = {
            name: held.get(name, ())
            for name, given in values.items()
            if name not in wild and name not in counted and all(_is_tame(words, v) for v in given)
        }
    named = frozenset(
        name
        for name, given in values.items()
        if name not in wild | counted and all(_is_named(words, v) for v in given)
    )
    # Only digits count: arithmetic would look up "y" in x=y, and run its subscript.
    numeric = frozenset(
        name
        for name in values.keys() | counted
        if name not in wild and all(_is_number(Words(data, tame), v) for v in values.get(name, []))
    )
    given = frozenset(values) | wild | counted
    return Scope(
        given=given,
        tame=tame | {name: held.get(name, ()) for name in numeric},
        named=named,
        numeric=numeric | (_ALWAYS_NUMBERS - given),
        functions=_functions(nodes, data),
        assigned={n: t for n, t in _written(nodes, data).items() if n not in wild | counted},
        used=tuple(_uses(nodes, data)),
        comments=tuple((n.start_byte, n.end_byte) for n in nodes if n.type == "comment"),
    )


def _assignments(
    nodes: list["Node"], data: bytes
) -> tuple[dict[str, list["Node | None"]], frozenset[str]]:
    values: dict[str, list[Node | None]] = {}
    wild: set[str] = set()
    for node in nodes:
        if node.type == "variable_assignment":
            if node.parent is not None and node.parent.type == "command":
                continue  # for the command's own environment: later words do not see it
            name = node.named_children[0]
            value = node.child_by_field_name("value")
            key = re.sub(r"\[.*", "", text_of(name, data), flags=re.DOTALL)
            values.setdefault(key, []).append(value)
        elif node.type == "for_statement":
            variable = node.child_by_field_name("variable")
            if variable is not None:
                given = node.children_by_field_name("value")
                values.setdefault(text_of(variable, data), []).extend(given or [None])
        elif node.type == "expansion":
            match = re.match(r"\$\{(\w+):?=", text_of(node, data))
            wild |= {match[1]} if match else set()
        elif node.type == "command":
            wild |= _read_names(node, data)
    for node in nodes:
        if node.type in ("declaration_command", "unset_command"):
            wild |= {text_of(n, data) for n in node.children if n.type == "variable_name"}
    return values, frozenset(wild)


def _written(nodes: list["Node"], data: bytes) -> dict[str, tuple[str, ...]]:
    """Every assignment as it is written, by its variable's name."""
    found: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        if node.type == "variable_assignment":
            name = text_of(node.named_children[0], data)
            found[name] = (*found.get(name, ()), text_of(node, data))
        elif node.type == "for_statement" and (name_node := node.child_by_field_name("variable")):
            name = text_of(name_node, data)
            found[name] = (*found.get(name, ()), "")
    return found


def _held(nodes: list["Node"], data: bytes) -> dict[str, Spans]:
    """Where each variable is sure to hold what it was given: behind an assignment that is always
    reached, as far as its block goes, and inside a loop over it."""
    found: dict[str, Spans] = {}
    for node in nodes:
        span: tuple[int, int] | None = None
        body = node.child_by_field_name("body")
        if node.type == "variable_assignment":
            span = _behind(node)
        elif node.type in ("for_statement", "c_style_for_statement") and body is not None:
            span = (body.start_byte, body.end_byte)
        if span is not None:
            key = _set_name(node, data)
            found[key] = (*found.get(key, ()), span)
    return found


def _set_name(node: "Node", data: bytes) -> str:
    """The name that a loop or an assignment gives a value to."""
    match = re.match(r"(\w+)\+?=|(?:for|select)(?:\s+|\s*\(\(\s*)(\w+)", text_of(node, data))
    return (match[1] or match[2]) if match else ""


def _behind(node: "Node") -> tuple[int, int] | None:
    """From a statement to the end of the block in which it is always reached."""
    start = node.end_byte
    while node.parent is not None and not _ends_in_background(node):
        parent = node.parent
        if parent.type in ("program", "do_group", "compound_statement", "subshell"):
            return start, parent.end_byte + 1
        first_of_list = parent.type == "list" and parent.children[0] == node
        if not first_of_list and parent.type not in ("variable_assignments", "declaration_command"):
            return None
        node = parent
    return None


def _ends_in_background(node: "Node") -> bool:
    return node.next_sibling is not None and node.next_sibling.type == "&"


def _read_names(node: "Node", data: bytes) -> set[str]:
    words = [text_of(child, data) for child in node.named_children]
    if "read" in words:
        return {w for w in words if re.fullmatch(r"[A-Za-z_]\w*", w)} | {"REPLY"}
    return set()


def _counted(nodes: list["Node"], data: bytes) -> frozenset[str]:
    """Variables that arithmetic may set."""
    names: set[str] = set()
    for node in nodes:
        arithmetic = node.type == "arithmetic_expansion" or (
            node.type in ("compound_statement", "test_command") and node.children[0].type == "(("
        )
        source = text_of(node, data) if arithmetic else ""
        if node.type == "c_style_for_statement":
            source = text_of(node, data).partition("))")[0].removeprefix("for")
        if re.search(r"(?<![=!<>])=(?!=)|\+\+|--", source):
            names |= set(re.findall(r"[A-Za-z_]\w*", source))
    return frozenset(names)


def _is_tame(words: Words, value: "Node | None") -> bool:
    if value is None or value.type == "array":
        return False
    if value.type == "brace_expression":
        return True
    word = words.word(value)
    return not (word.globs or word.splits) and is_tame(word.text.replace(TAME, "x"))


def _is_named(words: Words, value: "Node | None") -> bool:
    """Whether a value is names, or nothing: words that are plain and no options."""
    if value is None or value.type == "array":
        return False
    word = words.word(value)
    return not word.globs and is_tame(word.text.replace(TAME, "x").replace(NAMES, "x"))


def _is_number(words: Words, value: "Node | None") -> bool:
    if value is None:
        return False
    return (
        value.type == "arithmetic_expansion"
        or re.fullmatch(r"\d+", words.word(value).text) is not None
    )


def _functions(nodes: list["Node"], data: bytes) -> dict[str, int]:
    """Functions defined for certain, each with the offset behind its definition: a call that
    stands before it, or a definition that may be skipped, would run a program of that name."""
    found: dict[str, int] = {}
    for node in nodes:
        name = node.child_by_field_name("name")
        if node.type == "function_definition" and name is not None and _is_certain(node):
            found.setdefault(text_of(name, data), node.end_byte)
    return found


def _is_certain(node: "Node") -> bool:
    """Whether a statement is always reached, in the shell itself: not in a branch, a pipe, a
    subshell or the background."""
    following = node.next_sibling
    top = node.parent is not None and node.parent.type == "program"
    return top and (following is None or following.type in (";", "\n") or following.is_named)


def _uses(nodes: list["Node"], data: bytes) -> list[Unset]:
    """Plain uses ($x, ${x}) outside functions for positional ones."""
    found: list[Unset] = []
    for node in nodes:
        if node.type not in ("simple_expansion", "expansion"):
            continue
        match = re.fullmatch(r"\$(?:\{(\w+)\}|(\w+))", text_of(node, data))
        name = (match[1] or match[2]) if match else ""
        if not name or (name.isdigit() and _in_function(node)):
            continue
        found.append(Unset(name=name, start=node.start_byte, end=node.end_byte))
    return found


def _in_function(node: "Node | None") -> bool:
    while node is not None:
        if node.type == "function_definition":
            return True
        node = node.parent
    return False
