"""What stands outside the plays: facts, escalation, tables, communication, and single commands.

Rollback and duties have their own module.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from playcall.core.communication import Audience, Channel, Contact, Impact, StatusPage, StatusText
from playcall.core.compiler import commands, ladder, phrases, tables
from playcall.core.compiler.aftermath import Aftermath, AftermathReader
from playcall.core.compiler.annotations import Demand
from playcall.core.compiler.blocks import Block, Kind
from playcall.core.compiler.commands import CommandReader
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.sections import Section
from playcall.core.plan import Command, Fact, Rung, Severity, Team

_CHANNEL = re.compile(
    r"^(?:\*\*|`)*(?P<name>#[\w-]{2,80})(?:\*\*|`)*\s*(?:[-–—:]\s*(?P<what>.*))?$"
)
_NAMED_CHANNEL = re.compile(r"(?:\*\*|`)(?P<name>#[a-z][\w-]{2,80})(?:\*\*|`)")
_URL = re.compile(r"https?://[^\s)>\]]+[^\s)>\].,;:]")
_STATE = re.compile(r"^\s*\[[^\]]*\]\s*[-–—:]\s*(?P<state>[A-Z][A-Z -]*[A-Z])\s*$")
_TOLD = {
    "first": re.compile(r"^(?:initial|first|notify|within)\b", re.IGNORECASE),
    "every": re.compile(r"^(?:updates?|cadence|frequency|then)\b", re.IGNORECASE),
    "recipients": re.compile(r"^(?:recipients?|to|who|audience)\b", re.IGNORECASE),
}
_TOPICS = (
    ("rollback", r"roll ?-?back"),
    ("aftermath", r"post-?\s?incident|after the incident|post-?mortem|follow-?up"),
    ("status", r"status page"),
    ("contents", r"contents|toc"),
    ("essentials", r"essential|quick reference|(?:common|useful|handy) commands|cheat ?sheet"),
)


@dataclass(slots=True)
class Policies:
    """Collected while the document is read."""

    facts: list[Fact] = field(default_factory=list)
    severities: list[Severity] = field(default_factory=list)
    without_play: set[str] = field(default_factory=set)
    rungs: list[Rung] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    status_page: StatusPage | None = None
    audiences: list[Audience] = field(default_factory=list)
    impacts: list[Impact] = field(default_factory=list)
    essentials: list[Command] = field(default_factory=list)
    aftermath: Aftermath = field(default_factory=Aftermath)


class PolicyReader:
    """Reads the sections that belong to no play, in the order of the document."""

    def __init__(self, ledger: Ledger, levels: Mapping[str, str], everywhere: Demand) -> None:
        self.ledger = ledger
        self.levels = levels
        self.found = Policies()
        self._commands = CommandReader(ledger, everywhere)
        self._aftermath = AftermathReader(ledger, levels, self._commands)

    def read(self, section: Section, topic: str) -> str:
        """Read a section's own blocks; returns its topic, which its children inherit."""
        topic = topic_of(section.title) or topic
        if topic == "contents":
            for block in section.blocks:
                self.ledger.take(block.first, block.last, "table of contents")
            return topic
        if topic == "rollback":
            self._aftermath.rollback(section, self.found.aftermath)
        if topic == "aftermath":
            self._aftermath.duties(section, self.found.aftermath)
        if ladder.speaks_of_escalation(section.title) and not self.found.rungs:
            headings = tuple((child.title, child.line) for child in section.children)
            self.found.rungs += ladder.read_levels(headings, self.ledger)
        for before, block in zip((None, *section.blocks[:-1]), section.blocks, strict=False):
            self._block(block, before, section, topic)
        return topic

    def _block(self, block: Block, before: Block | None, section: Section, topic: str) -> None:
        if self._is_path(block, section):
            self.found.rungs += ladder.read_ladder(block, self.ledger)
        elif block.kind is Kind.PARAGRAPH:
            self._paragraph(block, topic)
        elif block.kind is Kind.TABLE:
            self._table(block, section)
        elif block.kind is Kind.LIST:
            self._list(block, before, section)
        elif block.is_code:
            self._code(block, section, topic)

    def _is_path(self, block: Block, section: Section) -> bool:
        """A drawing wherever it stands; a paragraph where it is about escalation."""
        return ladder.is_ladder(block) and (
            block.is_code or ladder.speaks_of_escalation(section.title)
        )

    def _paragraph(self, block: Block, topic: str) -> None:
        pairs = [phrases.pair(text) for text in block.text.split("\n")]
        for line, found in enumerate(pairs, block.first):
            if found is not None and found[1]:
                self.found.facts.append(
                    Fact(name=found[0], value=phrases.plain(found[1]), line=line)
                )
                self.ledger.take(line, line, f"fact {found[0]}")
        for written in _NAMED_CHANNEL.finditer(block.text):
            self._channel(written["name"], phrases.plain(block.text), block.first, block.last)
        url = _URL.search(block.text)
        speaks = topic == "status" or re.search(r"status ?page", block.text, re.IGNORECASE)
        if speaks and url is not None and self.found.status_page is None:
            self._status_page(block, url[0])

    def _status_page(self, block: Block, url: str) -> None:
        every = phrases.every(block.text)
        self.ledger.take(block.first, block.last, "status page")
        if every is None:
            self.ledger.warn(
                "PC108",
                block.first,
                "The status page has no cadence, so no update would ever be due.",
                "Say how often: 'every 15 minutes'.",
            )
            return
        self.found.status_page = StatusPage(url=url, every=every, texts=(), line=block.first)

    def _table(self, block: Block, section: Section) -> None:
        if ladder.is_tabled(block, section.title) and not self.found.rungs:
            self.found.rungs += ladder.read_tabled(block, self.ledger)
            return
        read = tables.read_table(block, self.ledger)
        self.found.severities += read.severities
        self.found.without_play |= read.without_play
        self.found.teams += read.teams
        self.found.contacts += read.contacts
        self.found.audiences += (
            replace(told, severity=self.levels.get(told.severity or "")) for told in read.audiences
        )
        self.found.impacts += read.impacts

    def _list(self, block: Block, before: Block | None, section: Section) -> None:
        if ladder.is_listed(block, section.title) and not self.found.rungs:
            self.found.rungs += ladder.read_listed(block, self.ledger)
            return
        for item in block.children:
            channel = _CHANNEL.match(_head(item))
            if channel is not None:
                what = phrases.plain(channel["what"] or "")
                self._channel(channel["name"], what, item.first, item.last_text)
        told = {key: item for item in block.children if (key := _told(item)) is not None}
        if len(told) > 1:
            self._audience(block, told, before, section)

    def _channel(self, name: str, purpose: str, first: int, last: int) -> None:
        if all(known.name != name for known in self.found.channels):
            self.found.channels.append(Channel(name=name, purpose=purpose, line=first))
        self.ledger.take(first, last, f"channel {name}")

    def _audience(
        self, block: Block, told: dict[str, Block], before: Block | None, section: Section
    ) -> None:
        led = (
            before is not None and before.kind is Kind.PARAGRAPH and before.last >= block.first - 2
        )
        name = phrases.title(before.text if led and before is not None else section.title)
        line = before.first if led and before is not None else section.line
        first = _value(told.get("first"))
        every = _value(told.get("every"))
        self.found.audiences.append(
            Audience(
                name=name,
                severity=next(
                    (self.levels[s] for s in sorted(self.levels) if _names(name, s)), None
                ),
                first_within=phrases.delay(first),
                every=phrases.every(every),
                recipients=phrases.people(_value(told.get("recipients"))),
                line=line,
            )
        )
        self.ledger.take(line, line, f"audience {name}")
        for item in told.values():
            self.ledger.take(item.first, item.last_text, f"audience {name}")

    def _code(self, block: Block, section: Section, topic: str) -> None:
        if commands.is_shell(block):
            if topic == "essentials":
                read = self._commands.read(block, "essential", section.title, None)
                self.found.essentials += read
            elif topic not in ("rollback", "aftermath"):
                self._tell_homeless(block)
        elif topic == "status" and self.found.status_page is not None:
            self._status_texts(block, self.found.status_page)

    def _tell_homeless(self, block: Block) -> None:
        self.ledger.note(
            "PC109",
            block.first,
            "These commands belong to no play, so no alert can call them.",
            "Move them under an alert's heading, or under 'Essential Commands'.",
        )

    def _status_texts(self, block: Block, page: StatusPage) -> None:
        texts: list[StatusText] = []
        for line, text in enumerate(block.text.split("\n"), block.body_line):
            state = _STATE.match(text)
            if state is not None:
                texts.append(StatusText(state=state["state"], body="", line=line))
            elif texts and text.strip():
                last = texts[-1]
                body = f"{last.body}\n{text.strip()}".strip()
                texts[-1] = StatusText(state=last.state, body=body, line=last.line)
        if texts:
            self.ledger.take(block.first, block.last, "status texts")
            self.found.status_page = StatusPage(
                url=page.url, every=page.every, texts=(*page.texts, *texts), line=page.line
            )


