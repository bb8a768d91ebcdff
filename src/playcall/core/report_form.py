"""Fills a document's post-mortem template: its headings in its order, its own words kept, what the
events say in place of what it asks for, and the rest asked for, plainly marked."""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import TypeVar

from playcall.core.plan import Template
from playcall.core.report_facts import Facts, Line, Turn

T = TypeVar("T")
TO_WRITE = "_To be written by a person._"


class _About(Enum):
    """What a section of a template asks for."""

    TIMELINE = auto()
    RESOLUTION = auto()
    ACTIONS = auto()
    IMPACT = auto()
    CAUSE = auto()


# By the words of its heading; the first that is found counts.
_SECTIONS = (
    (_About.TIMELINE, r"timeline|chronolog|what happened|sequence of events"),
    (_About.RESOLUTION, r"actions? taken|what was done"),
    (_About.ACTIONS, r"action|will do|follow.?up|next steps|to.?do|prevent|improve"),
    (_About.IMPACT, r"impact|affected|hurt|cost|damage|customers"),
    (_About.CAUSE, r"cause|why"),
    (_About.RESOLUTION, r"resol|fix|remed|helped|mitigat|recover"),
)
_TURNS = (
    (Turn.CAUSE, r"cause|identified|diagnosed"),
    (Turn.MITIGATED, r"mitigat|remed|fix|workaround|rolled? ?back"),
    (Turn.RESOLVED, r"resolved|over\b|recovered|closed|ended"),
    (Turn.PAGED, r"paged?\b|notified"),
    (Turn.INVESTIGATED, r"investigat|look|acknowledg|respon|engaged"),
    (Turn.FIRED, r"fired|trigger|alert|detected"),
)
_FACTS = (
    ("date", r"date|day"),
    ("duration", r"duration|lasted|length|how long"),
    ("severity", r"severity|level|priority"),
    ("title", r"title|summary|name"),
)
_HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<text>.*\S)\s*$")
_FACT = re.compile(r"(?P<lead>\s*(?:[-*+]\s+)?)\*\*(?P<name>[^*]+?):?\*\*:?\s*(?P<value>.*)$")
_TIME = re.compile(r"\s*[-*+]\s+(?:HH:MM(?::SS)?|\[[^\]]*\]|\d\d:\d\d)\s*(?:UTC)?\s*[-–—:]\s*(.+)$")
_BRACKET = re.compile(r"\[(?P<prompt>[^\[\]\n]{2,200})\](?![(\[])")
_LEAD = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])\s+)?(?:\[[ xX]?\]\s+)?")


def fill(template: Template, facts: Facts) -> str:
    """The whole post-mortem."""
    parts: list[str] = []
    heading: str | None = None
    body: list[str] = []
    for line in [*template.body.split("\n"), None]:
        found = _HEADING.match(line) if line is not None else None
        if line is not None and found is None:
            body.append(line)
            continue
        parts += _section(heading, body, facts)
        body = []
        if found:
            heading = found["text"]
            parts.append(f"{found['marks']} {_worded(heading, facts)}")
    return "\n".join(parts).strip("\n") + "\n"


def timeline(facts: Facts, called: Mapping[Turn, str]) -> list[str]:
    """Every line; the turns that a template names are called as it calls them."""
    return [f"- {facts.clock(line.at)} - {_told(line, facts, called)}" for line in facts.timeline()]


def _told(line: Line, facts: Facts, called: Mapping[Turn, str]) -> str:
    link = facts.link(line.n, line.of) if line.n else ""
    if Turn.FIRED in line.turns:
        return f"{called.get(Turn.FIRED, Turn.FIRED)}{link}"
    names = [called[turn] for turn in line.turns if turn in called]
    return "".join(f"**{name}**: " for name in names) + line.text + link


def _section(heading: str | None, body: list[str], facts: Facts) -> list[str]:
    about = _match(_SECTIONS, heading or "")
    if about is _About.TIMELINE:
        return _timeline(body, facts)
    made, answered = _made(about, facts)
    asked = [line for line in body if line.strip() and _asks(line)]
    kept = [line for line in body if not (line.strip() and _asks(line))]
    if about is None:
        return [_asked(line, facts) for line in body]
    if not answered:
        made += [_asked(line, facts) for line in asked] or ["", TO_WRITE]
    words = "\n".join(kept).strip("\n")
    return ["", *([words, ""] if words else []), *made, ""]


def _made(about: _About | None, facts: Facts) -> tuple[list[str], bool]:
    """What the events say to a section, and whether nothing is left to ask."""
    match about:
        case _About.IMPACT:
            return facts.impact(), False
        case _About.CAUSE:
            cause = facts.cause()
            return ([cause], True) if cause else ([], False)
        case _About.RESOLUTION:
            fixes = facts.resolution()
            return (fixes, True) if fixes else (["Nothing was changed by Playcall.", ""], False)
        case _About.ACTIONS:
            actions = facts.actions()
            return actions, bool(actions)
        case _:
            return [], False


def _timeline(body: list[str], facts: Facts) -> list[str]:
    """In the order of the clock; what a template names and nobody recorded is asked for at the
    end."""
    called: dict[Turn, str] = {}
    rest: list[str] = []
    words: list[str] = []
    known = facts.turns()
    for line in body:
        found = _TIME.match(line)
        turn = _match(_TURNS, found[1]) if found else None
        if found and turn and turn in known and turn not in called:
            called[turn] = found[1].strip()
        elif found:
            rest.append(f"- HH:MM - {found[1].strip()}: {TO_WRITE}")
        elif line.strip():
            words.append(_asked(line, facts))
    return ["", *([*words, ""] if words else []), *timeline(facts, called), *rest, ""]


def _match(table: tuple[tuple[T, str], ...], text: str) -> T | None:
    return next((meant for meant, words in table if re.search(words, text, re.IGNORECASE)), None)


def _asks(line: str) -> bool:
    return _BRACKET.search(line[_lead(line) :]) is not None or not line[_lead(line) :].strip(". …")


def _lead(line: str) -> int:
    found = _LEAD.match(line)
    return found.end() if found else 0


def _asked(line: str, facts: Facts) -> str:
    """A line outside what the events can say: a fact by its name, or a question to a person."""
    fact = _FACT.match(line)
    if fact:
        known = _known(fact["name"], facts)
        if known is None and (not fact["value"].strip() or _BRACKET.search(fact["value"])):
            known = TO_WRITE
        return line if known is None else f"{fact['lead']}**{fact['name']}:** {known}  "
    start = _lead(line)
    if not line.strip() or not _asks(line):
        return line
    prompt = _BRACKET.sub(lambda found: found["prompt"].strip(), line[start:]).strip(" .…")
    return f"{line[:start]}{prompt}: {TO_WRITE}" if prompt else f"{line[:start]}{TO_WRITE}"


def _worded(heading: str, facts: Facts) -> str:
    """A heading, with what it has in brackets filled in."""

    def put(found: re.Match[str]) -> str:
        prompt = found["prompt"]
        number = re.search(r"\b(?:id|number|no)\b", prompt, re.IGNORECASE)
        return str(facts.opened.incident) if number else _known(prompt, facts) or TO_WRITE

    return _BRACKET.sub(put, heading)


def _known(name: str, facts: Facts) -> str | None:
    match _match(_FACTS, name):
        case "date":
            return facts.date
        case "duration":
            return facts.duration
        case "severity":
            return facts.severity
        case "title":
            return facts.title
        case _:
            return None
