"""Cuts a code block into its commands, with the comments above them. Judges nothing."""

import re
from dataclasses import dataclass

from playcall.core.compiler.shell.reading import Piece
from playcall.core.compiler.shell.standins import mask
from playcall.core.compiler.shell.syntax import MAX_BYTES, MAX_DEPTH, parse, walk

_PROMPT = re.compile(
    r"\s*(?:\$|(?:\(\S+\)\s*)?\[?[\w.-]+@[\w.-]+[^$#%\n]*[$#%]|(?:ba|z|k)?sh-\d[\d.]*[$#]"
    r"|[~/][\w./-]* [$#]|➜)[ \t]+(?=\S)"
)
# No program has such a name: what begins so is output, or data between commands.
_NO_COMMAND = re.compile(
    r"(?:[\w.-]+:(?=\s|$)|[-*+|}\]>=~]+(?=\s|$)|\d+(?=\s|$)|\.\.\.|//|[{}\]]$)"
)
_LEAVES = re.compile(
    r"\s*(?:(?:export|local|readonly|declare)\s+)?(?:\w+=|[\w-]+\s*\(\)|(?:function|set|cd|pushd|source|\.|trap|read|umask|ulimit|shopt)\s)"
)
_ASSIGNS = ("variable_assignments", "declaration_command")
_RESETS = re.compile(r"(?:set|cd|pushd|source|\.|trap|read|umask|ulimit|shopt)\s")
_MORE = re.compile(r"\s*>(?:[ \t]|$)")
_LONGEST = 40  # lines of one command
_TRIES = 400  # parses spent on a block that does not parse as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """Lines of one command, from 0, both included."""

    first: int
    last: int


def split(block: str) -> tuple[Piece, ...]:
    lines = block.encode(errors="replace").decode().split("\n")
    if any(_PROMPT.match(line) for line in lines):
        pieces = _console(block.split("\n"))
    elif script := _script(block.split("\n")):
        return (script,)
    else:
        pieces = _pieces(block.split("\n"), _joined(lines, _spans(lines)))
    return tuple(piece for piece in pieces if not _NO_COMMAND.match(piece.text))


def _script(lines: list[str]) -> Piece | None:
    """All of a block that begins with "#!", where a line of it leaves something for later ones."""
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None or not lines[first].lstrip().startswith("#!"):
        return None
    while lines and not lines[-1].strip():
        lines.pop()
    start = first + 1
    while start < len(lines) and _is_gap(lines[start]):
        start += 1
    if start >= len(lines) or not any(_LEAVES.match(line) for line in lines[start:]):
        return None
    text = "\n".join(lines[start:]).strip()
    title = _title(lines[first + 1 : start])
    return Piece(title=title, text=text, line=start + 1, last_line=len(lines))


def _pieces(lines: list[str], spans: list[_Span]) -> list[Piece]:
    found: list[Piece] = []
    title: str | None = None
    last = -1
    for span in spans:
        between = lines[last + 1 : span.first]
        if between or last < 0:
            title = _title(between)
        text = "\n".join(lines[span.first : span.last + 1]).strip()
        found.append(Piece(title=title, text=text, line=span.first + 1, last_line=span.last + 1))
        last = span.last
    return found


def _title(between: list[str]) -> str | None:
    """The comment lines right above a command."""
    words: list[str] = []
    for line in reversed(between):
        text = line.strip()
        if not text.startswith("#") or text.startswith("#!"):
            break
        words.insert(0, text.lstrip("#").strip())
    return " ".join(word for word in words if word) or None


def _spans(lines: list[str]) -> list[_Span]:
    whole = _statements(lines)
    if whole is not None:
        return whole
    spans: list[_Span] = []
    tries = _TRIES
    at = 0
    while at < len(lines):
        if _is_gap(lines[at]):
            at += 1
            continue
        end = at
        found: list[_Span] | None = None
        while found is None and end < min(len(lines), at + _LONGEST) and tries > 0:
            tries -= 1
            found = _statements(lines[at : end + 1])
            end += 1
        if found is None:
            end = at + 1
            while end < len(lines) and not _is_gap(lines[end]):
                end += 1
        spans.append(_Span(first=at, last=end - 1))
        at = end
    return spans


