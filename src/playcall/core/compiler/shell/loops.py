"""Whether a loop's condition never lets it end. Judges nothing else."""

import re
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.syntax import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_ALWAYS = re.compile(r"(?:true|:|sleep|date|echo|printf)\b.*|:", re.DOTALL)
_NEVER = re.compile(r"false|! *(?:true|:)")
_CONSTANT = re.compile(r"(?:\[\[?|\(\(|test\b)[^$`]*")
_NO_END = re.compile(r"for\s*\(\(.*?;\s*(?:1|true)?\s*;", re.DOTALL)
_LEAVES = re.compile(r"\b(?:break|exit|return)\b")


def never_ends(loop: "Node", data: bytes) -> bool:
    """A while, until or C-style for loop whose condition holds for good, and that is not left."""
    source = text_of(loop, data)
    if _LEAVES.search(source):
        return False
    if loop.type == "c_style_for_statement":
        return _NO_END.match(source) is not None
    conditions = [node for node in loop.named_children if node.type not in ("do_group", "comment")]
    if not conditions:
        return False
    condition = text_of(conditions[-1], data)
    if loop.children[0].type == "until":
        return _NEVER.fullmatch(condition) is not None or _is_constant(condition)
    return _ALWAYS.fullmatch(condition) is not None or _is_constant(condition)


def _is_constant(condition: str) -> bool:
    """A test of nothing that can change: '[ 1 ]', '((1))'; not that of a file."""
    return _CONSTANT.fullmatch(condition) is not None and not re.search(
        r"-[a-zA-Z]|[A-Za-z]", condition
    )
