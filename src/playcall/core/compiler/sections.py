"""Blocks to a tree of headed sections, and what each heading says the section is for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Kind, walk
from playcall.core.plan import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with everything down to the next one of its level; level 0 is the document."""

    title: str  # without emphasis and emoji; the time box is still in it
    code: tuple[str, ...] = ()  # what is written as code in its heading
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
        r"symptoms?|meaning|impact|signs|indicators|summary|overview|description",
    ),
    (Role.COMMUNICATE, r"communicat\w*|templates?|notifications?|status page|stakeholders?"),
    (Role.DECIDE, r"decisions?|decide|go/no-go"),
    (
        Role.DIAGNOSE,
        r"diagnos\w+|troubleshoot\w*|investigat\w+|root cause( analysis)?|deep dive|analysis"
        r"|possible checks|quick checks|checks|verify|verification|determine|debug\w*|triage"
        r"|(?:what|where) to (?:check|look)|assess(?:ment)?|gather \w+",
    ),
    (Role.RESOLVE, r"resolutions?|resolve|recover\w*|clos(e|ing|ure)|verify fix"),
    (
        Role.ACT,
        r"actions?|mitigations?|mitigate|fix(es)?|remed\w+|response|steps|procedure|workarounds?"
        r"|rollback|containment|what to do|repair",
    ),
)
# Headings that say so only as a whole: 'Trigger' is a condition, 'Trigger a failover' an action.
_WHOLE: tuple[tuple[Role, re.Pattern[str]], ...] = (
    (
        Role.SYMPTOMS,
        re.compile(
            r"detection|how (?:it is|is it|was it) detected"
            r"|(?:alert )?(?:triggers?|conditions?|rule|definition|details|expression)"
            r"|trigger(?:ing)? conditions?|thresholds?|background"
            r"|(?:triggers|fires|triggered|firing) (?:when|if)|(?:why|when) (?:it|this|does it|does"
            r" this|the|does the)(?: alert)? fires?|what (?:it|this|does it|does this)(?: alert)?"
            r" means?"
        ),
    ),
    (
        Role.RESOLVE,
        re.compile(
            r"when is (?:it|this) (?:over|resolved|fixed)"
            r"|(?:exit|success|recovery|resolution|closure|all.clear) criteria"
            r"|all.clear|(?:resolved|done|over) when|back to normal"
        ),
    ),
)
_CONFIRMS = re.compile(
    r"verif(?:y|ication)|validat(?:e|ion)|confirm(?:ation)?|(?:verify|validate|confirm|check)"
    r" (?:the |that )?.*|how to (?:verify|confirm).*|verification (?:steps|checks)"
)
_ALERT_WORDS = re.compile(r"^(?:alert(?:\s*name)?|play(?:book)?|runbook)\s*:\s*", re.IGNORECASE)
# 'Alert DiskFull', 'Runbook for DiskFull', 'DiskFull alert'
_BEFORE = re.compile(r"^(?:the\s+)?(?:alert|play(?:book)?|runbook)\s+(?:for\s+)?", re.IGNORECASE)
_BEHIND = re.compile(r"\s+(?:alert|playbook|runbook)s?$", re.IGNORECASE)
_NUMBERING = re.compile(r"^\d+(?:\.\d+)*[.)]?\s+")
# 'DiskFull', 'SSPDown', 'etcdMembersDown'; not 'Overview', 'VMs' or 'macOS'.
_CAMEL = re.compile(
    r"^(?:[A-Z](?=\w*[a-z])(?=\w*[a-z0-9][A-Z])\w+|[A-Z]{3,}[a-z]{2,}\w*"
    r"|[a-z]+(?:[A-Z]+[a-z0-9]+){2,})$",
    re.ASCII,
)
_SUFFIX = re.compile(r"\s*\[[^\[\]]*\]$")
_BRACKETS = re.compile(r"\s*\([^()]*\)\s*$")
_DASH = re.compile(r"\s+[-–—]+\s+")
SEVERITY_WORDS = ("severity", "priority", "alert severity", "severity level", "sev", "urgency")
_BOLD = re.compile(r"(?:\*\*|__)(?P<title>[^*_\n]{3,60})(?:\*\*|__):?")
_LEADS = re.compile(r"(?:if|in case|option|scenario|variant|otherwise|else)\b", re.IGNORECASE)
_SHOUT = re.compile(r"^[A-Z][A-Za-z0-9_]{2,}$")


def read_sections(blocks: tuple[Block, ...], line_count: int) -> Section:
    """The document as one section of level 0."""
    return _section("", 0, 1, line_count, blocks)