def _joined(lines: list[str], spans: list[_Span]) -> list[_Span]:
    """Commands run one by one, each in a shell of its own: what sets a variable, a function or a
    directory stays together with everything up to the last line that rests on it."""
    found: list[_Span] = []
    at = 0
    while at < len(spans):
        first = at
        until = at
        while at <= until:
            until = max(until, _last_user(lines, spans, at))
            at += 1
        found.append(_Span(first=spans[first].first, last=spans[until].last))
    return found


def _last_user(lines: list[str], spans: list[_Span], at: int) -> int:
    """The last span that rests on what span `at` leaves behind; `at` itself when none does."""
    text = _text(lines, spans[at])
    if not _LEAVES.match(text) or at + 1 == len(spans):
        return at
    names = _defined(text)
    if names is None:
        return len(spans) - 1
    used = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w=-])" for name in names) or "$^")
    users = [i for i in range(at + 1, len(spans)) if used.search(_text(lines, spans[i]))]
    return users[-1] if users else at


def _text(lines: list[str], span: _Span) -> str:
    return "\n".join(lines[span.first : span.last + 1])


def _defined(text: str) -> set[str] | None:
    """The variables and functions that a text defines; None: it changes the shell itself."""
    names: set[str] = set()
    for node in parse(mask(text).data).root_node.named_children:
        inner = node.named_children if node.type in _ASSIGNS else [node]
        for part in inner:
            if part.type == "variable_assignment" or part.type == "function_definition":
                named = part.child_by_field_name("name")
                names.update((named.text.decode(),) if named and named.text else ())
            elif part.type == "command" and _RESETS.match((part.text or b"").decode()):
                return None
        if node.type == "declaration_command" and (node.text or b"").startswith(b"export"):
            return None
    return names


def _is_gap(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _statements(lines: list[str]) -> list[_Span] | None:
    """The statements of a text by line, those that share a line together; none: it has errors."""
    text = "\n".join(lines)
    if len(text) > MAX_BYTES:
        return [_Span(first=0, last=len(lines) - 1)]
    root = parse(mask(text).data).root_node
    if root.has_error or lines[-1].endswith("\\"):
        return None
    spans: list[_Span] = []
    for node in root.children:
        if node.type == "comment" or not node.is_named:
            continue
        first, last = node.start_point.row, node.end_point.row
        if node.end_point.column == 0 and last > first:
            last -= 1
        while last > first and not lines[last].strip():
            last -= 1
        if spans and first <= spans[-1].last:
            first = spans.pop().first
        spans.append(_Span(first=first, last=last))
    return spans


def _console(lines: list[str]) -> list[Piece]:
    """A block with prompts: what stands below a prompt is output, unless it continues it."""
    found: list[Piece] = []
    at = 0
    while at < len(lines):
        match = _PROMPT.match(lines[at])
        if match is None:
            at += 1
            continue
        first = at
        text = [lines[at][match.end() :]]
        while at + 1 < len(lines) and _continues(text, lines[at + 1]):
            at += 1
            text.append(_MORE.sub("", lines[at]) if _MORE.match(lines[at]) else lines[at])
        title = _title(_above(lines, first))
        found.append(
            Piece(title=title, text="\n".join(text).strip(), line=first + 1, last_line=at + 1)
        )
        at += 1
    return found


def _above(lines: list[str], first: int) -> list[str]:
    start = first
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return lines[start:first]


def _continues(text: list[str], following: str) -> bool:
    if _PROMPT.match(following):
        return False
    if text[-1].endswith("\\") or _MORE.match(following):
        return True
    source = "\n".join(text).encode(errors="replace").decode()
    return len(text) < _LONGEST and len(source) < MAX_BYTES and _is_open(source)


def _is_open(source: str) -> bool:
    """Whether a quote, a loop or a here-document of it still waits for its end."""
    if not re.search(r"['\"]|<<|\b(?:do|then|in)\b|[({]", source):
        return False
    root = parse(mask(source).data).root_node
    return root.has_error and all(depth < MAX_DEPTH for _, depth in walk(root))
