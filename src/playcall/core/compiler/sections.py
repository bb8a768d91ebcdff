"""Blocks to a tree of headed sections, and what each heading says the section is for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Kind, walk
from playcall.core.plan import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with everything down to the next one of its level; level 0 is the document."""

    title: str  # without emphasis and emoji; the time box is still in it
    level: int
    line: int
    last_line: int
    blocks: tuple[Block, ...]  # its own, above the first heading inside it
    children: tuple["Section", ...]

    def inside(self) -> Iterator["Section"]:
        """Itself and every section in it, in order."""
        yield self
        for child in self.children:
            yield from child.inside()


# Tried from the top: the first word found in a heading decides.
_ROLES: tuple[tuple[Role, str], ...] = (
    (
        Role.SYMPTOMS,
        r"symptoms?|meaning|impact|signs|indicators|summary|overview|description|triggers?"
        r"|detection|detected by|alert conditions?|background",
    ),
    (Role.COMMUNICATE, r"communicat\w*|templates?|notifications?|status page|stakeholders?"),
    (Role.DECIDE, r"decisions?|decide|go/no-go"),
    (
        Role.DIAGNOSE,
        r"diagnos\w+|troubleshoot\w*|investigat\w+|root cause( analysis)?|deep dive|analysis"
        r"|possible checks|quick checks|checks|verify|verification|determine|debug\w*|triage",
    ),
    (Role.RESOLVE, r"resolutions?|resolve|recover\w*|clos(e|ing|ure)|verify fix"),
    (
        Role.ACT,
        r"actions?|mitigations?|mitigate|fix(es)?|remed\w+|response|steps|procedure|workarounds?"
        r"|rollback|containment",
    ),
)
SEVERITY_NAMES = ("severity", "priority", "sev", "severity level", "alert severity", "urgency")
_ALERT_WORDS = re.compile(r"^(?:alert(?:\s*name)?|play(?:book)?|runbook)\s*:\s*", re.IGNORECASE)
_NUMBERING = re.compile(r"^\d+(?:\.\d+)*[.)]?\s+")
# 'DiskFull', 'SSPDown', 'etcdMembersDown'; not 'Overview', 'VMs' or 'macOS'.
_CAMEL = re.compile(
    r"^(?:[A-Z](?=\w*[a-z])(?=\w*[a-z0-9][A-Z])\w+|[A-Z]{3,}[a-z]{2,}\w*"
    r"|[a-z]+(?:[A-Z]+[a-z0-9]+){2,})$",
    re.ASCII,
)
_SUFFIX = re.compile(r"\s*\[[^\[\]]*\]$")
_SHOUT = re.compile(r"^[A-Z][A-Za-z0-9_]{2,}$")


def read_sections(blocks: tuple[Block, ...], line_count: int) -> Section:
    """The document as one section of level 0."""
    return _section("", 0, 1, line_count, blocks)


def role_of(title: str) -> Role | None:
    words = phrases.time_box(title)[0].lower()
    for role, pattern in _ROLES:
        if re.search(rf"\b(?:{pattern})\b", words):
            return role
    return None


def alerts_of(section: Section, stem: str = "") -> tuple[str, ...]:
    """The alert names a heading gives, when the section is a play; otherwise none.

    `stem` is the file's name without its ending: a page of its own is named like its alert.
    """
    if section.level == 0:
        return ()
    if own := _page(section, stem):
        return own
    named = _ALERT_WORDS.match(section.title) is not None
    names = _names(section.title, named)
    if not names and named:
        return _in_words(section)
    if not names:
        return ()
    if not named and not _is_itself(section) and any(alerts_of(c) for c in section.children):
        return ()
    return names if named or _has_content(section) else ()


def _page(section: Section, stem: str) -> tuple[str, ...]:
    """'# CPU Throttling High' in CPUThrottlingHigh.md, and '# Watchdog' in Watchdog.md."""
    if not stem or not _SHOUT.match(stem):
        return ()
    title = _SUFFIX.sub("", _ALERT_WORDS.sub("", section.title))
    same = re.sub(r"\W", "", title).lower() == re.sub(r"\W", "", stem).lower()
    if not same or any(alerts_of(child) for child in section.children):
        return ()
    written = title.strip()
    name = written if re.fullmatch(r"\w+", written) else stem
    return (name,) if _CAMEL.match(name) or _has_content(section) else ()


def _in_words(section: Section) -> tuple[str, ...]:
    """'Playbook: High Error Rate' is for the alert HighErrorRate."""
    words = re.findall(r"[A-Za-z0-9]+", _ALERT_WORDS.sub("", section.title).split("(")[0])
    roles = {role_of(child.title) for child in section.children}
    surely = bool(roles & {Role.SYMPTOMS, Role.DIAGNOSE, Role.RESOLVE, Role.ACT})
    if not 1 < len(words) <= 8 or not surely or any(alerts_of(c) for c in section.children):
        return ()
    return ("".join(word[0].upper() + word[1:] for word in words),)


def _is_itself(section: Section) -> bool:
    """Whether it is surely a play, so that names in headings inside it are only words."""
    surely = (Role.DIAGNOSE, Role.RESOLVE)
    return _has_severity(section) or any(role_of(c.title) in surely for c in section.children)


def _names(title: str, named: bool) -> tuple[str, ...]:
    text = _ALERT_WORDS.sub("", _NUMBERING.sub("", title))
    text = _SUFFIX.sub("", phrases.time_box(text)[0]).split(" - ")[0].strip()
    parts = [part.strip() for part in re.split(r"\s*(?:/|,|&|\band\b)\s*", text)]
    shape = _SHOUT if named else _CAMEL
    return tuple(parts) if parts and all(shape.match(part) for part in parts) else ()


def _has_content(section: Section) -> bool:
    if any(role_of(child.title) for child in section.children):
        return True
    blocks = walk(section.blocks)
    steps = any(b.kind is Kind.FENCE or b.number is not None for b in blocks)
    return steps or _has_severity(section)


def _has_severity(section: Section) -> bool:
    return any(
        (found := phrases.plain_pair(line)) is not None and found[0].lower() in SEVERITY_NAMES
        for block in walk(section.blocks)
        if block.kind is Kind.PARAGRAPH
        for line in block.text.split("\n")
    )


def _section(title: str, level: int, line: int, last: int, blocks: tuple[Block, ...]) -> Section:
    heads = [i for i, block in enumerate(blocks) if block.kind is Kind.HEADING]
    own = blocks[: heads[0]] if heads else blocks
    children: list[Section] = []
    index = heads[0] if heads else len(blocks)
    while index < len(blocks):
        head = blocks[index]
        end = index + 1
        while end < len(blocks) and not _closes(blocks[end], head.level):
            end += 1
        child_last = blocks[end].first - 1 if end < len(blocks) else last
        name = phrases.title(head.text)
        children.append(_section(name, head.level, head.first, child_last, blocks[index + 1 : end]))
        index = end
    return Section(
        title=title,
        level=level,
        line=line,
        last_line=last,
        blocks=own,
        children=tuple(children),
    )


def _closes(block: Block, level: int) -> bool:
    return block.kind is Kind.HEADING and block.level <= level
