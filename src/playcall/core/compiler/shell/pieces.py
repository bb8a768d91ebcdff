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
    r"\s*(?:(?:export|local|readonly|declare)\s+)?(?:\w+=|[\w-]+\s*\(\)|(?:function|set|cd|source|\.|trap|read)\s)"
)
_FUNCTION = re.compile(
    r"(?:function\s+)?(?P<name>[A-Za-z_][\w-]*)\s*\(\)|function\s+(?P<other>[\w-]+)"
)
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
        pieces = _pieces(block.split("\n"), _spans(lines))
    return tuple(piece for piece in pieces if not _NO_COMMAND.match(piece.text))


def _script(lines: list[str]) -> Piece | None:
    """All of a block that begins with "#!", where a line of it leaves something for later ones, or
    that calls a function of its own."""
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return None
    if not lines[first].lstrip().startswith("#!"):
        if not _calls_its_own(lines):
            return None
        first -= 1
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


def _calls_its_own(lines: list[str]) -> bool:
    made = [found["name"] or found["other"] for x in lines if (found := _FUNCTION.match(x))]
    called = re.compile(rf"\s*(?:{'|'.join(map(re.escape, made))})(?:\s|$)(?!\s*\()")
    return bool(made) and any(called.match(line) for line in lines)


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