def role_of(title: str) -> Role | None:
    words = phrases.time_box(_NUMBERING.sub("", title))[0].lower()
    whole = words.strip(" ?:")
    for role, shape in _WHOLE:
        if shape.fullmatch(whole):
            return role
    for role, pattern in _ROLES:
        if re.search(rf"\b(?:{pattern})\b", words):
            return role
    return None


def confirms(title: str) -> bool:
    """Whether a heading such as 'Verification' tells, behind a remedy, how to see its success."""
    return _CONFIRMS.fullmatch(phrases.time_box(title)[0].lower().strip(" ?:")) is not None


def below_bold(section: Section, own: tuple[Block, ...]) -> tuple[Section, ...]:
    """Its blocks cut at paragraphs that are bold as a whole and say what follows, as headings do;
    what stands above the first is a section without a title."""
    cut: list[tuple[str, int, list[Block]]] = [("", section.line, [])]
    for block in own:
        bold = _BOLD.fullmatch(block.text.strip()) if block.kind is Kind.PARAGRAPH else None
        title = phrases.title(bold["title"]) if bold else ""
        if title and role_of(title) is not None and not _LEADS.match(title):
            cut.append((title, block.first, []))
        else:
            cut[-1][2].append(block)
    return tuple(
        Section(
            title=title,
            level=section.level + 1,
            line=line,
            last_line=blocks[-1].last if blocks else line,
            blocks=tuple(blocks),
            children=(),
        )
        for title, line, blocks in cut
    )


def alerts_of(section: Section, stem: str = "") -> tuple[str, ...]:
    """The alert names a heading gives, when the section is a play; otherwise none.

    `stem` is the file's name without its ending: a page of its own is named like its alert.
    """
    if section.level == 0:
        return ()
    if own := _page(section, stem):
        return own
    named = _ALERT_WORDS.match(section.title) is not None
    names = _names(section.title, named) or _in_code(section)
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


def page_names(document: Section, stem: str, facts: Mapping[str, str]) -> tuple[str, ...]:
    """The alerts that a page is for when none of its headings says so: its front matter does, or
    its file's name, and its sections are those of a play."""
    roles = {role_of(child.title) for child in document.inside() if child.title}
    if not roles & {Role.DIAGNOSE, Role.RESOLVE, Role.ACT}:
        return ()
    asked = [facts.get(key, "") for key in ("alertname", "alert", "alerts", "title")]
    for text in (*asked, stem):
        if names := _names(phrases.title(text), named=False):
            return names
    return ()


def _in_code(section: Section) -> tuple[str, ...]:
    """'Responding to `DiskFull`'."""
    sure = _has_severity(section) or any(role_of(child.title) for child in section.children)
    named = sure and section.code and all(_CAMEL.match(text) for text in section.code)
    return section.code if named else ()


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
    text = _DASH.split(_SUFFIX.sub("", text), maxsplit=1)[0]
    text = re.sub(r"[^\w]+$", "", _BRACKETS.sub("", text))
    if not named:
        text = _BEHIND.sub("", _BEFORE.sub("", text))
    parts = [part.strip() for part in re.split(r"\s*(?:[/,&+|]|\b(?:and|or)\b)\s*", text)]
    shape = _SHOUT if named else _CAMEL
    return tuple(parts) if parts and all(shape.match(part) for part in parts) else ()


def _has_content(section: Section) -> bool:
    if any(role_of(child.title) for child in section.children):
        return True
    blocks = walk(section.blocks)
    steps = any(b.is_code or b.number is not None for b in blocks)
    return steps or _has_severity(section)


def _has_severity(section: Section) -> bool:
    return any(
        (found := phrases.plain_pair(line)) is not None and found[0].lower() in SEVERITY_WORDS
        for block in walk(section.blocks)
        if block.kind is Kind.PARAGRAPH
        for line in block.text.split("\n")
    )


def _section(
    title: str,
    level: int,
    line: int,
    last: int,
    blocks: tuple[Block, ...],
    code: tuple[str, ...] = (),
) -> Section:
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
        children.append(
            _section(
                phrases.title(head.text),
                head.level,
                head.first,
                child_last,
                blocks[index + 1 : end],
                tuple(re.findall(r"`([^`]+)`", head.text)),
            )
        )
        index = end
    return Section(
        title=title,
        code=code,
        level=level,
        line=line,
        last_line=last,
        blocks=own,
        children=tuple(children),
    )


def _closes(block: Block, level: int) -> bool:
    return block.kind is Kind.HEADING and block.level <= level
