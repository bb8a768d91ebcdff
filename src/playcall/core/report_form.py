"""Fills a document's post-mortem template: its headings in its order, its own words kept, what the
events say in place of what it asks for, and the rest asked for, plainly marked."""

import re
from collections.abc import Container, Mapping
from enum import Enum, auto
from typing import TypeVar

from playcall.core import review_words
from playcall.core.plan import Template
from playcall.core.report_facts import Facts, Line, Turn

T = TypeVar("T")
TO_WRITE = "_To be written by a person._"


class About(Enum):
    """What a section of a template asks for."""

    TIMELINE = auto()
    RESOLUTION = auto()
    ACTIONS = auto()
    IMPACT = auto()
    METRICS = auto()
    CAUSE = auto()


# By the words of its heading; the first that is found counts.
_SECTIONS = (
    (About.TIMELINE, r"timeline|chronolog|what happened|sequence of events"),
    (About.RESOLUTION, r"actions? taken|what was done"),
    (About.ACTIONS, r"action|will do|follow.?up|next steps|to.?do|prevent|improve"),
    (About.IMPACT, r"impact|affected|hurt|cost|damage|customers"),
    (About.METRICS, r"\bmetrics?\b|\bgraphs?\b|\bcharts?\b|\bdashboards?\b|\bnumbers\b"),
    (About.CAUSE, r"cause|why"),
    (About.RESOLUTION, r"resol|fix|remed|helped|mitigat|recover"),
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
    sections = _sections(template.body)
    after = _before_metrics(sections)
    for number, (marks, heading, body) in enumerate(sections):
        if marks:
            parts.append(f"{marks} {_worded(heading, facts)}")
        parts += _section(marks, heading, body, facts)
        if number == after:
            parts += metrics(facts, marks or "##")
    return "\n".join(parts).strip("\n") + "\n"


def _sections(body: str) -> list[tuple[str, str, list[str]]]:
    """The marks of each heading, its text, and what stands below it."""
    found: list[tuple[str, str, list[str]]] = [("", "", [])]
    for line in body.split("\n"):
        heading = _HEADING.match(line)
        if heading:
            found.append((heading["marks"], heading["text"], []))
        else:
            found[-1][2].append(line)
    return found


def _before_metrics(sections: list[tuple[str, str, list[str]]]) -> int | None:
    """Which section they follow where a template has none for them: the impact, else whatever comes
    before the action items, else the last one."""
    asked = [about(heading) for _, heading, _ in sections]
    if About.METRICS in asked:
        return None
    if About.IMPACT in asked:
        return asked.index(About.IMPACT)
    return (asked.index(About.ACTIONS) if About.ACTIONS in asked[1:] else len(asked)) - 1


def metrics(facts: Facts, marks: str) -> list[str]:
    """A section of its own; nothing where nothing was measured."""
    if facts.review is None:
        return []
    return [f"{marks} {review_words.HEADING}", "", *_measured(facts, marks), ""]


def _measured(facts: Facts, marks: str) -> list[str]:
    if facts.review is None:
        return []
    return review_words.section(facts.review, facts.opened.incident, facts.url, marks)


def impact(facts: Facts) -> list[str]:
    """What the alerts say, and what was measured."""
    if facts.review is None:
        return facts.impact()
    measured = review_words.impact(facts.review, facts.opened.incident, facts.url)
    # The empty line keeps new numbers from a conflict with what people write below them.
    return [*facts.impact(), *measured, ""]


def timeline(facts: Facts, called: Mapping[Turn, str]) -> list[str]:
    """Every line; the turns that a template names are called as it calls them."""
    return [f"- {facts.clock(line.at)} - {_told(line, facts, called)}" for line in facts.timeline()]


def _told(line: Line, facts: Facts, called: Mapping[Turn, str]) -> str:
    link = facts.link(line.n, line.of) if line.n else ""
    if Turn.FIRED in line.turns:
        return f"{called.get(Turn.FIRED, Turn.FIRED)}{link}"
    names = [called[turn] + at_latest(turn, line.turns) for turn in line.turns if turn in called]
    names += [line.mark] if line.mark else []
    return "".join(f"**{name}**: " for name in names) + line.text + link


def at_latest(turn: Turn, turns: Container[Turn]) -> str:
    """After the name of a turn: a cause that was named at the end was found some time before."""
    return ", at the latest" if turn is Turn.CAUSE and Turn.RESOLVED in turns else ""


def about(heading: str) -> About | None:
    """What a section of that heading is about."""
    return _match(_SECTIONS, heading)


def _section(marks: str, heading: str, body: list[str], facts: Facts) -> list[str]:
    asks = about(heading)
    if asks is About.TIMELINE:
        return _timeline(body, facts)
    made, answered = _made(asks, facts, marks)
    asked = [line for line in body if line.strip() and _asks(line)]
    kept = [line for line in body if not (line.strip() and _asks(line))]
    if asks is None:
        return [_asked(line, facts) for line in body]
    if not answered:
        made += [_asked(line, facts) for line in asked] or ["", TO_WRITE]
    words = "\n".join(kept).strip("\n")
    return ["", *([words, ""] if words else []), *made, ""]


def _made(asks: About | None, facts: Facts, marks: str) -> tuple[list[str], bool]:
    """What the events say to a section, and whether nothing is left to ask."""
    match asks:
        case About.IMPACT:
            return impact(facts), False
        case About.METRICS:
            measured = _measured(facts, marks)
            return measured, bool(measured)
        case About.CAUSE:
            cause = facts.cause()
            return ([cause], True) if cause else ([], False)
        case About.RESOLUTION:
            fixes = facts.resolution()
            return (fixes, True) if fixes else (["Nothing was changed by Playcall.", ""], False)
        case About.ACTIONS:
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
