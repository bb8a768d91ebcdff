"""Shell text to a syntax tree, its words evaluated as far as they can be known. Judges nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.names import gives_names
from playcall.core.compiler.shell.standins import HOLE, MARKS, NAMES, TAME, WILD

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

MAX_BYTES = 64 * 1024
MAX_DEPTH = 60

Spans = tuple[tuple[int, int], ...]  # from and up to, in bytes

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_TAME_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,][A-Za-z0-9_./:@%+,=-]*")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}?|\{[^{}]*\{")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One argument. `text` holds marks where only the run will tell."""

    text: str
    start: int  # bytes
    end: int
    globs: bool = False  # an unquoted pattern: may become several file names
    splits: bool = False  # an unquoted expansion: may become any number of words
    quoted: bool = False

    @property
    def literal(self) -> bool:
        return not (self.globs or self.splits or any(mark in self.text for mark in MARKS))

    @property
    def may_be_option(self) -> bool:
        """Whether the run could turn it into an option or into further words."""
        unsure = self.text.startswith(WILD) or (self.splits and WILD in self.text)
        return unsure or (self.globs and self.text[:1] in "*?[-")


@cache
def _parser() -> "Parser":
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def parse(data: bytes) -> "Tree":
    """The tree of a text; positions are those of `data`.

    The grammar's scanner looks characters up in a table for bytes, and crashes on some that are not
    ASCII. Each of their bytes is replaced by DEL, which like them is an ordinary part of a word and
    can stand in no name.
    """
    return _parser().parse(_NOT_ASCII.sub(b"\x7f", data))


def walk(root: "Node") -> Iterator[tuple["Node", int]]:
    """Every node with its depth, parents first, in the order of the text."""
    cursor = root.walk()
    depth = 0
    while True:
        node = cursor.node
        assert node is not None
        yield node, depth
        if cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            depth -= 1


def text_of(node: "Node", data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode(errors="replace")


def is_tame(value: str) -> bool:
    """Whether a value stays one harmless word wherever it is put: no space, no dash first."""
    return _TAME_VALUE.fullmatch(value) is not None


class Words:
    """Evaluates words of one text; `tame` names the variables only ever given tame values,
    and where in the text they are sure to have been given one; `named` those given names."""

    def __init__(
        self, data: bytes, tame: Mapping[str, Spans], named: frozenset[str] = frozenset()
    ) -> None:
        self.data = data
        self.tame = tame
        self.named = named

    def word(self, node: "Node") -> Word:
        parts = list(self._parts(node))
        bare = "".join(text for text, quoted in parts if not quoted)
        text = "".join(text for text, _ in parts)
        plain = "".join(_plain(n, self.data) for n in _leaves(node) if n.type == "word")
        globs = any(char in plain for char in "*?[") or node.type == "extglob_pattern"
        splits = WILD in bare or NAMES in bare
        if _BRACES.search(_bare_source(node, self.data)):
            text, splits = WILD + text, True
        return Word(
            text=text,
            start=node.start_byte,
            end=node.end_byte,
            globs=globs,
            splits=splits,
            quoted=any(quoted for _, quoted in parts),
        )

    def _parts(self, node: "Node") -> Iterator[tuple[str, bool]]:
        source = text_of(node, self.data)
        match node.type:
            case "word" | "number" | "variable_name" | "test_operator":
                yield _unescape(source), False
            case "command_name" | "concatenation":
                for child in node.children:
                    yield from self._parts(child)
            case "raw_string":
                yield source[1:-1], True
            case "string":
                yield self._string(node), True
            case "ansi_c_string":
                yield _ansi(source[2:-1]), True
            case "process_substitution":
                yield TAME, False
            case "brace_expression":
                yield TAME, False
            case "simple_expansion" | "expansion" | "command_substitution":
                yield self._expansion(node), False
            case _:
                yield WILD, False

    def _string(self, node: "Node") -> str:
        """The inside of double quotes; white space between children belongs to it."""
        out: list[str] = []
        at = node.start_byte + 1
        for child in node.named_children:
            if child.type == "string_content":
                continue
            out.append(self._inside(at, child.start_byte))
            out.append(self._expansion(child))
            at = child.end_byte
        out.append(self._inside(at, node.end_byte - 1))
        return "".join(out)

    def _inside(self, start: int, end: int) -> str:
        text = self.data[start:end].decode(errors="replace")
        return re.sub(r'\\([$`"\\])', r"\1", text.replace("\\\n", ""))

    def _expansion(self, node: "Node") -> str:
        if node.type == "command_substitution" and self._gives_names(node):
            return NAMES
        if node.type not in ("simple_expansion", "expansion"):
            return WILD
        source = text_of(node, self.data)
        name = re.fullmatch(r"\$(?:\{(\w+)\}|(\w+))", source)
        spans = self.tame.get(name[1] or name[2], ()) if name else ()
        if any(start <= node.start_byte < end for start, end in spans):
            return TAME
        if name and (name[1] or name[2]) in self.named:
            return NAMES
        return TAME if source in ("$?", "$$", "$#", "$!", "${?}", "${#}") else WILD

    def _gives_names(self, node: "Node") -> bool:
        inside = node.named_children
        return len(inside) == 1 and self.names_command(inside[0])

    def names_command(self, node: "Node") -> bool:
        """Whether a command prints names of Kubernetes objects and nothing else."""
        plain = node.type == "command" and all(child.is_named for child in node.children)
        return plain and gives_names([self.word(child) for child in node.children])


def _leaves(node: "Node") -> Iterator["Node"]:
    if node.type in ("command_name", "concatenation"):
        for child in node.children:
            yield from _leaves(child)
    else:
        yield node


def _bare_source(node: "Node", data: bytes) -> str:
    """The unquoted source of a word, quoted parts and expansions left out."""
    return "".join(_plain(leaf, data) if leaf.type == "word" else "_" for leaf in _leaves(node))


def _plain(node: "Node", data: bytes) -> str:
    """A bare word's source without its escaped characters."""
    return re.sub(r"\\.", "_", text_of(node, data), flags=re.DOTALL)


def _unescape(source: str) -> str:
    return re.sub(r"\\(.)", r"\1", source.replace("\\\n", ""), flags=re.DOTALL)


def _ansi(source: str) -> str:
    """The inside of $'...'; escapes other than the plainest make it unknown."""
    unknown = False

    def replace(match: re.Match[str]) -> str:
        nonlocal unknown
        unknown |= match[1] not in _ESCAPES
        return _ESCAPES.get(match[1], "")

    text = re.sub(r"\\(.)", replace, source, flags=re.DOTALL)
    return WILD if unknown else text


def holes(word: Word) -> bool:
    return HOLE in word.text
