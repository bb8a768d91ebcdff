"""The program that a command begins with, to choose where it runs. Judges nothing."""

import re

from playcall.core.compiler.shell.syntax import parse, walk

# Programs that begin another one. What only sets the stage is passed over too.
_BEFORE = frozenset(
    ("sudo", "doas", "env", "nice", "ionice", "time", "timeout", "watch", "nohup", "exec")
)
_STAGE = frozenset({"cd", "set", "export", "umask", ":"})
_PASSED_OVER = re.compile(r"-.*|\d[\d.]*[smhd]?|\w+=.*")
_WITH_VALUE = frozenset({"-u", "-g", "--user", "--group"})


def first_program(text: str) -> str:
    """Its name without the path; empty when there is none that could be told."""
    data = text.encode("utf-8", "replace")
    for node, _ in walk(parse(data).root_node):
        if node.type != "command":
            continue
        words = [data[one.start_byte : one.end_byte].decode("utf-8") for one in node.children]
        name = _name(words)
        if name not in _STAGE:
            return name
    return ""


def _name(words: list[str]) -> str:
    earlier = ""
    for word in words:
        if not (_PASSED_OVER.fullmatch(word) or earlier in _WITH_VALUE):
            name = word.strip("\"'").rsplit("/", 1)[-1]
            if name not in _BEFORE:
                return name
        earlier = word
    return ""