def holds_policy(section: Section) -> bool:
    """Whether a section of an alert's own page says whom to call, or what is owed and by when."""
    if topic_of(section.title) == "aftermath":
        return any(phrases.duration(inner.title) is not None for inner in section.inside())
    title = section.title
    return any(
        (ladder.is_ladder(block) and (block.is_code or ladder.speaks_of_escalation(title)))
        or ladder.is_listed(block, title)
        or ladder.is_tabled(block, title)
        for block in section.blocks
    )


def topic_of(title: str) -> str | None:
    words = title.lower()
    return next((t for t, pattern in _TOPICS if re.search(rf"\b(?:{pattern})", words)), None)


def _head(item: Block) -> str:
    first = item.children[0] if item.children else None
    return first.text if first is not None and first.kind is Kind.PARAGRAPH else ""


def _told(item: Block) -> str | None:
    found = phrases.plain_pair(_head(item))
    if found is None:
        return None
    return next((key for key, pattern in _TOLD.items() if pattern.match(found[0])), None)


def _value(item: Block | None) -> str:
    found = phrases.plain_pair(_head(item)) if item is not None else None
    return "" if found is None else phrases.plain(found[1])


def _names(name: str, level: str) -> bool:
    return re.search(rf"\b{re.escape(level)}\b", name, re.IGNORECASE) is not None
