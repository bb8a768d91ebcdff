"""Brackets in a text, filled from facts: '[DURATION]', '[NUMBER] migrations affected'.

What a bracket asks for is told by its name and by the rest of its line. What nobody knows is asked
of a person; a text with a bracket left open is not sent.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from playcall.core.compiler.templates import FIELD
from playcall.core.facts import Facts, say_moment
from playcall.core.plan import Plan, Template
from playcall.core.status_update import UpdateState

LONGEST = 2000  # of what is filled in
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A bracket of a text."""

    id: str  # its place among the text's, from 1
    name: str
    line: str  # that it stands on
    value: str  # empty: nobody knows
    known: bool  # filled from facts, and not by a person
    choices: tuple[str, ...] = ()  # 'DECISION: A or B' offers two


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    name: str
    subject: str
    body: str  # brackets that nobody filled stand in it as written
    blanks: tuple[Blank, ...]

    @property
    def missing(self) -> tuple[Blank, ...]:
        return tuple(blank for blank in self.blanks if not blank.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """A bracket, and what stands around it."""

    name: str  # in capitals
    before: str  # on its line, in small letters
    after: str

    @property
    def words(self) -> set[str]:
        """Of its line and its own."""
        return set(_WORD.findall(f"{self.before} {self.after} {self.name.lower()}"))


def literal(plan: Plan) -> frozenset[str]:
    """Bracketed words that stand for themselves: severities and states."""
    levels = [word.upper() for row in plan.severities for word in (row.level, *row.names)]
    return frozenset([*levels, *(state.upper() for state in UpdateState)])


def unfilled(text: str, plan: Plan) -> tuple[str, ...]:
    """Every bracket that a text still has, as written."""
    words = literal(plan)
    return tuple(found[0] for found in FIELD.finditer(text) if _is_blank(found, words))


def fill_text(text: str, facts: Facts, plan: Plan) -> str:
    """With everything filled that is known."""
    return _Filling(facts, plan, {}).fill(text)


def fill(template: Template, facts: Facts, plan: Plan, given: Mapping[str, str]) -> Filled:
    """`given` are a person's words, by a blank's id; they win over what is known."""
    filling = _Filling(facts, plan, given)
    subject = filling.fill(template.subject or f"{template.name}: {facts.title}")
    body = filling.fill(template.body)
    return Filled(name=template.name, subject=subject, body=body, blanks=tuple(filling.blanks))


class _Filling:
    """Goes through texts and numbers their blanks."""

    def __init__(self, facts: Facts, plan: Plan, given: Mapping[str, str]) -> None:
        self._facts = facts
        self._levels = {row.level for row in plan.severities}
        self._literal = literal(plan)
        self._given = given
        self.blanks: list[Blank] = []

    def fill(self, text: str) -> str:
        return "\n".join(self._line(line) for line in text.split("\n"))

    def _line(self, line: str) -> str:
        pieces: list[str] = []
        end = 0
        for found in FIELD.finditer(line):
            pieces.append(line[end : found.start()])
            end = found.end()
            if not _is_blank(found, self._literal):
                pieces.append(found[0])
                continue
            pieces.append(self._blank(found, line) or found[0])
        return "".join([*pieces, line[end:]])

    def _blank(self, found: re.Match[str], line: str) -> str:
        spot = _Spot(
            name=" ".join(found["name"].replace("_", " ").split()).upper(),
            before=line[: found.start()].lower(),
            after=line[found.end() :].lower(),
        )
        known = _plain(self._known(spot))
        number = str(len(self.blanks) + 1)
        given = " ".join(self._given.get(number, "").split())[:LONGEST]
        blank = Blank(
            id=number,
            name=found["name"].strip(),
            line=line.strip(),
            value=given or known,
            known=bool(known) and given in ("", known),
            choices=tuple(_choices(found["name"])),
        )
        self.blanks.append(blank)
        return blank.value

    def _known(self, spot: _Spot) -> str:
        levels = {word.strip() for word in spot.name.split("/")}
        if levels <= self._levels or re.fullmatch(r"SEVERITY|SEV ?-? ?X|LEVEL", spot.name):
            return self._facts.severity
        for pattern, find in _RULES:
            if re.fullmatch(pattern, spot.name):
                return find(spot, self._facts)
        return _measured(spot, self._facts)


def _is_blank(found: re.Match[str], words: frozenset[str]) -> bool:
    name = found["name"].strip()
    return len(name) > 1 and name.upper() not in words


def _plain(value: str) -> str:
    """On one line, and never with a bracket of its own."""
    line = " ".join(value.split()).replace("[", "(").replace("]", ")")
    return line[:LONGEST]


def _choices(name: str) -> Iterator[str]:
    head, colon, rest = name.partition(":")
    if colon and "decision" in head.lower():
        yield from (one.strip() for one in re.split(r"\s+or\s+|/", rest) if one.strip())


# --- what a bracket's name means -----------------------------------------------------------------


def _time(spot: _Spot, facts: Facts) -> str:
    """The start, unless the line speaks of another moment; one that lies ahead is only known for
    the next update."""
    words = spot.words
    if words & {"eta", "expected", "estimated", "due", "by", "until"}:
        return ""
    if "next" in words:
        return say_moment(facts.next_update) if facts.next_update and "update" in words else ""
    if words & {"resolution", "resolved", "ended", "end", "over"}:
        return say_moment(facts.ended_at) if facts.ended_at else ""
    if words & {"now", "sent", "update", "updated"} or spot.name.startswith("YYYY"):
        return say_moment(facts.at)
    return say_moment(facts.started_at)


def _date(spot: _Spot, facts: Facts) -> str:
    return "" if spot.words & {"due", "review", "next"} else f"{facts.started_at:%Y-%m-%d}"


def _number(spot: _Spot, facts: Facts) -> str:
    """The fact whose words all stand on the line; the most telling, when there are several."""
    found = [
        (len(words), value)
        for name, value in facts.counts.items()
        if (words := set(_WORD.findall(name.lower()))) and words <= spot.words
    ]
    return max(found, key=lambda one: one[0])[1] if found else ""


def _action(spot: _Spot, facts: Facts) -> str:
    number = int(re.sub(r"\D", "", spot.name) or 1)
    return facts.actions[number - 1] if 0 < number <= len(facts.actions) else ""


def _name(spot: _Spot, facts: Facts) -> str:
    return facts.commander if "commander" in spot.words else ""


def _description(spot: _Spot, facts: Facts) -> str:
    return facts.cause if "cause" in spot.words else ""


def _link(spot: _Spot, facts: Facts) -> str:
    meeting = {"room", "meet", "slack", "zoom", "bridge", "call", "channel"}
    return facts.war_room if spot.words & meeting else ""


def _status(spot: _Spot, facts: Facts) -> str:
    return facts.state.upper()


def _measured(spot: _Spot, facts: Facts) -> str:
    """A bracket that goes by the name of a fact or of a measured query."""
    known = {**facts.measures, **facts.counts}
    wanted = _WORD.findall(spot.name.lower())
    return next((v for name, v in known.items() if _WORD.findall(name.lower()) == wanted), "")


_RULES: tuple[tuple[str, Callable[[_Spot, Facts], str]], ...] = (
    (r"TIMESTAMP|TIME|START TIME|YYYY-MM-DD HH:MM.*|HH:MM.*", _time),
    (r"DATE|YYYY-MM-DD|DAY", _date),
    (r"DURATION|X HOURS Y MINUTES", lambda spot, facts: facts.lasted),
    (r"NUMBER|COUNT|#", _number),
    (r"ACTION ?\d*", _action),
    (r"DECISION(:.*)?", lambda spot, facts: "; ".join(facts.decided)),
    (r"(BRIEF |DETAILED )?(DESCRIPTION|EXPLANATION)( OF .*)?|(ROOT )?CAUSE|IF KNOWN", _description),
    (r"ISSUE DESCRIPTION|BRIEF DESCRIPTION OF THE ISSUE|TITLE", lambda spot, facts: facts.title),
    (r"NAME|INCIDENT COMMANDER|COMMANDER", _name),
    (r"NAMES|RESPONDERS", lambda spot, facts: ", ".join(facts.responders)),
    (r".*LINK|WAR ROOM|URL", _link),
    (r"INCIDENT|INCIDENT ID|ID|INCIDENT NUMBER", lambda spot, facts: str(facts.incident)),
    (r"STATUS|STATE|INVESTIGATING ?/.*", _status),
    (r"NEXT UPDATE( TIME)?", lambda spot, facts: _moment(facts)),
)


def _moment(facts: Facts) -> str:
    return say_moment(facts.next_update) if facts.next_update else ""
