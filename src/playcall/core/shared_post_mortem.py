"""What goes out when a post-mortem is shared: its title, the parts that stakeholders ask for, and
how much changed since they last had it. From the text as people left it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from playcall.core.post_mortem import PostMortem
from playcall.core.report_form import TO_WRITE, About, about
from playcall.core.sending import unfinished

LONGEST_PART = 2500  # characters
_WANTED = (About.IMPACT, About.CAUSE, About.RESOLUTION, About.ACTIONS)
_HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<text>.*\S)\s*$")
_LINK = re.compile(r"\s?\((?:\[(?:\d+|numbers)\]\([^)\s]*\)(?:, )?)+\)")  # to events and numbers
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>#|&~])")
_CODE = re.compile(r"(?: {4,}|\t)(?!\s*(?:[-*+]|\d+[.)])\s)")  # and no item of an item
_FENCE = re.compile(r"\s*(?:[-*+>]\s+)*(?P<marks>`{3,}|~{3,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Since the version that was shared last."""

    version: int
    added: int  # lines
    removed: int


def title_of(paper: PostMortem, otherwise: str) -> str:
    heads = (_HEADING.match(line) for line in paper.text.split("\n"))
    return next((_plain(head["text"]) for head in heads if head), otherwise)


def compose(paper: PostMortem, incident: int, changed: Changed | None) -> tuple[str, str]:
    """The subject, and the text of the message."""
    title = title_of(paper, f"Incident {incident}")
    parts = [title]
    if left := unfinished(paper.asks, paper.conflicts):
        parts.append(f"Not finished: {left}.")
    parts += [f"{heading}\n{body}" for heading, body in _parts(paper.text)]
    if changed:
        parts.append(say_changed(changed))
    version = paper.version or 1  # as it is shared, one that nobody saved is saved
    parts.append(f"The post-mortem as a whole, version {version}, goes with this message.")
    return f"Post-mortem of incident {incident}: {title}", "\n\n".join(parts)


def changed_since(old: PostMortem, new: PostMortem) -> Changed:
    before, after = Counter(old.text.split("\n")), Counter(new.text.split("\n"))
    return Changed(
        version=old.version,
        added=(after - before).total(),
        removed=(before - after).total(),
    )


def say_changed(changed: Changed) -> str:
    def lines(count: int) -> str:
        return f"{count} line{'s' if count != 1 else ''}"

    return (
        f"Since version {changed.version}, which was shared before, "
        f"{lines(changed.added)} came and {lines(changed.removed)} went."
    )


def _parts(text: str) -> Iterator[tuple[str, str]]:
    heading, body = "", list[str]()
    for line in [*text.split("\n"), "# end"]:
        found = _HEADING.match(line)
        if found is None:
            body.append(line)
            continue
        if about(heading) in _WANTED and (said := _body(body)):
            yield _plain(heading), said
        heading, body = found["text"], []


def _body(lines: list[str]) -> str:
    """Without what ran: readers outside are shown no command."""
    kept = [_plain(line) for line in _outside_fences(lines) if not _CODE.match(line)]
    kept = [line.replace(_plain(TO_WRITE), "(to be written)") for line in kept]
    said = re.sub(r"\n{3,}", "\n\n", "\n".join(kept).strip("\n"))
    return said if len(said) <= LONGEST_PART else f"{said[:LONGEST_PART].rstrip()}…"


def _outside_fences(lines: list[str]) -> Iterator[str]:
    """One that nobody closed goes on to the end of the part."""
    fence = ""
    for line in lines:
        found = _FENCE.match(line)
        if fence:
            marks = line.strip()
            closes = len(marks) >= len(fence) and not marks.strip(fence[0])
            fence = "" if closes else fence
        elif found:
            fence = found["marks"]
        else:
            yield line


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", _LINK.sub("", text).replace("**", "")).rstrip()
