"""Small readings of a line of prose: durations, ranges, emphasis, 'Name: value'. No documents."""

import re
from datetime import timedelta

_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}
_UNIT = r"(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b"
_NUMBER = r"(?<![\w.])(\d{1,6}(?:\.\d{1,6})?)"
_DURATION = re.compile(
    rf"{_NUMBER}\+?\s*(?:(?:consecutive|straight|full|whole)\s+)?{_UNIT}", re.IGNORECASE
)
_COMPOUND = re.compile(r"(?<![\w.])((?:\d{1,4}[wdhms]){2,4})(?!\w)", re.IGNORECASE)
_RANGE = re.compile(rf"{_NUMBER}\s*(?:-|–|—|to)\s*(\d{{1,6}})\s*{_UNIT}", re.IGNORECASE)
_IMMEDIATE = re.compile(r"\b(immediate(ly)?|at once|right away|now)\b", re.IGNORECASE)
LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()]{0,600}\)")
_PAIR = re.compile(
    r"^(?:\*\*|__)(?P<bold>[^*:]{1,60})(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:)\s*(?P<value>.*)$"
)
_PLAIN_PAIR = re.compile(r"^(?P<name>[A-Z][A-Za-z -]{1,40}):\s+(?P<value>\S.*)$")
_BOX = re.compile(r"\s*\(([^()]*)\)\s*:?\s*$")
_TASK = re.compile(r"^\[[ xX]\]\s+")


def plain(text: str) -> str:
    """Without emphasis, code ticks, link targets, and line ends."""
    text = LINK.sub(r"\1", text)
    text = text.replace("**", "").replace("`", "")
    return " ".join(text.split()).strip("_* ")


def title(text: str) -> str:
    """A heading's words: no emoji before them, no '#' or ':' after."""
    text = re.sub(r"^[^\w\"'#<\[(/.$]+", "", plain(text))
    return text.rstrip("#: ").strip()


def duration(text: str) -> timedelta | None:
    """The first duration named: '<5 minutes', 'After 10 min', 'Within 24 Hours', '1h30m'."""
    found = _DURATION.search(text)
    several = _COMPOUND.search(text)
    if several is not None and (found is None or several.start() < found.start()):
        parts = re.findall(r"(\d+)([wdhms])", several[1].lower())
        return sum((_span(number, unit) for number, unit in parts), timedelta())
    return None if found is None else _span(found[1], found[2])


def delay(text: str) -> timedelta | None:
    """A duration, or zero for 'immediate'."""
    found = duration(text)
    if found is None and _IMMEDIATE.search(text):
        return timedelta(0)
    return found


def every(text: str) -> timedelta | None:
    """A cadence: 'Every 15 minutes', 'hourly'."""
    found = re.search(r"\bevery\s+(?:hour|day|minute)\b|\bhourly\b|\bdaily\b", text, re.IGNORECASE)
    if found is None:
        return duration(text)
    word = found[0].lower()
    return timedelta(days=1) if "da" in word else timedelta(seconds=60 if "min" in word else 3600)


def time_box(text: str) -> tuple[str, timedelta | None, timedelta | None]:
    """'Actions (First 5 Minutes)' -> 'Actions', 0, 5 min; a heading without a box keeps None."""
    found = _BOX.search(text)
    if found is None:
        return text, None, None
    inside = found[1]
    both = _RANGE.search(inside)
    if both is not None:
        rest = text[: found.start()]
        return rest, _span(both[1], both[3]), _span(both[2], both[3])
    end = duration(inside)
    if end is None:
        return text, None, None
    if re.search(r"\bafter\b", inside, re.IGNORECASE):
        return text[: found.start()], end, None
    return text[: found.start()], timedelta(0), end


def pair(text: str) -> tuple[str, str] | None:
    """A bold '**Name:** value'."""
    found = _PAIR.match(text.strip())
    if found is None:
        return None
    return plain(found["bold"]), found["value"].strip()


def plain_pair(text: str) -> tuple[str, str] | None:
    """A 'Name: value' with or without emphasis on the name."""
    bold = pair(text)
    if bold is not None:
        return bold
    found = _PLAIN_PAIR.match(text.strip())
    return None if found is None else (found["name"].strip(), found["value"].strip())


def task(text: str) -> str | None:
    """The text of a '[ ] task', or None when it is none."""
    return _TASK.sub("", text) if _TASK.match(text) else None


def one_line(text: str) -> str:
    return " ".join(text.split())


def people(text: str) -> tuple[str, ...]:
    """'A + B', 'A, B and C' as a list."""
    parts = re.split(r"\s*(?:\+|,|;|&|\band\b)\s*", text)
    return tuple(part.strip() for part in parts if part.strip())


def says(name: str, asked: str) -> bool:
    """Whether the words of `asked` stand in `name` as words: 'on-call' in 'On-Call Primary', and
    not 'ml' in 'Team Lead'. The last one may be cut short: 'perf'."""
    return f" {_words(asked)}" in f" {_words(name)}"


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", re.sub(r"[-_']", "", text.lower())))


def _span(number: str, unit: str) -> timedelta:
    name = unit.lower()
    seconds = _UNITS.get(name) or _UNITS[name.rstrip("s")]
    return timedelta(seconds=float(number) * seconds)
